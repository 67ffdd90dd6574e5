import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, combine, rateLimited, slowHeaders } from '../simulator/index.ts';
import type { Bridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';
import { ask, becomes, FIRST, KeysSystem, SECOND } from './keys-system.ts';

const GUESS_HOLDS_MS = 5_000;

let system: KeysSystem;
beforeEach(async () => {
  system = await KeysSystem.start();
});
afterEach(() => system.stop());

async function json(bridge: Bridge, path: string) {
  return Object(await (await fetch(`${bridge.url}/api/v1${path}`)).json());
}

test('one call at a time finds out whether a limit that nobody has bounded is over', async () => {
  const [one, two] = await Promise.all([system.bridge(), system.bridge()]);
  system.simulator.onAnyKey(rateLimited());
  const refused = await ask(one);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
  const refusedAt = performance.now();
  for (const key of [FIRST, SECOND]) await becomes(two, key, 'temporary');

  system.simulator.onAnyKey(combine(answer(), slowHeaders(500)));
  const served = await until('one call is let through', async () => {
    const calls = await Promise.all([ask(one), ask(one), ask(one)]);
    const statuses = calls.map(({ status }) => status).toSorted((a, b) => a - b);
    return statuses.includes(200) ? statuses : undefined;
  });
  expect(performance.now() - refusedAt).toBeGreaterThan(GUESS_HOLDS_MS - 100);
  expect(served).toEqual([200, 429, 429]);
  expect(system.simulator.calls).toHaveLength(3);

  // What one bridge has found out is known to the other.
  await becomes(two, FIRST, 'valid');
  expect((await ask(two)).status).toBe(200);
  const { items } = await json(two, '/keys/events');
  expect(items[0]).toMatchObject({ state: 'valid', reason: 'trial_passed', model: null });
});

test('a call waits for the key that is back first, and its record says so', async () => {
  const bridge = await system.bridge({ AIBRIDGE_PROVIDER_0_WAIT_FOR_KEY: '20s' });
  const { simulator } = system;
  simulator.key(FIRST).inOrder(rateLimited({ retryAfter: 3_000 }));
  simulator
    .key(SECOND)
    .inOrder(rateLimited({ retryAfterMs: 400 }))
    .always(answer());
  const served = await ask(bridge);
  expect(served.status).toBe(200);
  const id = String(served.headers.get('x-aibridge-interception-id'));
  const record = await until('its end is recorded', async () => {
    const found = await json(bridge, `/interceptions/${id}`);
    return found.status === 'completed' ? found : undefined;
  });
  expect(record.attempts).toMatchObject([
    { outcome: 'rate_limited' },
    { outcome: 'rate_limited' },
    { outcome: 'served' },
  ]);
  expect(record.notes).toEqual([expect.stringMatching(/^waited [4-9]\d\d ms for a key$/)]);
  expect(record.overheadMs).toBeLessThan(400);
});

test('a caller who leaves waits no longer, and its record says that it left', async () => {
  const bridge = await system.bridge({ AIBRIDGE_PROVIDER_0_WAIT_FOR_KEY: '50s' });
  system.simulator.onAnyKey(rateLimited({ retryAfter: 40 }));
  const leaving = new AbortController();
  const call = fetch(`${bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model: 'opus', max_tokens: 1, messages: [] }),
    signal: leaving.signal,
  }).catch(() => undefined);
  await until('both keys are limited', () => system.simulator.calls[1]);
  for (const key of [FIRST, SECOND]) await becomes(bridge, key, 'temporary');
  leaving.abort();
  await call;
  const [record] = await until('its end is recorded', async () => {
    const { items } = await json(bridge, '/interceptions?status=aborted');
    return items.length === 1 ? items : undefined;
  });
  expect(record.error).toBeNull();
});
