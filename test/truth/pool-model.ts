/** One attempt of the audit, as far as the state of the keys goes. */
export interface TimedAttempt {
  readonly key: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Names it in a report. */
  readonly name: string;
  /** What it meant for the key; undefined when nothing. Null: never again. */
  readonly cooldownMs: number | null | undefined;
}

/** What a caller may be told when no key is left. */
export interface Exhaustion {
  readonly status: 429 | 502;
  readonly retryAfter: string | null;
}

export interface Mark {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A key is marked a moment before the end of its attempt is put down; on a busy machine, moments are long. */
const TOLERANCE_MS = 25;

/**
 * What each key of one provider could do at any moment, from what was recorded of all
 * calls. It tells whether a walk passed over a key without reason, took one that was
 * sidelined, or ended too soon.
 */
export class PoolModel {
  readonly #marks: readonly Mark[][];

  constructor(keyCount: number, attempts: readonly TimedAttempt[]) {
    this.#marks = Array.from({ length: keyCount }, () => []);
    for (const { key, name, endedMs, cooldownMs } of attempts) {
      if (cooldownMs === undefined) continue;
      const untilMs = cooldownMs === null ? Infinity : endedMs + cooldownMs;
      this.#marks[key]?.push({ name, fromMs: endedMs, untilMs });
    }
  }

  /** What sidelined a key beyond doubt, if anything did. */
  sidelining(key: number, atMs: number): Mark | undefined {
    return this.#marksOf(key).find(
      ({ fromMs, untilMs }) => fromMs + TOLERANCE_MS < atMs && atMs < untilMs - TOLERANCE_MS,
    );
  }

  /** Whether a key may have been sidelined at some moment between the two. */
  mayBeSidelined(key: number, startMs: number, endMs: number): boolean {
    return this.#marksOf(key).some(
      ({ fromMs, untilMs }) => fromMs - TOLERANCE_MS < endMs && startMs < untilMs + TOLERANCE_MS,
    );
  }

  /** Everything a caller may have been told between two moments, if every key was unavailable or tried. */
  exhaustions(fromMs: number, untilMs: number): Exhaustion[] {
    const found = new Map<string, Exhaustion>();
    for (let atMs = fromMs - TOLERANCE_MS; atMs <= untilMs + TOLERANCE_MS; atMs += 1) {
      const exhaustion = this.#exhaustionAt(atMs);
      found.set(JSON.stringify(exhaustion), exhaustion);
    }
    return [...found.values()];
  }

  #exhaustionAt(atMs: number): Exhaustion {
    const untils = this.#marks.map((marks) =>
      Math.max(0, ...marks.filter(({ fromMs }) => fromMs <= atMs).map(({ untilMs }) => untilMs)),
    );
    if (untils.every((untilMs) => untilMs === Infinity)) return { status: 502, retryAfter: null };
    const soonestMs = Math.min(...untils) - atMs;
    const retryAfter = soonestMs > 0 ? String(Math.ceil(soonestMs / 1_000)) : null;
    return { status: 429, retryAfter };
  }

  #marksOf(key: number): readonly Mark[] {
    return this.#marks[key] ?? [];
  }
}
