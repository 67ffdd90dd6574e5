import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { answer, combine, stall } from '../simulator/index.ts';
import { bytesHeldBy, INSPECTED } from '../support/memory-of.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
const STREAMS = 16;

let system: System;
beforeAll(async () => {
  system = await startSystem({ env: INSPECTED });
});
afterAll(() => system.stop());

/** A stream that has begun and does not go on. */
async function heldStream(prompt: string): Promise<void> {
  const wire = await Wire.connect(system.bridge.url);
  onTestFinished(() => wire.leave());
  const messages = [{ role: 'user', content: prompt }];
  await wire.post('/anthropic/v1/messages', messagesBody({ stream: true, messages }));
  await wire.receives('message_start');
}

// A thousand agents with a long context each wait for minutes: what they sent must not wait with them.
test('what a request was is let go of when its answer has begun', async () => {
  system.simulator.onAnyKey(combine(answer(), stall()));
  await heldStream('hi');
  const before = await bytesHeldBy(system.bridge);
  await Promise.all(Array.from({ length: STREAMS }, () => heldStream('x'.repeat(MIB))));

  await expect
    .poll(async () => (await bytesHeldBy(system.bridge)) - before)
    .toBeLessThan((STREAMS / 3) * MIB);
});
