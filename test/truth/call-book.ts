import type { Call } from '../simulator/index.ts';

/** The calls that reached the provider, by the request that they were made for, until they are forgotten. */
export class CallBook {
  readonly #calls = new Map<string, Call[]>();

  readonly add = (call: Call): void => {
    const name = call.headers['user-agent'] ?? '';
    const known = this.#calls.get(name);
    if (known === undefined) this.#calls.set(name, [call]);
    else known.push(call);
  };

  callsFor(name: string): readonly Call[] {
    return this.#calls.get(name) ?? [];
  }

  forget(names: Iterable<string>): void {
    for (const name of names) this.#calls.delete(name);
  }
}
