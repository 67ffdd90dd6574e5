import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyEventPageSchema, keysAnswerSchema } from '../../src/admin/key-shape.ts';
import {
  answer,
  rateLimited,
  startSimulator,
  unauthorized,
  type Simulator,
} from '../simulator/index.ts';
import { fingerprintOf } from '../support/mask.ts';
import { LIMITS_ARE_THE_KEYS, messagesBody } from '../support/system.ts';
import { until } from '../support/until.ts';
import {
  ADMIN,
  ALICE,
  AUDITOR,
  startAuditSystem,
  type AuditSystem,
  type Person,
  type Query,
} from './audit-system.ts';

const LIMITED = 'sk-ant-the-limited-key-0001';
const REVOKED = 'sk-ant-the-revoked-key-0002';
const GOOD = 'sk-ant-the-good-key-0003';

let simulator: Simulator;
let system: AuditSystem;

beforeAll(async () => {
  simulator = await startSimulator();
  simulator.key(LIMITED).always(rateLimited({ retryAfter: 600 }));
  simulator.key(REVOKED).always(unauthorized());
  simulator.key(GOOD).always(answer());
  system = await startAuditSystem({
    AIBRIDGE_ANTHROPIC_BASE_URL: simulator.url,
    AIBRIDGE_ANTHROPIC_KEYS: [LIMITED, REVOKED, GOOD].join(','),
    ...LIMITS_ARE_THE_KEYS,
  });
  await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { 'x-forwarded-user': ALICE.id },
    body: messagesBody(),
  });
});

afterAll(async () => {
  await system.stop();
  await simulator.close();
});

const keys = (query: Query<'listKeys'> = {}, as?: Person) =>
  system.client(as).GET('/api/v1/keys', { params: { query } });
const events = (query: Query<'listKeyEvents'> = {}, as?: Person) =>
  system.client(as).GET('/api/v1/keys/events', { params: { query } });
const resetOf = (key: string, as: Person, provider = 'anthropic') =>
  system.client(as).POST('/api/v1/keys/{provider}/{fingerprint}/reset', {
    params: { path: { provider, fingerprint: fingerprintOf(key) } },
  });

test('the state of every pool key is shown in the order of preference, and no key is', async () => {
  const { response, data } = await keys();
  expect(response.status).toBe(200);
  expect(keysAnswerSchema.parse(data)).toEqual(data);
  const common = { account: null, provider: 'anthropic', providerType: 'anthropic', models: [] };
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(data).toEqual({
    items: [
      {
        ...common,
        position: 0,
        hint: 'sk-a...0001',
        fingerprint: fingerprintOf(LIMITED),
        state: 'temporary',
        reason: 'rate_limited',
        status: 429,
        coolingUntil: time,
        remainingMs: expect.any(Number),
        changedAt: time,
      },
      {
        ...common,
        position: 1,
        hint: 'sk-a...0002',
        fingerprint: fingerprintOf(REVOKED),
        state: 'permanent',
        reason: 'unauthorized',
        status: 401,
        coolingUntil: null,
        remainingMs: null,
        changedAt: time,
      },
      {
        ...common,
        position: 2,
        hint: 'sk-a...0003',
        fingerprint: fingerprintOf(GOOD),
        state: 'valid',
        reason: null,
        status: null,
        coolingUntil: null,
        remainingMs: null,
        changedAt: null,
      },
    ],
  });
  expect((await keys({ provider: ['openai'] })).data).toEqual({ items: [] });
});

test('operators are told when a pool is down to its last key', async () => {
  const line = await system.bridge.log(({ msg }) => msg === 'pool is down to its last key');
  expect(line).toMatchObject({ level: 'warn', provider: 'anthropic', hint: 'sk-a...0003' });
});

describe('who may', () => {
  const questions = {
    keys: (person: Person) => keys({}, person),
    history: (person: Person) => events({}, person),
    reset: (person: Person) => resetOf('sk-ant-of-no-pool', person),
  };

  test.each([
    ['keys', AUDITOR, 200],
    ['keys', ADMIN, 200],
    ['keys', ALICE, 403],
    ['history', AUDITOR, 200],
    ['history', ALICE, 403],
    ['reset', AUDITOR, 403],
    ['reset', ALICE, 403],
  ] as const)('%s for %o is answered %i', async (question, person, status) => {
    expect((await questions[question](person)).response.status).toBe(status);
  });

  test('nobody without an identity', async () => {
    const res = await fetch(`${system.bridge.url}/api/v1/keys`);
    expect(res.status).toBe(401);
    expect(await res.json()).toMatchObject({ statusCode: 401, error: 'Unauthorized' });
  });
});

describe('what is wrong with a request is said', () => {
  test.each([
    ['/keys?colour=red', 'colour'],
    ['/keys/events?colour=red', 'colour'],
    ['/keys/events?limit=0', 'limit'],
    ['/keys/events?limit=1001', 'limit'],
    ['/keys/events?limit=many', 'limit'],
    ['/keys/events?cursor=nonsense', 'cursor'],
    ['/keys/events?provider=%00', 'provider'],
  ])('%s', async (path, parameter) => {
    const { status, body } = await system.get(path);
    expect(status).toBe(400);
    expect(body).toMatchObject({ statusCode: 400, error: 'Bad Request' });
    expect(body['message']).toContain(parameter);
  });

  test('a reset takes no parameter', async () => {
    const path = `/keys/anthropic/${fingerprintOf(GOOD)}/reset?model=opus`;
    const res = await system.request(path, ADMIN, { method: 'POST' });
    expect(res.status).toBe(400);
    expect(await res.json()).toMatchObject({ details: [{ parameter: 'model' }] });
  });

  test.each([
    ['a key that is in no pool', 'sk-ant-some-other-key', 'anthropic'],
    ['a provider that is not configured', GOOD, 'openai'],
  ])('%s is not found', async (_, key, provider) => {
    expect(await resetOf(key, ADMIN, provider)).toMatchObject({
      response: { status: 404 },
      error: { statusCode: 404, error: 'Not Found' },
    });
  });
});

test('a key that an admin resets is valid, and the history says who did it', async () => {
  expect(await resetOf(REVOKED, ADMIN)).toMatchObject({
    response: { status: 200 },
    data: { hint: 'sk-a...0002', state: 'valid', status: null },
  });
  const items = await until('three events', async () => {
    const { data } = await events();
    return data?.items.length === 3 ? data.items : undefined;
  });
  expect(items).toMatchObject([
    {
      fingerprint: fingerprintOf(REVOKED),
      previousState: 'permanent',
      state: 'valid',
      reason: 'operator_reset',
      actor: ADMIN.id,
      model: null,
    },
    { fingerprint: fingerprintOf(REVOKED), state: 'permanent', status: 401, actor: null },
    {
      fingerprint: fingerprintOf(LIMITED),
      previousState: 'valid',
      state: 'temporary',
      cooldownMs: 600_000,
    },
  ]);

  const { data: all } = await events();
  expect(keyEventPageSchema.parse(all)).toEqual(all);
  const { data: first } = await events({ limit: 2 });
  expect(first?.items).toEqual(items.slice(0, 2));
  const { data: second } = await events({ limit: 2, cursor: String(first?.nextCursor) });
  expect(second).toEqual({ items: items.slice(2), nextCursor: null });
  const { data: ofOne } = await events({
    fingerprint: [fingerprintOf(LIMITED)],
    provider: ['anthropic'],
  });
  expect(ofOne?.items).toEqual(items.slice(2));
});
