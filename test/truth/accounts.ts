import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRow } from '../support/audit-tables.ts';
import { areRunsRecorded, loopAccountsOf, type LoopAccounts } from './loop-account.ts';
import { until } from '../support/until.ts';
import type { TruthSystem } from './truth-system.ts';
import type { Asked, Known } from './window.ts';

/** On a machine that is busy with something else the records are late, too. */
const PATIENCE_MS = 60_000;
const STEP_MS = 100;

/** What the provider and the audit say of these requests, once both have ended with them. */
export async function accountsOf(
  system: TruthSystem,
  asked: readonly Asked[],
): Promise<readonly Known[]> {
  const { tables, book } = system;
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
  const loops = await loopsOf(system, asked, deadlineMs);
  const known = asked.map((one) => {
    const { userAgent } = one.request;
    return {
      ...one,
      calls: callsOf(userAgent),
      rows: rows.get(userAgent) ?? [],
      attempts: attempts.get(userAgent) ?? [],
      prompts: prompts.get(userAgent) ?? [],
      loop: loops.get(userAgent),
    };
  });
  book.forget(names);
  return known;
}

async function loopsOf(
  system: TruthSystem,
  asked: readonly Asked[],
  deadlineMs: number,
): Promise<LoopAccounts> {
  const names = asked.flatMap(({ request }) => (request.loop ? [request.userAgent] : []));
  for (;;) {
    const accounts = await loopAccountsOf(system, names);
    if (areRunsRecorded(accounts) || performance.now() > deadlineMs) return accounts;
    await delay(STEP_MS);
  }
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
