import { expect, test } from 'vitest';
import { Pulse } from './pulse.ts';

test('a process that has just come may judge the silence of others', () => {
  expect(new Pulse().beat(7)).toBe(true);
});

test('one that was itself cut off gives the others time to be heard again', () => {
  const pulse = new Pulse();
  const seconds = [0, 5, 10, 60, 70, 80, 89, 90, 100];
  const judging = seconds.filter((second) => pulse.beat(second * 1_000));
  expect(judging).toEqual([0, 5, 10, 90, 100]);
});
