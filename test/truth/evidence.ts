import type { Call } from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { fingerprintOf } from '../support/mask.ts';
import type { Observation } from './client.ts';
import type { SeenCall } from './expectation.ts';
import type { PoolModel } from './pool-model.ts';
import type { PlannedRequest } from './scenario.ts';

/** Everything that is known of one request, from three sides. */
export interface Evidence {
  readonly request: PlannedRequest;
  readonly seen: Observation;
  /** What reached the provider, in order. */
  readonly calls: readonly Call[];
  /** What was recorded. */
  readonly row: AuditRow;
  readonly attempts: readonly AuditRow[];
  readonly pool: PoolModel;
  /** When the provider broke connections that another call may just have been put on. */
  readonly brokenAtMs: readonly number[];
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

/** Between which moments the walk ended: at once after the last attempt, or at any time when there was none. */
export function lastLook({ attempts, row }: Evidence): [number, number] {
  const last = attempts.at(-1);
  if (last !== undefined) return [endOf(last), endOf(last)];
  return [timeOf(row['started_at']), timeOf(row['ended_at'])];
}

/** How many of the provider's bytes the client has for certain. */
export function arrivedBytes({ bytes }: Observation, { sent }: SeenCall): number {
  const all = sent.bytes;
  const length = Math.min(all.length, bytes.length);
  let arrived = 0;
  while (arrived < length && all[arrived] === bytes[arrived]) arrived += 1;
  return arrived;
}
