import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AwsKey, type AwsKeyParts } from './aws-key.ts';
import { defaultChainKey } from './default-chain.ts';

const FIRST = { accessKeyId: 'ASIAFIRST00000000001', secretAccessKey: 's1', sessionToken: 't1' };
const SECOND = { accessKeyId: 'ASIASECOND0000000002', secretAccessKey: 's2', sessionToken: 't2' };

/** Hands out what is in it, one after the other, and the last one for good. */
function sourceOf(...parts: readonly AwsKeyParts[]) {
  const left = [...parts];
  return async () => async () => {
    const [next] = left.length > 1 ? left.splice(0, 1) : left;
    if (next === undefined) throw new Error('nothing left');
    return next;
  };
}

const empty = async () => async () => {
  throw new Error('Could not load credentials from any providers');
};
const silent = async () => () => new Promise<never>(() => undefined);

describe("P-41: AWS's default chain", () => {
  test('has one key, which stays the same one as long as it lasts', async () => {
    const key = await defaultChainKey(sourceOf(FIRST, FIRST, SECOND));
    expect(key.hint).toBe('ASIA...0001');
    expect(await key.renewed?.()).toBe(key);

    const next = await key.renewed?.();
    expect(next?.hint).toBe('ASIA...0002');
    expect(next?.isSameAs(key)).toBe(false);
    expect(await next?.renewed?.()).toBe(next);
  });

  test('says so when there is nothing in it', async () => {
    await expect(defaultChainKey(empty)).rejects.toThrow(
      'no AWS credentials found: Could not load credentials from any providers',
    );
  });

  test('is not waited for longer than a time', async () => {
    await expect(defaultChainKey(silent, 10)).rejects.toThrow(
      'no AWS credentials found: nothing was found within 0.01 s',
    );
  });
});

describe('a set of credentials as a key', () => {
  const key = new AwsKey({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: 'canary-session-token',
  });

  test('is known by its access key id alone', () => {
    expect([key.hint, String(key), JSON.stringify({ key })]).toEqual([
      'AKIA...MPLE',
      'AKIA...MPLE',
      '{"key":"AKIA...MPLE"}',
    ]);
    expect(key.fingerprint).toBe(new AwsKey({ ...FIRST, accessKeyId: key.reveal() }).fingerprint);
    expect(inspect({ key }, { depth: 9 })).not.toMatch(/wJal|canary/);
  });

  test('has every part of it taken out of a text', () => {
    const text = `${key.reveal()} ${key.secretAccessKey.reveal()} ${key.sessionToken?.reveal()}`;
    expect(key.maskIn(text)).toBe('AKIA...MPLE ... ...');
  });
});
