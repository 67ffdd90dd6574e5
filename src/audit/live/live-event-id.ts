import type { EndingKey, Place } from './place.ts';

/** Thousands of transactions that run at once: more than any server has, and what fits into a header. */
const LENGTH_MAX = 8_000;
const ENCODED = new RegExp(`^[A-Za-z0-9_-]{1,${LENGTH_MAX}}$`);
/** Of a bigint in the database. */
const NUMBER_MAX = 2n ** 63n - 1n;

/**
 * Names a place in the live tail, for readers to come back to on whichever replica. Numbers of seven
 * bits a byte: transactions that run at once have numbers close to one another, so that the distances
 * between them take a byte each.
 */
export function liveEventId({ seen, last }: Place): string {
  const distances = seen.running
    .toReversed()
    .map((each, n, all) => (n === 0 ? seen.end : (all[n - 1] ?? each)) - each);
  const within = last === undefined ? [0n] : [last.position, last.transaction];
  return Buffer.from([seen.end, ...within, ...distances].flatMap(bytesOf)).toString('base64url');
}

/** The place that an id names; undefined for a text that was never an id. */
export function placeOf(eventId: string): Place | undefined {
  const numbers = ENCODED.test(eventId) ? numbersIn(Buffer.from(eventId, 'base64url')) : undefined;
  const place = numbers === undefined ? undefined : placeFrom(numbers);
  const isId = place !== undefined && isSound(place) && liveEventId(place) === eventId;
  return isId ? place : undefined;
}

function placeFrom([end, position, ...others]: readonly bigint[]): Place | undefined {
  if (end === undefined || position === undefined) return undefined;
  const transaction = position === 0n ? undefined : others.shift();
  let each = end;
  const running = others.map((distance) => (each -= distance)).toReversed();
  const last = transaction === undefined ? {} : { last: { transaction, position } };
  return { seen: { end, running }, ...last };
}

function isSound({ seen, last }: Place): boolean {
  const isAscending = seen.running.every((each, n) => each < (seen.running[n + 1] ?? seen.end));
  return isAscending && (seen.running[0] ?? seen.end) > 0n && isUnseen(seen, last);
}

function isUnseen({ end, running }: Place['seen'], last: EndingKey | undefined): boolean {
  return last === undefined || last.transaction === end || running.includes(last.transaction);
}

function bytesOf(number: bigint): number[] {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** Undefined where the last one is cut off, or one is too large. */
function numbersIn(bytes: Buffer): bigint[] | undefined {
  const numbers: bigint[] = [];
  let number = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    number |= BigInt(byte & 0x7f) << shift;
    if (number > NUMBER_MAX) return undefined;
    if (byte > 0x7f) shift += 7n;
    else {
      numbers.push(number);
      [number, shift] = [0n, 0n];
    }
  }
  return shift === 0n ? numbers : undefined;
}
