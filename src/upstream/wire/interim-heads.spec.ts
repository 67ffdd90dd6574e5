import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { InterimHeads } from './interim-heads.ts';
import { UpstreamClient } from './upstream-client.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';

/** What is left of chunks that come after a request. */
function left(chunks: readonly (string | Buffer)[]): string {
  const heads = new InterimHeads();
  heads.expect();
  const rest = chunks.map((chunk) => (heads.isExpected ? heads.taken(Buffer.from(chunk)) : chunk));
  return [...rest, heads.giveUp()].join('');
}

describe('ahead of an answer', () => {
  it.each([
    ['100 Continue', CONTINUE],
    ['100 without a word', 'HTTP/1.1 100\r\n\r\n'],
    ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103 Early Hints', HINTS],
    ['several of them', `${HINTS}${CONTINUE}${CONTINUE}${HINTS}`],
  ])('%s is taken out, wherever it is cut', (_, interim) => {
    const bytes = `${interim}${ANSWER}`;
    expect(left(bytes.split(''))).toBe(ANSWER);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(left([bytes.slice(0, at), bytes.slice(at)].filter((part) => part !== ''))).toBe(
        ANSWER,
      );
    }
  });

  it.each([
    ['an answer', ANSWER],
    ['101, after which nothing is HTTP', 'HTTP/1.1 101 Switching Protocols\r\n\r\nbytes'],
    ['a status that is none', 'HTTP/1.1 1000 What\r\n\r\n'],
    ['half a status', 'HTTP/1.1 10'],
    ['half a head', 'HTTP/1.1 100 Continue\r\nx: 1'],
    ['no HTTP', 'ready> '],
    ['a head that is too long', `HTTP/1.1 100 Continue\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('%s is left as it is', (_, bytes) => {
    expect(left([bytes])).toBe(bytes);
    expect(left([...bytes.slice(0, 40).split(''), bytes.slice(40)])).toBe(bytes);
  });

  it('takes no more of them out than there may be, for each request', () => {
    const heads = new InterimHeads();
    const many = Buffer.from(HINTS.repeat(Math.ceil((64 * 1024) / HINTS.length)));
    for (let request = 0; request < 2; request += 1) {
      heads.expect();
      expect(heads.taken(many).length).toBe(0);
      expect(heads.taken(Buffer.from(HINTS)).toString()).toBe(HINTS);
      expect(heads.isExpected).toBe(false);
    }
  });

  it('holds no more than a head may have', () => {
    const heads = new InterimHeads();
    heads.expect();
    const endless = Buffer.from(`HTTP/1.1 100 Continue\r\nx: ${'x'.repeat(16 * 1024)}`);
    expect(heads.taken(endless)).toEqual(endless);
    expect(heads.isExpected).toBe(false);
  });
});

describe('a connection', () => {
  const server = createServer();
  let client: UpstreamClient | undefined;

  afterEach(async () => {
    await client?.close();
    server.close();
  });

  /** The answers to requests on one connection, each with its body. */
  async function answersTo(requests: number, say: (socket: Socket) => void): Promise<unknown[]> {
    let connections = 0;
    server.removeAllListeners('connection').on('connection', (socket) => {
      connections += 1;
      socket.on('error', () => undefined).on('data', () => say(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    client = new UpstreamClient({
      origin: `http://127.0.0.1:${port}`,
      proxy: undefined,
      connectMs: 1_000,
      firstByteMs: 1_000,
      idleMs: 1_000,
    });
    const answers = [];
    for (let sent = 0; sent < requests; sent += 1) {
      const request = { method: 'POST', path: '/', headers: [], body: undefined };
      const { status, body } = await client.call(request, new AbortController().signal);
      let text = '';
      for (let chunk = await body.read(); chunk; chunk = await body.read()) text += String(chunk);
      answers.push([status, text]);
      // A connection is free a turn after its answer has ended.
      await nextTurn();
      await nextTurn();
    }
    expect(connections).toBe(1);
    return answers;
  }

  it('goes on after interim answers, for the next request too', async () => {
    const answers = await answersTo(3, (socket) => socket.write(`${CONTINUE}${HINTS}${ANSWER}`));
    expect(answers).toEqual([200, 200, 200].map((status) => [status, '{}']));
  });

  // Protects the bytes of an answer: the provider decides where they are cut.
  it('leaves alone what looks like one in the middle of an answer', async () => {
    const body = `${CONTINUE}{}`;
    const answers = await answersTo(1, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      setTimeout(() => socket.write(body), 20);
    });
    expect(answers).toEqual([[200, body]]);
  });
});
