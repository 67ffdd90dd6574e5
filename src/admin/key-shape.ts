import type { KeyEvent, KeySnapshot, KeyState } from '../keypool/index.ts';

interface StateFields {
  readonly state: KeyState['kind'];
  readonly reason: string | null;
  /** What upstream answered. */
  readonly status: number | null;
  readonly coolingUntil: string | null;
  readonly remainingMs: number | null;
}

/** A pool key as the API shows it. */
export interface KeyItem extends StateFields {
  readonly provider: string;
  readonly providerType: string;
  /** From 0, in the order of preference. */
  readonly position: number;
  readonly hint: string;
  readonly fingerprint: string;
  readonly changedAt: string | null;
  /** Only the models that the key is sidelined for. */
  readonly models: readonly ({ readonly model: string } & StateFields)[];
}

export interface KeyEventItem {
  readonly id: string;
  readonly at: string;
  readonly provider: string;
  readonly fingerprint: string;
  readonly hint: string;
  /** Null: the whole key. */
  readonly model: string | null;
  readonly previousState: string;
  readonly state: string;
  readonly reason: string;
  readonly status: number | null;
  readonly cooldownMs: number | null;
  readonly coolingUntil: string | null;
  readonly actor: string | null;
}

export interface KeyOwner {
  readonly provider: string;
  readonly providerType: string;
}

export function keyItem({ provider, providerType }: KeyOwner, key: KeySnapshot): KeyItem {
  const { position, hint, fingerprint, state, changedAtMs, models } = key;
  return {
    provider,
    providerType,
    position,
    hint,
    fingerprint,
    ...stateFields(state),
    changedAt: timeOrNull(changedAtMs),
    models: models.map(({ model, state: of }) => ({ model, ...stateFields(of) })),
  };
}

export function keyEventItem(event: KeyEvent): KeyEventItem {
  const { id, provider, fingerprint, hint, previousState, state, reason, status, actor } = event;
  return {
    id,
    at: new Date(event.atMs).toISOString(),
    provider,
    fingerprint,
    hint,
    model: event.scope,
    previousState,
    state,
    reason,
    status,
    cooldownMs: event.cooldownMs,
    coolingUntil: timeOrNull(event.coolingUntilMs),
    actor,
  };
}

function stateFields(state: KeyState): StateFields {
  const isCooling = state.kind === 'temporary';
  return {
    state: state.kind,
    reason: state.kind === 'valid' ? null : state.reason,
    status: state.kind === 'valid' ? null : state.status,
    coolingUntil: isCooling ? timeOrNull(state.untilMs) : null,
    remainingMs: isCooling ? state.remainingMs : null,
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
