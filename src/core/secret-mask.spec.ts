import { describe, expect, test } from 'vitest';
import { SecretMask } from './secret-mask.ts';
import { Secret } from './secret.ts';

class Pair extends Secret {
  readonly other = new Secret('the-second-part-0002');

  override get parts(): readonly Secret[] {
    return [this, this.other];
  }
}

const PAIR = new Pair('the-first-part-00001');
const TEXT = 'a the-first-part-00001 b the-second-part-0002 the-first-part-00001c';
const MASKED = 'a the-...0001********* b the-...0002********* the-...0001*********c';

function masked(pieces: readonly string[]): string {
  const mask = new SecretMask(PAIR);
  const passed = pieces.map((piece) => mask.pass(Buffer.from(piece)));
  return Buffer.concat([...passed, mask.rest() ?? Buffer.alloc(0)]).toString();
}

describe('a secret of several parts', () => {
  test('is taken out of bytes in all of them, wherever these are cut', () => {
    for (let at = 0; at <= TEXT.length; at += 1) {
      expect(masked([TEXT.slice(0, at), TEXT.slice(at)])).toBe(MASKED);
    }
    expect(masked(Array.from(TEXT))).toBe(MASKED);
  });

  test('shows no more than hints where bytes break off in it', () => {
    expect(masked(['x the-second-pa'])).toBe('x the-...0002**');
    expect(masked(['x the-f', 'irst-p'])).toBe('x the-...0001');
  });

  test('is taken out of texts in all of them', () => {
    expect(PAIR.maskIn(TEXT)).toBe('a the-...0001 b the-...0002 the-...0001c');
  });

  test('is another one when any of them is', () => {
    expect(PAIR.isSameAs(new Pair('the-first-part-00001'))).toBe(true);
    expect(PAIR.isSameAs(new Secret('the-first-part-00001'))).toBe(false);
    expect(PAIR.isSameAs(new Pair('another-part-0000001'))).toBe(false);
  });
});
