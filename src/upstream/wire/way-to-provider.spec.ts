import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectProxy } from '../../../test/support/connect-proxy.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { makePrivateCa, startTlsFront } from '../../../test/support/private-ca.ts';
import { Secret } from '../../core/secret.ts';
import { UpstreamClient } from './upstream-client.ts';

const CREDENTIALS = 'bridge@corp:s3cret/of:the?proxy';
const CONNECT_MS = 500;

/** What is asked for here begins and does not end. */
const STALLING = '/stalling';

const received: IncomingMessage[] = [];
const provider = createServer((req, res) => {
  received.push(req);
  // Nobody asked for it, and it is passed over on every way.
  res.writeContinue();
  if (req.url === STALLING) res.write('{');
  else req.resume().on('end', () => res.end('{}'));
});
const ca = makePrivateCa();
let plain = '';
let encrypted: Awaited<ReturnType<typeof startTlsFront>>;
let proxy: ConnectProxy;
let client: UpstreamClient | undefined;

beforeAll(async () => {
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const address = provider.address();
  plain = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  encrypted = await startTlsFront(ca, plain);
  setDefaultCACertificates([...getCACertificates(), ca.ca]);
});
beforeEach(async () => {
  proxy = await ConnectProxy.start();
  received.length = 0;
});
afterEach(async () => {
  await client?.close();
  await proxy.close();
});
afterAll(() => {
  encrypted.close();
  provider.closeAllConnections();
  provider.close();
});

interface Way {
  readonly origin: string;
  readonly by?: string;
  readonly credentials?: string;
}

function clientOf({ origin, by = proxy.url, credentials }: Way): UpstreamClient {
  client = new UpstreamClient({
    origin,
    proxy: { origin: by, credentials: credentials ? new Secret(credentials) : undefined },
    connectMs: CONNECT_MS,
    firstByteMs: 10_000,
    idleMs: 10_000,
  });
  return client;
}

const HEADERS = ['X-Spelled', 'As It Was', 'x-twice', 'a', 'x-twice', 'b'];

async function ask(asked: UpstreamClient, body?: Buffer): Promise<number> {
  const request = { method: 'POST', path: '/v1/messages?beta=true', headers: HEADERS, body };
  const answer = await asked.call(request, new AbortController().signal);
  while ((await answer.body.read()) !== undefined);
  // A connection is free a turn after its answer has ended.
  await nextTurn();
  await nextTurn();
  return answer.status;
}

const WAYS = [
  ['https', () => encrypted.url],
  ['http', () => plain],
] as const;

describe.each(WAYS)('by a proxy to %s', (scheme, originOf) => {
  const what = (origin: string): string =>
    scheme === 'https' ? `CONNECT ${origin.slice(8)}` : `POST ${origin}/v1/messages?beta=true`;

  it('the provider gets the request as it would without', async () => {
    const origin = originOf();
    expect(await ask(clientOf({ origin }), Buffer.alloc(100_000))).toBe(200);

    expect(proxy.asked).toEqual([what(origin)]);
    const [req] = received;
    expect([req?.method, req?.url]).toEqual(['POST', '/v1/messages?beta=true']);
    expect(req?.headers).toMatchObject({ 'content-length': '100000', 'x-twice': 'a, b' });
    expect(req?.headers.host).toBe(new URL(origin).host);
  });

  it('the proxy gets its credentials, and nobody else does', async () => {
    proxy.rules = { credentials: CREDENTIALS };
    expect(await ask(clientOf({ origin: originOf(), credentials: CREDENTIALS }))).toBe(200);
    expect(JSON.stringify(received[0]?.rawHeaders)).not.toMatch(/proxy-auth/i);
  });

  it.each([
    ['none', undefined],
    ['wrong ones', 'bridge:wrong-secret'],
  ])('407 for %s is that the provider cannot be reached', async (_, credentials) => {
    proxy.rules = { credentials: CREDENTIALS };
    const way = { origin: originOf(), ...(credentials && { credentials }) };
    await expect(ask(clientOf(way))).rejects.toMatchObject({
      kind: 'unreachable',
      message: `the proxy ${proxy.url} answered 407: it does not take the credentials`,
    });
    expect([proxy.asked.length, received.length]).toEqual([1, 0]);
  });

  it('a proxy that is away is told from a provider that is', async () => {
    const by = `http://127.0.0.1:${await freePort()}`;
    const asked = ask(clientOf({ origin: originOf(), by, credentials: CREDENTIALS }));
    await expect(asked).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(`^the proxy ${by} opened no connection: .*ECONNREFUSED`),
    });
  });
});

describe.each(WAYS)('a proxy to %s that breaks off', (_, originOf) => {
  it('in the middle of an answer ends the answer, and nothing else', async () => {
    const asked = clientOf({ origin: originOf() });
    const request = { method: 'GET', path: STALLING, headers: [], body: undefined };
    const { body } = await asked.call(request, new AbortController().signal);
    expect(String(await body.read())).toBe('{');
    proxy.cut();
    await expect(body.read()).rejects.toMatchObject({ kind: 'truncated' });
    expect(await ask(asked)).toBe(200);
  });
});

describe('a tunnel', () => {
  it('serves one request after the other', async () => {
    const asked = clientOf({ origin: encrypted.url });
    for (let count = 0; count < 3; count += 1) expect(await ask(asked)).toBe(200);
    expect(proxy.asked).toHaveLength(1);
  });

  it.each([403, 502, 503])('that the proxy answers with %i is none', async (status) => {
    proxy.rules = { status };
    await expect(ask(clientOf({ origin: encrypted.url }))).rejects.toMatchObject({
      kind: 'unreachable',
      message: `the proxy ${proxy.url} answered ${status}`,
    });
    expect(proxy.asked).toHaveLength(1);
  });

  it('that does not come is given up in the time to connect', async () => {
    proxy.rules = { isSilent: true };
    const startedMs = performance.now();
    await expect(ask(clientOf({ origin: encrypted.url }))).rejects.toMatchObject({
      kind: 'timeout',
      message: `connecting by the proxy ${proxy.url} took too long`,
    });
    expect(performance.now() - startedMs).toBeLessThan(5 * CONNECT_MS);
  });

  it.each([
    ['silence is given up in the time to connect', 'timeout', () => undefined],
    ['a hang-up is a connection that failed', 'unreachable', (socket: Socket) => socket.end()],
    ['a reset is one', 'unreachable', (socket: Socket) => socket.resetAndDestroy()],
    ['something else than TLS is one', 'unreachable', (socket: Socket) => socket.write('hello')],
  ])('that leads to %s', async (_, kind, say) => {
    const odd = createTcpServer((socket) => {
      socket.on('error', () => undefined).once('data', () => say(socket));
    });
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const address = odd.address();
    const port = typeof address === 'object' ? address?.port : '';
    const startedMs = performance.now();
    const asked = ask(clientOf({ origin: `https://127.0.0.1:${port}` }));
    await expect(asked).rejects.toMatchObject({ kind });
    expect(performance.now() - startedMs).toBeLessThan(5 * CONNECT_MS);
    expect(proxy.asked).toHaveLength(1);
    odd.close();
  });

  it('ends with its client while it is being opened', async () => {
    proxy.rules = { isSilent: true };
    const asked = clientOf({ origin: encrypted.url });
    const answer = ask(asked);
    answer.catch(() => undefined);
    await expect.poll(() => proxy.asked.length).toBe(1);
    await asked.close();
    await expect(answer).rejects.toMatchObject({ kind: 'unreachable' });
  });
});
