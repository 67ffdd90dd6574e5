import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer, combine, neverAnswers, rateLimited, stall } from '../simulator/index.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { Wire } from '../support/wire.ts';

const LIMITED_KEY = 'sk-ant-api03-the-limited-key-0001';
const GOOD_KEY = 'sk-ant-api03-the-good-key-0002';
const [LIMITED, GOOD] = [
  {
    kind: 'centralized',
    hint: 'sk-a...0001',
    fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
  },
  {
    kind: 'centralized',
    hint: 'sk-a...0002',
    fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
  },
];
/** Contract: how soon an event is visible while the database is healthy. */
const SOON = { timeout: 1_000, interval: 20 };

let system: System;

beforeAll(async () => {
  system = await startSystem({ settings: { KEYS: `${LIMITED_KEY},${GOOD_KEY}` } });
  // From here on the writer is at work, so that the next record does not wait for its start.
  await system.tables.ended(await aWholeCall());
});

beforeEach(() => {
  system.simulator.clear();
  system.simulator.key(LIMITED_KEY).always(rateLimited({ retryAfterMs: 1 }));
});

afterAll(() => system.stop());

/** Answers the id of its interception. */
async function aWholeCall(): Promise<string> {
  system.simulator.onAnyKey(answer());
  const url = `${system.bridge.url}/anthropic/v1/messages`;
  const res = await fetch(url, { method: 'POST', body: messagesBody() });
  await res.arrayBuffer();
  return res.headers.get('x-aibridge-interception-id') ?? '';
}

/** The newest interception, as the audit API shows it. */
async function newest(): Promise<unknown> {
  const [row] = await system.tables.rows('SELECT id FROM interceptions ORDER BY id DESC LIMIT 1');
  return (await fetch(`${system.bridge.url}/api/v1/interceptions/${String(row?.['id'])}`)).json();
}

test('a call that the provider does not answer shows the key it waits with, and keeps the row when it ends', async () => {
  system.simulator.key(GOOD_KEY).always(neverAnswers());
  const wire = await Wire.connect(system.bridge.url);
  await wire.post('/anthropic/v1/messages', messagesBody());
  const call = await system.simulator.waitForCall(({ key }) => key === GOOD_KEY);

  await expect.poll(newest, SOON).toMatchObject({
    status: 'in_progress',
    credential: { hint: '', fingerprint: null },
    prompts: [{ text: 'hi', source: 'user', messageId: null }],
    attempts: [
      { ordinal: 1, outcome: 'rate_limited', status: 429, credential: LIMITED },
      { ordinal: 2, outcome: 'in_progress', status: null, durationMs: null, credential: GOOD },
    ],
  });

  call.release();
  expect(await wire.answer()).toMatchObject({ status: 200, isWhole: true });
  await expect.poll(newest, SOON).toMatchObject({
    status: 'completed',
    credential: GOOD,
    attemptCount: 2,
    prompts: [{ text: 'hi', messageId: expect.stringMatching(/^msg_/) }],
    attempts: [
      { ordinal: 1, outcome: 'rate_limited' },
      { ordinal: 2, outcome: 'served', status: 200, durationMs: expect.any(Number) },
    ],
  });
});

test('a stream that has begun shows what its first event said', async () => {
  const said = answer({ text: 'one and two', chunks: 2, usage: { input: 7, output: 5 } });
  system.simulator.key(GOOD_KEY).always(combine(said, stall()));
  const wire = await Wire.connect(system.bridge.url);
  await wire.post('/anthropic/v1/messages', messagesBody({ stream: true }));
  await wire.receives('message_start');
  const call = await system.simulator.waitForCall(({ key }) => key === GOOD_KEY);

  await expect.poll(newest, SOON).toMatchObject({
    status: 'in_progress',
    attempts: [{ outcome: 'rate_limited' }, { outcome: 'in_progress', status: 200 }],
    tokenUsages: [{ input: 7 }],
    prompts: [{ text: 'hi' }],
  });

  call.release();
  expect(await wire.answer()).toMatchObject({ isWhole: true });
  await expect.poll(newest, SOON).toMatchObject({
    status: 'completed',
    tokens: { input: 7, output: 5 },
    tokenUsages: [{ input: 7, output: 5 }],
    attempts: [{ outcome: 'rate_limited' }, { outcome: 'served' }],
  });
});
