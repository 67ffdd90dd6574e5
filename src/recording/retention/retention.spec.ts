import { expect, test } from 'vitest';
import { PurgeStore, Retention } from './retention.ts';

type What = 'records' | 'leftovers' | 'texts' | 'usage';

/** Has so many rows to purge of each, all in one batch. */
class Store extends PurgeStore {
  readonly #rows: Record<What, number>;

  constructor(rows: Partial<Record<What, number>>) {
    super();
    this.#rows = { records: 0, leftovers: 0, texts: 0, usage: 0, ...rows };
  }

  override nowMs = () => Promise.resolve(0);
  override purgeRecords = () => this.#purge('records');
  override purgeLeftovers = () => this.#purge('leftovers');
  override purgeTexts = () => this.#purge('texts');
  override purgeUsage = () => this.#purge('usage');
  override purgeUnlinked = () => Promise.resolve(0);
  override purgeMarks = () => Promise.resolve(0);
  override purgeEndings = () => Promise.resolve(0);
  override analyze = () => Promise.resolve();
  override makeRoom = () => Promise.resolve();
  override dropRecords = () => Promise.resolve(0);
  override dropTexts = () => Promise.resolve(0);

  get left(): number {
    return Object.values(this.#rows).reduce((sum, rows) => sum + rows, 0);
  }

  #purge(what: What): Promise<number> {
    const rows = this.#rows[what];
    this.#rows[what] = 0;
    return Promise.resolve(rows);
  }
}

test.each([
  [{ leftovers: 3 }, []],
  [{ records: 2, leftovers: 3 }, ['2 records']],
  [{ records: 2, texts: 4 }, ['4 texts', '2 records']],
  [{ leftovers: 3, usage: 5 }, ['5 totals of initiators']],
])('of %o it says what that matters has gone: %j', async (rows, expected) => {
  const store = new Store(rows);
  const purged: string[] = [];
  const stop = new AbortController();
  const reports = {
    purged: (what: string, count: number) => purged.push(`${count} ${what}`),
    failed: expect.unreachable,
  };
  const running = new Retention(store, { recordsMs: 1, textsMs: 1, usageMs: 1 }, reports).run(
    stop.signal,
  );
  await expect.poll(() => store.left).toBe(0);
  await expect.poll(() => purged).toEqual(expected);
  stop.abort();
  await running;
});
