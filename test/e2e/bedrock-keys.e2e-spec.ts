import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  creditExhausted,
  errorFirst,
  forbidden,
  rateLimited,
  rawResponse,
  withHeaders,
  combine,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import { admit, awsSets, bedrockOf, MODELS, type BedrockProvider } from '../support/bedrock.ts';
import { Bridge } from '../support/bridge.ts';
import { Fleet } from '../support/fleet.ts';
import { fingerprintOf, hintOf } from '../support/mask.ts';
import { temporaryDataDir } from '../support/postgres.ts';
import { recordOf } from '../support/record-of.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
/** A provider is used once: its keys keep their state. */
const left = new Map<string, BedrockProvider>();
const NAMES = Array.from('abcdefghijklm', (letter) => `x${letter}`);
for (const name of NAMES) left.set(name, bedrockOf(fleet, name));

const dumpDir = await temporaryDataDir();
const DUMPED = bedrockOf(fleet, 'dumped', { DUMP_DIR: dumpDir });

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(async () => {
  await fleet.stop();
  await rm(dumpDir, { recursive: true, force: true });
});

function fresh(): BedrockProvider {
  const [name, provider] = [...left][0] ?? [];
  if (name === undefined || provider === undefined) throw new Error('a name too few');
  left.delete(name);
  return provider;
}

const bodyOf = (stream: boolean): string =>
  JSON.stringify({
    model: 'claude-opus-4-5',
    max_tokens: 9,
    stream,
    messages: [{ role: 'user', content: 'hello' }],
  });

async function ask({ name }: { readonly name: string }, stream = false, url = fleet.bridge.url) {
  const res = await fetch(`${url}/${name}/v1/messages`, { method: 'POST', body: bodyOf(stream) });
  return { res, text: await res.text() };
}

async function keysOf({ name }: BedrockProvider): Promise<unknown> {
  const res = await fetch(`${fleet.bridge.url}/api/v1/keys?provider=${name}`);
  return Object(await res.json()).items;
}

/** The first set does this, the second one answers. */
function play({ keys: [first = '', second = ''] }: BedrockProvider, behaviour: Behaviour): void {
  fleet.simulator.key(first).always(behaviour);
  fleet.simulator.key(second).always(answer({ text: 'from the other', chunks: 1 }));
}

describe('a set of credentials that is refused is a key that is refused', () => {
  test.each<[string, boolean, Behaviour, string, number | null]>([
    ['limited', false, rateLimited(), 'rate_limited', 429],
    ['limited in a stream', true, rateLimited(), 'rate_limited', 429],
    ['limited by the first event', true, errorFirst('rate_limited'), 'rate_limited', 200],
    ['over its quota', false, creditExhausted(), 'quota_exhausted', 429],
    ['denied', false, forbidden(), 'forbidden', 403],
  ])('%s', async (_, stream, behaviour, ...first) => {
    const [outcome, status] = first;
    const provider = fresh();
    admit(fleet.simulator, provider);
    play(provider, behaviour);
    const { res, text } = await ask(provider, stream);

    expect(res.status).toBe(200);
    expect(text).toContain('from the other');
    expect(text).not.toContain('event: error');
    const { row, attempts } = await recordOf(fleet.tables, res);
    const [tried = '', second = ''] = provider.keys;
    expect(row).toMatchObject({ credential_hint: hintOf(second), failed_over: true });
    expect(attempts).toMatchObject([
      {
        outcome,
        status,
        credential_hint: hintOf(tried),
        credential_fingerprint: fingerprintOf(tried),
      },
      { outcome: 'served', status: 200, credential_hint: hintOf(second) },
    ]);
  });

  test.each<[string, Parameters<typeof admit>[2], string]>([
    [
      'a wrong secret',
      { 0: { secretAccessKey: 'other' } },
      'InvalidSignatureException: The request sig',
    ],
    ['an expired token', { 0: { isExpired: true } }, 'ExpiredTokenException: The security token'],
    [
      'another token',
      { 0: { sessionToken: 'other' } },
      'UnrecognizedClientException: The security',
    ],
  ])('%s', async (_, changed, message) => {
    const provider = fresh();
    admit(fleet.simulator, provider, changed);
    play(provider, answer({ text: 'never' }));
    const { res, text } = await ask(provider);

    expect(text).toContain('from the other');
    const { attempts } = await recordOf(fleet.tables, res);
    expect(attempts).toMatchObject([
      { outcome: 'unauthorized', status: 401, error: expect.stringContaining(message) },
      { outcome: 'served' },
    ]);
    expect(await keysOf(provider)).toMatchObject([{ state: 'permanent' }, { state: 'valid' }]);
  });

  test('all of them: nothing that a caller could help', async () => {
    const provider = fresh();
    admit(fleet.simulator, provider, { 0: { isExpired: true }, 1: { isExpired: true } });
    const { res, text } = await ask(provider);
    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([502, 'keys_rejected']);
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  });
});

