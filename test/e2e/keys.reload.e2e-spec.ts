import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, combine, creditExhausted, stepped, unauthorized } from '../simulator/index.ts';
import { ask, becomes, FIRST, keysOf, KeysSystem, SECOND } from './keys-system.ts';

const THIRD = 'sk-ant-key-number-three-0003';

let system: KeysSystem;
let directory: string;
let file: string;

beforeEach(async () => {
  system = await KeysSystem.start();
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-keys-'));
  file = path.join(directory, 'keys');
});
afterEach(async () => {
  await system.stop();
  await rm(directory, { recursive: true });
});

const text = (...keys: readonly string[]): string =>
  `# in order of preference\n${keys.join('\n')}\n`;
const start = () => system.bridge({ AIBRIDGE_PROVIDER_0_KEYS_FILE: file });

test('a new list of keys serves the next request, and unchanged keys keep their state', async () => {
  await writeFile(file, text(FIRST, SECOND));
  const bridge = await start();
  system.simulator.key(FIRST).always(unauthorized());
  system.simulator.key(SECOND).always(answer());
  system.simulator.key(THIRD).always(answer());
  await ask(bridge);

  await writeFile(`${file}.new`, text(FIRST, THIRD));
  await rename(`${file}.new`, file);
  const reloaded = await bridge.log(({ msg }) => msg === 'keys reloaded');
  expect(reloaded).toMatchObject({ provider: 'anthropic', keys: 2, added: 1, removed: 1 });
  expect(await keysOf(bridge)).toMatchObject([
    { hint: 'sk-a...0001', state: 'permanent' },
    { hint: 'sk-a...0003', state: 'valid' },
  ]);
  await ask(bridge);
  expect(system.simulator.calls.at(-1)?.key).toBe(THIRD);
});

test('a request under way finishes with the key it has, though the key is taken away', async () => {
  await writeFile(file, text(FIRST));
  const bridge = await start();
  system.simulator.key(FIRST).always(combine(answer({ text: 'to the end', chunks: 2 }), stepped()));
  system.simulator.key(SECOND).always(answer());
  const answering = ask(bridge, { stream: true });
  const call = await system.simulator.waitForCall();

  await writeFile(file, text(SECOND));
  await bridge.log(({ msg }) => msg === 'keys reloaded');
  call.release();
  const res = await answering;
  expect(res.status).toBe(200);
  expect(await res.text()).toContain('message_stop');
  expect(system.simulator.callsFor(SECOND)).toHaveLength(0);
  await ask(bridge);
  expect(system.simulator.callsFor(SECOND)).toHaveLength(1);
});

test('a list with a mistake in it changes nothing, and is told without showing a key', async () => {
  await writeFile(file, text(FIRST, SECOND));
  const bridge = await start();
  system.simulator.key(FIRST).always(answer());
  await writeFile(file, text(THIRD, SECOND, THIRD));
  const warning = await bridge.log(({ msg }) => msg.startsWith('keys not reloaded'));
  expect(warning).toMatchObject({ level: 'warn', provider: 'anthropic', file });
  expect(JSON.stringify(bridge.logs)).not.toContain(THIRD);
  await ask(bridge);
  expect(system.simulator.callsFor(FIRST)).toHaveLength(1);
});

async function turnLinkTo(name: string, key: string): Promise<void> {
  await writeFile(path.join(directory, name), text(key));
  await symlink(name, path.join(directory, '..next'));
  await rename(path.join(directory, '..next'), path.join(directory, '..data'));
}

// Kubernetes keeps a secret in a directory of its own and turns a link to the next one.
test('a secret that is replaced by turning a link is taken over', async () => {
  await turnLinkTo('v1', FIRST);
  await symlink('..data', file);
  const bridge = await start();
  await turnLinkTo('v2', SECOND);
  await bridge.log(({ msg }) => msg === 'keys reloaded');
  expect(await keysOf(bridge)).toMatchObject([{ hint: 'sk-a...0002' }]);
});

test('a key that comes back is remembered as it was when it went', async () => {
  await writeFile(file, text(FIRST, SECOND));
  const bridge = await start();
  system.simulator.key(FIRST).always(unauthorized());
  system.simulator.key(SECOND).always(answer());
  await ask(bridge);
  await writeFile(file, text(SECOND));
  await bridge.log(({ msg, removed }) => msg === 'keys reloaded' && removed === 1);
  await writeFile(file, text(FIRST, SECOND));
  expect(await becomes(bridge, FIRST, 'permanent')).toMatchObject({ position: 0 });
});

test('a quota that is used up is that of every key of the account', async () => {
  await writeFile(file, text(`${FIRST} # account=research`, `${THIRD} # account=research`, SECOND));
  const bridge = await start();
  system.simulator.onAnyKey(creditExhausted());
  system.simulator.key(SECOND).always(answer());
  expect((await ask(bridge)).status).toBe(200);
  expect(system.simulator.calls.map(({ key }) => key)).toEqual([FIRST, SECOND]);
  expect(await keysOf(bridge)).toMatchObject([
    { account: 'research', state: 'temporary', reason: 'quota_exhausted' },
    { account: 'research', state: 'temporary', reason: 'quota_exhausted' },
    { account: null, state: 'valid' },
  ]);

  // Who shares a limit may be said later.
  await writeFile(file, text(FIRST, THIRD, `${SECOND} # account=spare`));
  await bridge.log(({ msg }) => msg === 'keys reloaded');
  expect((await keysOf(bridge)).map(({ account }) => account)).toEqual([null, null, 'spare']);
});
