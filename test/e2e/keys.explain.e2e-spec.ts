import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { keyExplanationSchema } from '../../src/admin/key-explanation-shape.ts';
import { answer, rateLimited, startSimulator, type Simulator } from '../simulator/index.ts';
import { Bridge } from '../support/bridge.ts';
import { fingerprintOf } from '../support/mask.ts';
import { messagesBody } from '../support/system.ts';
import { until } from '../support/until.ts';
import {
  ADMIN,
  ALICE,
  AUDITOR,
  startAuditSystem,
  type AuditSystem,
  type Person,
} from './audit-system.ts';

const FIRST = 'sk-ant-key-number-one-0001';
const SECOND = 'sk-ant-key-number-two-0002';
const OPUS = 'claude-opus-4-5';

let simulator: Simulator;
let system: AuditSystem;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  simulator = await startSimulator();
  env = {
    AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
    AIBRIDGE_PROVIDER_0_BASE_URL: simulator.url,
    AIBRIDGE_PROVIDER_0_KEYS: [FIRST, SECOND].join(','),
    AIBRIDGE_PROVIDER_1_TYPE: 'openai',
    AIBRIDGE_PROVIDER_1_BASE_URL: simulator.url,
  };
  system = await startAuditSystem(env);
  await system.bridge.log(({ msg }) => msg === 'key states are shared');
});

beforeEach(async () => {
  for (const key of [FIRST, SECOND]) {
    simulator.key(key).always(answer());
    await reset(key);
  }
});

afterAll(async () => {
  await system.stop();
  await simulator.close();
});

function reset(key: string): Promise<Response> {
  const path = `/keys/anthropic/${fingerprintOf(key)}/reset`;
  return system.request(path, ADMIN, { method: 'POST' });
}

async function explained(model?: string, as?: Person) {
  const { data } = await system.client(as).GET('/api/v1/keys/explain', {
    params: { query: { provider: 'anthropic', ...(model !== undefined && { model }) } },
  });
  expect(keyExplanationSchema.parse(data)).toEqual(data);
  return keyExplanationSchema.parse(data);
}

function drill(key: string, query: { model?: string; force?: boolean } = {}, as: Person = ADMIN) {
  return system.client(as).POST('/api/v1/keys/{provider}/{fingerprint}/drill', {
    params: { path: { provider: 'anthropic', fingerprint: fingerprintOf(key) }, query },
  });
}

/** The fingerprint of the key that the provider was called with. */
async function called(model = OPUS): Promise<string | undefined> {
  const before = simulator.calls.length;
  const res = await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { 'x-forwarded-user': ALICE.id },
    body: messagesBody({ model }),
  });
  await res.bytes();
  const key = simulator.calls[before]?.headers['x-api-key'];
  return key === undefined ? undefined : fingerprintOf(String(key));
}

describe('what is explained', () => {
  test('is what the next call does', async () => {
    simulator
      .key(FIRST)
      .inOrder(rateLimited({ retryAfter: 600 }))
      .always(answer());
    for (const model of [OPUS, OPUS, 'claude-haiku-4-5']) {
      const { next } = await explained(model);
      expect(await called(model)).toBe(next?.fingerprint);
    }
    expect(await explained(OPUS)).toMatchObject({
      next: { position: 1 },
      keys: [
        {
          plan: 'passed_over',
          reason: 'rate_limited',
          status: 429,
          sidelinedFor: 'model',
          endNamedBy: 'provider',
        },
        { plan: 'next' },
      ],
      refusal: null,
    });
    expect(await explained()).toMatchObject({ next: { position: 0 }, otherModels: [OPUS] });
  });

  test('is what callers without a key are told', async () => {
    for (const key of [FIRST, SECOND]) simulator.key(key).always(rateLimited({ retryAfter: 600 }));
    await called();
    const { next, refusal } = await explained(OPUS);
    expect([next, refusal?.status, refusal?.error]).toEqual([null, 429, 'keys_rate_limited']);
    expect(refusal?.retryAfterSeconds).toBeGreaterThan(590);
    expect(await called()).toBeUndefined();
  });

  test('says who brings their own keys, and what there is not', async () => {
    const { status, body } = await system.get('/keys/explain?provider=openai');
    expect([status, body['hasPool'], body['keys']]).toEqual([200, false, []]);
    for (const [path, expected] of [
      ['/keys/explain?provider=nobody', 404],
      ['/keys/explain', 400],
      ['/keys/explain?provider=anthropic&colour=red', 400],
    ] as const) {
      expect((await system.get(path)).status).toBe(expected);
    }
  });

  test('is for auditors and admins', async () => {
    const path = '/keys/explain?provider=anthropic';
    const people = [AUDITOR, ADMIN, ALICE];
    const answers = await Promise.all(people.map((person) => system.get(path, person)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403]);
    expect(JSON.stringify(answers)).not.toContain(FIRST);
  });
});

