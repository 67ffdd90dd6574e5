import { describe, expect, it } from 'vitest';
import { answer, events, type Rudeness } from '../../test/support/rude-tool-server.ts';
import {
  RESULT_MAX,
  call,
  clientOf,
  connectedTo,
  rudeServer,
} from '../../test/support/tool-server-client.ts';
import { Secret } from '../core/secret.ts';

/** Writes the same again and again, as fast as it is taken. */
const pour = (res: Parameters<Rudeness>[0]['res'], text: string): void => {
  const more = (): void => {
    let isTaken = true;
    while (!res.destroyed && isTaken) isTaken = res.write(text);
  };
  res.on('drain', more);
  more();
};

const json = (text: string): Rudeness => {
  return ({ res }) => {
    res.setHeader('content-type', 'application/json');
    res.end(text);
  };
};

const html: Rudeness = ({ res }) => {
  res.setHeader('content-type', 'text/html');
  res.end('<html>canary</html>');
};
const noLogin: Rudeness = ({ res }) =>
  res.writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="http://canary/"' }).end();
const noScope: Rudeness = ({ res }) =>
  res
    .writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="canary"' })
    .end();
const endlessFailure: Rudeness = ({ res }) => pour(res.writeHead(500), 'canary'.repeat(10_000));
const endlessAnswer: Rudeness = ({ res }) => {
  res.setHeader('content-type', 'application/json');
  pour(res, ' '.repeat(100_000));
};
const endlessEvent: Rudeness = (exchange) =>
  pour(events(exchange), `data: ${'x'.repeat(100_000)}\n`);
const oddEvents: Rudeness = (exchange) =>
  events(exchange).end('data: canary\n\ndata: {}\n\nevent: x\ndata: 1\n\n');
const cut: Rudeness = ({ res }) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
  res.write('{"jsonrpc"');
  setImmediate(() => res.destroy());
};

const RUDENESS: readonly [string, Rudeness, RegExp][] = [
  ['HTML', html, /not the protocol/],
  ['bad JSON', json('{"jsonrpc": canary'), /not the protocol/],
  ['no message', json('{"canary": 1}'), /not the protocol/],
  ['a failure', ({ res }) => res.writeHead(500).end('canary'), /HTTP status 500/],
  ['a wish to log in', noLogin, /HTTP status 401/],
  ['a wish for more rights', noScope, /HTTP status 403/],
  ['a failure without end', endlessFailure, /HTTP status 500/],
  ['an answer without end', endlessAnswer, /larger than/],
  ['an event without end', endlessEvent, /larger than/],
  ['an empty stream', (exchange) => events(exchange).end(), /broke/],
  ['odd events', oddEvents, /broke/],
  ['nothing but a hang-up', ({ res }) => res.destroy(), /broke/],
  ['half an answer', cut, /broke/],
];

