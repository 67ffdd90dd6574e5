import type { Life } from './mortal-bridge.ts';

/** What the model has to know of the process of a bridge. */
type KnowingLife = Pick<Life, 'url' | 'killedAtMs' | 'sharesKeys'>;

/** What one call meant for a key. */
export interface KeyMark {
  readonly key: number;
  /** What it sidelines the key for; null: for everything. */
  readonly model: string | null;
  /** Who made it. */
  readonly life: KnowingLife;
  /** Names it in a report. */
  readonly name: string;
  /** It was made between these two moments. */
  readonly earliestMs: number;
  readonly latestMs: number;
  /** Null: never again. */
  readonly cooldownMs: number | null;
  /** Nobody has said that it takes so long. */
  readonly isGuess: boolean;
  /** False where it may not have been made at all. */
  readonly isCertain: boolean;
}

/** A call that was made with a key, whatever came of it. */
export interface KeyUse {
  readonly key: number;
  readonly life: KnowingLife;
  readonly startedMs: number;
  /** At the latest. */
  readonly endedMs: number;
  /** From when on it may be known that the key serves; null: it did not. */
  readonly servedMs: number | null;
}

/** A walk looked at the keys at some moment between these two. */
export interface Look {
  readonly life: KnowingLife;
  /** For which one a key was wanted. */
  readonly model: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What a caller may be told when no key is left. */
export interface Exhaustion {
  readonly status: 429 | 502;
  readonly retryAfter: string | null;
}

/** How much of the time between two moments the database was held up. */
export type HeldUpMs = (fromMs: number, untilMs: number) => number;

/**
 * A mark is known to the other bridges within a second, as long as both say that they share
 * what they know, and later by what the database is held up. On a machine that is busy with
 * something else they are, too; who does not know it after this long does not hear of it at all.
 */
const SHARED_WITHIN_MS = 4_000;
/**
 * When something ended is recorded as when it began and how long it took, by two clocks that are
 * read one after the other: a thread that is preempted between them is off by as much.
 */
const CLOCK_READS_APART_MS = 50;
/**
 * Bridges tell each other of moments in the database's time, of which each has a guess: half of
 * what asking for it took, which on a busy machine is not little.
 */
const CLOCKS_APART_MS = 250;
/** After this long one call at a time finds out whether a guess was right. */
const GUESS_HOLDS_MS = 5_000;

/**
 * What each key of one provider could do at any moment. Nothing is known to the
 * millisecond, however long the machine stood still in between: of each mark and each
 * look at the keys the model knows between which moments it was made.
 */
export class PoolModel {
  readonly #marks: readonly KeyMark[][];
  readonly #uses: readonly KeyUse[];
  readonly #heldUpMs: HeldUpMs;

  constructor(
    keyCount: number,
    { marks, uses = [] }: { readonly marks: readonly KeyMark[]; readonly uses?: readonly KeyUse[] },
    heldUpMs: HeldUpMs = () => 0,
  ) {
    this.#heldUpMs = heldUpMs;
    this.#uses = uses;
    this.#marks = Array.from({ length: keyCount }, (_, index) =>
      marks.filter(({ key }) => key === index),
    );
  }

