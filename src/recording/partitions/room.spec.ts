import { expect, test } from 'vitest';
import { firstIdAt } from '../../core/ids.ts';
import { Room, type Partitions } from './room.ts';

const DAY = 86_400_000;

class Made implements Partitions {
  readonly starts: string[] = [];

  make(fromMs: number): Promise<void> {
    this.starts.push(new Date(fromMs).toISOString().slice(0, 10));
    return Promise.resolve();
  }
}

const rows = (...times: readonly string[]) =>
  times.map((time) => ({ id: firstIdAt(Date.parse(time)) }));

test('asks once for each day that something is of, and for none between', async () => {
  const made = new Made();
  const room = new Room(made, 'day');
  await room.for(rows('2026-11-21T10:00Z', '1980-01-01T00:00Z', '2026-11-21T23:59Z'));
  await room.for(rows('2026-11-21T12:00Z', '2026-11-22T00:00Z'));
  await room.for([{ id: 'no id' }]);
  await room.for([]);
  expect(made.starts).toEqual(['2026-11-21', '1980-01-01', '2026-11-22']);
});

test('asks again when it was told to forget, and when a try has failed', async () => {
  const made = new Made();
  const room = new Room(made, 'month');
  const today = rows(new Date(50 * 365 * DAY).toISOString());
  await room.for(today);
  room.forget();
  await room.for(today);
  expect(made.starts).toHaveLength(2);

  const failing = new Room({ make: () => Promise.reject(new Error('away')) }, 'month');
  await expect(failing.for(today)).rejects.toThrow('away');
  await expect(failing.for(today)).rejects.toThrow('away');
});
