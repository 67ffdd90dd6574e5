import { describe, expect, it } from 'vitest';
import { isClosed } from './json.ts';

describe('isClosed', () => {
  const whole = JSON.stringify({
    type: 'response.output_text.delta',
    delta: String.raw`a } in "text", an escape \" and one at the end \\`,
    part: { annotations: [{ a: {} }, '}'], empty: '' },
    sequence_number: 7,
  });

  it('is true of an object that is there to its end', () => {
    expect(isClosed(whole)).toBe(true);
    expect(isClosed('{}')).toBe(true);
  });

  it('is false of every beginning of it, right behind a brace as well', () => {
    const beginnings = Array.from(whole, (_, length) => whole.slice(0, length));
    expect(beginnings.filter(isClosed)).toEqual([]);
  });

  it.each(['', '[]', '"{}"', 'x{}', '{}}', '{} '])('is false of %j', (text) => {
    expect(isClosed(text)).toBe(false);
  });
});
