import type { Secret } from '../core/secret.ts';
import type { AnswerBody } from './upstream-call.ts';

/**
 * What a provider sends, with the key it was called with blotted out: some name it in
 * their errors, and what only echoes a request has it too. The mask is as long as the
 * key, so an announced length stays true. Nothing else is changed, and nothing is held
 * back but a chunk's last bytes when the key may begin with them.
 */
export class MaskedBody implements AnswerBody {
  readonly #body: AnswerBody;
  readonly #key: Buffer;
  readonly #mask: Buffer;
  #held: Buffer | undefined;

  constructor(body: AnswerBody, secret: Secret) {
    this.#body = body;
    this.#key = Buffer.from(secret.reveal());
    this.#mask = maskOf(secret.hint, this.#key.length);
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = await this.#next();
      if (chunk === undefined) return this.#rest();
      const passed = this.#pass(chunk);
      if (passed.length > 0) return passed;
    }
  }

  cancel(): void {
    this.#body.cancel();
  }

  /** A failure ends the body as well, but only after what is still held; the next read meets it again. */
  async #next(): Promise<Buffer | undefined> {
    try {
      return await this.#body.read();
    } catch (error) {
      if (this.#held === undefined) throw error;
      return undefined;
    }
  }

  #pass(chunk: Buffer): Buffer {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const masked = this.#masked(bytes);
    const heldLength = this.#beginningAtEndOf(masked);
    this.#held = heldLength === 0 ? undefined : masked.subarray(masked.length - heldLength);
    return heldLength === 0 ? masked : masked.subarray(0, masked.length - heldLength);
  }

  #masked(bytes: Buffer): Buffer {
    let at = bytes.indexOf(this.#key);
    if (at === -1) return bytes;
    const masked = Buffer.from(bytes);
    for (; at !== -1; at = masked.indexOf(this.#key, at + this.#key.length)) {
      this.#mask.copy(masked, at);
    }
    return masked;
  }

  /** How many of the last bytes the key begins with. */
  #beginningAtEndOf(bytes: Buffer): number {
    const [first = 0] = this.#key;
    let at = bytes.indexOf(first, Math.max(0, bytes.length - this.#key.length + 1));
    while (at !== -1) {
      const length = bytes.length - at;
      if (bytes.compare(this.#key, 0, length, at) === 0) return length;
      at = bytes.indexOf(first, at + 1);
    }
    return 0;
  }

  /** At the end, even the beginning of a key shows no more than its hint does. */
  #rest(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held && this.#mask.subarray(0, held.length);
  }
}

function maskOf(hint: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(hint), Buffer.alloc(length, '*')]).subarray(0, length);
}
