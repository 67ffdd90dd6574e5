import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { fingerprintOf } from '../support/mask.ts';
import type { Observation } from './client.ts';
import type { SeenCall } from './expectation.ts';
import type { LoopAccount } from './loop-account.ts';
import type { Life } from './mortal-bridge.ts';
import type { Look, PoolModel } from './pool-model.ts';
import type { PlannedRequest } from './scenario.ts';
import type { TurnsBefore } from './turns.ts';

/** Everything that is known of one request, from three sides. */
export interface Evidence {
  readonly request: PlannedRequest;
  readonly seen: Observation;
  /** What reached the provider, in order. */
  readonly calls: readonly Call[];
  /** What was recorded. */
  readonly row: AuditRow;
  readonly attempts: readonly AuditRow[];
  readonly prompts: readonly AuditRow[];
  /** The process of the bridge that was asked. */
  readonly life: Life;
  readonly pool: PoolModel;
  /** The calls with which the provider broke connections that another call may just have been put on. */
  readonly breaks: readonly Call[];
  /** Undefined for a request that was offered no tools. */
  readonly loop: LoopAccount | undefined;
  /** Of the last turn: those before it, and from when on it looked at the keys. */
  readonly before?: TurnsBefore;
  readonly walkFromMs?: number;
}

export type Facts = Readonly<Record<string, unknown>>;

/** Where what is differs from what is expected; what is not expected is not looked at. */
export function differing(actual: Facts, expected: Facts): string[] {
  return Object.entries(expected).flatMap(([name, value]) =>
    actual[name] === value
      ? []
      : [`${name} is ${JSON.stringify(actual[name])}, not ${JSON.stringify(value)}`],
  );
}

export function attemptFacts(attempt: AuditRow = {}): Facts {
  return {
    ordinal: attempt['ordinal'],
    hint: attempt['credential_hint'],
    fingerprint: attempt['credential_fingerprint'],
    kind: attempt['credential_kind'],
    outcome: attempt['outcome'],
    status: attempt['status'],
    cooldownMs: attempt['cooldown_ms'],
  };
}

export function keyIndex({ provider }: PlannedRequest, attempt: AuditRow): number {
  return provider.keys.findIndex((key) => fingerprintOf(key) === attempt['credential_fingerprint']);
}

export function timeOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : NaN;
}

export function endOf(attempt: AuditRow): number {
  return timeOf(attempt['started_at']) + Number(attempt['duration_ms']);
}

/** The look at the keys that ended a walk: after the last attempt, and before the end was recorded. */
export function lastLook({
  request: { model },
  attempts,
  row,
  life,
  walkFromMs = timeOf(row['started_at']),
}: Evidence): Look {
  const last = attempts.at(-1);
  const fromMs = last === undefined ? walkFromMs : endOf(last);
  return { life, model, fromMs, untilMs: timeOf(row['ended_at']) };
}

/** The look that led to an attempt. */
export function lookBefore(
  {
    request: { model },
    attempts,
    row,
    life,
  }: Pick<Evidence, 'request' | 'attempts' | 'row' | 'life'>,
  index: number,
): Look {
  const before = attempts[index - 1];
  const fromMs = before === undefined ? timeOf(row['started_at']) : endOf(before);
  return { life, model, fromMs, untilMs: timeOf(attempts[index]?.['started_at']) };
}

/** How long after a client has lost its bridge the bridge may not have noticed that it has gone. */
const UNNOTICED_MS = 5_000;

/** Whether the bridge was killed before it can be known to have recorded the end. */
export function wasCutShort({ seen, life }: Pick<Evidence, 'seen' | 'life'>): boolean {
  return seen.kind !== 'complete' && seen.endedAtMs > life.killedAtMs - UNNOTICED_MS;
}

/** How many of the provider's bytes the client has for certain. */
export function arrivedBytes({ bytes }: Observation, { sent }: SeenCall): number {
  const all = sent.bytes;
  const length = Math.min(all.length, bytes.length);
  let arrived = 0;
  while (arrived < length && all[arrived] === bytes[arrived]) arrived += 1;
  return arrived;
}

/**
 * How many the bridge had for certain. Where it broke off and said so in an event of its
 * own, that event may begin like the one that was to come, and so may an answer of its own.
 */
export function relayedBytes(
  { request, seen, before }: Pick<Evidence, 'request' | 'seen' | 'before'>,
  call: SeenCall,
): number {
  // What the client has of a later turn begins somewhere in its answer.
  if (seen.headers.has('x-aibridge-error') || (before?.count ?? 0) > 0) return 0;
  const told = request.api.inBandError?.exec(seen.bytes.toString('latin1'));
  return Math.min(arrivedBytes(seen, call), told?.index ?? Infinity);
}
