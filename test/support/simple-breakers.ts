import { named } from './a-pool.ts';

export const KEYS = 2;
export const LIMITED_MS = 5_000;
export const BREAKER = { failures: 3, intervalMs: 10_000, timeoutMs: 15_000, probes: 2 };
export const STATUS = { ok: 200, bad: 400, limited: 429, rejected: 401, busy: 503 } as const;

/** What a provider does with a call, or its caller. */
export type Reaction = keyof typeof STATUS | 'unreachable' | 'leave';
/** What becomes of an answer that has begun. */
export type End = 'complete' | 'overloaded' | 'cut' | 'left';
/** What anybody can see of a call: with which key it is out, or what became of it. */
export type Seen = string;

export interface SimpleCall {
  readonly way: string;
  readonly isOwn: boolean;
  /** The keys that it has not come to yet. */
  keysLeft: number[];
  seen: Seen;
  /** What its breaker had been through when it set out; undefined: it was not let through. */
  era: number | undefined;
  isThrough: boolean;
}

/** Pool and breakers as one would write them down, from what the documentation says of them. */
export class SimpleScene {
  readonly calls: SimpleCall[] = [];
  readonly #cooling = new Map<number, number>();
  readonly #rejected = new Set<number>();
  readonly #breakers = new Map<string, SimpleBreaker>();
  #nowMs = 0;

  get seen() {
    const breakers = [...this.#breakers]
      .filter(([, { state }]) => state !== 'closed')
      .map(([way, breaker]) => `${way} ${breaker.state} ${breaker.refusesForMs(this.#nowMs)}`);
    return { calls: this.calls.map(({ seen }) => seen), breakers: breakers.toSorted() };
  }

  wait(ms: number): void {
    this.#nowMs += ms;
  }

  reset(): void {
    this.#cooling.clear();
    this.#rejected.clear();
  }

  begin(model: string, isOwn: boolean): void {
    const way = wayOf(isOwn, model);
    const era = this.#breaker(way).enter(this.#nowMs);
    const keysLeft = Array.from({ length: KEYS }, (_, index) => index);
    const call = { way, isOwn, keysLeft, seen: 'breaker_open', era, isThrough: false };
    this.calls.push(call);
    if (era !== undefined) this.#goOut(call);
  }

  react(call: SimpleCall, reaction: Reaction): void {
    const key = Number(call.seen.at(-1));
    const isAboutKey = reaction === 'limited' || reaction === 'rejected';
    if (isAboutKey && !call.isOwn) {
      if (reaction === 'rejected') this.#rejected.add(key);
      else this.#cooling.set(key, this.#nowMs + LIMITED_MS);
      this.#goOut(call);
    } else if (reaction === 'leave' || reaction === 'unreachable') {
      call.seen = 'failed';
      this.#over(call, reaction === 'leave' ? 'unknown' : 'failed');
    } else {
      call.seen = `answered ${STATUS[reaction]}`;
      if (isAboutKey) this.#over(call, 'unknown');
      else if (reaction === 'busy') this.#over(call, 'failed');
      else this.#breaker(call.way).through(call);
    }
  }

  end(call: SimpleCall, how: End): void {
    // The status of a refusal says what is wrong, whatever its body says besides.
    const isOverloaded = how === 'overloaded' && call.seen === 'answered 200';
    const isBad = isOverloaded || how === 'cut';
    this.#over(call, isBad ? 'failed' : how === 'left' ? 'unknown' : 'served');
    call.seen = 'over';
  }

  #goOut(call: SimpleCall): void {
    if (call.isOwn) {
      call.seen = 'out with own';
      return;
    }
    const next = call.keysLeft.find(
      (key) => !this.#rejected.has(key) && (this.#cooling.get(key) ?? 0) <= this.#nowMs,
    );
    call.keysLeft = call.keysLeft.filter((key) => next !== undefined && key > next);
    call.seen = next === undefined ? 'exhausted' : `out with ${named(next).reveal()}`;
    if (next === undefined) this.#over(call, 'unknown');
  }

  /** A call is over for its breaker once; what comes later is not asked for any more. */
  #over(call: SimpleCall, health: 'served' | 'failed' | 'unknown'): void {
    if (call.era !== undefined) this.#breaker(call.way).over(call, health, this.#nowMs);
    call.era = undefined;
  }

  #breaker(way: string): SimpleBreaker {
    const known = this.#breakers.get(way) ?? new SimpleBreaker();
    this.#breakers.set(way, known);
    return known;
  }
}

class SimpleBreaker {
  state: 'closed' | 'open' | 'half_open' = 'closed';
  /** Counts the changes. */
  era = 0;
  #inARow: number[] = [];
  #sinceMs = 0;
  #out = 0;
  #through = 0;

  refusesForMs(nowMs: number): number {
    const isFull = this.state === 'open' || this.#out >= BREAKER.probes;
    return isFull ? Math.max(0, this.#sinceMs + BREAKER.timeoutMs - nowMs) : 0;
  }

  enter(nowMs: number): number | undefined {
    if (this.state === 'closed') return this.era;
    if (this.refusesForMs(nowMs) > 0) return undefined;
    if (this.state === 'open') this.#change('half_open', nowMs);
    else if (this.#out >= BREAKER.probes) {
      this.#sinceMs = nowMs;
      this.#out = 0;
    }
    this.#out += 1;
    return this.era;
  }

  through(call: SimpleCall): void {
    if (call.era !== this.era || this.state !== 'half_open' || call.isThrough) return;
    call.isThrough = true;
    this.#through += 1;
    if (this.#through === BREAKER.probes) this.#change('closed', 0);
  }

  over(call: SimpleCall, health: 'served' | 'failed' | 'unknown', nowMs: number): void {
    if (call.era !== this.era) return;
    if (health === 'served') {
      if (this.state === 'closed') this.#inARow = [];
      else this.through(call);
    } else if (health === 'failed') {
      const recent = this.#inARow.filter((ms) => nowMs - ms < BREAKER.intervalMs);
      this.#inARow = [...recent, nowMs];
      const isEnough = this.#inARow.length >= BREAKER.failures;
      if (this.state === 'half_open' || isEnough) this.#change('open', nowMs);
    } else if (this.state === 'half_open' && !call.isThrough) {
      this.#out = Math.max(0, this.#out - 1);
    }
  }

  #change(state: 'closed' | 'open' | 'half_open', nowMs: number): void {
    this.state = state;
    this.era += 1;
    this.#inARow = [];
    this.#sinceMs = nowMs;
    this.#out = 0;
    this.#through = 0;
  }
}

export function wayOf(isOwn: boolean, model: string): string {
  return `${isOwn ? 'own' : 'pool'} ${model}`;
}
