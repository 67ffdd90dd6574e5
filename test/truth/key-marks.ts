import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { endOf, keyIndex, timeOf } from './evidence.ts';
import { refusalIn } from './key-refusal.ts';
import type { KeyMark, KeyUse } from './pool-model.ts';
import { keysBehind } from './providers.ts';
import type { Known } from './window.ts';

/** What the provider said against keys, at the time that it and the audit give. */
export function marksOf(known: Known): KeyMark[] {
  return known.calls.flatMap((call, index) => marksBy(known, call, known.attempts[index]));
}

function marksBy({ request, life }: Known, call: Call, attempt: AuditRow | undefined): KeyMark[] {
  const refusal = refusalIn(call, request.api);
  if (refusal === undefined) return [];
  const { cooldownMs, isGuess, outcome, scope } = refusal;
  const model = scope === 'model' && request.model !== '' ? request.model : null;
  const earliestMs = call.sent.headersAtMs ?? call.receivedAtMs;
  const about = { name: request.userAgent, model, life, cooldownMs, isGuess, earliestMs };
  const key = request.provider.keys.indexOf(call.key ?? '');
  const keys = scope === 'account' ? keysBehind(request.provider, key) : [key];
  const marks = (latestMs: number, isCertain: boolean): KeyMark[] =>
    keys.map((of) => ({ ...about, key: of, latestMs, isCertain }));
  // Its bridge died: it may have marked the key, and told the others.
  const isUnknown = attempt === undefined || attempt['outcome'] === 'interrupted';
  if (isUnknown) return marks(life.killedAtMs, false);
  // One that was given up, or whose caller left, did not get to the point of judging its key.
  return attempt['outcome'] === outcome ? marks(markedBy(attempt), true) : [];
}

/** Every call that was made with a key, as the audit and the provider have it. */
export function usesOf(known: Known): KeyUse[] {
  const { request, calls, attempts, life } = known;
  const served = calls.map((call) => servedMs(known, call));
  const recorded = attempts.map((attempt, index) => ({
    key: keyIndex(request, attempt),
    life,
    startedMs: timeOf(attempt['started_at']),
    endedMs: markedBy(attempt),
    servedMs: served[index] ?? null,
  }));
  // Of those the bridge may have died too soon to say anything.
  const unrecorded = calls.slice(attempts.length).map((call, index) => ({
    key: request.provider.keys.indexOf(call.key ?? ''),
    life,
    startedMs: call.receivedAtMs,
    endedMs: life.killedAtMs,
    servedMs: served[attempts.length + index] ?? null,
  }));
  return [...recorded, ...unrecorded];
}

/** From when on it may be known that the key serves. */
function servedMs({ request }: Known, call: Call): number | null {
  const { status, headersAtMs } = call.sent;
  const isServed = status !== null && status < 400 && refusalIn(call, request.api) === undefined;
  return isServed ? headersAtMs : null;
}

function markedBy(attempt: AuditRow): number {
  return Math.max(timeOf(attempt['started_at']), endOf(attempt));
}
