import { expect, it } from 'vitest';
import { DumpQueue } from './dump-queue.ts';

it('does one thing after another, in the order in which they came', async () => {
  const queue = new DumpQueue();
  const done: string[] = [];
  const job = (name: string, then?: () => void) => ({
    async run() {
      done.push(`${name} begins`);
      await new Promise(setImmediate);
      done.push(`${name} ends`);
      then?.();
    },
  });
  const last = job('last');
  queue.add(job('first', () => queue.add(last)));
  queue.add(job('second'));
  expect(done).toEqual([]);
  await queue.close(10_000);
  expect(done).toEqual(['first', 'second', 'last'].flatMap((n) => [`${n} begins`, `${n} ends`]));
});

// A disk that hangs: nothing ever comes back from it.
it('waits for a job that never ends only as long as it is told to, and takes no more', async () => {
  const queue = new DumpQueue(1_000);
  queue.add({ run: () => new Promise(() => undefined) });
  expect([queue.take(600), queue.take(600), queue.take(400), queue.take(1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  await queue.close(10);
  queue.giveBack(600);
  expect(queue.take(600)).toBe(true);
});
