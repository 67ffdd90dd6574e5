/**
 * A request's body, held for as long as another key may need it. A long answer
 * outlives that by minutes, and a thousand of them would hold a thousand bodies.
 */
export class HeldBody {
  #bytes: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get bytes(): Buffer {
    if (this.#bytes === undefined) throw new Error('the body is needed after it was let go');
    return this.#bytes;
  }

  release(): void {
    this.#bytes = undefined;
  }
}
