import type {
  Cooldown,
  CooldownReason,
  KeyScope,
  Rejection,
  RejectReason,
} from '../key/key-state.ts';
import type { KeyRecord } from '../key/key-record.ts';
import type { KeyEvent, KeyName } from '../pool/key-state-store.ts';

/** A row of `key_states`, in the order of `RECORD_COLUMNS`. */
export interface RecordRow {
  readonly provider: string;
  readonly fingerprint: string;
  readonly scope: string;
  readonly hint: string;
  readonly cooldown_reason: CooldownReason | null;
  readonly cooldown_status: number | null;
  readonly cooldown_at: Date | null;
  readonly cooling_until: Date | null;
  readonly cooldown_guessed: boolean;
  readonly rejection_reason: RejectReason | null;
  readonly rejection_status: number | null;
  readonly rejected_at: Date | null;
  readonly reset_at: Date | null;
}

/** Models are named by clients, and the oldest ones go when there are more. */
const MODELS_PER_KEY_MAX = 64;

const RECORD_COLUMNS = `provider, fingerprint, scope, hint, cooldown_reason, cooldown_status,
  cooldown_at, cooling_until, cooldown_guessed, rejection_reason, rejection_status, rejected_at,
  reset_at`;

/** The keys that $1 names as JSON. */
const NAMED = `(SELECT provider, fingerprint
  FROM jsonb_to_recordset($1::jsonb) AS named(provider text, fingerprint text))`;

export const READ_ALL = `SELECT ${RECORD_COLUMNS} FROM key_states`;
export const READ_NAMED = `${READ_ALL} WHERE (provider, fingerprint) IN ${NAMED}`;

/** $1: records as JSON, $2: who writes. */
export const WRITE_RECORDS = `
  INSERT INTO key_states (${RECORD_COLUMNS}, changed_at, changed_by)
  SELECT ${RECORD_COLUMNS}, now(), $2::uuid
  FROM jsonb_to_recordset($1::jsonb) AS record(provider text, fingerprint text, scope text,
    hint text, cooldown_reason text, cooldown_status int, cooldown_at timestamptz,
    cooling_until timestamptz, cooldown_guessed boolean, rejection_reason text, rejection_status int,
    rejected_at timestamptz, reset_at timestamptz)
  ON CONFLICT (provider, fingerprint, scope) DO UPDATE SET
    cooldown_reason = excluded.cooldown_reason, cooldown_status = excluded.cooldown_status,
    cooldown_at = excluded.cooldown_at, cooling_until = excluded.cooling_until,
    cooldown_guessed = excluded.cooldown_guessed,
    rejection_reason = excluded.rejection_reason, rejection_status = excluded.rejection_status,
    rejected_at = excluded.rejected_at, reset_at = excluded.reset_at,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by`;

export const FORGET_OLD_MODELS = `
  DELETE FROM key_states WHERE (provider, fingerprint, scope) IN (
    SELECT provider, fingerprint, scope FROM (
      SELECT provider, fingerprint, scope,
        row_number() OVER (PARTITION BY provider, fingerprint ORDER BY changed_at DESC) AS place
      FROM key_states WHERE scope <> '' AND (provider, fingerprint) IN ${NAMED}) AS models
    WHERE place > ${MODELS_PER_KEY_MAX})`;

/** $1: events as JSON, $2: who writes. */
export const WRITE_EVENTS = `
  INSERT INTO key_events (id, provider, fingerprint, scope, hint, previous_state, state,
    cooling_until, cooldown_ms, reason, status, changed_by, actor, at)
  SELECT id, provider, fingerprint, scope, hint, previous_state, state, cooling_until,
    cooldown_ms, reason, status, $2::uuid, actor, at
  FROM jsonb_to_recordset($1::jsonb) AS event(id uuid, provider text, fingerprint text,
    scope text, hint text, previous_state text, state text, cooling_until timestamptz,
    cooldown_ms int, reason text, status int, actor text, at timestamptz)`;

export function recordFrom(row: RecordRow): KeyRecord {
  const { provider, fingerprint, hint } = row;
  return {
    provider,
    fingerprint,
    hint,
    scope: scopeFrom(row.scope),
    resetAtMs: row.reset_at?.getTime() ?? 0,
    cooldown: cooldownFrom(row),
    rejection: rejectionFrom(row),
  };
}

function cooldownFrom(row: RecordRow): Cooldown | null {
  const { cooldown_reason: reason, cooldown_status: status, cooldown_at, cooling_until } = row;
  if (reason === null || cooldown_at === null || cooling_until === null) return null;
  const [sinceMs, untilMs] = [cooldown_at.getTime(), cooling_until.getTime()];
  return { reason, status: status ?? 0, sinceMs, untilMs, isGuess: row.cooldown_guessed };
}

function rejectionFrom(row: RecordRow): Rejection | null {
  const { rejection_reason: reason, rejection_status: status, rejected_at } = row;
  if (reason === null || rejected_at === null) return null;
  return { reason, status: status ?? 0, sinceMs: rejected_at.getTime() };
}

export function rowOf(record: KeyRecord): RecordRow {
  const { provider, fingerprint, hint, resetAtMs, cooldown, rejection } = record;
  return {
    provider,
    fingerprint,
    scope: scopeColumn(record.scope),
    hint,
    ...cooldownColumns(cooldown),
    ...rejectionColumns(rejection),
    reset_at: dateOf(resetAtMs || null),
  };
}

function cooldownColumns(cooldown: Cooldown | null) {
  return {
    cooldown_reason: cooldown?.reason ?? null,
    cooldown_status: cooldown?.status ?? null,
    cooldown_at: dateOf(cooldown && cooldown.sinceMs),
    cooling_until: dateOf(cooldown && cooldown.untilMs),
    cooldown_guessed: cooldown?.isGuess ?? false,
  };
}

function rejectionColumns(rejection: Rejection | null) {
  return {
    rejection_reason: rejection?.reason ?? null,
    rejection_status: rejection?.status ?? null,
    rejected_at: dateOf(rejection && rejection.sinceMs),
  };
}

export function eventRow(event: KeyEvent): Readonly<Record<string, unknown>> {
  const { id, provider, fingerprint, hint, state, reason, status, actor } = event;
  return {
    id,
    provider,
    fingerprint,
    scope: scopeColumn(event.scope),
    hint,
    previous_state: event.previousState,
    state,
    cooling_until: dateOf(event.coolingUntilMs),
    cooldown_ms: event.cooldownMs,
    reason,
    status,
    actor,
    at: dateOf(event.atMs),
  };
}

export function namesOf(keys: readonly KeyName[]): string {
  return JSON.stringify(keys.map(({ provider, fingerprint }) => ({ provider, fingerprint })));
}

const WHOLE_KEY = '';
/** No name at all; a model that is named so has one dash more. */
const DASHES = /^-+$/;

/** Every scope has a column of its own: two rows of one statement with one key are an error. */
export function scopeColumn(scope: KeyScope): string {
  if (scope === null) return WHOLE_KEY;
  return scope === '' || DASHES.test(scope) ? `${scope}-` : scope;
}

export function scopeFrom(column: string): KeyScope {
  if (column === WHOLE_KEY) return null;
  return DASHES.test(column) ? column.slice(1) : column;
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
