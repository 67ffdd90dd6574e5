import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  creditExhausted,
  cut,
  errorFirst,
  errorMidStream,
  forbidden,
  rateLimited,
  resetBeforeHeaders,
  serverError,
  slowHeaders,
  unauthorized,
  type Behaviour,
} from '../simulator/index.ts';
import { APIS_UNDER_TEST, type ApiUnderTest, type Mode } from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet } from '../support/fleet.ts';

const fleet = new Fleet();

beforeAll(() => fleet.start({ AIBRIDGE_COOLDOWN_MAX: '1h' }));
afterAll(() => fleet.stop());
afterEach(() => fleet.simulator.assertNoUnscripted());

interface Row {
  readonly id: string;
  readonly says: string;
  /** What each key answers; a key that must not be called says nothing. */
  readonly keys: readonly (Behaviour | undefined)[];
  /** `key outcome status cooldown` of each attempt. */
  readonly attempts: readonly string[];
  readonly status: number;
  readonly retryAfter?: string;
  /** The key that serves the next request once they all answer again. */
  readonly next: string | undefined;
  readonly only?: Mode;
}

const LIMITED_5S = rateLimited({ retryAfter: 5 });
const OK = answer({ text: 'hello' });

/** T-E, and what the contract's table adds to it. */
const ROWS: readonly Row[] = [
  {
    id: 'E1',
    says: 'serves with the first key alone',
    keys: [OK, undefined],
    attempts: ['k0 served 200 -'],
    status: 200,
    next: 'k0',
  },
  {
    id: 'E2',
    says: 'goes past a rate-limited key',
    keys: [LIMITED_5S, OK],
    attempts: ['k0 rate_limited 429 5000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E3',
    says: 'goes past a key that is rejected',
    keys: [unauthorized(), OK],
    attempts: ['k0 unauthorized 401 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E4',
    says: 'goes past a key that is forbidden',
    keys: [forbidden(), OK],
    attempts: ['k0 forbidden 403 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E5',
    says: 'tells the soonest recovery when every key is rate-limited',
    keys: [LIMITED_5S, rateLimited({ retryAfter: 3 }), rateLimited({ retryAfter: 10 })],
    attempts: ['k0 rate_limited 429 5000', 'k1 rate_limited 429 3000', 'k2 rate_limited 429 10000'],
    status: 429,
    retryAfter: '3',
    next: undefined,
  },
  {
    id: 'E6',
    says: 'blames the organisation when every key is rejected',
    keys: [unauthorized(), unauthorized()],
    attempts: ['k0 unauthorized 401 -', 'k1 unauthorized 401 -'],
    status: 502,
    next: undefined,
  },
  {
    id: 'E7',
    says: 'does not try another key for an error that is none of the key',
    keys: [serverError(500), undefined],
    attempts: ['k0 relayed_error 500 -'],
    status: 500,
    next: 'k0',
  },
  {
    id: 'D1',
    says: 'names no time when a key has recovered during the walk',
    keys: [
      rateLimited({ retryAfterMs: 1 }),
      combine(rateLimited({ retryAfter: 5 }), slowHeaders(20)),
    ],
    attempts: ['k0 rate_limited 429 1', 'k1 rate_limited 429 5000'],
    status: 429,
    next: 'k0',
  },
  {
    id: 'D6',
    says: 'rounds the soonest recovery up to a second',
    keys: [rateLimited({ retryAfterMs: 700 })],
    attempts: ['k0 rate_limited 429 700'],
    status: 429,
    retryAfter: '1',
    next: undefined,
  },
  {
    id: 'X2',
    says: 'caps what a provider asks for',
    keys: [rateLimited({ retryAfter: 100_000 })],
    attempts: ['k0 rate_limited 429 3600000'],
    status: 429,
    retryAfter: '3600',
    next: undefined,
  },
  {
    id: 'B3',
    says: 'cools a key for the default time when the provider names none',
    keys: [rateLimited(), OK],
    attempts: ['k0 rate_limited 429 60000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: '§2 402',
    says: 'goes past a key whose credit is used up, for a quarter of an hour',
    keys: [creditExhausted({ status: 402 }), OK],
    attempts: ['k0 quota_exhausted 402 900000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'I8',
    says: 'does not try another key when the connection breaks',
    keys: [resetBeforeHeaders(), undefined],
    attempts: ['k0 transport_error - -'],
    status: 502,
    next: 'k0',
  },
  {
    id: '§3 first event',
    says: 'takes a rate limit in the first event for a 429',
    keys: [errorFirst('rate_limited'), OK],
    attempts: ['k0 rate_limited 200 60000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
    only: 'streaming',
  },
  {
    id: '§3 first event',
    says: 'takes an authentication error in the first event for a 401',
    keys: [errorFirst('unauthorized'), OK],
    attempts: ['k0 unauthorized 200 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
    only: 'streaming',
  },
  {
    id: '§3 first event',
    says: 'relays an overload in the first event like any other answer',
    keys: [errorFirst('overloaded'), undefined],
    attempts: ['k0 relayed_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
  {
    id: 'law 7',
    says: 'tries nothing again for a rate limit after the first event',
    keys: [errorMidStream('rate_limited'), undefined],
    attempts: ['k0 relayed_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
  {
    id: 'law 7',
    says: 'tries nothing again when a stream breaks off',
    keys: [cut({ clean: true }), undefined],
    attempts: ['k0 transport_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
];

const EXHAUSTED = {
  anthropic: {
    429: {
      type: 'error',
      error: { type: 'rate_limit_error', message: 'all configured keys are rate-limited' },
    },
    502: {
      type: 'error',
      error: { type: 'api_error', message: 'all configured keys failed authentication' },
    },
  },
  openai: {
    429: {
      error: {
        type: 'rate_limit_error',
        code: 'rate_limit_exceeded',
        message: 'all configured keys are rate-limited',
        param: null,
      },
    },
    502: {
      error: {
        type: 'api_error',
        code: 'server_error',
        message: 'all configured keys failed authentication',
        param: null,
      },
    },
  },
} as const;

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
    script(caller, row.keys);

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

    script(
      caller,
      row.keys.map(() => OK),
    );
    await caller.ask({ mode });
    expect(caller.keysSeen.slice(keysTried.length)).toEqual(row.next ? [row.next] : []);
  });
}

function testAcrossRequests(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test('G1 remembers from one request to the next that a key is rate-limited', async () => {
    const caller = new Caller(fleet, provider, api);
    script(caller, [rateLimited({ retryAfter: 60 }), OK]);

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

    script(caller, [OK]);
    expect((await caller.ask({ mode })).status).toBe(200);
    expect(caller.keysSeen).toEqual(['k0']);
  });
}

function script(caller: Caller, behaviours: readonly (Behaviour | undefined)[]): void {
  for (const [index, key] of caller.provider.keys.entries()) {
    const scripted = fleet.simulator.key(key).reset();
    const behaviour = behaviours[index];
    if (behaviour) scripted.always(behaviour);
  }
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
  const unreachable = { error: { message: 'The provider could not be reached.' } };
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
