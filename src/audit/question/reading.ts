import type { InterceptionFilter } from './interception-filter.ts';
import type { Scope } from './scope.ts';

/** Filters on facts with few values, whose combinations are known as the kinds of interceptions. */
export const KIND_FILTERS = [
  'provider',
  'providerType',
  'model',
  'servedModel',
  'purpose',
  'client',
  'api',
  'status',
  'errorType',
  'credentialKind',
  'streaming',
  'failedOver',
] as const;

/**
 * How a page of the newest matches is read:
 *
 * - `index`: one index backwards gives the matches and hardly anything else;
 * - `kinds`: the newest of the kinds that have the newest;
 * - `search`: find first, sort then, looking further back until the page is full.
 */
export type Reading = 'index' | 'kinds' | 'search';

const ANY: ReadonlySet<string> = new Set([
  'startedAfter',
  'startedBefore',
  'initiator',
  'textSource',
]);
/** Filters that no index has in the order of ids: a match may be anywhere. */
const SCATTERED: ReadonlySet<string> = new Set(['minTokens', 'minDurationMs']);
const OF_KINDS: ReadonlySet<string> = new Set(KIND_FILTERS);

export function readingOf(scope: Scope, filter: InterceptionFilter, hasKinds: boolean): Reading {
  if (filter.text !== undefined) return 'search';
  // Of one conversation there are never so many that it matters how they are read.
  if (filter.session !== undefined) return 'index';
  const names = narrowing(filter);
  const isOnePerson = isAboutOnePerson(scope, filter);
  if (hasKinds && (isOnePerson || names.every((name) => OF_KINDS.has(name)))) return 'kinds';
  const isInOrder = names.length <= 1 && !names.some((name) => SCATTERED.has(name));
  return isOnePerson || isInOrder ? 'index' : 'search';
}

function isAboutOnePerson(scope: Scope, { initiator }: InterceptionFilter): boolean {
  return scope.kind === 'own' || initiator?.length === 1;
}

/** The names of what is asked for, besides what any index can be read by or nothing is narrowed by. */
function narrowing(filter: InterceptionFilter): string[] {
  return Object.entries(filter)
    .filter(([name, wanted]) => wanted !== undefined && !ANY.has(name))
    .map(([name]) => name);
}
