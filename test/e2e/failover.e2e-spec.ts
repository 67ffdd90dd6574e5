import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rateLimited } from '../simulator/index.ts';
import { APIS_UNDER_TEST, type ApiUnderTest, type Mode } from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet } from '../support/fleet.ts';
import { OK, ROWS, type Row } from './failover-table.ts';

const fleet = new Fleet();

beforeAll(() => fleet.start({ AIBRIDGE_COOLDOWN_MAX: '1h' }));
afterAll(() => fleet.stop());
afterEach(() => fleet.simulator.assertNoUnscripted());

const EXHAUSTED = {
  anthropic: {
    429: {
      type: 'error',
      error: {
        type: 'rate_limit_error',
        message: expect.stringMatching(
          /^AI Bridge: all configured keys are rate-limited\. .*\(interception /,
        ),
      },
    },
    502: {
      type: 'error',
      error: {
        type: 'api_error',
        message: expect.stringMatching(
          /^AI Bridge: all configured keys failed authentication\. .*\(interception /,
        ),
      },
    },
  },
  openai: {
    429: {
      error: {
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
        message: expect.stringMatching(
          /^AI Bridge: all configured keys are rate-limited\. .*\(interception /,
        ),
        param: null,
      },
    },
    502: {
      error: {
        type: 'api_error',
        code: 'server_error',
        message: expect.stringMatching(
          /^AI Bridge: all configured keys failed authentication\. .*\(interception /,
        ),
        param: null,
      },
    },
  },
};

for (const api of APIS_UNDER_TEST) {
  for (const mode of api.modes) {
    describe(`${api.title}, ${mode}`, () => {
      for (const row of ROWS.filter(({ only = mode }) => only === mode)) testRow(api, mode, row);
      testAcrossRequests(api, mode);
      testOwnKey(api, mode);
    });
  }
}

function testRow(api: ApiUnderTest, mode: Mode, row: Row): void {
  const provider = fleet.provider(api.type, { keys: row.keys.length });
  test(`${row.id} ${row.says}`, async () => {
    const caller = new Caller(fleet, provider, api);
    caller.script(row.keys);

    const received = await caller.ask({ mode });

    expect(received.status).toBe(row.status);
    expect(received.headers.get('retry-after')).toBe(row.retryAfter ?? null);
    const keysTried = row.attempts.map((attempt) => attempt.slice(0, 2));
    expect(caller.keysSeen).toEqual(keysTried);
    await expectAttempts(caller, received.id, row.attempts);
    const isRelayed = /served|relayed_error/.test(row.attempts.at(-1) ?? '');
    if (isRelayed) expectLastAnswer(caller, received.text);
    if (received.headers.has('x-aibridge-error')) expectOwnEnvelope(api, row, received.text);
    expectSameBodies(caller);

    caller.script(row.keys.map(() => OK));
    await caller.ask({ mode });
    expect(caller.keysSeen.slice(keysTried.length)).toEqual(row.next ? [row.next] : []);
  });
}

function testAcrossRequests(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test('G1 remembers from one request to the next that a key is rate-limited', async () => {
    const caller = new Caller(fleet, provider, api);
    caller.script([rateLimited({ retryAfter: 60 }), OK]);

    const statuses = [(await caller.ask({ mode })).status, (await caller.ask({ mode })).status];

    expect(statuses).toEqual([200, 200]);
    expect(caller.keysSeen).toEqual(['k0', 'k1', 'k1']);
  });
}

/** Protects law 6: a caller's key and the pool never meet, whatever the provider says of either. */
function testOwnKey(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test("E8 I7 relays what a caller's own key gets, once, and leaves the pool alone", async () => {
    const caller = new Caller(fleet, provider, api);
    const own = `sk-the-callers-own-key-${provider.name}`;
    const refusal = { 'x-should-retry': 'false' };
    fleet.simulator.key(own).always(rateLimited({ retryAfter: 5, headers: refusal }));

    const received = await caller.ask({ mode, headers: caller.ownCredential(own) });

    expect(received.status).toBe(429);
    expect(received.headers.get('retry-after')).toBe('5');
    expect(received.headers.get('x-should-retry')).toBe('false');
    expect(received.headers.has('x-aibridge-error')).toBe(false);
    const [call, ...more] = fleet.simulator.callsFor(own);
    expect(more).toEqual([]);
    expect(call?.credentialHeader).toBe(api.authHeader);
    expect(received.text).toBe(call?.sent.text);
    expect(caller.keysSeen).toEqual([]);

    caller.script([OK]);
    expect((await caller.ask({ mode })).status).toBe(200);
    expect(caller.keysSeen).toEqual(['k0']);
  });
}

async function expectAttempts(
  caller: Caller,
  id: string,
  expected: readonly string[],
): Promise<void> {
  const { row, attempts } = await caller.audited(id);
  const told = attempts.map(({ credential_hint: hint, outcome, status, cooldown_ms: cooldown }) => {
    const index = caller.provider.keys.findIndex((key) => key.slice(-4) === String(hint).slice(-4));
    return `k${index} ${String(outcome)} ${shown(status)} ${shown(cooldown)}`;
  });
  expect(told).toEqual(expected);
  expect(attempts.map(({ ordinal }) => ordinal)).toEqual(expected.map((_, index) => index + 1));
  expect(row).toMatchObject({ attempt_count: expected.length, failed_over: expected.length > 1 });
}

function shown(value: unknown): string {
  return value === null ? '-' : JSON.stringify(value);
}

/** What the caller has is the one answer that counts, byte for byte, and nothing of those before. */
function expectLastAnswer(caller: Caller, text: string): void {
  expect(text).toBe(fleet.callsOf(caller.provider).at(-1)?.sent.text);
}

function expectOwnEnvelope(api: ApiUnderTest, { status }: Row, text: string): void {
  const envelopes = EXHAUSTED[api.type === 'openai' ? 'openai' : 'anthropic'];
  const unreachable = {
    error: {
      message: expect.stringMatching(
        /^AI Bridge: The provider could not be reached\. .*\(interception /,
      ),
    },
  };
  const isExhausted = text.includes('all configured keys');
  const exhausted = envelopes[status === 429 ? 429 : 502];
  expect(JSON.parse(text)).toMatchObject(isExhausted ? exhausted : unreachable);
}

/** Each key gets the very bytes of the request, in the header its provider expects. */
function expectSameBodies(caller: Caller): void {
  const calls = fleet.callsOf(caller.provider);
  const [first] = calls;
  for (const call of calls) {
    expect(call.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    expect(call.credentialHeader).toBe(caller.api.authHeader);
  }
}
