import type { KeyPool, PoolKey, Walker } from '../keypool/index.ts';
import { PoolExhausted } from '../keypool/index.ts';
import type { KeyPatience } from './key-patience.ts';

/** A key to call with. `end` is told what came of it, once. */
export interface FoundKey {
  readonly key: PoolKey;
  readonly end: (isServed: boolean) => void;
}

/**
 * One call's way from key to key: the walk; at its end perhaps a sidelined key, to find out whether
 * it serves again; and where that is wanted a wait for the one that is back first, and another walk.
 */
export class KeySearch {
  readonly #pool: KeyPool;
  readonly #model: string;
  readonly #patience: KeyPatience;
  #walker: Walker;

  constructor(pool: KeyPool, model: string, patience: KeyPatience) {
    this.#pool = pool;
    this.#model = model;
    this.#patience = patience;
    this.#walker = pool.walk(model);
  }

  async next(): Promise<FoundKey | PoolExhausted> {
    for (;;) {
      const key = this.#walker.next();
      if (!(key instanceof PoolExhausted)) return { key, end: () => undefined };
      const trial = this.#pool.trial(key, this.#model);
      if (trial !== undefined) return trial;
      if (!(await this.#patience.outlasts(key))) return key;
      this.#walker = this.#pool.walk(this.#model);
    }
  }
}
