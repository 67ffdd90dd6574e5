import { expect, test } from 'vitest';
import {
  aStart,
  anAttempt,
  anAttemptSoFar,
  anEnd,
  anId,
  aUsage,
} from '../../../test/support/record-events.ts';
import { byTable } from './batch.ts';

const id = anId();
const rowId = anId();
const [begun, headed, ended] = [
  anAttemptSoFar({ id, rowId }),
  anAttemptSoFar({ id, rowId, status: 200 }),
  anAttempt({ id, rowId }),
];

test.each([
  ['an attempt that has begun', [begun], begun],
  ['one whose answer has, too', [begun, headed], headed],
  ['the same, read once more', [begun, headed, begun], headed],
  ['one that has ended', [begun, headed, ended], ended],
  ['one that has ended, read once more', [ended, begun, headed], ended],
])('%s is one row', (_, events, row) => {
  expect([...byTable(events)]).toEqual([['attempt', [row]]]);
});

test('usage that was known early is no row when its end is there', () => {
  const [soFar, usage] = [aUsage({ rowId, kind: 'usage_so_far' }), aUsage({ rowId, input: 7 })];
  expect([...byTable([soFar])]).toEqual([['usage_so_far', [soFar]]]);
  expect([...byTable([soFar, usage])]).toEqual([['usage', [usage]]]);
});

test('rows stay in the order of their events, and signs of life are none', () => {
  const events = [aStart(), ended, anAttempt(), anEnd()];
  const alive = { kind: 'alive', id, at: 1, open: 1 } as const;
  expect([...byTable([alive, ...events, alive]).values()].flat()).toEqual(events);
});
