import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  cut,
  forbidden,
  missingTerminal,
  neverAnswers,
  paced,
  rateLimited,
  rawResponse,
  serverError,
  slowFirstToken,
  stall,
  stepped,
  unauthorized,
  type Behaviour,
} from '../simulator/index.ts';
import {
  ANTHROPIC_PASSTHROUGH,
  APIS_UNDER_TEST,
  MESSAGES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { until } from '../support/until.ts';

// What failover must not do, and how long and how much it may take. T-F, the failover of a
// tool loop's turns, does not apply before there is a tool loop.

const fleet = new Fleet();
const OK = answer({ text: 'hello' });
const LIMITED = rateLimited({ retryAfter: 5 });

beforeAll(() => fleet.start({ AIBRIDGE_FORBIDDEN_SCOPE: 'model' }));
afterAll(() => fleet.stop());
afterEach(() => fleet.simulator.assertNoUnscripted());

for (const api of APIS_UNDER_TEST) {
  for (const mode of api.modes) {
    describe(`${api.title}, ${mode}`, () => {
      testCallerLeaves(api, mode);
      testHerd(api, mode);
      testRetry(api, mode);
      testSilence(api, mode);
      testEndlessRefusal(api, mode);
      testBreakOff(api, mode);
    });
  }
}

/** Protects law 8: nobody is called on behalf of somebody who has gone. */
function testCallerLeaves(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test('X7 makes no further attempt for a caller that has gone', async () => {
    const caller = callerOf(provider, api, [combine(LIMITED, slowFirstToken()), OK]);
    const leaving = new AbortController();
    const answered = caller.ask({ mode, signal: leaving.signal, prompt: 'I leave' });
    const call = await fleet.simulator.waitForCall(({ key }) => key === provider.keys[0]);

    leaving.abort();

    await expect(answered).rejects.toThrow('aborted');
    await call.ended;
    const { row, attempts } = await onlyRecordOf(caller);
    expect(row).toMatchObject({ status: 'aborted' });
    expect(attempts).toMatchObject([{ outcome: 'rate_limited', status: 429 }]);
    expect(caller.keysSeen).toEqual(['k0']);
  });
}

function testHerd(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { keys: 3 });
  test('X8 serves 50 at once past a limited key, each with two attempts at most', async () => {
    const caller = callerOf(provider, api, [rateLimited({ retryAfter: 60 }), OK, undefined]);

    const all = await Promise.all(Array.from({ length: 50 }, () => caller.ask({ mode })));

    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    const seen = caller.keysSeen;
    expect(seen.filter((key) => key === 'k1')).toHaveLength(50);
    expect(seen.filter((key) => key === 'k0').length).toBeLessThanOrEqual(50);
    await caller.ask({ mode });
    expect(caller.keysSeen.slice(seen.length)).toEqual(['k1']);
  });
}

function testRetry(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { keys: 2, MAX_RETRIES: 1 });
  test('X5 tries the same key again where that is asked for', async () => {
    const caller = new Caller(fleet, provider, api);
    const again = serverError(503, { headers: { 'retry-after-ms': '5' } });
    fleet.simulator.key(keyAt(provider, 0)).inOrder(again, OK);

    const { status, id } = await caller.ask({ mode });

    expect(status).toBe(200);
    expect(caller.keysSeen).toEqual(['k0', 'k0']);
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'completed', attempt_count: 2, failed_over: false });
    expect(attempts).toMatchObject([
      { status: 503, cooldown_ms: null },
      { status: 200, outcome: 'served' },
    ]);
  });
}

function testSilence(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { FIRST_BYTE_TIMEOUT: '150ms' });
  test('does not try another key when the provider says nothing at all', async () => {
    const caller = callerOf(provider, api, [neverAnswers(), undefined]);

    const { status, id, headers } = await caller.ask({ mode });

    expect(status).toBe(504);
    expect(headers.get('x-aibridge-error')).toBe('upstream_timeout');
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_timeout' });
    expect(attempts).toMatchObject([{ outcome: 'timeout', status: null }]);
    expect(caller.keysSeen).toEqual(['k0']);
  });
}

/** Protects law 8: a refusal decides by its head; its body is not waited for, nor read to its end. */
function testEndlessRefusal(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { keys: 3, IDLE_TIMEOUT: '100ms' });
  test('does not wait for the rest of a refusal that is huge or never ends', async () => {
    const huge = rawResponse({ status: 429, body: 'x'.repeat(4 * 1024 * 1024) });
    const endless = combine(unauthorized(), stall({ afterEvents: 1 }));
    const caller = callerOf(provider, api, [huge, endless, OK]);

    const { status, id } = await caller.ask({ mode });

    expect(status).toBe(200);
    const { attempts } = await caller.audited(id);
    expect(attempts).toMatchObject([
      { outcome: 'rate_limited' },
      { outcome: 'unauthorized' },
      { outcome: 'served' },
    ]);
    await Promise.all(fleet.callsOf(provider).map(({ ended }) => ended));
  });
}

