import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  forbidden,
  missingTerminal,
  paced,
  rateLimited,
  stepped,
  unauthorized,
} from '../simulator/index.ts';
import { ANTHROPIC_PASSTHROUGH, MESSAGES } from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet } from '../support/fleet.ts';

// What goes upstream again for the next key, what a key is not blamed for, and streams behind it.

const fleet = new Fleet();
const OK = answer({ text: 'hello' });
const LIMITED = rateLimited({ retryAfter: 5 });

beforeAll(() => fleet.start({ AIBRIDGE_FORBIDDEN_SCOPE: 'model' }));
afterAll(() => fleet.stop());
afterEach(() => fleet.simulator.assertNoUnscripted());

describe('requests are replayed as they came', () => {
  const provider = fleet.provider('anthropic', { keys: 3 });
  test('I2 with query, encoding and unknown headers', async () => {
    const caller = new Caller(fleet, provider, MESSAGES).script([LIMITED, unauthorized(), OK]);
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
    const caller = new Caller(fleet, models, ANTHROPIC_PASSTHROUGH).script([LIMITED, OK]);

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
    const caller = new Caller(fleet, dated, MESSAGES).script([
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
    const caller = new Caller(fleet, prompted, MESSAGES).script([
      LIMITED,
      answer({ messageId: 'msg_second' }),
    ]);

    const { id } = await caller.ask({ mode: 'streaming', prompt: 'only once' });

    expect((await caller.audited(id)).row).toMatchObject({ message_id: 'msg_second' });
    expect(await fleet.tables.children('prompts', id)).toMatchObject([{ text: 'only once' }]);
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
    const caller = new Caller(fleet, slow, MESSAGES).script([LIMITED, combine(OK, stepped())]);

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
    const caller = new Caller(fleet, left, MESSAGES).script([
      combine(OK, paced(Infinity)),
      undefined,
    ]);
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
  test('that says why it ended is whole without its last event, and nothing is added', async () => {
    const caller = new Caller(fleet, endless, MESSAGES).script([
      combine(OK, missingTerminal()),
      undefined,
    ]);

    const { text, id } = await caller.ask({ mode: 'streaming' });

    expect(text).toMatch(/event: message_delta\ndata: .*"stop_reason":"end_turn".*\n\n$/);
    const { row } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'completed', error_type: null });
    expect(row['notes']).toEqual([expect.stringContaining('without its last event')]);
  });
});
