import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PeekableBody } from '../../upstream/index.ts';
import { MESSAGES } from '../apis/messages/index.ts';
import type { ToolLoop } from '../tools/tool-loop.ts';
import { StreamObserver } from './answer-observer.ts';
import { TurnRelay, type TurnPlan } from './turn-relay.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PING = Buffer.from(': ping\n\n');
const STREAM = Buffer.from('event: message_stop\ndata: {"type":"message_stop"}\n\n');

/** A relay of a whole answer, for which a tool runs until `ended` resolves; what its caller is sent, and how. */
function relayWhileToolRuns(
  ended: Promise<'goes_on'>,
  write: (bytes: Uint8Array) => Promise<void>,
) {
  const chunks = [STREAM];
  const body = new PeekableBody({
    read: () => Promise.resolve(chunks.shift()),
    cancel: () => undefined,
  });
  const observer = new StreamObserver((gaps) => MESSAGES.readStream(gaps, 1));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of it as is used here
  const loop = {
    takes: () => true,
    finishTurn: () => ended,
    weaver: { keepAlive: PING, frame: () => undefined },
  } as unknown as ToolLoop;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of it as is used here
  const plan = {
    inspected: { body, observer },
    loop,
    downstream: { hasBegun: true, isGone: false, flushHead: () => undefined, write },
    signal: new AbortController().signal,
    ...Object.fromEntries(
      ['onFirstByte', 'onBegun', 'said', 'goesOn'].map((name) => [name, () => undefined]),
    ),
  } as unknown as TurnPlan;
  return new TurnRelay(plan).run();
}

test('tells a caller that waits for a tool again and again that it is not forgotten', async () => {
  const { promise, resolve } = Promise.withResolvers<'goes_on'>();
  const sent: Uint8Array[] = [];
  const running = relayWhileToolRuns(promise, async (bytes) => void sent.push(bytes));
  await vi.advanceTimersByTimeAsync(35_000);
  resolve('goes_on');
  expect(await running).toBe(true);
  expect(sent).toEqual([PING, PING, PING]);
});

// Each of them would wait for room with listeners of its own.
test('does not tell it again before it has taken that', async () => {
  const { promise, resolve } = Promise.withResolvers<'goes_on'>();
  const room = Promise.withResolvers<void>();
  let sentCount = 0;
  const running = relayWhileToolRuns(promise, () => {
    sentCount += 1;
    return room.promise;
  });
  await vi.advanceTimersByTimeAsync(200_000);
  expect(sentCount).toBe(1);
  room.resolve();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sentCount).toBe(2);
  resolve('goes_on');
  await running;
});
