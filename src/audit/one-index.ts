import type { InterceptionFilter } from './interception-filter.ts';
import type { Scope } from './scope.ts';

/** Of one person or one conversation there are never so many that it matters how they are read. */
const NARROW: ReadonlySet<string> = new Set(['initiator', 'session']);
const TIMES: ReadonlySet<string> = new Set(['startedAfter', 'startedBefore']);

/** Whether one index, read backwards, gives the matches and hardly anything else. */
export function isInOneIndex(scope: Scope, filter: InterceptionFilter): boolean {
  if (filter.text !== undefined) return false;
  const names = Object.entries(filter)
    .filter(([name, wanted]) => wanted !== undefined && !TIMES.has(name))
    .map(([name]) => name);
  return scope.kind === 'own' || names.length <= 1 || names.some((name) => NARROW.has(name));
}
