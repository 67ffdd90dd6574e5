import { expect, it } from 'vitest';
import { PeekableBody } from './peekable-body.ts';
import type { AnswerBody } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

const ALL = { bytesMax: 1_000 };
const never = (): boolean => false;

/** A body that gives chunks as a test hands them over. */
class HandFedBody implements AnswerBody {
  isCancelled = false;
  reads = 0;
  readonly #chunks: (Buffer | undefined | Error)[];
  #waiting: PromiseWithResolvers<Buffer | undefined> | undefined;

  constructor(...chunks: (string | undefined | Error)[]) {
    this.#chunks = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  }

  read(): Promise<Buffer | undefined> {
    this.reads += 1;
    if (this.#chunks.length === 0) {
      this.#waiting = Promise.withResolvers();
      return this.#waiting.promise;
    }
    const chunk = this.#chunks.shift();
    return chunk instanceof Error ? Promise.reject(chunk) : Promise.resolve(chunk);
  }

  give(chunk: string): void {
    this.#waiting?.resolve(Buffer.from(chunk));
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

async function rest(body: PeekableBody): Promise<string> {
  let text = '';
  for (let chunk = await body.read(); chunk; chunk = await body.read()) text += String(chunk);
  return text;
}

it('gives what was looked at once more, then the rest', async () => {
  const body = new PeekableBody(new HandFedBody('one', 'two', 'three', undefined));
  await body.peek((chunk) => String(chunk) === 'two', ALL);
  expect(String(body.peeked)).toBe('onetwo');
  expect(await rest(body)).toBe('onetwothree');
});

it('knows the end when it has seen it, and asks for nothing after it', async () => {
  const source = new HandFedBody('one', undefined);
  const body = new PeekableBody(source);
  await body.peek(never, ALL);
  expect(body.isEnded).toBe(true);
  expect(body.isDrained).toBe(false);
  await body.read();
  expect(body.isDrained).toBe(true);
  expect(await body.read()).toBeUndefined();
  expect(source.reads).toBe(2);
});

it('looks no further than it may', async () => {
  const source = new HandFedBody('12345', '67890', 'more', undefined);
  const body = new PeekableBody(source);
  await body.peek(never, { bytesMax: 10 });
  expect(source.reads).toBe(2);
  expect(await rest(body)).toBe('1234567890more');
});

it('waits no longer than it may, and loses nothing of what comes then', async () => {
  const source = new HandFedBody('one');
  const body = new PeekableBody(source);
  await body.peek(never, { ...ALL, timeMaxMs: 5 });
  expect(String(body.peeked)).toBe('one');
  expect(body.isEnded).toBe(false);
  expect(String(await body.read())).toBe('one');
  const late = body.read();
  source.give('two');
  expect(String(await late)).toBe('two');
  expect(source.reads).toBe(2);
});

it('fails while it looks as reading would', async () => {
  const failure = new UpstreamFailure('truncated', 'cut off');
  const body = new PeekableBody(new HandFedBody('one', failure));
  await expect(body.peek(never, ALL)).rejects.toBe(failure);
  expect(String(body.peeked)).toBe('one');
});

it('gives up the body that is behind it', () => {
  const source = new HandFedBody();
  new PeekableBody(source).cancel();
  expect(source.isCancelled).toBe(true);
});
