import type { CredentialKind } from '../../core/attempt-outcome.ts';
import type { Clock } from '../../core/clock.ts';
import {
  Breaker,
  type BreakerSettings,
  type BreakerState,
  type CallHealth,
  type Passage,
  untriedPassage,
} from './breaker.ts';

/** Callers choose the models, so there may be any number of ways. */
const BREAKERS_MAX = 500;
const MODEL_LENGTH_MAX = 256;

/** What fails together: a provider may answer for one model and not for another. */
export interface Way {
  /** As it stands in labels. */
  readonly route: string;
  /** Empty where a call names none. */
  readonly model: string;
  /** What callers bring themselves must not close the way to those whom the pool serves. */
  readonly credentialKind: CredentialKind;
}

/** Is told of every change, and of every call that is refused. Must neither throw nor wait. */
export interface BreakerWitness {
  breakerChanged(way: Way, from: BreakerState, to: BreakerState): void;
  callRefused(way: Way): void;
}

export interface BreakerSnapshot extends Way {
  readonly state: BreakerState;
  /** In a row, of those that open it. */
  readonly failures: number;
  readonly trips: number;
  /** For how long calls are still refused; 0: the next one is let through. */
  readonly refusesForMs: number;
  /** Wall time; null: it has always been closed. */
  readonly changedAtMs: number | null;
}

/** What became of a call that was let through is told here. */
export interface GuardedCall {
  /** Its answer has begun as it should. */
  answering(): void;
  /** Once. */
  ended(health: CallHealth): void;
}

/** A call that is not to be made. */
export interface RefusedCall {
  readonly refusesForMs: number;
}

interface Known {
  readonly way: Way;
  readonly breaker: Breaker;
  trips: number;
  changedAtMs: number | null;
}

/**
 * The circuit breakers of one provider: one for each way on which something has failed. Of the
 * others there is nothing to remember.
 */
export class Breakers {
  readonly #known = new Map<string, Known>();
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #witness: BreakerWitness;

  constructor(settings: BreakerSettings, clock: Clock, witness: BreakerWitness) {
    this.#settings = settings;
    this.#clock = clock;
    this.#witness = witness;
  }

  get all(): readonly BreakerSnapshot[] {
    return Array.from(this.#known.values(), ({ way, breaker, trips, changedAtMs }) => ({
      ...way,
      state: breaker.state,
      failures: breaker.failures,
      trips,
      refusesForMs: breaker.refusesForMs,
      changedAtMs,
    }));
  }

  enter(asked: Way): GuardedCall | RefusedCall {
    const way = { ...asked, model: asked.model.slice(0, MODEL_LENGTH_MAX) };
    const key = keyOf(way);
    const breaker = this.#known.get(key)?.breaker;
    const passage = breaker === undefined ? untriedPassage() : breaker.enter();
    if (passage !== undefined) return this.#guarded(key, way, passage);
    this.#witness.callRefused(way);
    return { refusesForMs: breaker?.refusesForMs ?? 0 };
  }

  /** A breaker may come and go while a call is on its way, so it is looked up when it is told. */
  #guarded(key: string, way: Way, passage: Passage): GuardedCall {
    return {
      answering: () => this.#known.get(key)?.breaker.answering(passage),
      ended: (health) => {
        const known =
          this.#known.get(key) ?? (health === 'failed' ? this.#add(key, way) : undefined);
        if (known === undefined) return;
        known.breaker.ended(passage, health);
        if (known.trips === 0 && known.breaker.failures === 0) this.#known.delete(key);
      },
    };
  }

  #add(key: string, way: Way): Known {
    this.#makeRoom();
    const breaker = new Breaker(this.#settings, this.#clock, (from, to) => {
      known.changedAtMs = this.#clock.nowMs();
      if (to === 'open') known.trips += 1;
      this.#witness.breakerChanged(way, from, to);
    });
    const known: Known = { way, breaker, trips: 0, changedAtMs: null };
    this.#known.set(key, known);
    return known;
  }

  /** A closed one goes first: that forgets the least. */
  #makeRoom(): void {
    if (this.#known.size < BREAKERS_MAX) return;
    const known = [...this.#known];
    const [key] = known.find(([, { breaker }]) => breaker.state === 'closed') ?? known[0] ?? [''];
    this.#known.delete(key);
  }
}

/** Only the last part can have a line break in it. */
function keyOf({ credentialKind, route, model }: Way): string {
  return `${credentialKind}\n${route}\n${model}`;
}
