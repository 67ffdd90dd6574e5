import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { messagesBody, POOL_KEY, startSystem, type System } from '../support/system.ts';

let system: System;
let roomy: RoomyProvider;

beforeAll(async () => {
  roomy = await RoomyProvider.listen();
  system = await startSystem({
    env: {
      AIBRIDGE_PROVIDER_1_TYPE: 'anthropic',
      AIBRIDGE_PROVIDER_1_NAME: 'roomy',
      AIBRIDGE_PROVIDER_1_BASE_URL: roomy.url,
      AIBRIDGE_PROVIDER_1_KEY: POOL_KEY,
    },
  });
});

afterAll(async () => {
  await system.stop();
  roomy.close();
});

beforeEach(() => {
  system.simulator.clear();
  system.simulator.onAnyKey(answer({ text: 'hello' }));
});

/** What Claude Code sends, shortened. */
const CLAUDE_CODE = {
  'user-agent': 'claude-cli/2.0.67 (external, cli)',
  'content-type': 'application/json',
  'anthropic-version': '2023-06-01',
  'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
  'anthropic-dangerous-direct-browser-access': 'true',
  'x-app': 'cli',
  'x-stainless-retry-count': '0',
};

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${system.bridge.url}${path}`, {
    method: 'POST',
    headers: CLAUDE_CODE,
    body: messagesBody(),
    ...init,
  });
}

test('the query goes upstream as it came', async () => {
  const res = await ask('/anthropic/v1/messages?beta=true&x=%7E%2f&&y');

  expect(res.status).toBe(200);
  expect(system.simulator.calls[0]?.path).toBe('/v1/messages?beta=true&x=%7E%2f&&y');
});

test.each(['HEAD', 'GET'])('%s /anthropic is answered without a call upstream', async (method) => {
  for (const path of ['/anthropic', '/anthropic/', '/anthropic?x=1']) {
    const res = await fetch(`${system.bridge.url}${path}`, { method });
    expect([res.status, await res.text()]).toEqual([200, '']);
  }
  expect(system.simulator.calls).toEqual([]);
});

test("the client's own headers go upstream unchanged", async () => {
  await ask('/anthropic/v1/messages');

  expect(system.simulator.calls[0]?.headers).toMatchObject(CLAUDE_CODE);
});

test('the body goes upstream byte for byte, with all that the bridge does not know', async () => {
  const body = `{ "model":"claude-opus-4-5" ,"max_tokens":1e1,\n\t"future":[1.0,"\\u00e9",null],
    "messages":[{"role":"user","content":"hé 🌍"}], "model":"claude-haiku-4-5" }`;
  const res = await ask('/anthropic/v1/messages', { body });

  expect(res.status).toBe(200);
  expect(system.simulator.calls[0]?.body.toString('utf8')).toBe(body);
});

test('headers of 100 KiB in all pass, and so does an answer with as many', async () => {
  const names = Array.from({ length: 100 }, (_, index) => [`x-long-${index}`, 'v'.repeat(1_000)]);
  const long = Object.fromEntries(names);
  const res = await ask('/roomy/v1/messages', { headers: { ...CLAUDE_CODE, ...long } });

  expect(res.status).toBe(200);
  expect(roomy.lastHeaders).toMatchObject(long);
  expect(res.headers.get('x-echo-99')).toBe('w'.repeat(100));
});

test.each([
  ['ANTHROPIC_AUTH_TOKEN', { authorization: 'Bearer aibridge' }],
  ['ANTHROPIC_API_KEY', { 'x-api-key': 'aibridge' }],
])('the placeholder as %s is no credential: the pool pays', async (_, credential) => {
  const res = await ask('/anthropic/v1/messages', { headers: { ...CLAUDE_CODE, ...credential } });

  expect(res.status).toBe(200);
  const [call] = system.simulator.calls;
  expect([call?.key, call?.credentialHeader]).toEqual([POOL_KEY, 'x-api-key']);
  expect(call?.headers.authorization).toBeUndefined();
});

test('client, session and prompt are in the record', async () => {
  const body = messagesBody({
    metadata: { user_id: 'user_ab_account_cd_session_f00d' },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>context</system-reminder>' },
          { type: 'text', text: 'what the user typed' },
        ],
      },
    ],
  });
  const res = await ask('/anthropic/v1/messages?beta=true', { body });

  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  expect(await system.tables.ended(id)).toMatchObject({
    client: 'Claude Code',
    session_id: 'f00d',
    route: '/v1/messages',
    user_agent: 'claude-cli/2.0.67 (external, cli)',
    first_byte_ms: expect.any(Number),
  });
  expect(await system.tables.children('prompts', id)).toMatchObject([
    { source: 'user', text: 'what the user typed' },
    { source: 'machine', text: '<system-reminder>context</system-reminder>' },
  ]);
});

test.each([
  ['GET', '/v1/models?limit=1000', undefined],
  ['GET', '/v1/models/claude-opus-4-5', undefined],
  ['POST', '/v1/messages/count_tokens?beta=true', messagesBody()],
  ['POST', '/api/event_logging/batch', '{"events":[]}'],
])('%s %s passes with the key of the pool', async (method, route, body) => {
  const res = await ask(`/anthropic${route}`, { method, body: body ?? null });

  expect(res.status).toBe(200);
  expect(await res.json()).toEqual(expect.any(Object));
  expect(system.simulator.calls[0]).toMatchObject({ method, path: route, key: POOL_KEY });
});

/** A provider that takes and gives longer headers than Node does by itself. */
class RoomyProvider {
  lastHeaders: IncomingHttpHeaders = {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ maxHeaderSize: 1024 * 1024 }, (req, res) => {
      this.lastHeaders = req.headers;
      for (let index = 0; index < 100; index += 1)
        res.setHeader(`x-echo-${index}`, 'w'.repeat(100));
      req.resume().on('end', () => res.end('{}'));
    });
  }

  static async listen(): Promise<RoomyProvider> {
    const provider = new RoomyProvider();
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    return provider;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
