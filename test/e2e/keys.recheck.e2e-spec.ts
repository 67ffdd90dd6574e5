import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, forbidden, serverError, unauthorized, type Call } from '../simulator/index.ts';
import { until } from '../support/until.ts';
import { ask, becomes, FIRST, KeysSystem, SECOND } from './keys-system.ts';

const isProbe = ({ method, key }: Call): boolean => method === 'GET' && key === FIRST;

let system: KeysSystem;

beforeEach(async () => {
  system = await KeysSystem.start();
  system.simulator.key(SECOND).always(answer());
});
afterEach(() => system.stop());

test('a rejected key is probed for its models, and serves again once the provider takes it', async () => {
  const bridge = await system.bridge({ AIBRIDGE_KEY_RECHECK: '1s' });
  const probes = () => system.simulator.calls.filter(isProbe);
  system.simulator
    .key(FIRST)
    .inOrder(unauthorized(), unauthorized(), serverError(), answer())
    .always(answer());
  await ask(bridge);
  await becomes(bridge, FIRST, 'permanent');
  await becomes(bridge, FIRST, 'valid');
  // Refused, then no word about the key, then taken: only the last one counts for it.
  expect(probes()).toMatchObject([
    { route: { name: 'models' } },
    { route: { name: 'models' } },
    { route: { name: 'models' } },
  ]);
  await ask(bridge);
  expect(system.simulator.callsFor(FIRST).at(-1)).toMatchObject({ method: 'POST' });
});

// A model that was not allowed yesterday may be today, and nobody resets a key that serves all others.
test('a key that is sidelined for one model serves it again once it has been probed', async () => {
  const bridge = await system.bridge({
    AIBRIDGE_KEY_RECHECK: '1s',
    AIBRIDGE_FORBIDDEN_SCOPE: 'model',
  });
  const model = 'claude-opus-4-5';
  system.simulator
    .key(FIRST)
    .forModel(model, forbidden({ about: 'model' }))
    .always(answer());
  await ask(bridge, { model });
  await ask(bridge, { model });
  const { models } = await becomes(bridge, FIRST, 'valid');
  expect(models).toMatchObject([{ model, state: 'permanent' }]);
  const asked = () => system.simulator.callsFor(FIRST).filter(({ method }) => method === 'POST');
  expect(asked()).toHaveLength(1);

  system.simulator.key(FIRST).forModel(model, answer());
  await until('the model again', async () => {
    await ask(bridge, { model });
    return asked()[1];
  });
});

test('of two bridges one probes', async () => {
  const env = { AIBRIDGE_KEY_RECHECK: '1s' };
  const [one, two] = await Promise.all([system.bridge(env), system.bridge(env)]);
  system.simulator.key(FIRST).always(unauthorized());
  await ask(one);
  await becomes(two, FIRST, 'permanent');
  await system.simulator.waitForCalls(2 + 3);
  const atMs = system.simulator.calls.filter(isProbe).map(({ receivedAtMs }) => receivedAtMs);
  const pauses = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
  // Two that probe each on their own would leave less than half an interval now and then.
  expect(Math.min(...pauses)).toBeGreaterThan(450);
});

test('switched off, nothing is probed', async () => {
  const bridge = await system.bridge({ AIBRIDGE_KEY_RECHECK: 'off' });
  system.simulator.key(FIRST).always(unauthorized());
  await ask(bridge);
  await becomes(bridge, FIRST, 'permanent');
  expect(system.simulator.callsFor(FIRST)).toHaveLength(1);
});