function testBreakOff(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { IDLE_TIMEOUT: '150ms' });
  test.each([
    ['breaks off', cut({ afterEvents: 2, clean: false }), 'upstream_truncated', 'transport_error'],
    ['stalls', stall({ afterEvents: 2 }), 'upstream_timeout', 'timeout'],
  ] as const)('law 7 tries nothing again when the answer %s', async (_, fault, type, outcome) => {
    // Large enough that the answer has gone down in part before it breaks off.
    const large = answer({ text: 'long '.repeat(60_000), chunks: 4 });
    const caller = callerOf(provider, api, [combine(large, fault), undefined]);
    const isWhole = api.name === 'passthrough';
    if (isWhole) fleet.simulator.key(keyAt(provider, 0)).always(largeBody(fault));

    const { id, end } = await untilBroken(caller, mode);

    expect(end).toBe(mode === 'streaming' ? 'in-band' : 'broken');
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'failed', error_type: type, upstream_status: 200 });
    expect(attempts).toMatchObject([{ outcome, status: 200 }]);
    expect(new Set(caller.keysSeen)).toEqual(new Set(['k0']));
  });
}

describe('requests are replayed as they came', () => {
  const provider = fleet.provider('anthropic', { keys: 3 });
  test('I2 with query, encoding and unknown headers', async () => {
    const caller = callerOf(provider, MESSAGES, [LIMITED, unauthorized(), OK]);
    const body = gzipSync(JSON.stringify(MESSAGES.body({ prompt: 'zipped', streaming: false })));

    const res = await fetch(`${fleet.bridge.url}/${provider.name}/v1/messages?beta=true`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'x-unknown': 'kept', 'anthropic-beta': 'a,b' },
      body,
    });

    expect(res.status).toBe(200);
    await res.arrayBuffer();
    const calls = fleet.callsOf(provider);
    expect(caller.keysSeen).toEqual(['k0', 'k1', 'k2']);
    for (const call of calls) {
      expect(call.body.equals(body)).toBe(true);
      expect(call.path).toBe('/v1/messages?beta=true');
      expect(call.headers).toMatchObject({
        'content-encoding': 'gzip',
        'content-length': String(body.length),
        'x-unknown': 'kept',
        'anthropic-beta': 'a,b',
      });
    }
  });

  const models = fleet.provider('anthropic');
  test('I10 without a body where there is none', async () => {
    const caller = callerOf(models, ANTHROPIC_PASSTHROUGH, [LIMITED, OK]);

    const res = await fetch(`${fleet.bridge.url}/${models.name}/v1/models?limit=2`);

    expect(res.status).toBe(200);
    await res.arrayBuffer();
    expect(caller.keysSeen).toEqual(['k0', 'k1']);
    for (const call of fleet.callsOf(models)) {
      expect(call.body).toHaveLength(0);
      expect(call.headers).not.toHaveProperty('transfer-encoding');
      expect(call.path).toBe('/v1/models?limit=2');
    }
  });
});

describe('what is not about the key', () => {
  const byModel = fleet.provider('anthropic');
  test('X1 a model that is refused does not cost the key its other models', async () => {
    const caller = new Caller(fleet, byModel, MESSAGES);
    const [first, second] = byModel.keys.map((key) => fleet.simulator.key(key));
    first?.forModel('claude-secret', forbidden({ about: 'model' })).always(OK);
    second?.always(OK);

    await caller.ask({ model: 'claude-secret' });
    await caller.ask({ model: 'claude-opus-4-5' });
    await caller.ask({ model: 'claude-secret' });

    expect(caller.keysSeen).toEqual(['k0', 'k1', 'k0', 'k1']);
  });

  const dated = fleet.provider('anthropic', { keys: 1 });
  test('X3 understands a date in Retry-After', async () => {
    const caller = callerOf(dated, MESSAGES, [
      rateLimited({ retryAfter: new Date(Date.now() + 30_000) }),
    ]);

    const { headers, id } = await caller.ask();

    const { attempts } = await caller.audited(id);
    const [cooldownMs] = attempts.map((attempt) => Number(attempt['cooldown_ms']));
    expect(cooldownMs).toBeGreaterThan(28_000);
    expect(cooldownMs).toBeLessThanOrEqual(30_000);
    expect(headers.get('retry-after')).toBe(String(Math.ceil((cooldownMs ?? 0) / 1000)));
  });

  const prompted = fleet.provider('anthropic');
  test('X4 records the prompt once, with the id of the answer that came', async () => {
    const caller = callerOf(prompted, MESSAGES, [LIMITED, answer({ messageId: 'msg_second' })]);

    const { id } = await caller.ask({ mode: 'streaming', prompt: 'only once' });

    await caller.audited(id);
    expect(await fleet.tables.children('prompts', id)).toMatchObject([
      { text: 'only once', message_id: 'msg_second' },
    ]);
  });

  const copilot = fleet.provider('copilot', { keys: 0 });
  test('I12 a Copilot token is the one credential there is', async () => {
    fleet.simulator.key('copilot-token-of-a-person').always(LIMITED);

    const res = await fetch(`${fleet.bridge.url}/${copilot.name}/models`, {
      headers: { authorization: 'Bearer copilot-token-of-a-person' },
    });

    expect(res.status).toBe(429);
    expect(res.headers.get('retry-after')).toBe('5');
    expect(await res.text()).toContain('"error"');
    expect(fleet.simulator.callsFor('copilot-token-of-a-person')).toHaveLength(1);
  });
});

