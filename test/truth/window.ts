import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import type { Observation } from './client.ts';
import { keyIndex, lookBefore, timeOf, wasCutShort } from './evidence.ts';
import { judge } from './judge.ts';
import { marksOf, usesOf } from './key-marks.ts';
import type { LoopAccount } from './loop-account.ts';
import type { Life } from './mortal-bridge.ts';
import { PoolModel, type HeldUpMs } from './pool-model.ts';
import { KEYS } from './providers.ts';
import { reportOf } from './report.ts';
import type { PlannedRequest } from './scenario.ts';

/** What a client did and saw. */
export interface Asked {
  readonly request: PlannedRequest;
  readonly seen: Observation;
  readonly life: Life;
}

/** And what the provider and the audit say of it. */
export interface Known extends Asked {
  readonly calls: readonly Call[];
  /** One, unless something is wrong. */
  readonly rows: readonly AuditRow[];
  readonly attempts: readonly AuditRow[];
  readonly prompts: readonly AuditRow[];
  readonly loop: LoopAccount | undefined;
}

/** Where the accounts of the requests to the same providers differ. */
export function differencesIn(known: readonly Known[], heldUpMs: HeldUpMs): string[] {
  const byProvider = Map.groupBy(known, ({ request }) => request.provider.name);
  return [...byProvider.values()].flatMap((of) => {
    const pooled = of.filter(({ request }) => request.own === undefined);
    const held = { marks: pooled.flatMap(marksOf), uses: pooled.flatMap(usesOf) };
    const pool = new PoolModel(KEYS, held, heldUpMs);
    return [
      ...of.flatMap((one) => {
        const found = differences(one, pool, of);
        return found.length === 0 ? [] : [reportOf(one, found)];
      }),
      ...moreLostThanBroken(of),
      ...triedTogether(pooled, pool),
    ];
  });
}

function differences(known: Known, pool: PoolModel, others: readonly Known[]): string[] {
  const { seen, calls, rows } = known;
  const [row] = rows;
  if (row === undefined) {
    // One that hung up, or lost its bridge, before its request was there is nothing to record.
    const neverCame = calls.length === 0 && (seen.kind === 'left' || wasCutShort(known));
    return neverCame ? [] : ['there is no record'];
  }
  const found = rows.length === 1 ? [] : ['there is more than one record'];
  const breaks = others.flatMap((other) => (other.life === known.life ? breaksIn(other) : []));
  return [...found, ...judge({ ...known, row, pool, breaks })];
}

/** Those after which the provider broke the connection, on which another call may just have been put. */
function breaksIn({ calls }: Known): Call[] {
  return calls.filter(({ outcome }) => outcome === 'cut' || outcome === 'reset');
}

/** A connection that is broken loses no more than one other call. */
function moreLostThanBroken(known: readonly Known[]): string[] {
  const lost = known.filter(
    ({ calls, rows, attempts }) =>
      attempts.length > calls.length && rows[0]?.['error_type'] === 'upstream_unreachable',
  );
  const broken = known.flatMap(breaksIn);
  return lost.length > broken.length
    ? [`${lost.length} calls were lost on ${broken.length} broken connections`]
    : [];
}

/**
 * One bridge finds out about a guess with one call at a time. What one without a model has met and
 * what one for a model has are two guesses, also where they sideline the same key.
 */
function triedTogether(known: readonly Known[], pool: PoolModel): string[] {
  const trials = known.flatMap((one) => trialsOf(one, pool));
  return trials.flatMap((trial, index) =>
    trials
      .slice(index + 1)
      .filter((other) => other.life === trial.life && other.name === trial.name)
      .filter((other) => other.fromMs < trial.untilMs && trial.fromMs < other.untilMs)
      .map((other) => `${trial.by} and ${other.by} found out about ${trial.name} at one time`),
  );
}

/** From when it was begun until its answer was there, at the earliest. */
function trialsOf(one: Known, pool: PoolModel) {
  const { request, calls, attempts, rows, life } = one;
  const [row] = rows;
  if (row === undefined) return [];
  return calls.flatMap((call, index) => {
    const attempt = attempts[index];
    if (attempt === undefined) return [];
    const key = keyIndex(request, attempt);
    const look = lookBefore({ request, attempts, row, life }, index);
    if (pool.sidelining(key, look) === undefined) return [];
    return {
      by: request.userAgent,
      name: `k${key} of ${request.provider.name} for ${request.model || 'calls without a model'}`,
      life,
      fromMs: timeOf(attempt['started_at']),
      untilMs: call.sent.headersAtMs ?? call.receivedAtMs,
    };
  });
}
