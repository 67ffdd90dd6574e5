import { expect, it } from 'vitest';
import { filterSchema } from './interception-filter.ts';
import { isInOneIndex } from './one-index.ts';

const EVERYBODY = { kind: 'everybody' } as const;

it.each([
  [{}, true],
  [{ model: 'a' }, true],
  [{ model: 'a', startedAfter: '2026-01-01' }, true],
  [{ model: 'a', client: 'b' }, false],
  [{ model: 'a', client: 'b', initiator: 'c' }, true],
  [{ text: 'a' }, false],
  [{ text: 'a', initiator: 'c' }, false],
])('%j is answered by one index: %s', (query, expected) => {
  expect(isInOneIndex(EVERYBODY, filterSchema.parse(query))).toBe(expected);
});

it('what a member sees of their own is in one index', () => {
  const own = { kind: 'own', initiatorId: 'a' } as const;
  expect(isInOneIndex(own, filterSchema.parse({ model: 'a', client: 'b' }))).toBe(true);
});