describe('a drill', () => {
  test('keeps calls for the model away from the key, everywhere, and says whose it is', async () => {
    const other = await Bridge.start({
      env: { DATABASE_URL: system.database.url, AIBRIDGE_IDENTITY: 'none', ...env },
    });
    onTestFinished(async () => void (await other.stop()));
    const callsBefore = simulator.calls.length;
    const { data } = await drill(FIRST, { model: OPUS });
    expect(data).toMatchObject({
      state: 'valid',
      models: [{ model: OPUS, state: 'temporary', reason: 'drill', status: 429 }],
    });
    expect(simulator.calls).toHaveLength(callsBefore);
    expect(await called()).toBe(fingerprintOf(SECOND));
    expect(await called('claude-haiku-4-5')).toBe(fingerprintOf(FIRST));
    await until('the other bridge knows', async () => {
      const res = await fetch(`${other.url}/api/v1/keys/explain?provider=anthropic&model=${OPUS}`);
      const { next } = Object(await res.json());
      return next.position === 1 ? true : undefined;
    });
    const { data: events } = await system.client().GET('/api/v1/keys/events');
    const event = events?.items.find(({ reason }) => reason === 'drill');
    expect(event).toMatchObject({ state: 'temporary', model: OPUS, actor: ADMIN.id });
    const line = await system.bridge.log(({ reason }) => reason === 'drill');
    expect(line).toMatchObject({ msg: 'key marked temporary', actor: ADMIN.id, model: OPUS });

    await reset(FIRST);
    expect(await called()).toBe(fingerprintOf(FIRST));
  });

  test('is over when its time is', async () => {
    const path = `/keys/anthropic/${fingerprintOf(FIRST)}/drill?seconds=1`;
    const begun = performance.now();
    expect((await system.request(path, ADMIN, { method: 'POST' })).status).toBe(200);
    expect((await explained()).next?.position).toBe(1);
    await until('the key is next again', async () =>
      (await explained()).next?.position === 0 ? true : undefined,
    );
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  test('is refused where it might do harm', async () => {
    expect((await drill(FIRST)).response.status).toBe(200);
    const again = await drill(FIRST);
    expect([again.response.status, again.error?.message]).toEqual([
      409,
      expect.stringContaining('already'),
    ]);
    const last = await drill(SECOND, { model: OPUS });
    expect([last.response.status, last.error?.message]).toEqual([
      409,
      expect.stringContaining(`calls for ${OPUS}. With force=true`),
    ]);
    expect((await drill(SECOND, { model: OPUS, force: true })).response.status).toBe(200);
    expect(await called()).toBeUndefined();
  });

  test('is for admins, on keys that there are, and for a while', async () => {
    expect((await drill(FIRST, {}, AUDITOR)).response.status).toBe(403);
    expect((await drill('sk-ant-of-no-pool')).response.status).toBe(404);
    for (const seconds of ['0', '301', 'long']) {
      const path = `/keys/anthropic/${fingerprintOf(FIRST)}/drill?seconds=${seconds}`;
      expect((await system.request(path, ADMIN, { method: 'POST' })).status).toBe(400);
    }
    expect((await explained()).next?.position).toBe(0);
  });
});

function started(words: readonly string[], as: Person = ADMIN): ChildProcessWithoutNullStreams {
  const identity = ['--url', system.bridge.url, '--as', as.id, '--groups', as.group ?? ''];
  const child = spawn(process.execPath, ['scripts/keys.ts', ...words, ...identity]);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function told(child: ChildProcessWithoutNullStreams) {
  const exit = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  return { stdout, stderr, code };
}

function command(...words: readonly string[]) {
  return told(started(words));
}

describe('npm run keys', () => {
  test('lists, explains and resets', async () => {
    simulator.key(FIRST).inOrder(rateLimited()).always(answer());
    await called();
    const list = await command('list');
    expect(list.stdout).toMatch(/^provider +# +key +fingerprint +state .*\nanthropic +0 +sk-a/);
    expect(list.stdout).toContain(OPUS);
    const { stdout, code } = await command('explain', 'anthropic', OPUS);
    expect(stdout).toMatch(/0 +sk-a\.\.\.0001 .*passed over +rate_limited 429 +claude.* bridge/);
    expect(stdout).toContain(`The next of the calls to anthropic for ${OPUS} takes key 1`);
    expect(code).toBe(0);
    const json = await command('explain', 'anthropic', OPUS, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ next: { position: 1 } });
    const back = await command('reset', 'anthropic', fingerprintOf(FIRST));
    expect([back.code, back.stdout]).toEqual([0, expect.stringMatching(/0001 .* valid/)]);
    expect((await explained(OPUS)).next?.position).toBe(0);
    expect((await command('explain', 'openai')).stdout).toContain('callers bring their own');
  });

  test('drills: shows that calls go elsewhere, calls nobody, and takes it back', async () => {
    const callsBefore = simulator.calls.length;
    const { stdout, stderr, code } = await command('drill', 'anthropic', OPUS);
    expect([stderr, code]).toEqual(['', 0]);
    const takes = [...stdout.matchAll(/takes key (\d)/g)].map(([, position]) => position);
    expect(takes).toEqual(['0', '1', '0']);
    expect(stdout).toContain('passed it over. It has been reset.');
    expect(simulator.calls).toHaveLength(callsBefore);
    expect((await explained(OPUS)).next?.position).toBe(0);

    const json = Object(JSON.parse((await command('drill', 'anthropic', '--json')).stdout));
    expect(json).toMatchObject({
      key: { fingerprint: fingerprintOf(FIRST) },
      isPassedOver: true,
      ending: 'reset',
      before: { next: { position: 0 } },
      during: { next: { position: 1 } },
      after: { next: { position: 0 } },
    });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('takes a drill back on %s', async (signal) => {
    const child = started(['drill', 'anthropic', '--hold', '200']);
    const whole = told(child);
    await until('the drill', async () =>
      (await explained()).next?.position === 1 ? true : undefined,
    );
    child.kill(signal);
    expect((await whole).code).toBe(130);
    expect((await explained()).next?.position).toBe(0);
  });

  test('takes a drill back when nobody reads along any more', async () => {
    const child = started(['drill', 'anthropic', '--hold', '200']);
    child.stdout.destroy();
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    expect((await explained()).next?.position).toBe(0);
  });

  test('leaves a key that the provider has spoken against during the drill', async () => {
    const child = started(['drill', 'anthropic', OPUS, '--hold', '200']);
    const whole = told(child);
    await until('the drill', async () =>
      (await explained(OPUS)).next?.position === 1 ? true : undefined,
    );
    simulator.key(FIRST).always(rateLimited({ retryAfter: 600 }));
    await called('claude-haiku-4-5');
    child.kill('SIGINT');
    expect((await whole).stdout).toContain('so it is not reset');
    expect((await explained('claude-haiku-4-5')).next?.position).toBe(1);
  });

  test('does not drill where it might do harm, unless it is to', async () => {
    await drill(FIRST);
    const refused = await command('drill', 'anthropic');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^409: No other key/) });
    expect((await explained()).keys.map(({ reason }) => reason)).toEqual(['drill', null]);
    const forced = await command('drill', 'anthropic', '--force');
    expect(forced.stdout).toMatch(/No key is left for .*\nWho finds none is told 429/);
    expect(forced.code).toBe(0);
    expect((await explained()).next?.position).toBe(1);
    expect(await command('drill', 'openai')).toMatchObject({
      code: 1,
      stderr: 'there are no keys to drill on: callers bring their own\n',
    });
  });

  test('says what the API has against it', async () => {
    const asAuditor = await told(started(['drill', 'anthropic'], AUDITOR));
    expect(asAuditor).toMatchObject({ code: 1, stderr: expect.stringMatching(/^403: /) });
    const unknown = await command('explain', 'nobody');
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/^404: There is no/) });
    expect((await explained()).next?.position).toBe(0);
  });

  test.each([
    [[], 'What is to be done?'],
    [['nonsense'], 'nonsense: unknown'],
    [['explain'], 'explain: which provider?'],
    [['reset', 'anthropic'], 'reset: which fingerprint?'],
    [['list', 'anthropic', 'opus'], 'opus: is one too many'],
    [['drill', 'anthropic', '--hold', '271'], '--hold 271: is not a whole number from 0 to 270'],
  ])('says how it is used when it is called with %j', async (words, problem) => {
    const { stdout, stderr, code } = await command(...words);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr.endsWith(`\n${problem}\n`)).toBe(true);
  });

  test('explains itself', async () => {
    expect(await command('--help')).toMatchObject({
      stdout: expect.stringContaining('npm run keys -- <what>'),
      code: 0,
    });
  });
});
