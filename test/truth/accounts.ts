import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRow } from '../support/audit-tables.ts';
import { until } from '../support/until.ts';
import type { TruthSystem } from './truth-system.ts';
import type { Asked, Known } from './window.ts';

/** On a machine that is busy with something else the records are late, too. */
const PATIENCE_MS = 60_000;
const STEP_MS = 100;

/** What the provider and the audit say of these requests, once both have ended with them. */
export async function accountsOf(
  { tables, book }: TruthSystem,
  asked: readonly Asked[],
): Promise<readonly Known[]> {
  const names = asked.map(({ request }) => request.userAgent);
  const providers = [...new Set(asked.map(({ request }) => request.provider.name))];
  const deadlineMs = performance.now() + PATIENCE_MS;
  let rows: Map<unknown, AuditRow[]>;
  for (;;) {
    const all = await tables.rows('SELECT * FROM interceptions WHERE provider_name = ANY ($1)', [
      providers,
    ]);
    rows = Map.groupBy(all, (row) => row['user_agent']);
    const isAllThere =
      all.every(({ status }) => status !== 'in_progress') &&
      asked.every(({ request: { userAgent }, seen }) =>
        seen.kind === 'complete'
          ? isSettled(rows.get(userAgent))
          : rows.has(userAgent) || book.callsFor(userAgent).length === 0,
      );
    // What is not there by then is a difference, for the judge to tell of.
    if (isAllThere || performance.now() > deadlineMs) break;
    await delay(STEP_MS);
  }
  const callsOf = (name: string) => book.callsFor(name);
  await until(
    'the end of every call',
    () => (names.flatMap(callsOf).every(({ outcome }) => outcome !== null) ? true : undefined),
    PATIENCE_MS,
  );
  const [attempts, prompts] = await Promise.all([
    childrenOf(tables, 'attempts', 'ordinal', providers),
    childrenOf(tables, 'prompts', 'id', providers),
  ]);
  const known = asked.map((one) => {
    const { userAgent } = one.request;
    return {
      ...one,
      calls: callsOf(userAgent),
      rows: rows.get(userAgent) ?? [],
      attempts: attempts.get(userAgent) ?? [],
      prompts: prompts.get(userAgent) ?? [],
    };
  });
  book.forget(names);
  return known;
}

/**
 * What another bridge concludes of one that is dead holds until the dead one's journal is read,
 * which its successor does as soon as it has started.
 */
function isSettled(rows: readonly AuditRow[] | undefined): boolean {
  return rows?.every(({ status }) => status !== 'interrupted') ?? false;
}

/** By the user agent that names the request. */
async function childrenOf(
  tables: TruthSystem['tables'],
  table: 'attempts' | 'prompts',
  order: string,
  providers: readonly string[],
): Promise<Map<unknown, AuditRow[]>> {
  const rows = await tables.rows(
    `SELECT child.*, i.user_agent FROM ${table} AS child
      JOIN interceptions AS i ON i.id = child.interception_id
      WHERE i.provider_name = ANY ($1) ORDER BY child.${order}`,
    [providers],
  );
  return Map.groupBy(rows, (row) => row['user_agent']);
}
