import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAhead, mayLack, parseSnapshot, placeAfter } from './place.ts';
import type { EndingKey, Place, Snapshot } from './place.ts';

describe('a snapshot', () => {
  it.each([
    ['734:734:', { end: 734n, running: [] }],
    ['720:734:720', { end: 734n, running: [720n] }],
    [
      '720:5000000000:720,731,4999999999',
      { end: 5_000_000_000n, running: [720n, 731n, 4_999_999_999n] },
    ],
  ])('is read from %s', (text, snapshot) => {
    expect(parseSnapshot(text)).toEqual(snapshot);
  });

  it.each(['', '1:2', '1:2:,', '1:2:3,', 'a:b:c'])('is not read from "%s"', (text) => {
    expect(() => parseSnapshot(text)).toThrow('no snapshot');
  });
});

describe('a place', () => {
  const seen: Snapshot = { end: 50n, running: [40n, 45n] };

  it('may lack what was purged, from the oldest transaction on that it does not see', () => {
    expect(mayLack({ seen }, 39n)).toBe(false);
    expect(mayLack({ seen }, 40n)).toBe(true);
    expect(mayLack({ seen: { end: 50n, running: [] } }, 49n)).toBe(false);
    expect(mayLack({ seen: { end: 50n, running: [] } }, 50n)).toBe(true);
  });

  it('is ahead of a database that has not come as far', () => {
    expect(isAhead({ seen }, { end: 50n, running: [] })).toBe(false);
    expect(isAhead({ seen }, { end: 49n, running: [] })).toBe(true);
    const last = { transaction: 60n, position: 1n };
    expect(isAhead({ seen, last }, { end: 61n, running: [] })).toBe(false);
    expect(isAhead({ seen, last }, { end: 60n, running: [] })).toBe(true);
  });
});

/** What a server does with transactions, as far as readers of endings can tell. */
class Server {
  #next = 3n;
  #positions = 0n;
  readonly #running: bigint[] = [];
  readonly #endings: EndingKey[] = [];

  begin(): void {
    this.#running.push(this.#next);
    this.#next += 1n;
  }

  /** One of those that are running writes an ending. */
  write(which: number): void {
    const transaction = this.#running[which % this.#running.length];
    if (transaction === undefined) return;
    this.#positions += 1n;
    this.#endings.push({ transaction, position: this.#positions });
  }

  commit(which: number): void {
    this.#running.splice(which % this.#running.length, 1);
  }

  snapshot(): Snapshot {
    return { end: this.#next, running: this.#running.toSorted(ascending) };
  }

  visible(): EndingKey[] {
    return this.#endings.filter(({ transaction }) => !this.#running.includes(transaction));
  }

  /** What a reader at a place has not seen of it, in order. */
  unseen({ seen, last }: Place): EndingKey[] {
    return this.visible()
      .filter(({ transaction }) => transaction >= seen.end || seen.running.includes(transaction))
      .filter((key) => key.transaction !== last?.transaction || key.position > last.position)
      .toSorted(
        (a, b) =>
          Number(a.transaction !== last?.transaction) -
            Number(b.transaction !== last?.transaction) ||
          ascending(a.transaction, b.transaction) ||
          ascending(a.position, b.position),
      );
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

/** Goes on by a page of so many, and answers them, each with the place after it. */
function page(server: Server, place: Place, length: number): [EndingKey, Place][] {
  const now = server.snapshot();
  return server
    .unseen(place)
    .slice(0, length)
    .map((key) => [key, placeAfter(place, now, key)]);
}

/** All that is left from a place on, by pages that begin and end wherever. */
function rest(server: Server, from: Place): string[] {
  const shown = page(server, from, 1 + (server.unseen(from).length % 3));
  const place = shown.at(-1)?.[1];
  return place === undefined ? [] : [...shown.map(([key]) => text(key)), ...rest(server, place)];
}

const text = ({ transaction, position }: EndingKey): string => `${transaction}/${position}`;

// Whoever breaks off after any event, at any time, must be shown the rest and nothing else.
it('lets a reader go on after every event, exactly, whatever commits in which order', () => {
  const step = record({
    what: constantFrom('begin', 'write', 'write', 'commit', 'look'),
    which: integer({ min: 0, max: 3 }),
  });
  assert(
    property(array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const server = new Server();
      let place: Place = { seen: server.snapshot() };
      const shown: [EndingKey, Place][] = [];
      const act = {
        begin: () => server.begin(),
        write: (which: number) => server.write(which),
        commit: (which: number) => server.commit(which),
        look: (which: number) => {
          shown.push(...page(server, place, which));
          place = shown.at(-1)?.[1] ?? place;
        },
      };
      for (const { what, which } of steps) act[what](which);

      const all = server.visible().map(text).toSorted();
      const before: string[] = [];
      for (const [key, from] of shown) {
        before.push(text(key));
        expect([...before, ...rest(server, from)].toSorted()).toEqual(all);
      }
    }),
    { numRuns: 1_000 },
  );
});
