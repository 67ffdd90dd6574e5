import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  errorFirst,
  errorMidStream,
  overloaded,
  rateLimited,
  resetBeforeHeaders,
  serverError,
  slowHeaders,
  type Behaviour,
} from '../simulator/index.ts';
import { freePort } from '../support/free-port.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

const FAILURES = 3;
const OPENAI_KEY = 'sk-openai-pool-key-0001';
const OWN_KEY = 'sk-ant-a-key-of-a-caller-0001';

let system: System;

/** Open for longer than a test takes; or as short as may be, to see it close again. */
function start(timeout: string): Promise<System> {
  return startSystem({
    env: {
      AIBRIDGE_BREAKER_FAILURES: String(FAILURES),
      AIBRIDGE_BREAKER_INTERVAL: '1m',
      AIBRIDGE_BREAKER_TIMEOUT: timeout,
      AIBRIDGE_BREAKER_PROBES: '1',
    },
  });
}

interface Asked {
  readonly status: number;
  readonly slug: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly id: string;
}

async function ask(fields: object = {}, path = '/anthropic/v1/messages', key?: string) {
  const res = await fetch(`${system.bridge.url}${path}`, {
    method: 'POST',
    body: messagesBody({ ...fields }),
    headers: { ...(key !== undefined && { 'x-api-key': key }) },
  });
  const asked: Asked = {
    status: res.status,
    slug: res.headers.get('x-aibridge-error'),
    retryAfter: res.headers.get('retry-after'),
    text: await res.text(),
    id: String(res.headers.get('x-aibridge-interception-id')),
  };
  return asked;
}

async function fail(behaviour: Behaviour, fields: object = {}): Promise<void> {
  system.simulator.onAnyKey(behaviour);
  for (let count = 0; count < FAILURES; count += 1) await ask(fields);
}

async function breakersOf(model: string) {
  const res = await fetch(`${system.bridge.url}/api/v1/breakers`);
  const { isEnabled, items } = Object(await res.json());
  expect(isEnabled).toBe(true);
  return items.filter((one: { readonly model: string }) => one.model === model);
}

describe('an open breaker', () => {
  // Each test has a model of its own, and so breakers of its own.
  let model: string;
  let models = 0;
  beforeAll(async () => {
    system = await start('5m');
  });
  beforeEach(() => {
    system.simulator.clear();
    models += 1;
    model = `claude-of-test-${models}`;
  });
  afterAll(() => system.stop());

  it('answers in the words of the provider, says when to come back, and calls nobody', async () => {
    await fail(overloaded(), { model });
    const { length } = system.simulator.calls;
    const { status, slug, retryAfter, text, id } = await ask({ model });
    expect([status, slug, retryAfter]).toEqual([503, 'breaker_open', '300']);
    expect(JSON.parse(text)).toMatchObject({
      type: 'error',
      error: {
        type: 'overloaded_error',
        message: expect.stringMatching(
          /^AI Bridge: circuit breaker is open\. Try again in 300 seconds/,
        ),
      },
    });
    expect(system.simulator.calls).toHaveLength(length);
    expect(await system.tables.ended(id)).toMatchObject({
      status: 'failed',
      error_type: 'breaker_open',
      credential_hint: '',
      upstream_status: null,
    });
    expect(await system.tables.children('attempts', id)).toEqual([]);
  });

  it('is of one model, one route, and one kind of credential', async () => {
    await fail(overloaded(), { model });
    system.simulator.onAnyKey(answer());
    expect((await ask({ model })).status).toBe(503);
    expect((await ask({ model, stream: true })).status).toBe(503);
    expect((await ask({ model: 'claude-haiku-4-5' })).status).toBe(200);
    expect((await ask({ model }, '/anthropic/v1/messages/count_tokens')).status).toBe(200);
    expect((await ask({ model }, '/anthropic/v1/messages', OWN_KEY)).status).toBe(200);
  });

  it('is seen by operators: in the API, the metrics and the log', async () => {
    await fail(serverError(500), { model });
    await ask({ model });
    await ask({ model });
    expect(await breakersOf(model)).toMatchObject([
      {
        provider: 'anthropic',
        providerType: 'anthropic',
        route: '/v1/messages',
        model,
        credentialKind: 'centralized',
        state: 'open',
        trips: 1,
        retryAfterMs: expect.any(Number),
        changedAt: expect.any(String),
      },
    ]);
    const metrics = await (await fetch(`${system.bridge.url}/metrics`)).text();
    const labels = `{provider="anthropic",endpoint="/v1/messages",model="${model}",credential_kind="centralized"}`;
    expect(metrics).toContain(`aibridge_circuit_breaker_state${labels} 1\n`);
    expect(metrics).toContain(`aibridge_circuit_breaker_trips_total${labels} 1\n`);
    expect(metrics).toContain(`aibridge_circuit_breaker_rejects_total${labels} 2\n`);
    const line = await system.bridge.log(
      (one) => one.msg === 'circuit breaker opened' && one['model'] === model,
    );
    expect(line).toMatchObject({
      provider: 'anthropic',
      endpoint: '/v1/messages',
      from: 'closed',
      to: 'open',
    });
  });

  it.each<[string, Behaviour, object]>([
    ['529', overloaded(), {}],
    ['500', serverError(500), {}],
    ['a connection that is reset', resetBeforeHeaders(), {}],
    ['an overload as the first event', errorFirst('overloaded'), { stream: true }],
    ['an overload in the middle', errorMidStream('overloaded'), { stream: true }],
  ])('has been opened by %s', async (_, behaviour, fields) => {
    await fail(behaviour, { model, ...fields });
    expect((await ask({ model, ...fields })).slug).toBe('breaker_open');
  });

  it.each<[string, Behaviour]>([
    ['400', badRequest()],
    ['429, and the bridge’s own answer after it', rateLimited({ retryAfter: 100 })],
  ])('is not opened by %s', async (_, behaviour) => {
    system.simulator.onAnyKey(behaviour);
    for (let count = 0; count < 3 * FAILURES; count += 1) await ask({ model });
    expect((await ask({ model })).slug).not.toBe('breaker_open');
    expect(await breakersOf(model)).toEqual([]);
  });

  it('is not opened for anybody else by a caller whose own key fails', async () => {
    system.simulator.key(OWN_KEY).always(overloaded());
    system.simulator.onAnyKey(answer());
    const withOwnKey = () => ask({ model }, '/anthropic/v1/messages', OWN_KEY);
    for (let count = 0; count < FAILURES; count += 1) await withOwnKey();
    expect((await withOwnKey()).slug).toBe('breaker_open');
    expect((await ask({ model })).status).toBe(200);
  });
});

