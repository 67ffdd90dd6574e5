import type { KeyChange } from '../pool/key-state-store.ts';
import { movedRecord } from '../key/key-record.ts';
import type { KeyTransition } from '../key/key-transition.ts';

/** As much waits at the most, or as many as there are keys. */
const LENGTH_MAX = 1_000;

/**
 * What this process has to tell the others, oldest first. A record is cumulative, so a
 * longer cooldown takes the place of the one that still waits. While nothing can be
 * delivered, the oldest goes when it gets too much: of the history, or of what single models
 * are known for, which clients may name as they like; never what is known about a whole key.
 */
export class KeyOutbox {
  /** By numbers that go up. */
  readonly #waiting = new Map<number, KeyChange>();
  #count = 0;
  /** The number of the newest entry for a key and scope. */
  readonly #places = new Map<string, number>();
  #underWay: readonly KeyChange[] = [];

  get isEmpty(): boolean {
    return this.#underWay.length === 0 && this.#waiting.size === 0;
  }

  add(transition: KeyTransition): void {
    const slot = slotOf(transition);
    const place = this.#places.get(slot);
    const waiting = place === undefined ? undefined : this.#waiting.get(place);
    if (place !== undefined && waiting !== undefined && isExtension(transition)) {
      this.#waiting.set(place, { ...waiting, record: transition.record });
    } else if (place !== undefined && this.#waiting.size >= LENGTH_MAX) {
      this.#waiting.set(place, transition);
    } else {
      if (this.#waiting.size >= LENGTH_MAX) this.#dropOldest();
      this.#count += 1;
      this.#places.set(slot, this.#count);
      this.#waiting.set(this.#count, transition);
    }
  }

  /** What is to be delivered next: the same again until it was. */
  next(): readonly KeyChange[] {
    if (this.#underWay.length === 0) {
      this.#underWay = [...this.#waiting.values()];
      this.#waiting.clear();
      this.#places.clear();
    }
    return this.#underWay;
  }

  delivered(): void {
    this.#underWay = [];
  }

  /** The clock that all this was noted by has been put right. */
  move(byMs: number): void {
    for (const [place, change] of this.#waiting) this.#waiting.set(place, moved(change, byMs));
    this.#underWay = this.#underWay.map((change) => moved(change, byMs));
  }

  #dropOldest(): void {
    for (const [place, change] of this.#waiting) {
      const slot = slotOf(change);
      const isNewest = this.#places.get(slot) === place;
      if (isNewest && change.record.scope === null) continue;
      this.#waiting.delete(place);
      if (isNewest) this.#places.delete(slot);
      return;
    }
  }
}

function slotOf({ record }: KeyChange): string {
  return JSON.stringify([record.provider, record.fingerprint, record.scope]);
}

function moved(change: KeyChange, byMs: number): KeyChange {
  return { ...change, record: movedRecord(change.record, byMs), atMs: change.atMs + byMs };
}

function isExtension({ isStateChange, to }: KeyTransition): boolean {
  return !isStateChange && to.kind === 'temporary';
}
