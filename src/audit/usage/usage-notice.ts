import type { AuditConfig } from '../../config/index.ts';
import type { Scope } from '../question/scope.ts';
import { isAboutPeople } from './about-people.ts';
import type { UsageQuery } from './usage-shape.ts';

const DAY_MS = 86_400_000;

/** What sums do not tell any more of single people because this bridge does not keep it for ever. */
export function usageNotice(
  question: { readonly scope: Scope; readonly query: UsageQuery },
  { usageRetentionMs }: Pick<AuditConfig, 'usageRetentionMs'>,
  nowMs: number,
): string | undefined {
  const { scope, query } = question;
  if (usageRetentionMs === 0 || !isAboutPeople(scope, query)) return undefined;
  const { startedAfter } = query;
  const fromMs = startedAfter === undefined ? -Infinity : Date.parse(startedAfter);
  if (fromMs >= nowMs - usageRetentionMs) return undefined;
  const days = Math.round(usageRetentionMs / DAY_MS);
  return `Whose usage it was is forgotten after ${days} days: older usage is in the sums of everybody only.`;
}
