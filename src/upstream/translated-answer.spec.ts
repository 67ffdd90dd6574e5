import { describe, expect, test } from 'vitest';
import type { StreamDecoder, Translator } from '../providers/index.ts';
import { translatedAnswer } from './translated-answer.ts';
import type { Answer } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/** Upper case is what this provider speaks; `!` it cannot read, and `.` ends a frame. */
class Shouting implements StreamDecoder {
  failure: string | undefined;
  #last = '.';

  get isBetweenFrames(): boolean {
    return this.#last === '.';
  }

  pass(bytes: Buffer): Buffer {
    const [readable = '', unreadable] = String(bytes).split('!', 2);
    if (unreadable !== undefined) this.failure = 'an exclamation mark';
    this.#last = String(bytes).at(-1) ?? this.#last;
    return Buffer.from(readable.toLowerCase());
  }
}

const TRANSLATOR: Pick<Translator, 'error' | 'streamDecoder'> = {
  error: (_, body) =>
    String(body).startsWith('ERR') ? { status: 429, json: Buffer.from('{"e":1}') } : undefined,
  streamDecoder: ({ valueOf }) =>
    Promise.resolve(valueOf('content-type') === 'shouting' ? new Shouting() : undefined),
};

interface Given {
  readonly status?: number;
  readonly type?: string;
  readonly failure?: UpstreamFailure;
}

function given(
  chunks: readonly string[],
  { status = 200, type = 'shouting', failure }: Given = {},
) {
  const left = chunks.map((chunk) => Buffer.from(chunk));
  const seen = { isCancelled: false };
  const answer: Answer = {
    status,
    headers: ['Content-Type', type, 'x-a', 'b', 'Content-Length', '3'],
    body: {
      read: () => {
        const chunk = left.shift();
        if (chunk === undefined && failure !== undefined) return Promise.reject(failure);
        return Promise.resolve(chunk);
      },
      cancel: () => {
        seen.isCancelled = true;
      },
    },
  };
  const translator: Translator = {
    ...TRANSLATOR,
    request: () => ({ kind: 'refused', model: '', reason: '' }),
    authorise: () => Promise.resolve([]),
  };
  return { seen, answered: translatedAnswer(Promise.resolve(answer), translator) };
}

/** Everything up to the end, which may be a failure. */
async function readAll({ body }: Answer): Promise<(string | undefined)[]> {
  const read: string[] = [];
  try {
    for (let chunk = await body.read(); chunk; chunk = await body.read()) read.push(String(chunk));
    return read;
  } catch (error) {
    return error instanceof UpstreamFailure ? [...read, error.kind] : [...read, String(error)];
  }
}

describe('a stream', () => {
  test('is that of the API, in headers as well', async () => {
    const answer = await given(['A', 'B.']).answered;
    expect(answer.headers).toEqual([
      'x-a',
      'b',
      'content-type',
      'text/event-stream; charset=utf-8',
    ]);
    expect(await readAll(answer)).toEqual(['a', 'b.']);
  });

  test('in other words already passes as it is', async () => {
    const answer = await given(['A'], { type: 'text/plain' }).answered;
    expect(answer.headers).toContain('Content-Length');
    expect(await readAll(answer)).toEqual(['A']);
  });

  test('that ends in the middle of a frame is cut off', async () => {
    expect(await readAll(await given(['A']).answered)).toEqual(['a', 'truncated']);
  });

  test('that cannot be read is malformed, after all that could be, and given up', async () => {
    const { seen, answered } = given(['A!B', 'C.']);
    expect(await readAll(await answered)).toEqual(['a', 'malformed']);
    expect(seen.isCancelled).toBe(true);
  });

  test('that breaks off tells why', async () => {
    const failure = new UpstreamFailure('timeout', 'silence');
    expect(await readAll(await given(['A.'], { failure }).answered)).toEqual(['a.', 'timeout']);
  });
});

describe('an error', () => {
  test('is that of the API, with its status', async () => {
    const answer = await given(['ER', 'R'], { status: 400 }).answered;
    expect(answer.status).toBe(429);
    expect(answer.headers).toEqual(
      'x-a b content-type application/json content-length 7'.split(' '),
    );
    expect(await readAll(answer)).toEqual(['{"e":1}']);
  });

  test.each<[string, string[], Given, string[]]>([
    ['of somebody else', ['<html>'], {}, ['<html>']],
    ['that has no end', ['E'.repeat(70_000), 'F'], {}, ['E'.repeat(70_000), 'F']],
    [
      'that breaks off',
      ['ERR'],
      { failure: new UpstreamFailure('truncated', 'gone') },
      ['ERR', 'truncated'],
    ],
  ])('%s passes as it came', async (_, chunks, more, read) => {
    const answer = await given(chunks, { status: 503, ...more }).answered;
    expect(answer.status).toBe(503);
    expect(await readAll(answer)).toEqual(read);
  });
});
