import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UpstreamClient } from './upstream-client.ts';
import type { Answer } from './upstream-call.ts';

const server = createServer();
const gone = new AbortController();
let client: UpstreamClient;
let port = 0;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address !== null) ({ port } = address);
});

afterEach(() => client.close());

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends a request; answers the provider's side of it and the promise of its answer. */
async function called(
  timeouts: { firstByteMs?: number; idleMs?: number } = {},
  signal = gone.signal,
): Promise<{ res: ServerResponse; answer: Promise<Answer> }> {
  client = new UpstreamClient({
    origin: `http://127.0.0.1:${port}`,
    proxy: undefined,
    connectMs: 1_000,
    firstByteMs: 1_000,
    idleMs: 1_000,
    ...timeouts,
  });
  const received = once(server, 'request');
  const answer = client.call({ method: 'POST', path: '/', headers: [], body: undefined }, signal);
  answer.catch(() => undefined);
  const [, res] = await received;
  return { res, answer };
}

/** Nothing of this process runs for a while, as when its machine is overloaded. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('what the provider sends', () => {
  it('is read chunk by chunk, to its proper end', async () => {
    const { res, answer } = await called();
    res.writeHead(200, { 'X-Spelled': 'As It Was' });
    res.write('one');
    const { status, headers, body } = await answer;
    expect(status).toBe(200);
    expect(headers).toEqual(expect.arrayContaining(['X-Spelled', 'As It Was']));
    expect(String(await body.read())).toBe('one');
    res.end('two');
    expect(String(await body.read())).toBe('two');
    expect(await body.read()).toBeUndefined();
  });

  it('is held back while nobody takes it', async () => {
    const { res, answer } = await called();
    const megabyte = Buffer.alloc(1024 * 1024);
    res.writeHead(200).flushHeaders();
    const { body } = await answer;
    for (let sent = 0; sent < 64; sent += 1) res.write(megabyte);
    res.end();
    await body.read();
    expect(res.writableLength).toBeGreaterThan(32 * megabyte.length);
    let bytes = 0;
    for (let chunk = await body.read(); chunk; chunk = await body.read()) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(63 * megabyte.length);
  });

  it('is no answer while it is only a hint', async () => {
    const { res, answer } = await called();
    res.writeEarlyHints({ link: '</x>; rel=preload' });
    res.writeHead(204).end();
    expect((await answer).status).toBe(204);
  });
});

describe('silence', () => {
  it('before the head is a timeout', async () => {
    const { answer } = await called({ firstByteMs: 20 });
    await expect(answer).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('between head and body is a timeout', async () => {
    const { res, answer } = await called({ firstByteMs: 300 });
    res.writeHead(200).flushHeaders();
    const { body } = await answer;
    await expect(body.read()).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('in the middle of the body is a timeout', async () => {
    const { res, answer } = await called({ idleMs: 20 });
    res.writeHead(200).write('one');
    const { body } = await answer;
    await body.read();
    await expect(body.read()).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('is none while nobody is waiting', async () => {
    const { res, answer } = await called({ firstByteMs: 500, idleMs: 20 });
    res.writeHead(200).write('one');
    const { body } = await answer;
    await body.read();
    holdUp(60);
    res.end('two');
    expect(String(await body.read())).toBe('two');
  });

  it('is none when it was this process that was held up', async () => {
    const { res, answer } = await called({ idleMs: 20 });
    res.writeHead(200).write('one');
    const { body } = await answer;
    await body.read();
    const second = body.read();
    res.write('two');
    holdUp(60);
    expect(String(await second)).toBe('two');
  });

  it('is none either when the connection broke while this process was held up', async () => {
    const { res, answer } = await called({ firstByteMs: 300 });
    res.socket?.resetAndDestroy();
    holdUp(400);
    await expect(answer).rejects.toMatchObject({ kind: 'unreachable' });
  });
});

describe('the end of a call', () => {
  it('is that the provider is unreachable when the connection breaks before the head', async () => {
    const { res, answer } = await called();
    res.destroy();
    await expect(answer).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('is a broken answer when the connection breaks after it', async () => {
    const { res, answer } = await called();
    res.writeHead(200).write('one');
    const { body } = await answer;
    expect(String(await body.read())).toBe('one');
    res.destroy();
    await expect(body.read()).rejects.toMatchObject({ kind: 'truncated' });
  });

  it('hangs up on the provider when the caller goes', async () => {
    const caller = new AbortController();
    const { res, answer } = await called({}, caller.signal);
    const closed = once(res, 'close');
    caller.abort();
    await expect(answer).rejects.toMatchObject({ kind: 'aborted' });
    await closed;
  });

  it('hangs up on the provider when the rest is not wanted', async () => {
    const { res, answer } = await called();
    res.writeHead(429).write('one');
    const { body } = await answer;
    const closed = once(res, 'close');
    body.cancel();
    await closed;
    await body.read();
    await expect(body.read()).rejects.toMatchObject({ kind: 'aborted' });
  });
});
