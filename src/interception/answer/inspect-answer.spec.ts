import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ANTHROPIC } from '../../providers/anthropic/index.ts';
import type { Answer } from '../../upstream/index.ts';
import { inspectAnswer } from './inspect-answer.ts';
import { MESSAGES } from '../apis/messages/index.ts';

const START = 'event: message_start\ndata: {"message":{"id":"msg_1"}}\n\n';
const LIMITED = 'event: error\ndata: {"error":{"type":"rate_limit_error","message":"slow"}}\n\n';

/** A stream that arrives in these chunks. */
function streamOf(chunks: readonly string[]): Answer {
  const left = chunks.map((chunk) => Buffer.from(chunk));
  const body = { read: () => Promise.resolve(left.shift()), cancel: () => undefined };
  return { status: 200, headers: ['content-type', 'text/event-stream'], body };
}

function inspected(chunks: readonly string[]) {
  const asked = { sideRoute: undefined, choicesAsked: 1, method: 'POST', poolKey: undefined };
  return inspectAnswer(streamOf(chunks), { provider: ANTHROPIC, api: MESSAGES, ...asked });
}

describe('an error in a stream', () => {
  it.each([[[LIMITED]], [[LIMITED + START]], [[LIMITED.slice(0, 20), LIMITED.slice(20)]]])(
    'is the answer when it comes first: %j',
    async (chunks) => {
      expect((await inspected(chunks)).error).toMatchObject({ type: 'rate_limit_error' });
    },
  );

  it.each([
    [[START + LIMITED]],
    [[START, LIMITED]],
    [[START.slice(0, 9), START.slice(9) + LIMITED]],
  ])('is a part of the answer when another event came before it: %j', async (chunks) => {
    expect(await inspected(chunks)).toMatchObject({ error: undefined });
  });
});

/** A stream whose chunks come when the test says so. */
class SteppedStream {
  readonly #chunks: PromiseWithResolvers<Buffer | undefined>[] = [];
  #given = 0;
  #read = 0;

  give(text: string): void {
    this.#chunk(this.#given++).resolve(Buffer.from(text));
  }

  get answer(): Answer {
    const body = { read: () => this.#chunk(this.#read++).promise, cancel: () => undefined };
    return { ...streamOf([]), body };
  }

  #chunk(index: number): PromiseWithResolvers<Buffer | undefined> {
    return (this.#chunks[index] ??= Promise.withResolvers());
  }
}

describe('a beginning without an event', () => {
  const COMMENT = ': PROCESSING\n\n';
  const asked = { sideRoute: undefined, choicesAsked: 1, method: 'POST', poolKey: undefined };
  const inspection = { provider: ANTHROPIC, api: MESSAGES, ...asked };

  function inspecting() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = new SteppedStream();
    let isInspected = false;
    const result = inspectAnswer(stream.answer, inspection).finally(() => (isInspected = true));
    return { stream, result, isInspected: () => isInspected };
  }

  it('is held for a second from its first byte on, and not longer', async () => {
    const { stream, result, isInspected } = inspecting();
    await vi.advanceTimersByTimeAsync(60_000);
    stream.give(COMMENT);
    await vi.advanceTimersByTimeAsync(600);
    stream.give(COMMENT);
    await vi.advanceTimersByTimeAsync(399);
    expect(isInspected()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const { body, error } = await result;
    expect(error).toBeUndefined();
    expect(String(body.peeked)).toBe(COMMENT + COMMENT);
  });

  it('is no answer yet when an error follows within that second', async () => {
    const { stream, result } = inspecting();
    stream.give(COMMENT);
    await vi.advanceTimersByTimeAsync(999);
    stream.give(LIMITED);
    expect((await result).error).toMatchObject({ type: 'rate_limit_error' });
  });

  it('tells whoever reads on of an error that follows later', async () => {
    const { stream, result } = inspecting();
    stream.give(COMMENT);
    await vi.advanceTimersByTimeAsync(1_000);
    const { observer } = await result;
    observer.chunk(Buffer.from(COMMENT));
    expect(observer.openingError).toBeUndefined();
    observer.chunk(Buffer.from(LIMITED));
    expect(observer.openingError).toMatchObject({ type: 'rate_limit_error' });
  });

  it('ends with the first event, be it a ping', async () => {
    const { stream, result } = inspecting();
    stream.give('event: ping\ndata: {"type": "ping"}\n\n');
    expect((await result).error).toBeUndefined();
  });
});
