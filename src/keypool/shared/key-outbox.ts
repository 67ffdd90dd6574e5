import type { KeyChange } from '../pool/key-state-store.ts';
import type { KeyTransition } from '../key/key-transition.ts';

/** From here on the changes of a key are added up instead of lined up. */
const LENGTH_MAX = 1_000;

/**
 * What this process has to tell the others, oldest first. A record is cumulative, so a
 * longer cooldown takes the place of the one that still waits. While nothing can be
 * delivered the outbox grows by one entry for each key and scope beyond `LENGTH_MAX`
 * at most; it is the history that gets shorter then, never what is known about a key.
 */
export class KeyOutbox {
  #waiting: KeyChange[] = [];
  /** The place of the newest entry for a key and scope. */
  readonly #places = new Map<string, number>();
  #underWay: readonly KeyChange[] = [];

  get isEmpty(): boolean {
    return this.#underWay.length === 0 && this.#waiting.length === 0;
  }

  add(transition: KeyTransition): void {
    const { provider, fingerprint, scope } = transition;
    const slot = JSON.stringify([provider, fingerprint, scope]);
    const place = this.#places.get(slot);
    const waiting = place === undefined ? undefined : this.#waiting[place];
    if (place !== undefined && waiting !== undefined && isExtension(transition)) {
      this.#waiting[place] = { ...waiting, shared: transition.shared };
    } else if (place !== undefined && this.#waiting.length >= LENGTH_MAX) {
      this.#waiting[place] = transition;
    } else {
      this.#places.set(slot, this.#waiting.push(transition) - 1);
    }
  }

  /** What is to be delivered next: the same again until it was. */
  next(): readonly KeyChange[] {
    if (this.#underWay.length === 0) {
      this.#underWay = this.#waiting;
      this.#waiting = [];
      this.#places.clear();
    }
    return this.#underWay;
  }

  delivered(): void {
    this.#underWay = [];
  }
}

function isExtension({ isStateChange, to }: KeyTransition): boolean {
  return !isStateChange && to.kind === 'temporary';
}