describe('work is bounded', () => {
  const many = fleet.provider('anthropic', { keys: 200 });
  test('each of 200 keys is tried once, and none once they are known to be limited', async () => {
    const caller = new Caller(fleet, many, MESSAGES);
    fleet.simulator.anyKey.when(({ key }) => many.keys.includes(key ?? ''), LIMITED);

    const { status, id } = await caller.ask();

    expect(status).toBe(429);
    expect(caller.keysSeen).toEqual(many.keys.map((_, index) => `k${index}`));
    const { row } = await caller.audited(id);
    expect(row).toMatchObject({ attempt_count: 200 });
    await caller.ask();
    expect(fleet.callsOf(many)).toHaveLength(200);
  });
});

describe('a stream that has begun', () => {
  const slow = fleet.provider('anthropic');
  test('reaches the caller event by event, although other keys were tried before', async () => {
    const caller = callerOf(slow, MESSAGES, [LIMITED, combine(OK, stepped())]);

    const answering = caller.send({ mode: 'streaming' });
    const call = await fleet.simulator.waitForCall(({ key }) => key === slow.keys[1]);
    call.step();
    const res = await answering;
    const reader = res.body?.getReader();
    const first = await reader?.read();

    expect(Buffer.from(first?.value ?? []).toString()).toContain('event: message_start');
    expect(call.outcome).toBeNull();
    call.release();
    while ((await reader?.read())?.done === false);
  });

  const left = fleet.provider('anthropic');
  test('is given up with its caller, and the record says so', async () => {
    const caller = callerOf(left, MESSAGES, [combine(OK, paced(Infinity)), undefined]);
    const leaving = new AbortController();
    const res = await caller.send({ mode: 'streaming', signal: leaving.signal });
    const id = res.headers.get('x-aibridge-interception-id') ?? '';

    leaving.abort();

    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'aborted', usage_source: 'partial', upstream_status: 200 });
    expect(attempts).toMatchObject([{ outcome: 'aborted', status: 200 }]);
    const [call] = fleet.callsOf(left);
    expect((await call?.ended)?.outcome).toBe('client_closed');
  });

  const endless = fleet.provider('anthropic');
  test('ends in-band when its last event is missing', async () => {
    const caller = callerOf(endless, MESSAGES, [combine(OK, missingTerminal()), undefined]);

    const { text, id } = await caller.ask({ mode: 'streaming' });

    expect(text).toMatch(/event: error\ndata: .*"type":"error".*\n\n$/);
    expect((await caller.audited(id)).row).toMatchObject({ error_type: 'upstream_truncated' });
  });
});

function callerOf(
  provider: FleetProvider,
  api: ApiUnderTest,
  behaviours: readonly (Behaviour | undefined)[],
): Caller {
  for (const [index, behaviour] of behaviours.entries()) {
    const scripted = fleet.simulator.key(keyAt(provider, index)).reset();
    if (behaviour) scripted.always(behaviour);
  }
  return new Caller(fleet, provider, api);
}

function keyAt({ keys }: FleetProvider, index: number): string {
  return keys[index] ?? '';
}

/** A passthrough answer of the same size as the others. */
function largeBody(fault: Behaviour): Behaviour {
  const body = JSON.stringify({ input_tokens: 1, padding: 'long '.repeat(60_000) });
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
  return combine(rawResponse({ body, headers }), fault);
}

/** How an answer ends whose head has come: a caller sees a broken connection, or is told in-band. */
async function untilBroken(
  caller: Caller,
  mode: Mode,
): Promise<{ id: string; end: 'broken' | 'in-band' | 'whole' }> {
  const res = await caller.send({ mode });
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  try {
    const text = await res.text();
    return { id, end: caller.api.inBandError?.test(text) ? 'in-band' : 'whole' };
  } catch {
    return { id, end: 'broken' };
  }
}

/** For a caller that never saw its interception's id. */
async function onlyRecordOf(caller: Caller): ReturnType<Caller['audited']> {
  const { name } = caller.provider;
  const id = await until(`a record of ${name}`, async () => {
    const [row] = await fleet.tables.rows('SELECT id FROM interceptions WHERE provider_name = $1', [
      name,
    ]);
    return row && String(row['id']);
  });
  return caller.audited(id);
}