describe('a rude server', () => {
  it.each(RUDENESS)(
    'with %s for a call gives an error and is called again',
    async (_, habit, words) => {
      const server = (await rudeServer()).on('tools/call', habit);
      const { server: of, is } = await connectedTo(server);

      const result = await call(of, 'tool');
      expect(result).toMatchObject({ isError: true, error: expect.stringMatching(words) });
      expect(JSON.stringify([result, of.lastError])).not.toMatch(/canary|127\.0\.0\.1/);

      server.on('tools/call', (exchange) => answer(exchange, { content: [] }));
      await is('connected');
      expect(await call(of, 'tool')).toMatchObject({ isError: false });
    },
  );

  it.each(RUDENESS)('with %s for a greeting is down, and tried again', async (_, habit) => {
    const server = (await rudeServer()).on('initialize', habit);
    const { server: of, is, told } = clientOf(server);
    await server.waitFor('initialize', 2);
    await is('down');
    expect(of.lastError).not.toMatch(/canary|127\.0\.0\.1/);
    expect(told).toEqual(['lost']);
  });

  it.each(RUDENESS)('with %s for its list is down', async (_, habit) => {
    const server = (await rudeServer()).on('tools/list', habit);
    const { is, toolNames } = clientOf(server);
    await is('down');
    expect(toolNames()).toEqual([]);
  });

  it('with a version that nobody speaks is down', async () => {
    const server = (await rudeServer()).on('initialize', (exchange) =>
      answer(exchange, {
        protocolVersion: '1999-01-01',
        capabilities: {},
        serverInfo: { name: 'a', version: '1' },
      }),
    );
    const { server: of, is } = clientOf(server);
    await is('down');
    expect(of.lastError).toContain('MCP version negotiation failed');
  });

  it.each([
    [RESULT_MAX, false],
    [RESULT_MAX + 1, true],
    [6 * 2 ** 20, true],
  ])('with a result of %i bytes gives an error: %s', async (length, isError) => {
    const content = [{ type: 'text', text: 'x'.repeat(length) }];
    const server = (await rudeServer()).on('tools/call', (exchange) =>
      answer(exchange, { content }),
    );
    const { server: of } = await connectedTo(server);
    expect(await call(of, 'tool')).toMatchObject({ isError });
  });

  it('with events that go on for ever is given up in time', async () => {
    const server = (await rudeServer()).on('tools/call', (exchange) => {
      const res = events(exchange);
      const timer = setInterval(() => res.write(': still there\n\n'), 5);
      res.on('close', () => clearInterval(timer));
    });
    const { server: of } = await connectedTo(server, { callTimeoutMs: 100 });
    expect(await call(of, 'tool')).toMatchObject({ error: expect.stringContaining('0.1 s') });
    await server.waitFor('notifications/cancelled');
  });

  it('that never ends its list of tools has what was read of it', async () => {
    let pages = 0;
    const server = (await rudeServer()).on('tools/list', (exchange) => {
      pages += 1;
      const tools = [{ name: `tool${pages}`, inputSchema: { type: 'object' } }];
      answer(exchange, { tools, nextCursor: String(pages) });
    });
    const { server: of } = await connectedTo(server);
    expect(of.link.list).toMatchObject({ isCut: true, tools: { length: 50 } });
  });

  it('says no in its own words, as far as they are few', async () => {
    const server = (await rudeServer()).on('tools/call', ({ message: { id }, res }) => {
      res.setHeader('content-type', 'application/json');
      const error = { code: -32_602, message: `no\nsuch ${'x'.repeat(600)}` };
      res.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
    const { server: of } = await connectedTo(server);
    const { content, error } = await call(of, 'tool');
    expect(content).toMatchObject([{ text: expect.stringContaining('refused the call: no such') }]);
    expect(error).toHaveLength(500);
  });

  it('does not get a secret to anybody by saying it back', async () => {
    const value = new Secret('Bearer canary-of-the-server');
    const server = (await rudeServer()).on('tools/call', ({ message: { id }, req, res }) => {
      res.setHeader('content-type', 'application/json');
      const error = { code: 1, message: `not with ${req.headers.authorization}` };
      res.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
    const headers = [{ name: 'authorization', value }];
    const { server: of } = await connectedTo(server, { headers });
    const result = await call(of, 'tool');
    expect(result.error).toContain(`not with ${value.hint}`);
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  it.each([
    ['for everybody', []],
    ['for each caller', [{ name: 'x-user', parts: [{ kind: 'id' }] }]],
  ] as const)('that breaks off is heard to the end in a session %s', async (_, userHeaders) => {
    const server = await rudeServer();
    let result = '';
    server.on('tools/call', (exchange) => {
      const content = [{ type: 'text', text: 'at last' }];
      result = JSON.stringify({ jsonrpc: '2.0', id: exchange.message.id, result: { content } });
      events(exchange).end('id: 1\nretry: 1\ndata: \n\n');
    });
    server.on('GET', (exchange) => {
      const isResumed = exchange.req.headers['last-event-id'] === '1';
      if (isResumed) events(exchange).end(`id: 2\ndata: ${result}\n\n`);
      else exchange.res.writeHead(405).end();
    });
    const { server: of } = await connectedTo(server, { userHeaders });
    expect(await call(of, 'tool')).toMatchObject({ content: [{ text: 'at last' }] });
  });

  // Each of its questions would be a request of ours.
  it('with a flood of questions gets no flood of answers', async () => {
    const server = (await rudeServer()).on('GET', (exchange) => {
      const res = events(exchange);
      for (let id = 0; id < 1_000; id += 1) {
        res.write(`data: {"jsonrpc":"2.0","id":${id},"method":"ping"}\n\n`);
      }
    });
    server.on('POST', () => undefined);
    const { server: of } = await connectedTo(server);
    await server.waitFor('POST', 16);
    expect(await call(of, 'tool')).toMatchObject({ isError: false });
    expect(server.count('POST')).toBe(16);
  });

  // What it says on its own is heard on a connection that has no end.
  it('with an event without end beside its calls is called as before', async () => {
    const server = (await rudeServer()).on('GET', endlessEvent);
    const { server: of } = await connectedTo(server);
    await server.waitFor('GET');
    expect(await call(of, 'tool')).toMatchObject({ isError: false });
  });
});
