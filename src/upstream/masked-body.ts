import { SecretMask } from '../core/secret-mask.ts';
import type { Secret } from '../core/secret.ts';
import type { AnswerBody } from './wire/upstream-call.ts';

/**
 * What a provider sends, with the key it was called with blotted out: some name it in
 * their errors, and what only echoes a request has it too.
 */
export class MaskedBody implements AnswerBody {
  readonly #body: AnswerBody;
  readonly #mask: SecretMask;

  constructor(body: AnswerBody, secret: Secret) {
    this.#body = body;
    this.#mask = new SecretMask(secret);
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = await this.#next();
      if (chunk === undefined) return this.#mask.rest();
      const passed = this.#mask.pass(chunk);
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
      if (!this.#mask.isHolding) throw error;
      return undefined;
    }
  }
}