  /** What sidelined a key beyond doubt, if anything did. */
  sidelining(key: number, look: Look): KeyMark | undefined {
    return this.#marksOf(key, look).find(
      (mark) => this.#mustKnow(mark, look) && look.untilMs < soonestEndMs(mark, look),
    );
  }

  /** Whether a key may have been sidelined at some moment of a look. */
  mayBeSidelined(key: number, look: Look): boolean {
    return this.#marksOf(key, look).some(
      (mark) => mayKnow(mark, look) && look.fromMs < latestEndMs(mark, look),
    );
  }

  /** Whether a call may find out about a guess that sidelines the key. */
  mayTry(key: number, look: Look): boolean {
    return this.#marksOf(key, look).some(
      (mark) => mark.isGuess && soonestTryMs(mark) < look.untilMs,
    );
  }

  /** Whether a call must have found out about a guess: every key is sidelined by one for long enough, and nobody does. */
  mustTry(look: Look): boolean {
    const isRipe = this.#marks.every((_, key) => {
      const held = this.#marksOf(key, look).filter(
        (mark) => mayKnow(mark, look) && look.fromMs < latestEndMs(mark, look),
      );
      return held.length > 0 && held.every((mark) => this.#isRipe(mark, look));
    });
    return isRipe && !this.#uses.some((use) => isAbout(use, look));
  }

  /** The latest moment at which the key that is back first may be back. */
  latestReturnMs(look: Look): number {
    const possible = this.#marks.map((_, key) =>
      this.#marksOf(key, look).filter((mark) => mayKnow(mark, look)),
    );
    return smallest(possible.map((of) => of.map((mark) => latestEndMs(mark, look))));
  }

  /** Everything a caller may have been told, if every key was unavailable or tried. */
  exhaustions(look: Look): Exhaustion[] {
    const marks = this.#marks.map((_, key) => this.#marksOf(key, look));
    const certain = marks.map((of) => of.filter((mark) => this.#mustKnow(mark, look)));
    const possible = marks.map((of) => of.filter((mark) => mayKnow(mark, look)));
    const soonestMs = Math.min(
      ...certain.map((of) => longest(of.map((mark) => soonestEndMs(mark, look)))),
    );
    const ends = possible.map((of) => of.map((mark) => latestEndMs(mark, look)));
    const found: Exhaustion[] = [];
    if (ends.every((of) => of.includes(Infinity))) found.push({ status: 502, retryAfter: null });
    if (soonestMs === Infinity) return found;
    const latestMs = longest(ends.flat().filter((endMs) => endMs !== Infinity));
    const least = secondsUntil(soonestMs - look.untilMs);
    const most = secondsUntil(Math.min(latestMs, smallest(ends)) - look.fromMs);
    for (let seconds = least; seconds <= most; seconds += 1) {
      found.push({ status: 429, retryAfter: seconds === 0 ? null : String(seconds) });
    }
    return found;
  }

  #marksOf(key: number, look: Look): readonly KeyMark[] {
    return (this.#marks[key] ?? []).filter((mark) => concerns(mark, look));
  }

  /** The bridge that made a mark knows it; another one has heard of it, if its maker lived to tell. */
  #mustKnow(mark: KeyMark, look: Look): boolean {
    const { isCertain, life, latestMs } = mark;
    if (!isCertain || this.#mayBeCleared(mark, look)) return false;
    if (life === look.life) return latestMs + CLOCK_READS_APART_MS < look.fromMs;
    const toldMs = latestMs + SHARED_WITHIN_MS + this.#heldUpMs(latestMs, look.fromMs);
    return (
      toldMs < Math.min(look.fromMs, life.killedAtMs) &&
      life.sharesKeys(latestMs, toldMs) &&
      look.life.sharesKeys(look.fromMs - SHARED_WITHIN_MS, look.fromMs)
    );
  }

  /** A call that finds out that a key serves makes it valid for everything. */
  #mayBeCleared(mark: KeyMark, look: Look): boolean {
    return this.#uses.some(
      (use) =>
        use.key === mark.key &&
        use.servedMs !== null &&
        use.servedMs - CLOCK_READS_APART_MS < look.untilMs &&
        this.#mayBeForgotten(mark, use) &&
        this.#mayHaveTried(use),
    );
  }

  /** What a bridge marks before it has heard that the key serves is forgotten when it does. */
  #mayBeForgotten({ life, earliestMs }: KeyMark, { life: finder, endedMs }: KeyUse): boolean {
    if (life === finder) return endedMs >= earliestMs;
    return endedMs + SHARED_WITHIN_MS + this.#heldUpMs(endedMs, earliestMs) >= earliestMs;
  }

  #mayHaveTried({ key, endedMs }: KeyUse): boolean {
    return (this.#marks[key] ?? []).some((mark) => mark.isGuess && soonestTryMs(mark) < endedMs);
  }

  #isRipe(mark: KeyMark, look: Look): boolean {
    return (
      mark.isGuess &&
      this.#mustKnow(mark, look) &&
      mark.latestMs + GUESS_HOLDS_MS + CLOCKS_APART_MS < look.fromMs &&
      look.untilMs < soonestEndMs(mark, look)
    );
  }
}

function soonestTryMs({ earliestMs }: KeyMark): number {
  return earliestMs + GUESS_HOLDS_MS - CLOCKS_APART_MS;
}

/** Whether it may be the call that finds out just then, or the one after which a guess holds again. */
function isAbout({ life, startedMs, endedMs }: KeyUse, look: Look): boolean {
  const againMs = endedMs + GUESS_HOLDS_MS + CLOCKS_APART_MS;
  return (
    life === look.life && startedMs - CLOCK_READS_APART_MS < look.untilMs && look.fromMs < againMs
  );
}

function concerns({ model }: KeyMark, look: Look): boolean {
  return model === null || model === look.model;
}

function mayKnow({ earliestMs }: KeyMark, { untilMs }: Look): boolean {
  return earliestMs - CLOCK_READS_APART_MS < untilMs;
}

function soonestEndMs(mark: KeyMark, look: Look): number {
  const { earliestMs, cooldownMs } = mark;
  return cooldownMs === null ? Infinity : earliestMs + cooldownMs - uncertaintyMs(mark, look);
}

function latestEndMs(mark: KeyMark, look: Look): number {
  const { latestMs, cooldownMs } = mark;
  return cooldownMs === null ? Infinity : latestMs + cooldownMs + uncertaintyMs(mark, look);
}

function uncertaintyMs({ life }: KeyMark, look: Look): number {
  return life === look.life ? CLOCK_READS_APART_MS : CLOCKS_APART_MS;
}

function longest(endsMs: readonly number[]): number {
  return Math.max(0, ...endsMs);
}

/** Of the keys, the one that is back soonest; what it waits for at the most. */
function smallest(ends: readonly (readonly number[])[]): number {
  return Math.min(...ends.map(longest));
}

function secondsUntil(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000));
}
