import { describe, expect, it } from 'vitest';
import { AnswerTooLargeError, boundedBody, boundedEvents } from './bounded-body.ts';

function bodyOf(text: string, step = text.length || 1): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) =>
    bytes.subarray(index * step, (index + 1) * step),
  );
  return ReadableStream.from(chunks);
}

const read = (body: ReadableStream<Uint8Array>): Promise<string> => new Response(body).text();

describe('a bounded body', () => {
  it('is the body when it is small enough', async () => {
    expect(await read(boundedBody(bodyOf('x'.repeat(10), 3), 10))).toBe('x'.repeat(10));
  });

  it('fails when it is larger, without reading on', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(10));
      },
    });
    await expect(read(boundedBody(endless, 95))).rejects.toThrow(AnswerTooLargeError);
    expect(pulled).toBeLessThan(20);
  });
});

describe('bounded events', () => {
  // R5: an event ends at a blank line, wherever the stream is cut.
  it.each(['\n', '\r\n', '\r'])('may be many, if none is larger: %j', async (end) => {
    const text = `id: 1${end}data: xxxx${end}${end}`.repeat(50);
    for (const step of [1, 2, 3, 7, text.length]) {
      expect(await read(boundedEvents(bodyOf(text, step), 20))).toBe(text);
    }
  });

  it.each(['data: '.padEnd(30, 'x'), 'data: x\n'.repeat(5), ':\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n'])(
    'fail when one is larger: %j',
    async (text) => {
      for (const step of [1, 3, text.length]) {
        await expect(read(boundedEvents(bodyOf(text, step), 20))).rejects.toThrow(
          AnswerTooLargeError,
        );
      }
    },
  );
});
