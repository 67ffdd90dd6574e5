/** Lets a loop sleep until there is something to do, or for so long. Not to be missed: a call in between counts. */
export class Wakeup {
  #isPending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#isPending = true;
    this.#resolve?.();
  }

  /** False when the time was up and nobody called. */
  async slept(forMs: number): Promise<boolean> {
    if (!this.#isPending) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const timer = setTimeout(resolve, forMs);
      await promise;
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    const isCalled = this.#isPending;
    this.#isPending = false;
    return isCalled;
  }
}
