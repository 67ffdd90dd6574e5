import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  cut,
  neverAnswers,
  rateLimited,
  rawResponse,
  serverError,
  slowFirstToken,
  stall,
  unauthorized,
  type Behaviour,
} from '../simulator/index.ts';
import { APIS_UNDER_TEST, type ApiUnderTest, type Mode } from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet } from '../support/fleet.ts';
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
    const caller = new Caller(fleet, provider, api).script([
      combine(LIMITED, slowFirstToken()),
      OK,
    ]);
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
    const caller = new Caller(fleet, provider, api).script([
      rateLimited({ retryAfter: 60 }),
      OK,
      undefined,
    ]);

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
    fleet.simulator.key(provider.keys[0] ?? '').inOrder(again, OK);

    const { status, id } = await caller.ask({ mode });

    expect(status).toBe(200);
    expect(caller.keysSeen).toEqual(['k0', 'k0']);
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'completed', attempt_count: 2, failed_over: false });
    expect(attempts).toMatchObject([
      { status: 503, outcome: 'server_error', cooldown_ms: null },
      { status: 200, outcome: 'served' },
    ]);
  });
}

function testSilence(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type, { FIRST_BYTE_TIMEOUT: '150ms' });
  test('does not try another key when the provider says nothing at all', async () => {
    const caller = new Caller(fleet, provider, api).script([neverAnswers(), undefined]);

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
    const caller = new Caller(fleet, provider, api).script([huge, endless, OK]);

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
    const caller = new Caller(fleet, provider, api).script([combine(large, fault), undefined]);
    const isWhole = api.name === 'passthrough';
    if (isWhole) fleet.simulator.key(provider.keys[0] ?? '').always(largeBody(fault));

    const { id, end } = await untilBroken(caller, mode);

    expect(end).toBe(mode === 'streaming' ? 'in-band' : 'broken');
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({ status: 'failed', error_type: type, upstream_status: 200 });
    expect(attempts).toMatchObject([{ outcome, status: 200 }]);
    expect(new Set(caller.keysSeen)).toEqual(new Set(['k0']));
  });
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
