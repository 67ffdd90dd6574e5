import { expect, it } from 'vitest';
import { aPool, kinds, named } from '../../../test/support/a-pool.ts';
import { KeySecret } from '../../core/key-secret.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';

const QUOTA = { kind: 'cool', reason: 'quota_exhausted', forMs: 1, scope: 'account' } as const;
const OF_THE_KEY = { kind: 'cool', reason: 'rate_limited', forMs: 9_000, scope: 'key' } as const;
const REJECTED = { kind: 'reject', reason: 'unauthorized', scope: 'key' } as const;

/** Keys of these accounts, in this order. */
function aPoolOf(...accounts: readonly (string | undefined)[]) {
  const scene = aPool({ keys: accounts.length });
  const withAccounts = (each: readonly (string | undefined)[]) =>
    scene.pool.replaceKeys(
      each.map((account, index) => new KeySecret(named(index).reveal(), account)),
    );
  withAccounts(accounts);
  return { ...scene, withAccounts };
}

it.each<[string, KeyVerdict, (string | undefined)[], string]>([
  ['what is about the account, on all its keys', QUOTA, ['a', 'b', 'a'], 'TVT'],
  ['what is about the key, on that alone', OF_THE_KEY, ['a', 'b', 'a'], 'TVV'],
  ['a rejection, on that key alone', REJECTED, ['a', 'a', 'a'], 'PVV'],
  [
    'what is about an account that has no name, on that key alone',
    QUOTA,
    [undefined, undefined],
    'TV',
  ],
])('marks %s', (_, verdict, accounts, expected) => {
  const { pool, key } = aPoolOf(...accounts);
  const changed = pool.mark(key(0), verdict, { status: 429, model: 'opus' });
  expect(changed?.fingerprint).toBe(key(0).fingerprint);
  expect(
    kinds(pool)
      .map((kind) => kind.charAt(0).toUpperCase())
      .join(''),
  ).toBe(expected);
});

it('tells of each key, so that other processes sideline them too', () => {
  const { pool, key, transitions } = aPoolOf('a', 'b', 'a');
  pool.mark(key(2), QUOTA, { status: 402 });
  expect(transitions.map(({ fingerprint }) => fingerprint)).toEqual([
    key(2).fingerprint,
    key(0).fingerprint,
  ]);
});

it('goes by what the file says now, of keys that keep their state', () => {
  const { pool, key, withAccounts } = aPoolOf('a', 'a', 'b');
  pool.mark(key(1), REJECTED, { status: 401 });
  withAccounts(['b', 'a', 'b']);
  pool.mark(key(2), QUOTA, { status: 402 });
  expect(kinds(pool)).toEqual(['temporary', 'permanent', 'temporary']);
  expect(pool.snapshot().map(({ account }) => account)).toEqual(['b', 'a', 'b']);
});
