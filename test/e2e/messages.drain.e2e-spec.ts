import { afterEach, expect, test } from 'vitest';
import { answer, combine, slowFirstToken, stall } from '../simulator/index.ts';
import { Bridge } from '../support/bridge.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { head, Wire } from '../support/wire.ts';

const PATH = '/anthropic/v1/messages';

let system: System;

afterEach(() => system.stop());

/** Waits for the database too: what it cannot take by the exit is left to the next process. */
async function startWith(drainTimeout: string): Promise<void> {
  system = await startSystem({ env: { AIBRIDGE_DRAIN_TIMEOUT: drainTimeout } });
  await system.bridge.log(({ msg }) => msg === 'the database is ready');
}

async function openStream(): Promise<Wire> {
  const behaviour = combine(answer({ text: 'first half, second half', chunks: 2 }), stall());
  system.simulator.onAnyKey(behaviour);
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ stream: true }));
  await wire.receives('message_start');
  return wire;
}

async function draining(): Promise<void> {
  await system.bridge.log(({ msg }) => msg.startsWith('stopping'));
}

test('SIGTERM: open streams finish, new requests are turned away, then exit 0', async () => {
  await startWith('10s');
  // One that is kept alive and asks for nothing more does not hold up the exit.
  const quiet = await Wire.connect(system.bridge.url);
  await quiet.send(head('GET', '/healthz'));
  await quiet.answer();
  const idle = await Wire.connect(system.bridge.url);
  const wire = await openStream();
  system.bridge.signal('SIGTERM');
  await draining();

  const readiness = await fetch(`${system.bridge.url}/readyz`);
  expect([readiness.status, await readiness.json()]).toEqual([
    503,
    { status: 'unavailable', reasons: ['draining'] },
  ]);
  expect((await fetch(`${system.bridge.url}/healthz`)).status).toBe(200);
  for (const late of [idle, await Wire.connect(system.bridge.url)]) {
    await late.post(PATH, messagesBody());
    const reply = await late.answer();
    expect([reply.status, reply.headers.get('x-aibridge-error')]).toEqual([503, 'draining']);
    expect(reply.headers.get('connection')).toBe('close');
    expect(JSON.parse(reply.body)).toMatchObject({ type: 'error' });
    await late.ends();
  }

  const [call] = system.simulator.calls;
  call?.release();
  const reply = await wire.answer();
  const finishedAtMs = performance.now();
  expect([reply.isWhole, reply.body]).toEqual([true, call?.sent.text]);
  expect(await system.bridge.exited()).toBe(0);
  expect(performance.now() - finishedAtMs).toBeLessThan(5_000);
  quiet.leave();
  const id = reply.headers.get('x-aibridge-interception-id') ?? '';
  expect(await system.tables.ended(id)).toMatchObject({ status: 'completed' });
  expect(system.bridge.otherOutput).toEqual([]);
});

test('a second signal ends the process at once and loses no record of what was open', async () => {
  await startWith('10s');
  const wire = await openStream();
  const { headers } = await wire.head();
  const id = headers.get('x-aibridge-interception-id') ?? '';
  system.bridge.signal('SIGTERM');
  await draining();
  const startedMs = performance.now();
  system.bridge.signal('SIGTERM');

  expect(await system.bridge.exited()).not.toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  const successor = await Bridge.start({ dataDir: system.bridge.dataDir, env: system.env });
  expect(await system.tables.ended(id)).toMatchObject({ status: 'interrupted' });
  await successor.stop();
});

test('who outlasts the drain timeout is told so in-band', async () => {
  await startWith('200ms');
  const wire = await openStream();
  system.simulator.onAnyKey(slowFirstToken());
  const silent = await Wire.connect(system.bridge.url);
  await silent.post(PATH, messagesBody());
  await system.simulator.waitForCall((call) => call.behaviour === 'slow_first_token');
  system.bridge.signal('SIGTERM');

  const streamed = await wire.answer();
  expect([streamed.isWhole, streamed.body.includes('event: error')]).toEqual([true, true]);
  const refused = await silent.answer();
  expect(refused.status).toBeGreaterThanOrEqual(502);
  expect(await system.bridge.exited()).toBe(0);
  for (const { headers } of [streamed, refused]) {
    const id = headers.get('x-aibridge-interception-id') ?? '';
    expect(await system.tables.ended(id)).toMatchObject({ status: 'failed' });
  }
});
