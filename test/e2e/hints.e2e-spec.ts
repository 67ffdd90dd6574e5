import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  neverAnswers,
  rateLimited,
  slowFirstToken,
  unauthorized,
  type Behaviour,
} from '../simulator/index.ts';
import {
  APIS_UNDER_TEST,
  MESSAGES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';
import { Bridge } from '../support/bridge.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet } from '../support/fleet.ts';
import { fingerprintOf, hintOf } from '../support/mask.ts';
import { until } from '../support/until.ts';

// T-J: which key a record names, from its start to its end. J6, the last turn's key, does not
// apply before there is a tool loop.

const fleet = new Fleet();
const OK = answer({ text: 'hello' });

beforeAll(() => fleet.start());
afterAll(() => fleet.stop());
afterEach(() => fleet.simulator.assertNoUnscripted());

for (const api of APIS_UNDER_TEST) {
  for (const mode of api.modes) {
    describe(`${api.title}, ${mode}`, () => {
      testStart(api, mode);
      testEnd(api, mode);
      testNoneTried(api, mode);
      testOwnKey(api, mode);
    });
  }
}

function testStart(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test('J1 names no key before one is chosen, neither in the record nor in the log', async () => {
    const caller = scripted(new Caller(fleet, provider, api), [combine(OK, neverAnswers())]);
    const answered = caller.ask({ mode });
    const call = await fleet.simulator.waitForCall(({ key }) => key === provider.keys[0]);

    const row = await until('the record of the start', async () => {
      const sql = 'SELECT * FROM interceptions WHERE provider_name = $1';
      return (await fleet.tables.rows(sql, [provider.name]))[0];
    });

    expect(row).toMatchObject({
      status: 'in_progress',
      credential_kind: 'centralized',
      credential_hint: '',
      credential_fingerprint: null,
    });
    const started = fleet.bridge.logs.find(({ provider: name }) => name === provider.name);
    expect(started).toMatchObject({
      level: 'debug',
      msg: 'interception started',
      route: api.route,
      interception_id: row['id'],
      user_agent: 'node',
      streaming: mode === 'streaming',
      credential_kind: 'centralized',
      credential_hint: '<keypool-pending>',
    });
    call.release();
    await answered;
  });
}

function testEnd(api: ApiUnderTest, mode: Mode): void {
  const limited = rateLimited({ retryAfter: 5 });
  const rows = [
    ['J2', 'served, after another was limited', [limited, OK], 1],
    ['J3', 'was tried last, when none served', [limited, unauthorized()], 1],
    [
      'J3',
      'was tried last, when nothing came of it',
      [limited, { name: 'reset', reply: { kind: 'reset' } }],
      1,
    ],
  ] as const satisfies [string, string, Behaviour[], number][];
  for (const [id, says, behaviours, index] of rows) {
    const provider = fleet.provider(api.type);
    test(`${id} names the key that ${says}`, async () => {
      const caller = scripted(new Caller(fleet, provider, api), behaviours);

      const received = await caller.ask({ mode });

      const { row, attempts } = await caller.audited(received.id);
      expect(row).toMatchObject(namesOf(provider.keys[index]));
      expect(attempts).toMatchObject(provider.keys.map((key) => namesOf(key)));
      const ended = await fleet.bridge.log(
        (line) => line['interception_id'] === received.id && line.msg !== 'interception started',
      );
      expect(ended).toMatchObject({
        attempts: 2,
        status: row['status'],
        credential_hint: hintOf(provider.keys[index] ?? ''),
      });
    });
  }
}

function testNoneTried(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test('J5 names no key when all of them are cooling down', async () => {
    const limited = rateLimited({ retryAfter: 60 });
    const caller = scripted(new Caller(fleet, provider, api), [limited, limited]);
    await caller.ask({ mode });

    const { id, status } = await caller.ask({ mode });

    expect(status).toBe(429);
    const { row, attempts } = await caller.audited(id);
    expect(row).toMatchObject({
      status: 'failed',
      error_type: 'keys_rate_limited',
      attempt_count: 0,
      credential_hint: '',
      credential_fingerprint: null,
    });
    expect(attempts).toEqual([]);
    expect(caller.keysSeen).toEqual(['k0', 'k1']);
  });
}

function testOwnKey(api: ApiUnderTest, mode: Mode): void {
  const provider = fleet.provider(api.type);
  test.each([
    ['is served', OK, 'served'],
    ['is limited', rateLimited({ retryAfter: 5 }), 'relayed_error'],
    ['is rejected', unauthorized(), 'relayed_error'],
  ] as const)(
    "J4 names the caller's own key from the start, when it %s",
    async (_, says, outcome) => {
      const own = `sk-own-${provider.name}-${outcome}-${says.name}`;
      const caller = new Caller(fleet, provider, api);
      fleet.simulator.key(own).always(combine(says, slowFirstToken()));
      const answered = caller.ask({ mode, headers: caller.ownCredential(own) });
      const call = await fleet.simulator.waitForCall(({ key }) => key === own);

      const started = await until('the record of the start', async () => {
        const sql = 'SELECT * FROM interceptions WHERE credential_fingerprint = $1';
        return (await fleet.tables.rows(sql, [fingerprintOf(own)]))[0];
      });
      expect(started).toMatchObject({ ...namesOf(own), status: 'in_progress' });

      call.release();
      const { id } = await answered;
      const { row, attempts } = await caller.audited(id);
      expect(row).toMatchObject({ ...namesOf(own), credential_kind: 'byok' });
      expect(attempts).toMatchObject([{ ...namesOf(own), credential_kind: 'byok', outcome }]);
      expect(caller.keysSeen).toEqual([]);
    },
  );
}

/**
 * Protects law 2: who has a whole answer finds its record, even if the process dies at
 * that moment. The long suite of kills is elsewhere.
 */
test.each(MESSAGES.modes)(
  'an answer that was received is recorded as completed after a kill, %s',
  async (mode) => {
    const key = `sk-of-the-bridge-that-dies-${mode}`;
    fleet.simulator.key(key).always(OK);
    const env = {
      DATABASE_URL: fleet.databaseUrl,
      AIBRIDGE_ANTHROPIC_BASE_URL: fleet.simulator.url,
      AIBRIDGE_ANTHROPIC_KEY: key,
    };
    const bridge = await Bridge.start({ env });
    const res = await fetch(`${bridge.url}/anthropic/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(MESSAGES.body({ prompt: 'quick', streaming: mode === 'streaming' })),
    });
    await res.arrayBuffer();

    await bridge.kill();

    const successor = await Bridge.start({ env, dataDir: bridge.dataDir });
    const id = res.headers.get('x-aibridge-interception-id') ?? '';
    expect(await fleet.tables.ended(id)).toMatchObject({ status: 'completed', ...namesOf(key) });
    await successor.stop();
    await bridge.removeData();
  },
);

function scripted(caller: Caller, behaviours: readonly Behaviour[]): Caller {
  for (const [index, behaviour] of behaviours.entries()) {
    fleet.simulator.key(caller.provider.keys[index] ?? '').always(behaviour);
  }
  return caller;
}

function namesOf(key = ''): Record<string, string> {
  return { credential_hint: hintOf(key), credential_fingerprint: fingerprintOf(key) };
}
