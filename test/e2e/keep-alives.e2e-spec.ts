import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer, combine, errorFirst, keepAlives, stepped } from '../simulator/index.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { Wire } from '../support/wire.ts';

const FIRST_KEY = 'sk-ant-api03-the-first-key-0001';
const SECOND_KEY = 'sk-ant-api03-the-second-key-0002';
const LIMITED = combine(errorFirst('rate_limited'), keepAlives({ count: 1 }));

let system: System;

beforeAll(async () => {
  system = await startSystem({
    settings: { KEYS: `${FIRST_KEY},${SECOND_KEY}` },
    env: { AIBRIDGE_COOLDOWN_DEFAULT: '1h' },
  });
});

afterAll(() => system.stop());

beforeEach(() => system.simulator.clear());

async function asked(): Promise<Wire> {
  const wire = await Wire.connect(system.bridge.url);
  await wire.post('/anthropic/v1/messages', messagesBody({ stream: true }));
  return wire;
}

test('comments reach the caller while the first event is still far away', async () => {
  system.simulator.onAnyKey(
    combine(answer({ text: 'hello' }), keepAlives({ count: 1 }), stepped()),
  );
  const wire = await asked();
  const call = await system.simulator.waitForCall(() => true);
  call.step();
  await wire.receives(': keep-alive');

  call.release();
  expect(await wire.answer()).toMatchObject({ status: 200, isWhole: true });
});

// The first key is limited from here on: the order of these two matters.
test('an error that comes when comments have gone down is relayed, and its key is marked', async () => {
  system.simulator.key(FIRST_KEY).always(combine(LIMITED, stepped()));
  const wire = await asked();
  const call = await system.simulator.waitForCall(() => true);
  call.step();
  await wire.receives(': keep-alive');
  call.release();

  const { status, headers, body } = await wire.answer();
  expect([status, body]).toEqual([200, expect.stringContaining('rate_limit_error')]);
  const id = headers.get('x-aibridge-interception-id') ?? '';
  expect(await system.tables.ended(id)).toMatchObject({
    status: 'failed',
    error_type: 'rate_limited',
  });
  expect(await system.tables.children('attempts', id)).toMatchObject([
    { outcome: 'rate_limited', status: 200, cooldown_ms: 3_600_000 },
  ]);
});

test('an error that comes soon after the comments is not seen: the next key serves', async () => {
  await fetch(`${system.bridge.url}/api/v1/keys/anthropic/${await fingerprint()}/reset`, {
    method: 'POST',
  });
  system.simulator.key(FIRST_KEY).always(LIMITED);
  system.simulator.key(SECOND_KEY).always(answer({ text: 'hello', chunks: 1 }));
  const { status, body } = await (await asked()).answer();

  expect([status, body]).toEqual([200, expect.stringContaining('hello')]);
  expect(system.simulator.calls.map(({ key }) => key)).toEqual([FIRST_KEY, SECOND_KEY]);
});

async function fingerprint(): Promise<string> {
  const [row] = await system.tables.rows('SELECT credential_fingerprint FROM attempts LIMIT 1');
  return String(row?.['credential_fingerprint']);
}
