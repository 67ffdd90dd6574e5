import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  answer,
  rateLimited,
  startSimulator,
  unauthorized,
  type Simulator,
} from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { Bridge } from '../support/bridge.ts';
import { ConnectProxy } from '../support/connect-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { createTestDatabase, temporaryDataDir, type TestDatabase } from '../support/postgres.ts';
import { makePrivateCa, startTlsFront } from '../support/private-ca.ts';
import { recordOf } from '../support/record-of.ts';
import { messagesBody } from '../support/system.ts';
import { until } from '../support/until.ts';

const FIRST = 'sk-ant-key-number-one-0001';
const SECOND = 'sk-ant-key-number-two-0002';
/** As it stands in the URL, and as it is. */
const ENCODED = 'bridge:CANARY-of%2Fthe-proxy';
const CREDENTIALS = 'bridge:CANARY-of/the-proxy';
const SECRETS = [
  'CANARY',
  Buffer.from(CREDENTIALS).toString('base64'),
  Buffer.from(CREDENTIALS).toString('base64').slice(0, 20),
];

const ca = makePrivateCa();
let caFile: string;
let directory: string;
let simulator: Simulator;
let database: TestDatabase;
let tables: AuditTables;
let encrypted: Awaited<ReturnType<typeof startTlsFront>>;
let proxy: ConnectProxy;
let bridge: Bridge | undefined;

