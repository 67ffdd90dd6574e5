import { expect, onTestFinished, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { LiveReader } from '../e2e/live-reader.ts';
import { limitedRole, type LimitedRole } from '../support/limited-role.ts';
import { Load } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { anEnd, aStart } from '../support/record-events.ts';
import { faultySystem } from './faulty-system.ts';

const ROUNDS = 20;
const TAILS = 20;
const CLIENTS = 4;

/** More than the buffers on the way to a reader hold who takes nothing. */
async function fill(url: string): Promise<void> {
  const prisma = createPrismaClient(url, { poolMax: 1 });
  const userAgent = 'x'.repeat(40_000);
  const ids = Array.from({ length: 600 }, () => uuidv7(Date.now()));
  const events = ids.flatMap((id) => [aStart({ id, userAgent }), anEnd({ id })]);
  expect(await new PrismaRecordStore(prisma).store(events)).toBeUndefined();
  await prisma.$disconnect();
}

/** Until told, how many connections there are at most. */
function most(role: LimitedRole): () => Promise<number> {
  const counts: number[] = [];
  const over = new AbortController();
  const running = (async () => {
    while (!over.signal.aborted) counts.push(await role.connections());
  })();
  return async () => {
    over.abort();
    await running;
    return Math.max(...counts);
  };
}

test.each([6, 8])(
  'a bridge that may have %i connections gets along with them, whatever it is asked at once',
  async (connections) => {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const role = await limitedRole(database.url, connections);
    onTestFinished(() => role.drop());
    const system = await faultySystem(database.url);
    onTestFinished(() => system.remove());
    await fill(database.url);
    const bridge = await system.startBridge({
      env: { DATABASE_URL: role.url, AIBRIDGE_DATABASE_CONNECTIONS: String(connections) },
    });
    await bridge.log(({ msg }) => msg === 'the database is ready');
    const counted = most(role);
    const get = (path: string, signal?: AbortSignal): Promise<Response> =>
      fetch(`${bridge.url}/api/v1${path}`, { signal: signal ?? null });

    const load = new Load(bridge.url, { round: 'load', clients: CLIENTS });
    const tails = await Promise.all(
      Array.from({ length: TAILS }, () => LiveReader.open(bridge.url)),
    );
    const leaving = new AbortController();
    const exported = [1, 2, 3].map(() => get('/interceptions/export', leaving.signal));
    const begun = (await Promise.all(exported)).filter(({ status }) => status === 200);
    expect(begun).toHaveLength(connections === 6 ? 1 : 2);
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = [
        '/interceptions?limit=20&count=true',
        '/interceptions?text=marmalade',
        '/usage?groupBy=day',
        '/sessions',
        '/facets/models',
        '/keys/events',
      ].map(async (path) => {
        const answer = await get(path);
        await answer.arrayBuffer();
        return `${path} ${answer.status}`;
      });
      expect((await Promise.all(asked)).filter((answer) => !answer.endsWith(' 200'))).toEqual([]);
    }
    leaving.abort();
    for (const tail of tails) tail.leave();
    const served = await load.stop();
    expect(served.length).toBeGreaterThan(0);
    expect(await bridge.stop()).toBe(0);

    const told = await counted();
    expect(told).toBeLessThanOrEqual(connections);
    // Not because it was idle: all but the one for records that take long were wanted.
    expect(told).toBeGreaterThanOrEqual(connections - 1);
    // That keys are limited again and again is part of the load.
    const complaints = bridge.logs.filter(({ level, provider }) => {
      return (level === 'warn' || level === 'error') && provider === undefined;
    });
    expect(complaints).toEqual([]);
  },
  120_000,
);