describe('with a bridge of its own', () => {
  afterEach(() => system.stop());

  test('a provider that flaps: refused, tried by one call at a time, and served again', async () => {
    system = await start('1s');
    await fail(resetBeforeHeaders());
    expect((await ask()).slug).toBe('breaker_open');

    // The first probe finds it down still.
    const probe = await until('a probe is let through', async () => {
      const asked = await ask();
      return asked.slug === 'breaker_open' ? undefined : asked;
    });
    expect(probe.slug).toBe('upstream_unreachable');
    expect((await ask()).slug).toBe('breaker_open');

    system.simulator.onAnyKey(combine(answer(), slowHeaders(300)));
    const { length } = system.simulator.calls;
    const statuses = await until('one of many gets through', async () => {
      const asked = await Promise.all(Array.from({ length: 8 }, () => ask()));
      const got = asked.map(({ status }) => status).toSorted((a, b) => a - b);
      return got.includes(200) ? got : undefined;
    });
    expect(statuses).toEqual([200, ...Array.from({ length: 7 }, () => 503)]);
    expect(system.simulator.calls).toHaveLength(length + 1);

    expect(await breakersOf('claude-opus-4-5')).toMatchObject([
      { state: 'closed', trips: 2, retryAfterMs: 0 },
    ]);
    const all = await Promise.all(Array.from({ length: 8 }, () => ask()));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  test('without breakers every call is made', async () => {
    system = await startSystem({ env: { AIBRIDGE_BREAKER: 'off' } });
    system.simulator.onAnyKey(overloaded());
    for (let count = 0; count < 12; count += 1) expect((await ask()).status).toBe(529);
    expect(system.simulator.calls).toHaveLength(12);
    const res = await fetch(`${system.bridge.url}/api/v1/breakers`);
    expect(await res.json()).toEqual({ isEnabled: false, items: [] });
  });

  test('another provider is another matter, and its callers are told in its own words', async () => {
    system = await startSystem({
      env: {
        AIBRIDGE_BREAKER_FAILURES: '1',
        AIBRIDGE_PROVIDER_1_TYPE: 'openai',
        AIBRIDGE_PROVIDER_1_BASE_URL: `http://127.0.0.1:${await freePort()}/v1`,
        AIBRIDGE_PROVIDER_1_KEY: OPENAI_KEY,
      },
    });
    const path = '/openai/v1/chat/completions';
    await ask({}, path);
    const { slug, text } = await ask({}, path);
    expect(slug).toBe('breaker_open');
    expect(JSON.parse(text)).toMatchObject({
      error: { type: 'server_error', code: 'service_unavailable' },
    });
    system.simulator.onAnyKey(answer());
    expect((await ask()).status).toBe(200);
  });
});
