import type { Call } from '../simulator/index.ts';

/** The calls that reached the provider, by the request that they were made for, until they are forgotten. */
export class CallBook {
  readonly #calls = new Map<string, Call[]>();

  readonly add = (call: Call): void => {
    const name = nameOf(call);
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

/** Of the request that a call is made for. */
export function nameOf({ headers }: Pick<Call, 'headers'>): string {
  return headers['user-agent'] ?? '';
}
