import { setTimeout as delay } from 'node:timers/promises';
import type { KeyExplanation } from '../src/admin/key-explanation-shape.ts';
import { type KeysApi, Refused } from './keys-api.ts';

/** How much longer than it is held a drill lasts, should nobody end it. */
const MARGIN_S = 30;
/** Held so long a drill lasts as long as the bridge lets any. */
export const HOLD_S_MAX = 270;
/** Another replica may answer, and hears of it within a second. */
const HEARD_MS = 3_000;
const LOOK_MS = 100;

export interface DrillOptions {
  readonly provider: string;
  readonly model: string | undefined;
  readonly holdS: number;
  readonly isForced: boolean;
  /** Ends the drill at once. */
  readonly signal: AbortSignal;
  /** Told of each explanation as it is made. */
  readonly onStep: (step: DrillStep, explanation: KeyExplanation) => void;
}

export type DrillStep = 'before' | 'during' | 'after';

export interface DrillReport {
  readonly key: { readonly hint: string; readonly fingerprint: string };
  /** Whether calls kept away from the key. */
  readonly isPassedOver: boolean;
  readonly ending: DrillEnding;
}

/**
 * `left`: the provider has spoken against the key meanwhile, which a reset would forget; the drill
 * ends when its time is over. `gone`: the key is in the pool no longer.
 */
export type DrillEnding = 'reset' | 'left' | 'gone';

/** Nothing to drill. */
export class NoDrill extends Error {
  override readonly name = 'NoDrill';
}

/** Nobody could be asked to end it. */
export class DrillNotEnded extends Error {
  override readonly name = 'DrillNotEnded';
}

/**
 * Plays a limit on the key that the next call would take, shows where calls go then, and takes it
 * back, whatever happens in between. Makes no call to the provider.
 */
export async function drill(api: KeysApi, options: DrillOptions): Promise<DrillReport> {
  const { provider, model, holdS, isForced, signal, onStep } = options;
  const before = await api.explain(provider, model);
  onStep('before', before);
  const key = keyToDrill(before);
  if (signal.aborted) throw new NoDrill('interrupted before anything was changed');
  const step = async (name: DrillStep, fits: (now: KeyExplanation) => boolean) => {
    const explanation = await explainedUntil(api, before, fits);
    onStep(name, explanation);
    return explanation;
  };
  const isNext = ({ next }: KeyExplanation): boolean => next?.fingerprint === key.fingerprint;
  const words = { model, seconds: holdS + MARGIN_S, force: isForced };
  const drilled = { provider, fingerprint: key.fingerprint, words };
  const { result: isPassedOver, ending } = await whileDrilled(api, drilled, async () => {
    const during = await step('during', (now) => !isNext(now));
    await delay(holdS * 1_000, undefined, { signal }).catch(() => undefined);
    return !isNext(during);
  });
  await step('after', ending === 'reset' ? isNext : () => true);
  return { key, isPassedOver, ending };
}

function keyToDrill({ next, keys, hasPool }: KeyExplanation): DrillReport['key'] {
  if (!hasPool) throw new NoDrill('there are no keys to drill on: callers bring their own');
  if (next === null) throw new NoDrill('there is no key to drill on: none is left');
  const state = keys.find(({ plan }) => plan === 'next')?.state;
  if (state !== 'valid') throw new NoDrill('there is no key to drill on: the next call is a trial');
  return { hint: next.hint, fingerprint: next.fingerprint };
}

interface DrilledKey {
  readonly provider: string;
  readonly fingerprint: string;
  readonly words: {
    readonly model: string | undefined;
    readonly seconds: number;
    readonly force: boolean;
  };
}

async function whileDrilled<Result>(
  api: KeysApi,
  drilled: DrilledKey,
  action: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly ending: DrillEnding }> {
  let result: Result;
  try {
    await api.drill(drilled.provider, drilled.fingerprint, drilled.words);
  } catch (error) {
    // Otherwise nobody knows whether it has begun.
    const isRefused = error instanceof Refused && error.res.status < 500;
    if (!isRefused) await ended(api, drilled);
    throw error;
  }
  try {
    result = await action();
  } catch (error) {
    await ended(api, drilled);
    throw error;
  }
  return { result, ending: await ended(api, drilled) };
}

async function ended(
  api: KeysApi,
  { provider, fingerprint, words }: DrilledKey,
): Promise<DrillEnding> {
  try {
    const { items } = await api.list(provider);
    const key = items.find((each) => each.fingerprint === fingerprint);
    if (key === undefined) return 'gone';
    const marks = [key, ...key.models].filter(({ state }) => state !== 'valid');
    if (marks.some(({ reason }) => reason !== 'drill')) return 'left';
    // Also when nothing is held against it: who answers may not have heard of the drill yet.
    await api.reset(provider, fingerprint);
    return 'reset';
  } catch (cause) {
    const message = `${fingerprint} is not reset; the drill is over by itself within ${words.seconds} s`;
    throw new DrillNotEnded(message, { cause });
  }
}

async function explainedUntil(
  api: KeysApi,
  { provider, model }: KeyExplanation,
  fits: (now: KeyExplanation) => boolean,
): Promise<KeyExplanation> {
  const untilMs = performance.now() + HEARD_MS;
  for (;;) {
    const explanation = await api.explain(provider, model ?? undefined);
    if (fits(explanation) || performance.now() > untilMs) return explanation;
    await delay(LOOK_MS);
  }
}
