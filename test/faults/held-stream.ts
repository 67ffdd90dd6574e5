import { randomUUID } from 'node:crypto';
import { answer, combine, stall, type Call, type Simulator } from '../simulator/index.ts';
import { nameOf } from '../support/load.ts';
import { messagesBody } from '../support/system.ts';
import { Wire, type WireAnswer } from '../support/wire.ts';

/** A stream that stands still after its first events, for as long as the test wants. */
export interface HeldStream {
  /** Its user agent, by which its record is found. */
  readonly name: string;
  /** Lets the answer run on to its end, and receives it. */
  finish(): Promise<WireAnswer>;
}

export async function holdStream(simulator: Simulator, url: string): Promise<HeldStream> {
  const name = `held/${randomUUID()}`;
  const isOurs = (call: Call): boolean => nameOf(call) === name;
  simulator.anyKey.when(isOurs, combine(answer({ text: 'one and two', chunks: 2 }), stall()));
  const wire = await Wire.connect(url);
  await wire.post('/anthropic/v1/messages', messagesBody({ stream: true }), [
    `user-agent: ${name}`,
  ]);
  await wire.receives('message_start');
  const call = await simulator.waitForCall(
    (one) => isOurs(one) && one.behaviour !== 'rate_limited',
  );
  return {
    name,
    finish() {
      call.release();
      return wire.answer();
    },
  };
}