// Protects the pool: of a bridge that is wrong itself, no key would be left.
describe('what is wrong with the bridge is told, and not held against its keys', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'a clock that is late',
      () => (fleet.simulator.aws.clockOffsetMs = 3_600_000),
      /Signature expired: /,
    ],
    [
      'a clock that is early',
      () => (fleet.simulator.aws.clockOffsetMs = -3_600_000),
      /Signature not yet/,
    ],
    [
      'a region',
      () => (fleet.simulator.aws.region = 'eu-west-1'),
      /scoped to a valid region, not 'us-east-1'/,
    ],
  ])('%s', async (_, change, words) => {
    const provider = fresh();
    admit(fleet.simulator, provider);
    change();
    const { res, text } = await ask(provider);
    expect(res.status).toBe(502);
    expect(text).toMatch(words);
    const { row, attempts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_message: expect.stringMatching(words) });
    expect(attempts).toHaveLength(1);
    expect(await keysOf(provider)).toMatchObject([{ state: 'valid' }, { state: 'valid' }]);
  });
});

/** What may not be anywhere: every part of what signs, however it is cut or encoded. */
function partsOf(provider: BedrockProvider): string[] {
  const hidden = provider.sets.flatMap(({ secretAccessKey, sessionToken }) => [
    secretAccessKey,
    ...(sessionToken === undefined ? [] : [sessionToken]),
  ]);
  return hidden.flatMap((text) => [
    text,
    ...Array.from({ length: text.length - 11 }, (_, start) => text.slice(start, start + 12)),
    Buffer.from(text).toString('base64').slice(0, 24),
  ]);
}

