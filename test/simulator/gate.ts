/**
 * The waits of one answer, in the hands of the test: each ends by time, by
 * `step` (this one), or by `open` (this one and all that follow).
 */
export class Gate {
  #isOpen = false;
  #steps = 0;
  #proceed: (() => void) | null = null;

  async wait(ms: number): Promise<void> {
    if (this.#isOpen) return;
    if (this.#steps > 0) {
      this.#steps -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(() => this.#end(), ms) : undefined;
      this.#proceed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the current wait or, if none has begun, the next one. */
  step(): void {
    if (this.#proceed === null) this.#steps += 1;
    else this.#end();
  }

  open(): void {
    this.#isOpen = true;
    this.#end();
  }

  #end(): void {
    this.#proceed?.();
    this.#proceed = null;
  }
}
