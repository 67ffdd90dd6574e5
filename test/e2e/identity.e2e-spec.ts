import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { head, Wire, type WireAnswer } from '../support/wire.ts';

const PATH = '/anthropic/v1/messages';

/** One that believes the gateway on this machine, and one that believes a gateway elsewhere. */
let trusting: System;
let distant: System;

beforeAll(async () => {
  const env = { AIBRIDGE_IDENTITY: 'header', AIBRIDGE_ADMIN_GROUPS: 'bridge-admins' };
  [trusting, distant] = await Promise.all([
    startSystem({ env, settings: {} }),
    startSystem({ env: { ...env, AIBRIDGE_TRUSTED_PROXIES: '192.0.2.0/24' } }),
  ]);
});

afterAll(async () => {
  await Promise.all([trusting.stop(), distant.stop()]);
});

beforeEach(() => {
  for (const { simulator } of [trusting, distant]) {
    simulator.clear();
    simulator.onAnyKey(answer({ text: 'hello' }));
  }
});

async function ask(system: System, headers: readonly string[], path = PATH): Promise<WireAnswer> {
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(path, messagesBody(), headers);
  const reply = await wire.answer();
  wire.leave();
  return reply;
}

const CLAIMS: [string, string[]][] = [
  ['nothing', []],
  ['a forged user', ['x-forwarded-user: ceo@corp']],
  [
    'a forged user with groups',
    ['x-forwarded-user: ceo@corp', 'x-forwarded-groups: bridge-admins'],
  ],
  ['a forged user and peer', ['x-forwarded-user: ceo@corp', 'x-forwarded-for: 192.0.2.1']],
  ['a forged user and RFC 7239', ['x-forwarded-user: ceo@corp', 'forwarded: for=192.0.2.1']],
  ['the placeholder key', ['authorization: Bearer aibridge']],
  ['a key of its own', ['x-api-key: sk-ant-api03-a-key-of-its-own']],
];

test.each(CLAIMS)(
  'an untrusted peer with %s gets 401, reaches nothing and leaves no record',
  async (_, headers) => {
    for (const path of [PATH, '/anthropic/v1/messages/count_tokens']) {
      const reply = await ask(distant, headers, path);

      expect([reply.status, reply.headers.get('x-aibridge-error')]).toEqual([401, 'no_identity']);
      expect(JSON.parse(reply.body)).toMatchObject({ error: { type: 'authentication_error' } });
    }
    expect(distant.simulator.calls).toEqual([]);
    expect(await distant.tables.rows('SELECT id FROM interceptions')).toEqual([]);
  },
);

const DOUBTFUL: [string, string[]][] = [
  ['no user', []],
  ['an empty user', ['x-forwarded-user:']],
  ['two users', ['x-forwarded-user: alice@corp', 'x-forwarded-user: ceo@corp']],
  ['two users in two spellings', ['x-forwarded-user: alice@corp', 'X-Forwarded-USER: ceo@corp']],
  [
    'two lists of groups',
    ['x-forwarded-user: a', 'x-forwarded-groups: b', 'x-forwarded-groups: c'],
  ],
  ['a user of 300 characters', [`x-forwarded-user: ${'a'.repeat(300)}`]],
];

test.each(DOUBTFUL)('a trusted peer with %s gets 401', async (_, headers) => {
  const reply = await ask(trusting, headers);

  expect([reply.status, reply.headers.get('x-aibridge-error')]).toEqual([401, 'no_identity']);
  expect(trusting.simulator.calls).toEqual([]);
});

test('a trusted peer names the initiator, and the provider does not hear of it', async () => {
  const reply = await ask(trusting, [
    'x-forwarded-user: alice@corp',
    'x-forwarded-groups: dev, ops',
    'x-forwarded-for: 10.1.2.3',
  ]);

  expect(reply.status).toBe(200);
  const id = reply.headers.get('x-aibridge-interception-id') ?? '';
  expect(await trusting.tables.ended(id)).toMatchObject({ initiator_id: 'alice@corp' });
  const [call] = trusting.simulator.calls;
  expect(JSON.stringify(call?.headers)).not.toMatch(/alice|forwarded|10\.1\.2\.3/);
});

test('who may not be there is told so before the body is read', async () => {
  const wire = await Wire.connect(distant.bridge.url);
  await wire.send(head('POST', PATH, ['content-length: 1000000000']));

  expect((await wire.answer()).status).toBe(401);
  wire.leave();
});
