import { expect, test } from 'vitest';
import { firstIdAt, uuidv7 } from './ids.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('an id is a UUID v7 that begins with its time', () => {
  const id = uuidv7(NOW);
  expect(id).toMatch(UUID_V7);
  expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(NOW);
});

test('the order of ids is the order in which they were made, also within a millisecond', () => {
  const ids = Array.from({ length: 20_000 }, () => uuidv7(NOW));
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

test('a clock that is set back makes no id that sorts before an earlier one', () => {
  const first = uuidv7(NOW + 60_000);
  expect(uuidv7(NOW) > first).toBe(true);
});

test('a time lies between the ids before it and those from it on', () => {
  const later = NOW + 120_000;
  const before = uuidv7(later - 1);
  const after = uuidv7(later);
  expect(before < firstIdAt(later)).toBe(true);
  expect(after > firstIdAt(later)).toBe(true);
  expect(firstIdAt(later)).toMatch(UUID_V7);
});
