import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, rateLimited, type Behaviour, type Call } from '../simulator/index.ts';
import type { Bridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';
import { ask, FIRST, KeysSystem, keysOf, reset, SECOND, type KeyAnswer } from './keys-system.ts';

/** As nothing is said, a rate limit is one of the model that was asked. */
const DEFAULT = { AIBRIDGE_COOLDOWN_SCOPE: 'model' };
const PROMISED_MS = 1_000;
const ACCOUNT = "This request would exceed your account's rate limit. Please try again later.";

let system: KeysSystem;
beforeEach(async () => {
  system = await KeysSystem.start();
});
afterEach(() => system.stop());

/** Both keys are limited for opus, and for nothing else. */
function opusIsLimited(limit: Behaviour): void {
  const behaviour = ({ body }: Call): Behaviour =>
    JSON.parse(String(body)).model === 'opus' ? limit : answer();
  system.simulator.onAnyKey(behaviour);
}

async function sidelined(bridge: Bridge, count: number): Promise<readonly KeyAnswer[]> {
  return until(
    `${count} keys sidelined for opus`,
    async () => {
      const keys = await keysOf(bridge);
      const models = keys.flatMap(({ models: each }) => each);
      return models.length === count ? keys : undefined;
    },
    PROMISED_MS,
  );
}

test('a limit for one model leaves the keys to the others, on every bridge', async () => {
  const [one, two] = await Promise.all([system.bridge(DEFAULT), system.bridge(DEFAULT)]);
  opusIsLimited(rateLimited());
  const refused = await ask(one, { model: 'opus' });
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('60');
  expect(await sidelined(two, 2)).toMatchObject([
    { state: 'valid', models: [{ model: 'opus', state: 'temporary', reason: 'rate_limited' }] },
    { state: 'valid', models: [{ model: 'opus', state: 'temporary', reason: 'rate_limited' }] },
  ]);
  expect((await ask(two, { model: 'opus' })).status).toBe(429);
  expect(system.simulator.calls).toHaveLength(2);

  for (const bridge of [one, two]) {
    const calls = Array.from({ length: 30 }, () => ask(bridge, { model: 'haiku' }));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses).toEqual(Array(30).fill(200));
  }
  expect(system.simulator.callsFor(FIRST)).toHaveLength(61);

  expect((await reset(one, SECOND)).status).toBe(200);
  await sidelined(two, 1);
});

test('a limit of the account is one for every model', async () => {
  const bridge = await system.bridge(DEFAULT);
  system.simulator.key(FIRST).always(rateLimited({ retryAfter: 60, message: ACCOUNT }));
  system.simulator.key(SECOND).always(answer());
  for (const model of ['opus', 'haiku']) expect((await ask(bridge, { model })).status).toBe(200);
  expect(system.simulator.callsFor(FIRST)).toHaveLength(1);
  expect(await keysOf(bridge)).toMatchObject([{ state: 'temporary', models: [] }, {}]);
});

test('metrics say for how many models a key is sidelined', async () => {
  const bridge = await system.bridge(DEFAULT);
  opusIsLimited(rateLimited());
  await ask(bridge, { model: 'opus' });
  const metrics = await (await fetch(`${bridge.url}/metrics`)).text();
  const counts = metrics.match(/^aibridge_key_models_sidelined\{.*state="temporary".*\} 1$/gm);
  expect(counts).toHaveLength(2);
  expect(metrics).toMatch(/^aibridge_key_state\{.*state="valid".*\} 1$/m);
});
