import { expect, it } from 'vitest';
import { BoundedLabel } from './bounded-label.ts';

it('tells the first hundred values apart and calls the rest `other`, whatever comes', () => {
  const label = new BoundedLabel();
  const names = Array.from({ length: 100 }, (_, index) => `model-${index}`);
  expect(names.map((name) => label.of(name))).toEqual(names);

  expect(label.of('one-too-many')).toBe('other');
  expect(label.of('model-0')).toBe('model-0');
  expect(
    new Set(Array.from({ length: 10_000 }, (_, index) => label.of(`made-up-${index}`))),
  ).toEqual(new Set(['other']));
});
