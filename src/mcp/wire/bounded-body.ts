const CR = 0x0d;
const LF = 0x0a;

/** An answer that is larger than anybody wants to hold. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';

  constructor(bytesMax: number) {
    super(`the answer is larger than ${bytesMax} bytes`);
  }
}

/** The body, which fails as soon as it is larger. */
export function boundedBody(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
): ReadableStream<Uint8Array> {
  let bytes = 0;
  return failingWhen(body, bytesMax, (chunk) => (bytes += chunk.length));
}

/** A stream of events without an end, which fails as soon as one of them is larger. */
export function boundedEvents(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
): ReadableStream<Uint8Array> {
  const event = new EventLength();
  return failingWhen(body, bytesMax, (chunk) => event.after(chunk));
}

function failingWhen(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
  bytesAfter: (chunk: Uint8Array) => number,
): ReadableStream<Uint8Array> {
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (bytesAfter(chunk) > bytesMax) controller.error(new AnswerTooLargeError(bytesMax));
        else controller.enqueue(chunk);
      },
    }),
  );
}

/** How many bytes the event has that is under way: a blank line ends it. */
class EventLength {
  #bytes = 0;
  #isLineEmpty = true;
  #isAfterCr = false;

  /** The most that it came to with this chunk. */
  after(chunk: Uint8Array): number {
    let most = this.#bytes;
    for (const byte of chunk) {
      this.#take(byte);
      most = Math.max(most, this.#bytes);
    }
    return most;
  }

  #take(byte: number): void {
    const isSecondHalf = byte === LF && this.#isAfterCr;
    this.#isAfterCr = byte === CR;
    if (isSecondHalf) return;
    this.#bytes += 1;
    const isLineEnd = byte === LF || byte === CR;
    if (isLineEnd && this.#isLineEmpty) this.#bytes = 0;
    this.#isLineEmpty = isLineEnd;
  }
}
