import { describe, expect, it } from 'vitest';
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
  const method = 'POST';
  const poolKey = undefined;
  return inspectAnswer(streamOf(chunks), { provider: ANTHROPIC, api: MESSAGES, method, poolKey });
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
    expect(await inspected(chunks)).toMatchObject({ error: undefined, messageId: 'msg_1' });
  });
});
