import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AuditTables } from '../support/audit-tables.ts';
import { Bridge } from '../support/bridge.ts';
import { providerVariables } from '../support/fleet.ts';
import { bytesHeldBy, INSPECTED } from '../support/memory-of.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { flood, forEver, RawProvider, type Misdeed } from '../support/raw-provider.ts';
import { messagesBody, POOL_KEY, residentMiB, WITHOUT_BREAKERS } from '../support/system.ts';
import { until } from '../support/until.ts';
import { reset } from './keys-system.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const SHORT_MS = 1_000;
const TOTAL_MS = 3_000;
/** What an answer may cost while it passes: what is kept to be read, once more as text, and some. */
const PEAK_MIB_MAX = 450;
/** And when it has passed. */
const HELD_BYTES_MAX = 16 * MIB;

let provider: RawProvider;
let database: TestDatabase;
let tables: AuditTables;
let bridge: Bridge;
let heldBefore: number;

beforeAll(async () => {
  [provider, database] = await Promise.all([RawProvider.start(), createTestDatabase()]);
  bridge = await Bridge.start({
    env: {
      DATABASE_URL: database.url,
      ...WITHOUT_BREAKERS,
      ...INSPECTED,
      ...of(0, 'patient', { IDLE_TIMEOUT: `${SHORT_MS}ms` }),
      ...of(1, 'bounded', { TOTAL_TIMEOUT: `${TOTAL_MS}ms` }),
    },
  });
  tables = await AuditTables.open(database.url);
  heldBefore = await bytesHeldBy(bridge);
});
afterAll(async () => {
  await bridge.stop();
  await tables.close();
  await provider.close();
  await database.drop();
});

/** Whatever was done to it, it lets go of the connection and of the memory, and goes on. */
async function harm(): Promise<readonly string[]> {
  await until('no connection is left', () => provider.openConnections === 0 || undefined);
  await until('the memory is free again', async () => {
    return (await bytesHeldBy(bridge)) - heldBefore < HELD_BYTES_MAX || undefined;
  });
  const peak = await residentMiB(bridge.pid, 'peak');
  const { status } = await fetch(`${bridge.url}/readyz`);
  for (const name of ['patient', 'bounded']) await reset(bridge, POOL_KEY, name);
  return [
    ...(peak < PEAK_MIB_MAX ? [] : [`it had ${peak} MiB`]),
    ...(status === 200 ? [] : [`readyz says ${status}`]),
  ];
}

function of(index: number, name: string, own: Record<string, string>): Record<string, string> {
  const settings = { FIRST_BYTE_TIMEOUT: `${SHORT_MS}ms`, ...own };
  const member = { name, type: 'anthropic', keys: [POOL_KEY], settings };
  return providerVariables(member, index, provider.url);
}

async function ask(misdeed: Misdeed, stream: boolean, name = 'patient') {
  provider.does(misdeed);
  const begun = performance.now();
  const res = await fetch(`${bridge.url}/${name}/v1/messages`, {
    method: 'POST',
    body: messagesBody({ stream }),
  });
  const { bytes, end } = await received(res);
  const ms = performance.now() - begun;
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  return {
    status: res.status,
    slug: res.headers.get('x-aibridge-error'),
    bytes,
    end,
    ms,
    record: await tables.ended(id),
    attempts: await tables.children('attempts', id),
  };
}

