import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SseResponse, type SseMessage } from './sse-response.ts';

let server: Server;
let stopping: AbortController;
let sockets: Socket[] = [];

beforeEach(async () => {
  stopping = new AbortController();
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const LONG = { stallMs: 60_000, heartbeatMs: 60_000 };

/** A stream and its reader, who reads nothing yet. */
async function opened(
  times = LONG,
  method = 'GET',
): Promise<{ stream: SseResponse; res: ServerResponse; reader: Socket }> {
  const request = once(server, 'request');
  const port = Number(Object(server.address()).port);
  const reader = connect(port, '127.0.0.1').pause();
  sockets.push(reader);
  reader.on('error', () => undefined);
  reader.write(`${method} / HTTP/1.1\r\nhost: bridge\r\n\r\n`);
  const [, res]: ServerResponse[] = await request;
  if (res === undefined) throw new Error('no request');
  return { stream: new SseResponse(res, stopping.signal, times), res, reader };
}

/** Reads until this text has come. */
async function reads(reader: Socket, text: string): Promise<string> {
  let got = '';
  reader.resume();
  while (!got.includes(text)) {
    const [bytes] = await once(reader, 'data');
    got += String(bytes);
  }
  return got;
}

const MIB = 1024 * 1024;
const message = (length: number): SseMessage => ({
  event: 'interception',
  id: '1-x',
  data: 'x'.repeat(length),
});
/** More than the sockets of any system take. */
const MANY = Array.from({ length: 32 * 16 }, () => message(64 * 1024));

describe('a stream of events', () => {
  it('begins with a place to go on from, and names it with every heartbeat', async () => {
    const { stream, reader } = await opened({ ...LONG, heartbeatMs: 5 });
    await stream.begin('7-x');
    const began = await reads(reader, ': heartbeat\nid: 7-x\n\n');
    expect(began).toContain('content-type: text/event-stream');
    stream.reached('8-x');
    await reads(reader, ': heartbeat\nid: 8-x\n\n');
  });

  it('holds what a reader does not take, not more than that, and cuts it off', async () => {
    const { stream, res } = await opened({ ...LONG, stallMs: 100 });
    const cut = once(res, 'close');
    await stream.send(MANY);
    await cut;
    expect(stream.signal.aborted).toBe(true);
    expect(res.writableLength).toBeLessThan(MIB);
  });

  it('waits for a reader that is slow', async () => {
    const { stream, res, reader } = await opened();
    let isSent = false;
    const sent = stream.send(MANY).then(() => (isSent = true));
    await once(reader, 'readable');
    expect(res.writableLength).toBeLessThan(MIB);
    expect(isSent).toBe(false);
    reader.resume();
    await sent;
    expect(stream.signal.aborted).toBe(false);
  });

  it('writes no heartbeats to a reader that does not take them', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { stream, res } = await opened();
    void stream.send(MANY);
    const held = res.writableLength;
    expect(held).toBeGreaterThan(0);
    vi.advanceTimersByTime(1_000 * LONG.heartbeatMs);
    expect(res.writableLength).toBe(held);
  });

  it('ends at once when the process stops, whatever is waiting', async () => {
    const { stream, res } = await opened();
    const closed = once(res, 'close');
    const sent = stream.send(MANY);
    stopping.abort();
    await Promise.all([sent, closed]);
    expect(res.destroyed).toBe(true);
  });

  it('is over when its reader leaves', async () => {
    const { stream, reader } = await opened();
    const left = once(stream.signal, 'abort');
    reader.destroy();
    await left;
    await stream.send([message(1)]);
    expect(stream.signal.aborted).toBe(true);
  });

  it('has no body for who asks for the head', async () => {
    const { stream, res, reader } = await opened(LONG, 'HEAD');
    const closed = once(res, 'close');
    await stream.begin('7-x');
    await stream.send([message(1)]);
    const got = await reads(reader, '\r\n\r\n');
    expect(got.slice(got.indexOf('\r\n\r\n') + 4)).toBe('');
    await closed;
    expect(stream.signal.aborted).toBe(true);
  });
});
