import { expect, it } from 'vitest';
import { sharesOf } from './shares.ts';

it.each([
  [6, { questions: 2, exports: 1, writer: 2, late: 1 }],
  [7, { questions: 2, exports: 1, writer: 3, late: 1 }],
  [8, { questions: 3, exports: 2, writer: 3, late: 1 }],
])('%i connections are shared by all parts, and none is left over', (connections, shares) => {
  expect(sharesOf(connections)).toEqual(shares);
  expect(1 + shares.questions + shares.writer + shares.late).toBe(connections);
});
