import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import {
  ALICE,
  AUDITOR,
  BOB,
  startAuditSystem,
  type AuditSystem,
  type Query,
} from './audit-system.ts';

const AT = Date.UTC(2026, 4, 1);
/** Some pages, and nothing left after the last of them. */
const COUNT = 2_500;
/** Newest first. */
const ids = Array.from({ length: COUNT }, (_, n) => uuidv7(AT + n)).toReversed();
let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    ...ids.flatMap((id, n) => [
      aStart({ id, at: AT, initiatorId: n % 5 === 0 ? ALICE.id : '=cmd|calc', client: 'a,"b"' }),
      anEnd({ id }),
    ]),
  );
});

afterAll(() => audit.stop());

async function lines(query: Query<'exportInterceptions'>, person = AUDITOR): Promise<string[]> {
  const { data = '', response } = await audit
    .client(person)
    .GET('/api/v1/interceptions/export', { params: { query }, parseAs: 'text' });
  expect(response.status).toBe(200);
  return data.split(/\r?\n/).slice(0, -1);
}

it('exports every record once, newest first, as it is in a list', async () => {
  const records = (await lines({})).map((line) => Object(JSON.parse(line)));
  expect(records.map(({ id }) => id)).toEqual(ids);
  const query = { limit: 1 };
  const { data } = await audit.client().GET('/api/v1/interceptions', { params: { query } });
  expect(data?.items).toEqual(records.slice(0, 1));
});

it('takes the filters of a list', async () => {
  expect(await lines({ initiator: [ALICE.id], status: ['completed'] })).toHaveLength(COUNT / 5);
  expect(await lines({ status: ['failed'] })).toEqual([]);
});

it('shows a member their own only', async () => {
  expect(await lines({}, ALICE)).toHaveLength(COUNT / 5);
  expect(await lines({}, BOB)).toEqual([]);
});

it('is a CSV that a spreadsheet can open without harm', async () => {
  const [header, ...rows] = await lines({ format: 'csv' });
  expect(header?.split(',').slice(0, 5)).toEqual([
    'id',
    'startedAt',
    'endedAt',
    'durationMs',
    'initiatorId',
  ]);
  expect(rows).toHaveLength(COUNT);
  expect(rows.find((row) => row.startsWith(ids[1] ?? '-'))).toContain(`,'=cmd|calc,`);
  expect(rows[0]).toContain('"a,""b"""');
});

it.each(['ndjson', 'csv'] as const)('goes on where a %s was cut off', async (format) => {
  const all = await lines({ format });
  const header = format === 'csv' ? 1 : 0;
  const got = all.slice(0, 1_000 + header);
  const rest = await lines({ format, cursor: String(ids[999]) });
  expect([...got, ...rest]).toEqual(all);
});

it('refuses a format it does not know', async () => {
  expect((await audit.get('/interceptions/export?format=xlsx')).status).toBe(400);
});

it('keeps nobody from stopping, has room for a few, and gives it back', async () => {
  const own = await startAuditSystem();
  const userAgent = 'x'.repeat(40_000);
  // More than the buffers on the way to a reader hold who takes nothing.
  const more = Array.from({ length: 600 }, (_, n) => uuidv7(AT + n));
  await own.store(...more.map((id) => aStart({ id, at: AT, userAgent })));
  const open = async (): Promise<{ status: number; leave: () => void }> => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const { status } = await own.request('/interceptions/export', AUDITOR, { signal });
    return { status, leave: () => leaving.abort() };
  };
  const readers = await Promise.all([open(), open()]);
  expect(readers.map(({ status }) => status)).toEqual([200, 200]);
  expect((await open()).status).toBe(429);
  for (const { leave } of readers) leave();
  await expect.poll(async () => (await open()).status).toBe(200);
  expect(await own.bridge.stop()).toBe(0);
  await own.stop();
});

it('answers 503 for an export that cannot begin', async () => {
  const away = await startAuditSystem();
  await away.database.drop();
  expect(await away.get('/interceptions/export')).toMatchObject({ status: 503 });
  await away.bridge.kill();
  await away.bridge.removeData();
});

it('is cut, and does not wait for ever, when the database goes between two pages', async () => {
  const own = await startAuditSystem();
  const userAgent = 'x'.repeat(20_000);
  const more = Array.from({ length: 1_200 }, (_, n) => uuidv7(AT + n));
  await own.store(...more.map((id) => aStart({ id, at: AT, userAgent })));
  const res = await own.request('/interceptions/export');
  expect(res.status).toBe(200);
  const admin = new Client({ connectionString: own.database.url });
  await admin.connect();
  const ended = async (): Promise<number> => {
    const { rowCount } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'aibridge export'
         AND state = 'idle' AND query = 'COMMIT'`,
    );
    return rowCount ?? 0;
  };
  // The second page has been read by then, and waits for the reader.
  await expect.poll(ended).toBe(1);
  await expect(res.text()).rejects.toThrow('terminated');
  await admin.end();
  await own.stop();
});
