import { expect, test } from 'vitest';
import { FAULTS } from './faults.ts';
import { placesOf } from './faulty-program.ts';

// Whether the truth test finds them is for `npm run test:truth:faults`, which takes its time.
test.each(FAULTS)('the program is such that this can go wrong with it: $title', async (fault) => {
  expect(await placesOf(fault)).toHaveLength(1);
});