/** How much came, and the last of it. */
async function received(res: Response): Promise<{ bytes: number; end: string }> {
  let bytes = 0;
  let end = Buffer.alloc(0);
  for await (const chunk of res.body ?? []) {
    bytes += chunk.length;
    end = Buffer.concat([end, chunk]).subarray(-2_000);
  }
  return { bytes, end: end.toString() };
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const LONG = `${JSON_HEAD}content-length: 1000000\r\n\r\n`;
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';
const EVENT =
  'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}\n\n';
const STARTED = `${STREAM_HEAD}\r\n${EVENT}`;

const says =
  (text: string): Misdeed =>
  (socket) =>
    socket.write(text);

describe('before an answer has begun', () => {
  test.each<[string, Misdeed, number | null]>([
    ['accepts and never answers', says(''), null],
    ['says half a head, and no more', says('HTTP/1.1 200 OK\r\ncontent-'), null],
    ['drips its head', forEver('HTTP/1.1 200 OK\r\nx: ', 'x', 50), null],
    ['hints for ever, slowly', forEver('', 'HTTP/1.1 103 Early Hints\r\n\r\n', 50), null],
    ['says no end to its status line', flood('HTTP/1.1 200 ', Buffer.alloc(64 * 1024, 'x')), null],
    ['says a head, and no more', says(LONG), 200],
    ['says the head of a stream, and no more', says(`${STREAM_HEAD}\r\n`), 200],
    ['says ten bytes of a body, and no more', says(`${LONG}{"id": "ms`), 200],
    ['says no end to the size of a chunk', forEver(`${JSON_HEAD}${CHUNKED}1;x=`, 'x', 50), 200],
  ])('a provider that %s is a 504', async (_, misdeed, seen) => {
    for (const stream of [false, true]) {
      const { status, slug, ms, record, attempts } = await ask(misdeed, stream);
      expect([status, slug]).toEqual([504, 'upstream_timeout']);
      expect(ms).toBeGreaterThanOrEqual(SHORT_MS - 5);
      expect(ms).toBeLessThan(10 * SHORT_MS);
      expect(record).toMatchObject({
        status: 'failed',
        error_type: 'upstream_timeout',
        upstream_status: seen,
      });
      expect(attempts).toMatchObject([{ outcome: 'timeout', status: seen }]);
    }
    expect(await harm()).toEqual([]);
  });

  test.each<[string, Misdeed]>([
    ['headers', flood('HTTP/1.1 200 OK\r\n', Buffer.from('x-header: of many\r\n'.repeat(1_000)))],
    ['one header', flood('HTTP/1.1 200 OK\r\nx: ', Buffer.alloc(64 * 1024, 'x'))],
    ['hints', flood('', Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(1_000)))],
    ['nothing that is HTTP', flood('', Buffer.alloc(64 * 1024, 'x'))],
  ])('a provider that sends %s for ever is a 502', async (_, misdeed) => {
    const { status, slug, ms, record, attempts } = await ask(misdeed, true);
    expect([status, slug]).toEqual([502, 'upstream_malformed']);
    expect(ms).toBeLessThan(5 * SHORT_MS);
    expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_malformed' });
    expect(attempts).toMatchObject([{ outcome: 'transport_error', status: null }]);
    expect(await harm()).toEqual([]);
  });
});

describe('a stream that has begun', () => {
  test.each<[string, Misdeed, string]>([
    ['stalls', says(STARTED), 'patient'],
    ['drips an event that never ends', forEver(STARTED, 'x', 100), 'bounded'],
    ['says for ever that it is alive', forEver(STARTED, ': \n\n', 100), 'bounded'],
  ])('and %s ends with an error of its API', async (_, misdeed, name) => {
    const { status, end, record, attempts } = await ask(misdeed, true, name);
    expect(status).toBe(200);
    expect(end).toContain('event: error\ndata: {"type":"error"');
    expect(record).toMatchObject({
      status: 'failed',
      error_type: 'upstream_timeout',
      usage_source: 'partial',
    });
    expect(attempts).toMatchObject([{ outcome: 'timeout', status: 200 }]);
    expect(await harm()).toEqual([]);
  });

  test('and is one event of a GiB goes down as it is', async () => {
    const misdeed = flood(`${STARTED}data: `, Buffer.alloc(MIB, 'x'), GIB);
    const { status, bytes, record } = await ask(misdeed, true);
    expect(status).toBe(200);
    expect(bytes).toBeGreaterThanOrEqual(GIB);
    expect(record).toMatchObject({ usage_source: 'partial', upstream_status: 200 });
    expect(record['notes']).toContain('an event was too long to be read');
    expect(await harm()).toEqual([]);
  });
});

describe('a body', () => {
  test('that drips is cut off when the call has taken long enough', async () => {
    const { status, slug, ms, record } = await ask(forEver(LONG, ' ', 100), false, 'bounded');
    expect([status, slug]).toEqual([504, 'upstream_timeout']);
    expect(ms).toBeLessThan(3 * TOTAL_MS);
    expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_timeout' });
    expect(await harm()).toEqual([]);
  });

  test('of a GiB goes down as it is, and is not read', async () => {
    const head = `${JSON_HEAD}content-length: ${GIB}\r\n\r\n`;
    const { status, bytes, record } = await ask(flood(head, Buffer.alloc(MIB, ' '), GIB), false);
    expect([status, bytes]).toEqual([200, GIB]);
    expect(record).toMatchObject({ status: 'completed', usage_source: 'none' });
    expect(record['notes']).toContain('the answer was too long to be read');
    expect(await harm()).toEqual([]);
  });

  const LIMITED = 'HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\n';

  test.each<[string, Misdeed]>([
    ['of a GiB', flood(`${LIMITED}content-length: ${GIB}\r\n\r\n`, Buffer.alloc(MIB, ' '), GIB)],
    ['that drips', forEver(`${LIMITED}content-length: ${GIB}\r\n\r\n`, ' ', 100)],
    ['that never comes', says(`${LIMITED}content-length: 10\r\n\r\n`)],
  ])('of an error, %s, keeps nobody from the next key', async (_, misdeed) => {
    const { status, slug, ms, attempts } = await ask(misdeed, false);
    expect([status, slug]).toEqual([429, 'keys_rate_limited']);
    expect(ms).toBeLessThan(10_000);
    expect(attempts).toMatchObject([{ outcome: 'rate_limited', status: 429 }]);
    expect(await harm()).toEqual([]);
  });
});
