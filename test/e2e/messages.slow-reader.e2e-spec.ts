import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Downstream } from '../../src/interception/exchange/downstream.ts';
import { answer, type Behaviour, type Call } from '../simulator/index.ts';
import { messagesBody, residentMiB, startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
const PATH = '/anthropic/v1/messages';

let system: System;

beforeAll(async () => {
  // Shorter than the client pauses for: a slow client is never taken for a stalled provider.
  system = await startSystem({ settings: { IDLE_TIMEOUT: '250ms' } });
});

afterAll(() => system.stop());

/** 24 MiB in frames of 256 KiB. */
const LONG = answer({ text: 'all work and no play makes one. '.repeat(0.75 * MIB), chunks: 96 });

function sentBytes(call: Call): number {
  return call.sent.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Resolves with what has been sent once that has not grown for a while. */
async function standstill(call: Call): Promise<number> {
  for (let before = 0; ; await delay(300)) {
    const now = sentBytes(call);
    if (now > 0 && now === before) return now;
    before = now;
  }
}

async function askFor(behaviour: Behaviour): Promise<[Wire, Call]> {
  system.simulator.clear();
  system.simulator.onAnyKey(behaviour);
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ stream: true }));
  await wire.head();
  wire.keepNothing();
  return [wire, await system.simulator.waitForCall()];
}

async function readToTheEnd(wire: Wire, call: Call): Promise<void> {
  await call.ended;
  expect(call.outcome).toBe('completed');
  const sent = sentBytes(call);
  await until('the whole answer', () => wire.bytesRead >= sent || undefined);
  wire.leave();
}

test('a client that stops reading holds upstream back, and gets all of it later', async () => {
  // What the first long answer needs besides is the price of a warm process.
  await readToTheEnd(...(await askFor(LONG)));
  const beforeMiB = await residentMiB(system.bridge.pid);
  const [wire, call] = await askFor(LONG);
  wire.stopReading();
  // What the kernel buffers on both connections; the bridge itself holds next to nothing.
  expect((await standstill(call)) / MIB).toBeLessThan(18);
  expect(await residentMiB(system.bridge.pid)).toBeLessThan(beforeMiB + 32);

  wire.readOn();
  await readToTheEnd(wire, call);
});

test('a client that never takes anything is cut off in the end', async () => {
  const server = createServer((_, res) => {
    const downstream = new Downstream(res, 100);
    downstream.begin(200, []);
    void writeUntilGone(downstream).then(() => server.emit('gone', downstream.isGone));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const wire = await Wire.connect(`http://127.0.0.1:${port}`);
  wire.stopReading();
  const gone = once(server, 'gone');
  await wire.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');

  expect(await gone).toEqual([true]);
  wire.leave();
  server.close();
});

async function writeUntilGone(downstream: Downstream): Promise<void> {
  while (!downstream.isGone) await downstream.write(Buffer.alloc(MIB));
}
