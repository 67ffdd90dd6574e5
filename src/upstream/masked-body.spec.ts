import { describe, expect, it } from 'vitest';
import { Secret } from '../core/secret.ts';
import { MaskedBody } from './masked-body.ts';
import type { AnswerBody } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

const KEY = 'sk-ant-secret-key-0123456789';
const MASK = 'sk-a...6789*****************';

/** A body of these chunks, and how it ends. */
function bodyOf(chunks: readonly string[], end?: UpstreamFailure): AnswerBody {
  const left = chunks.map((chunk) => Buffer.from(chunk));
  return {
    read: () => {
      const chunk = left.shift();
      if (chunk === undefined && end !== undefined) return Promise.reject(end);
      return Promise.resolve(chunk);
    },
    cancel: () => undefined,
  };
}

async function readAll(body: AnswerBody): Promise<string[]> {
  const chunks: string[] = [];
  for (let chunk = await body.read(); chunk; chunk = await body.read()) chunks.push(String(chunk));
  return chunks;
}

function masked(chunks: readonly string[], end?: UpstreamFailure): MaskedBody {
  return new MaskedBody(bodyOf(chunks, end), new Secret(KEY));
}

describe('a key in an answer', () => {
  it('shows no more than its hint, and leaves the length as it was', async () => {
    expect(await readAll(masked([`a ${KEY} b ${KEY}${KEY}`]))).toEqual([
      `a ${MASK} b ${MASK}${MASK}`,
    ]);
    expect(MASK).toHaveLength(KEY.length);
  });

  it('is found wherever the answer is cut', async () => {
    const text = `s sk- ${KEY} sk-ant-${KEY}, the end: s`;
    const expected = text.replaceAll(KEY, MASK);
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const chunks = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        const read = await readAll(masked(chunks.filter((chunk) => chunk !== '')));
        expect(read.join('')).toBe(expected);
      }
    }
  });

  it('is found byte by byte', async () => {
    const read = await readAll(masked(Array.from(`x${KEY}y`)));
    expect(read.join('')).toBe(`x${MASK}y`);
  });

  it('is masked also when the answer ends in the middle of it', async () => {
    expect(await readAll(masked([`x sk-ant-secret-k`]))).toEqual(['x ', 'sk-a...6789****']);
  });

  it('does not keep a short key from being masked', async () => {
    const body = new MaskedBody(bodyOf(['a k1 b']), new Secret('k1'));
    expect(await readAll(body)).toEqual(['a .. b']);
  });
});

describe('everything else', () => {
  it('passes as it comes, in the same chunks', async () => {
    const chunks = ['event: x\n', 'data: {"text":"sk-ant is no key"}\n\n', '🌍'];
    expect(await readAll(masked(chunks))).toEqual(chunks);
  });

  it('is not copied', async () => {
    const chunk = Buffer.from('nothing to hide');
    const body = new MaskedBody(
      { read: () => Promise.resolve(chunk), cancel: () => undefined },
      new Secret(KEY),
    );
    expect(await body.read()).toBe(chunk);
  });

  it('comes before the failure that the body ends with', async () => {
    const failure = new UpstreamFailure('truncated', 'broken');
    const body = masked(['a s'], failure);
    expect(String(await body.read())).toBe('a ');
    expect(String(await body.read())).toBe('s');
    await expect(body.read()).rejects.toBe(failure);
    await expect(body.read()).rejects.toBe(failure);
  });
});
