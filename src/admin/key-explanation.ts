import { ERROR_STATUS } from '../core/errors.ts';
import type { KeyPool, KeyState, PoolKey, TrialOutlook } from '../keypool/index.ts';
import {
  exhaustionError,
  forecast,
  type KeyForecast,
  type ProviderInstance,
  retryAfterSeconds,
} from '../upstream/index.ts';
import type { ExplainedKey, KeyExplanation } from './key-explanation-shape.ts';
import { stateOf, timeOrNull } from './key-shape.ts';

/** What of a provider decides which key a call is made with. */
export type ExplainedProvider = Pick<ProviderInstance, 'name' | 'type' | 'pool'> & {
  readonly failover: Pick<ProviderInstance['failover'], 'waitingRoom' | 'breakers'>;
};

/** `plannedMs`: when a rejected key is probed, if it is. */
export function keyExplanation(
  { name, type, pool, failover }: ExplainedProvider,
  model: string | undefined,
  plannedMs: (key: PoolKey) => number | undefined,
): KeyExplanation {
  const about = { provider: name, providerType: type, model: model ?? null };
  if (pool === undefined) return { ...about, ...WITHOUT_POOL };
  const asked = model ?? '';
  const foretold = forecast(pool, asked, failover.waitingRoom);
  const keys = pool.keys.map((key, position) => ({
    position,
    ...explainedKey(key, asked, foretold),
    probeAt: timeOrNull(plannedMs(key) ?? null),
  }));
  const next = keys.find(({ plan }) => plan === 'next');
  return {
    ...about,
    hasPool: true,
    next: next ? { position: next.position, hint: next.hint, fingerprint: next.fingerprint } : null,
    keys,
    refusal: refusalOf(foretold),
    refusedRoutes: refusedRoutes(asked, failover),
    otherModels: modelsBut(asked, pool),
  };
}

const WITHOUT_POOL = {
  hasPool: false,
  next: null,
  keys: [],
  refusal: {
    status: ERROR_STATUS.no_credential,
    error: 'no_credential',
    retryAfterSeconds: null,
    waitMs: 0,
  },
  refusedRoutes: [],
  otherModels: [],
};

function explainedKey(
  key: PoolKey,
  model: string,
  { next, walk, end }: KeyForecast,
): Omit<ExplainedKey, 'position' | 'probeAt'> {
  const state = key.stateFor(model);
  const isLater = walk.includes(key);
  return {
    hint: key.hint,
    fingerprint: key.fingerprint,
    plan: key === next ? 'next' : isLater ? 'later' : 'passed_over',
    ...stateOf(state),
    sidelinedFor: sidelinedFor(state, key.stateFor()),
    since: state.kind === 'valid' ? null : timeOrNull(state.sinceMs),
    endNamedBy: endNamedBy(state),
    trial: end?.exhausted.soonest === key ? trialOf(end.trial, state) : null,
  };
}

/** What counts against the whole key is what it comes from, if that reaches as far. */
function sidelinedFor(state: KeyState, ofAll: KeyState): ExplainedKey['sidelinedFor'] {
  if (state.kind === 'valid') return null;
  if (state.kind !== ofAll.kind) return 'model';
  const isShorter = ofAll.kind === 'temporary' && state.kind === 'temporary';
  return isShorter && ofAll.untilMs < state.untilMs ? 'model' : 'everything';
}

function endNamedBy(state: KeyState): ExplainedKey['endNamedBy'] {
  if (state.kind !== 'temporary') return null;
  if (state.reason === 'drill') return 'operator';
  return state.isGuess || state.reason === 'quota_exhausted' ? 'bridge' : 'provider';
}

function trialOf(trial: TrialOutlook | undefined, state: KeyState): ExplainedKey['trial'] {
  if (trial === undefined) return null;
  if (trial.kind !== 'later') return { when: trial.kind, at: null };
  // Whoever comes that late finds the key valid.
  if (state.kind === 'temporary' && trial.atMs >= state.untilMs) return null;
  return { when: 'later', at: timeOrNull(trial.atMs) };
}

function refusalOf({ end }: KeyForecast): KeyExplanation['refusal'] {
  if (end === undefined) return null;
  const { status, code, detail } = exhaustionError(end.exhausted);
  const seconds = retryAfterSeconds(detail.retryAfterMs);
  return {
    status,
    error: code,
    retryAfterSeconds: seconds === undefined ? null : Number(seconds),
    waitMs: end.waitMs,
  };
}

function refusedRoutes(
  asked: string,
  { breakers }: ExplainedProvider['failover'],
): KeyExplanation['refusedRoutes'] {
  return (breakers?.all ?? [])
    .filter(({ credentialKind, model }) => credentialKind === 'centralized' && model === asked)
    .flatMap(({ route, refusesForMs }) => {
      const seconds = retryAfterSeconds(refusesForMs);
      return seconds === undefined ? [] : [{ route, retryAfterSeconds: Number(seconds) }];
    });
}

function modelsBut(asked: string, pool: KeyPool): string[] {
  const models = pool.snapshot().flatMap((key) => key.models.map(({ model }) => model));
  return [...new Set(models)].filter((model) => model !== asked && model !== '').toSorted();
}
