import type { PoolKey } from '../key/pool-key.ts';

/**
 * The keys of a pool in configured order, with an index of those worth a look,
 * so that a request does not pay for keys that are sidelined. The index may name
 * a key that is not valid (the walker asks the key itself) but misses no valid one.
 */
export class KeyRoster {
  readonly keys: readonly PoolKey[];
  readonly #positions: ReadonlyMap<PoolKey, number>;
  readonly #byFingerprint: ReadonlyMap<string, PoolKey>;
  /** Ascending positions. */
  readonly #candidates: number[] = [];
  #cooling = new Set<PoolKey>();
  #nextRecoveryMs = Infinity;

  constructor(keys: readonly PoolKey[]) {
    this.keys = keys;
    this.#positions = new Map(keys.map((key, position) => [key, position]));
    this.#byFingerprint = new Map(keys.map((key) => [key.fingerprint, key]));
    for (const key of keys) this.refile(key);
  }

  find(fingerprint: string): PoolKey | undefined {
    return this.#byFingerprint.get(fingerprint);
  }

  /** The other keys of its account. */
  sharingAccountOf(key: PoolKey): readonly PoolKey[] {
    if (key.account === undefined) return [];
    return this.keys.filter((other) => other !== key && other.account === key.account);
  }

  /** The first candidate at or after a position, or undefined when there is none. */
  candidateFrom(position: number, nowMs: number): number | undefined {
    if (nowMs >= this.#nextRecoveryMs) this.#recover();
    return this.#candidates[this.#slotOf(position)];
  }

  /** Puts a key where its state says it belongs; to be called whenever its marks change. */
  refile(key: PoolKey): void {
    const position = this.#positions.get(key);
    if (position === undefined) return;
    const slot = this.#slotOf(position);
    const isCandidate = this.#candidates[slot] === position;
    const state = key.stateFor();
    this.#cooling.delete(key);
    if (state.kind === 'valid') {
      if (!isCandidate) this.#candidates.splice(slot, 0, position);
      return;
    }
    if (isCandidate) this.#candidates.splice(slot, 1);
    if (state.kind === 'permanent') return;
    this.#cooling.add(key);
    this.#nextRecoveryMs = Math.min(this.#nextRecoveryMs, state.untilMs);
  }

  #recover(): void {
    const cooling = this.#cooling;
    this.#cooling = new Set();
    this.#nextRecoveryMs = Infinity;
    for (const key of cooling) this.refile(key);
  }

  /** Where a position stands, or would stand, among the candidates: a binary search. */
  #slotOf(position: number): number {
    let low = 0;
    let high = this.#candidates.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#candidates[middle] ?? Infinity) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