beforeAll(async () => {
  [simulator, database, directory] = await Promise.all([
    startSimulator(),
    createTestDatabase(),
    temporaryDataDir(),
  ]);
  tables = await AuditTables.open(database.url);
  encrypted = await startTlsFront(ca, simulator.url);
  caFile = path.join(directory, 'ca.pem');
  await writeFile(caFile, ca.ca);
});
beforeEach(async () => {
  proxy = await ConnectProxy.start();
  simulator.clear();
  simulator.onAnyKey(answer({ text: 'hello' }));
});
afterEach(async () => {
  await bridge?.stop();
  await proxy.close();
});
afterAll(async () => {
  encrypted.close();
  await tables.close();
  await simulator.close();
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

async function start(baseUrl: string, env: Readonly<Record<string, string>>): Promise<Bridge> {
  bridge = await Bridge.start({
    env: {
      DATABASE_URL: database.url,
      AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
      AIBRIDGE_PROVIDER_0_BASE_URL: baseUrl,
      AIBRIDGE_PROVIDER_0_KEYS: `${FIRST},${SECOND}`,
      ...env,
    },
  });
  return bridge;
}

async function ask(asked: Bridge) {
  const url = `${asked.url}/anthropic/v1/messages`;
  const res = await fetch(url, { method: 'POST', body: messagesBody() });
  const text = await res.text();
  return { res, text, ...(await recordOf(tables, res)) };
}

const withCredentials = (url: string): string => url.replace('://', `://${ENCODED}@`);

describe('a provider with a certificate of a private authority', () => {
  test('is refused by default, and says why in the record', async () => {
    const { res, attempts } = await ask(await start(encrypted.url, {}));

    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([
      502,
      'upstream_unreachable',
    ]);
    expect(attempts).toMatchObject([
      { outcome: 'transport_error', status: null, error: expect.stringMatching(/certificate/) },
    ]);
    expect(simulator.calls).toEqual([]);
  });

  test('serves with NODE_EXTRA_CA_CERTS', async () => {
    const { res, row } = await ask(await start(encrypted.url, { NODE_EXTRA_CA_CERTS: caFile }));

    expect([res.status, row['status']]).toEqual([200, 'completed']);
  });

  test('is refused by a proxy as it is without one', async () => {
    const { res, attempts } = await ask(await start(encrypted.url, { HTTPS_PROXY: proxy.url }));

    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([
      502,
      'upstream_unreachable',
    ]);
    expect(attempts).toMatchObject([{ error: expect.stringMatching(/certificate/) }]);
    expect([proxy.asked.length, simulator.calls.length]).toEqual([1, 0]);
  });
});

// Protects the credentials of the proxy, wherever they could come out.
test('calls go by HTTPS_PROXY with its credentials, which are seen nowhere', async () => {
  proxy.rules = { credentials: CREDENTIALS };
  simulator.key(FIRST).always(rateLimited({ retryAfter: 60 }));
  const asked = await start(encrypted.url, {
    HTTPS_PROXY: withCredentials(proxy.url),
    NODE_EXTRA_CA_CERTS: caFile,
    LOG_LEVEL: 'trace',
  });
  const { res, text, row, attempts } = await ask(asked);

  expect([res.status, row['status']]).toEqual([200, 'completed']);
  expect(attempts).toMatchObject([{ outcome: 'rate_limited' }, { outcome: 'served' }]);
  expect(proxy.asked.every((line) => line === `CONNECT ${encrypted.url.slice(8)}`)).toBe(true);
  const listening = await asked.log(({ msg }) => msg.startsWith('listening on '));
  expect(listening.msg).toContain(`anthropic (2 keys, by the proxy ${proxy.url});`);
  const seen = JSON.stringify([
    text,
    [...res.headers],
    row,
    attempts,
    asked.logs,
    asked.otherOutput,
    simulator.calls.map(({ headers }) => headers),
  ]);
  for (const secret of SECRETS) expect(seen).not.toContain(secret);
  expect(seen).not.toMatch(/proxy-authorization/i);
});

test('calls to http go by http_proxy as whole URLs', async () => {
  proxy.rules = { credentials: CREDENTIALS };
  const { res, text } = await ask(
    await start(simulator.url, { http_proxy: withCredentials(proxy.url) }),
  );

  expect([res.status, text]).toEqual([200, simulator.calls[0]?.sent.text]);
  expect(proxy.asked).toEqual([`POST ${simulator.url}/v1/messages`]);
  expect(simulator.calls[0]?.headers).not.toHaveProperty('proxy-authorization');
});

const REFUSALS: [string, number, RegExp][] = [
  ['wants other credentials', 407, /^the proxy http:\S+ answered 407: it does not take/],
  ['cannot reach the provider', 502, /^the proxy http:\S+ answered 502$/],
];

test.each(REFUSALS)('a proxy that %s is a 502 that no key is blamed for', async (...refusal) => {
  const [, status, error] = refusal;
  proxy.rules = { status };
  const asked = await start(encrypted.url, {
    HTTPS_PROXY: withCredentials(proxy.url),
    NODE_EXTRA_CA_CERTS: caFile,
    LOG_LEVEL: 'trace',
  });
  const { res, text, row, attempts } = await ask(asked);

  expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([502, 'upstream_unreachable']);
  expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  expect(text).not.toContain(proxy.host);
  expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_unreachable' });
  expect(attempts).toMatchObject([
    { outcome: 'transport_error', status: null, error: expect.stringMatching(error) },
  ]);
  expect(simulator.calls).toEqual([]);
  const seen = JSON.stringify([text, row, attempts, asked.logs, asked.otherOutput]);
  for (const secret of SECRETS) expect(seen).not.toContain(secret);
  // What a proxy says is no word of the provider about a key.
  const keys = await (await fetch(`${asked.url}/api/v1/keys`)).json();
  expect(keys).toMatchObject({ items: [{ state: 'valid' }, { state: 'valid' }] });
});

test('a proxy that is away is a 502, one that is silent a 504', async () => {
  const away = `http://127.0.0.1:${await freePort()}`;
  const first = await start(encrypted.url, { HTTPS_PROXY: away });
  const refused = await ask(first);
  expect([refused.res.status, refused.res.headers.get('x-aibridge-error')]).toEqual([
    502,
    'upstream_unreachable',
  ]);
  expect(refused.attempts).toMatchObject([
    { error: expect.stringMatching('opened no connection') },
  ]);
  await first.stop();

  proxy.rules = { isSilent: true };
  const second = await start(encrypted.url, {
    HTTPS_PROXY: proxy.url,
    AIBRIDGE_PROVIDER_0_CONNECT_TIMEOUT: '300ms',
  });
  const late = await ask(second);
  expect([late.res.status, late.res.headers.get('x-aibridge-error')]).toEqual([
    504,
    'upstream_timeout',
  ]);
  expect(late.attempts).toMatchObject([{ outcome: 'timeout' }]);
});

test('keys are probed by the proxy as well', async () => {
  simulator.key(FIRST).inOrder(unauthorized()).always(answer());
  const asked = await start(encrypted.url, {
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: caFile,
    AIBRIDGE_KEY_RECHECK: '500ms',
  });
  expect((await ask(asked)).res.status).toBe(200);
  await until('the probe', () => simulator.callsFor(FIRST).find(({ method }) => method === 'GET'));
  expect(simulator.calls.length).toBeGreaterThan(2);
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${encrypted.url.slice(8)}`]));
});

test.each([
  ['127.0.0.1', true],
  ['localhost,.corp', false],
])('NO_PROXY=%s goes past the proxy: %s', async (list, isPast) => {
  const asked = await start(simulator.url, { HTTP_PROXY: proxy.url, NO_PROXY: list });
  expect((await ask(asked)).res.status).toBe(200);
  expect(proxy.asked.length).toBe(isPast ? 0 : 1);
});

test('a proxy that cannot be used stops the start, without its credentials', async () => {
  bridge = await Bridge.launch({ env: { HTTPS_PROXY: `socks5://${ENCODED}@proxy:1080` } });
  expect(await bridge.exited()).toBe(2);
  const said = bridge.otherOutput.join('\n');
  expect(said).toMatch(/^HTTPS_PROXY: got .* wants http:\/\/host:port/);
  expect(said).not.toContain('CANARY');
});
