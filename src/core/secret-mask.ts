import type { Secret } from './secret.ts';

const NOTHING = Buffer.alloc(0);

/**
 * Blots a secret out of bytes that come in pieces. The mask is as long as the secret, so
 * an announced length stays true. Nothing else is changed, and nothing is held back but a
 * piece's last bytes when the secret may begin with them.
 */
export class SecretMask {
  readonly #masks: readonly PartMask[];

  constructor(secret: Secret) {
    this.#masks = secret.parts.map((part) => new PartMask(part));
  }

  /** True when there is something that only the next piece or the end tells about. */
  get isHolding(): boolean {
    return this.#masks.some((mask) => mask.isHolding);
  }

  /** What of all the bytes so far can be shown by now; empty when that is nothing new. */
  pass(piece: Buffer): Buffer {
    return this.#masks.reduce((bytes, mask) => mask.pass(bytes), piece);
  }

  /** At the end, even the beginning of a secret shows no more than its hint does. */
  rest(): Buffer | undefined {
    const rest = this.#masks.reduce((bytes, mask) => {
      return Buffer.concat([mask.pass(bytes), mask.rest() ?? NOTHING]);
    }, NOTHING);
    return rest.length === 0 ? undefined : rest;
  }
}

class PartMask {
  readonly #secret: Buffer;
  readonly #mask: Buffer;
  #held: Buffer | undefined;

  constructor(secret: Secret) {
    this.#secret = Buffer.from(secret.reveal());
    this.#mask = maskOf(secret.hint, this.#secret.length);
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  pass(piece: Buffer): Buffer {
    const bytes = this.#held === undefined ? piece : Buffer.concat([this.#held, piece]);
    const masked = this.#masked(bytes);
    const heldLength = this.#beginningAtEndOf(masked);
    this.#held = heldLength === 0 ? undefined : masked.subarray(masked.length - heldLength);
    return heldLength === 0 ? masked : masked.subarray(0, masked.length - heldLength);
  }

  rest(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held && this.#mask.subarray(0, held.length);
  }

  #masked(bytes: Buffer): Buffer {
    let at = bytes.indexOf(this.#secret);
    if (at === -1) return bytes;
    const masked = Buffer.from(bytes);
    for (; at !== -1; at = masked.indexOf(this.#secret, at + this.#secret.length)) {
      this.#mask.copy(masked, at);
    }
    return masked;
  }

  /** How many of the last bytes the secret begins with. */
  #beginningAtEndOf(bytes: Buffer): number {
    const [first = 0] = this.#secret;
    let at = bytes.indexOf(first, Math.max(0, bytes.length - this.#secret.length + 1));
    while (at !== -1) {
      const length = bytes.length - at;
      if (bytes.compare(this.#secret, 0, length, at) === 0) return length;
      at = bytes.indexOf(first, at + 1);
    }
    return 0;
  }
}

function maskOf(hint: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(hint), Buffer.alloc(length, '*')]).subarray(0, length);
}
