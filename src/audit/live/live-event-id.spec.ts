import { assert, bigInt, nat, option, property, record, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveEventId, placeOf } from './live-event-id.ts';
import type { Place } from './place.ts';

const LARGEST = 2n ** 63n - 1n;
const number = bigInt({ min: 1n, max: LARGEST });
const places = record({
  numbers: uniqueArray(number, { minLength: 1, maxLength: 40 }),
  ending: option(record({ which: nat(), position: number })),
}).map(({ numbers, ending }): Place => {
  const ascending = numbers.toSorted((a, b) => (a < b ? -1 : 1));
  const [end, running] = [ascending.at(-1) ?? 1n, ascending.slice(0, -1)];
  if (ending === null) return { seen: { end, running } };
  const transaction = ascending[ending.which % ascending.length] ?? end;
  return { seen: { end, running }, last: { transaction, position: ending.position } };
});

describe('the id of an event', () => {
  it('names its place again', () => {
    assert(
      property(places, (place) => {
        expect(placeOf(liveEventId(place))).toEqual(place);
      }),
    );
  });

  it('is short, also where hundreds of transactions run at once', () => {
    const last = { transaction: 123_456_789n, position: 98_765_432n };
    const quiet: Place = { seen: { end: 123_456_789n, running: [] }, last };
    expect(liveEventId(quiet).length).toBeLessThan(20);
    const running = Array.from({ length: 500 }, (_, n) => 123_450_000n + 10n * BigInt(n));
    expect(liveEventId({ ...quiet, seen: { end: 123_456_789n, running } }).length).toBeLessThan(
      700,
    );
  });

  it.each([
    ['nothing', ''],
    ['what is no base64url', '1-x'],
    ['what is padded', `${encoded(90, 0)}=`],
    ['blanks', ` ${encoded(90, 0)}`],
    ['half of it', encoded(90)],
    ['a number that is cut off', encoded(90, 0, 0x80)],
    ['a number that is longer than it needs to be', encoded(0x80 | 90, 0, 0)],
    ['a number that is too large', encoded(...Array<number>(9).fill(0xff), 1, 0)],
    ['bits that mean nothing', 'WgB'],
    ['no transaction at all', encoded(0, 0)],
    ['one that runs twice', encoded(90, 0, 3, 0)],
    ['one that runs beyond the end', encoded(90, 0, 0)],
    ['one that runs before the first', encoded(90, 0, 90)],
    ['a position in what has been seen', encoded(90, 7, 80)],
    ['a position in what comes later', encoded(90, 7, 91)],
    ['what is far too long', encoded(90, 0, ...Array<number>(9_000).fill(1))],
  ])('is not %s', (_, text) => {
    expect(placeOf(text)).toBeUndefined();
  });

  it('is what the cases above spoil', () => {
    expect(placeOf(encoded(90, 0))).toEqual({ seen: { end: 90n, running: [] } });
    const last = { transaction: 80n, position: 7n };
    expect(placeOf(encoded(90, 7, 80, 3, 7))).toEqual({
      seen: { end: 90n, running: [80n, 87n] },
      last,
    });
  });
});

function encoded(...bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('base64url');
}