test('nothing of what signs is anywhere, though AWS says it back', async () => {
  const { keys, sets } = DUMPED;
  const places = new Map<string, string>();
  const said = ({ key }: Call): string => {
    const set = sets.find(({ accessKeyId }) => accessKeyId === key);
    return [set?.secretAccessKey, set?.sessionToken, key].join(' and ');
  };
  const faults: readonly ((call: Call) => Behaviour)[] = [
    (call) =>
      combine(answer({ text: said(call), chunks: 1 }), withHeaders({ 'x-said': said(call) })),
    (call) => rateLimited({ message: said(call) }),
    (call) => forbidden({ message: said(call) }),
    (call) => errorFirst('server_error', { message: said(call) }),
    (call) => rawResponse({ status: 500, body: `<html>${said(call)}</html>` }),
  ];
  for (const [index, fault] of faults.entries()) {
    for (const stream of [false, true]) {
      admit(fleet.simulator, DUMPED);
      fleet.simulator.onAnyKey(fault);
      const { res, text } = await ask(DUMPED, stream);
      places.set(`answer ${index} ${stream}`, text + JSON.stringify([...res.headers]));
      places.set(`record ${index} ${stream}`, JSON.stringify(await recordOf(fleet.tables, res)));
      for (const key of keys) {
        const url = `${fleet.bridge.url}/api/v1/keys/${DUMPED.name}/${fingerprintOf(key)}/reset`;
        await fetch(url, { method: 'POST' }).then((reset) => reset.arrayBuffer());
      }
    }
  }
  for (const route of ['/metrics', '/api/v1/keys', '/api/v1/keys/events']) {
    const res = await fetch(`${fleet.bridge.url}${route}`);
    places.set(route, await res.text());
  }
  places.set('log', JSON.stringify(fleet.bridge.logs) + fleet.bridge.otherOutput.join('\n'));
  const files = await readdir(dumpDir, { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    const name = path.join(file.parentPath, file.name);
    places.set(name, await readFile(name, 'latin1'));
  }

  const hidden = partsOf(DUMPED);
  const leaks = [...places].filter(([, text]) => hidden.some((part) => text.includes(part)));
  expect(leaks.map(([place]) => place)).toEqual([]);
  const dumps = [...places].filter(([place]) => place.startsWith(dumpDir));
  const requests = dumps.filter(([place]) => place.includes('.req.'));
  expect(requests.length).toBeGreaterThan(10);
  expect(requests[0]?.[1]).toMatch(/authorization: AWS4\.\.\./i);
  expect(dumps.some(([, text]) => text.includes('event: message_start'))).toBe(true);
});

async function chainBridge(env: Readonly<Record<string, string>>): Promise<Bridge> {
  const settings = {
    TYPE: 'bedrock',
    BASE_URL: fleet.simulator.url,
    BEDROCK_REGION: 'us-east-1',
  };
  const provider = Object.entries({ ...settings, ...MODELS });
  return Bridge.launch({
    env: {
      DATABASE_URL: fleet.databaseUrl,
      // Nothing but what the test gives is to be found.
      HOME: dumpDir,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...Object.fromEntries(provider.map(([name, text]) => [`AIBRIDGE_PROVIDER_0_${name}`, text])),
      ...env,
    },
  });
}

describe("AWS's default chain", () => {
  const [first, second] = awsSets('chain');

  test('P-41: is a pool of one, of which the record says which key it was', async () => {
    if (second === undefined) throw new Error('no credentials');
    const bridge = await chainBridge({
      AWS_ACCESS_KEY_ID: second.accessKeyId,
      AWS_SECRET_ACCESS_KEY: second.secretAccessKey,
      AWS_SESSION_TOKEN: second.sessionToken ?? '',
    });
    const line = await bridge.log(({ msg }) => msg.startsWith('listening on '));
    expect(line.msg).toContain('bedrock (1 key)');
    const url = /http:\/\/\S+?(?=:? )/.exec(line.msg)?.[0] ?? '';
    admit(fleet.simulator, { sets: [second] });
    fleet.simulator.onAnyKey(answer());
    const { res } = await ask({ name: 'bedrock' }, false, url);
    expect(res.status).toBe(200);
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({
      credential_hint: hintOf(second.accessKeyId),
      credential_fingerprint: fingerprintOf(second.accessKeyId),
    });
    expect(await bridge.stop()).toBe(0);
  });

  test('P-41: that ends is renewed, and the next call signs with what came of it', async () => {
    if (first === undefined || second === undefined) throw new Error('no credentials');
    const script = path.join(dumpDir, 'credentials.mjs');
    const state = path.join(dumpDir, 'credentials.json');
    const config = path.join(dumpDir, 'aws-config');
    const told = ({ accessKeyId, secretAccessKey }: typeof first, lastsMs: number) =>
      JSON.stringify({
        Version: 1,
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Expiration: new Date(Date.now() + lastsMs).toISOString(),
      });
    await writeFile(
      script,
      `import { readFileSync } from 'node:fs'; process.stdout.write(readFileSync(${JSON.stringify(state)}));`,
    );
    await writeFile(config, `[default]\ncredential_process = ${process.execPath} ${script}\n`);
    // So near its end that AWS's code looks for the next one with the first call.
    await writeFile(state, told(first, 60_000));
    const bridge = await chainBridge({ AWS_CONFIG_FILE: config });
    const line = await bridge.log(({ msg }) => msg.startsWith('listening on '));
    const url = /http:\/\/\S+?(?=:? )/.exec(line.msg)?.[0] ?? '';
    await writeFile(state, told(second, 3_600_000));
    const { sessionToken: _, ...lasting } = second;
    admit(fleet.simulator, { sets: [first, lasting] });
    fleet.simulator.onAnyKey(answer());
    do {
      expect((await ask({ name: 'bedrock' }, false, url)).res.status).toBe(200);
    } while (fleet.simulator.calls.at(-1)?.key !== second.accessKeyId);

    expect(fleet.simulator.calls[0]?.key).toBe(first.accessKeyId);
    await bridge.log(({ msg }) => msg === 'keys reloaded');
    expect(await bridge.stop()).toBe(0);
  });

  test('P-40: with nothing in it, the bridge says so and does not start', async () => {
    const bridge = await chainBridge({});
    const { reason } = await bridge.log(({ msg }) => msg === 'the bridge could not start');
    expect(reason).toMatch(/^provider bedrock: no AWS credentials found: /);
    expect(await bridge.exited()).toBe(1);
    await bridge.removeData();
  });
});

async function ownBridge(settings: Readonly<Record<string, string>>): Promise<Bridge> {
  const all = { TYPE: 'bedrock', BASE_URL: fleet.simulator.url, ...MODELS, ...settings };
  const provider = Object.entries(all).map(([name, text]) => [`AIBRIDGE_PROVIDER_0_${name}`, text]);
  return Bridge.start({
    env: {
      DATABASE_URL: fleet.databaseUrl,
      AIBRIDGE_KEY_RECHECK: '200ms',
      ...Object.fromEntries(provider),
    },
  });
}

test.each([
  ['may see what is asked for', answer()],
  ['may not, which AWS tells to whom it knows', forbidden()],
])('a rejected key is asked about, signed, and comes back when it %s', async (title, behaviour) => {
  const [set] = awsSets(title.length > 30 ? 'probedno' : 'probedyes');
  if (set === undefined) throw new Error('no credentials');
  const bridge = await ownBridge({
    BEDROCK_ACCESS_KEY: set.accessKeyId,
    BEDROCK_SECRET_KEY: set.secretAccessKey,
  });
  fleet.simulator.onAnyKey(answer()).anyKey.forRoute('bedrock_jobs', behaviour);
  admit(fleet.simulator, { sets: [set] }, { 0: { isExpired: true } });
  expect((await ask({ name: 'bedrock' }, false, bridge.url)).res.status).toBe(502);
  await bridge.log(({ msg, result }) => msg === 'rejected key probed' && result === 'rejected');

  admit(fleet.simulator, { sets: [set] });
  await bridge.log(({ msg, result }) => msg === 'rejected key probed' && result === 'accepted');
  expect((await ask({ name: 'bedrock' }, false, bridge.url)).res.status).toBe(200);
  await bridge.stop();
});

test('a file of credentials is taken over when it changes, a secret that was wrong as well', async () => {
  const file = path.join(dumpDir, 'credentials');
  const [first] = awsSets('filed');
  if (first === undefined) throw new Error('no credentials');
  const text = (secret: string): string =>
    `[main]\naws_access_key_id = ${first.accessKeyId}\naws_secret_access_key = ${secret}\n`;
  await writeFile(file, text('mistyped'));
  const bridge = await ownBridge({ BEDROCK_CREDENTIALS_FILE: file });
  admit(fleet.simulator, { sets: [first] });
  fleet.simulator.onAnyKey(answer());
  await writeFile(file, text(first.secretAccessKey));
  await bridge.log(({ msg }) => msg === 'keys reloaded');
  expect((await ask({ name: 'bedrock' }, false, bridge.url)).res.status).toBe(200);
  await bridge.stop();
});
