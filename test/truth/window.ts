import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import type { Observation } from './client.ts';
import { endOf, keyIndex, timeOf, wasCutShort } from './evidence.ts';
import { judge } from './judge.ts';
import { refusalIn } from './key-refusal.ts';
import type { Life } from './mortal-bridge.ts';
import { PoolModel, type HeldUpMs, type KeyMark } from './pool-model.ts';
import { reportOf } from './report.ts';
import type { PlannedRequest } from './scenario.ts';
import { KEYS } from './truth-system.ts';

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
}

/** Where the accounts of the requests to the same providers differ. */
export function differencesIn(known: readonly Known[], heldUpMs: HeldUpMs): string[] {
  const byProvider = Map.groupBy(known, ({ request }) => request.provider.name);
  return [...byProvider.values()].flatMap((of) => {
    const pooled = of.filter(({ request }) => request.own === undefined);
    const pool = new PoolModel(KEYS, pooled.flatMap(marksOf), heldUpMs);
    return [
      ...of.flatMap((one) => {
        const found = differences(one, pool, of);
        return found.length === 0 ? [] : [reportOf(one, found)];
      }),
      ...moreLostThanBroken(of),
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

/** What the provider said against keys, at the time that it and the audit give. */
function marksOf(known: Known): KeyMark[] {
  const { request, calls, attempts, life } = known;
  return calls.flatMap((call, index): KeyMark[] => {
    const refusal = refusalIn(call, request.api);
    const attempt = attempts[index];
    const outcome = attempt?.['outcome'];
    if (refusal === undefined) return [];
    const { cooldownMs, outcome: said } = refusal;
    const model = said === 'rate_limited' && request.model !== '' ? request.model : null;
    const earliestMs = call.sent.headersAtMs ?? call.receivedAtMs;
    const mark = { name: request.userAgent, model, life, cooldownMs, earliestMs };
    const key = request.provider.keys.indexOf(call.key ?? '');
    if (attempt === undefined || outcome === 'interrupted') {
      // Its bridge died: it may have marked the key, and told the others.
      return [{ ...mark, key, latestMs: life.killedAtMs, isCertain: false }];
    }
    // One that was given up, or whose caller left, did not get to the point of judging its key.
    if (outcome !== refusal.outcome) return [];
    return [
      { ...mark, key: keyIndex(request, attempt), latestMs: markedBy(attempt), isCertain: true },
    ];
  });
}

function markedBy(attempt: AuditRow): number {
  return Math.max(timeOf(attempt['started_at']), endOf(attempt));
}
