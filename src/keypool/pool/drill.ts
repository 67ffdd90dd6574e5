import type { KeyScope } from '../key/key-state.ts';
import type { PoolKey } from '../key/pool-key.ts';
import type { KeyPool } from './key-pool.ts';

/**
 * `sidelined`: something is held against the key already, for some model at least. What ends a drill
 * is a reset, which would forget that. `last_key`: calls for `model` would find no key then; null:
 * those that name none, and those for models that no other key is sidelined for.
 */
export type DrillRefusal =
  { readonly kind: 'sidelined' } | { readonly kind: 'last_key'; readonly model: string | null };

/** Why a drill on this key might do harm, if it might. */
export function drillRefusal(
  pool: KeyPool,
  key: PoolKey,
  scope: KeyScope,
): DrillRefusal | undefined {
  const keys = pool.snapshot();
  const own = keys.find(({ fingerprint }) => fingerprint === key.fingerprint);
  if (own?.state.kind !== 'valid' || own.models.length > 0) return { kind: 'sidelined' };
  const sidelinedFor = keys.flatMap(({ models }) => models.map(({ model }) => model));
  const scopes = scope === null ? [null, ...sidelinedFor] : [scope];
  const others = pool.keys.filter((other) => other !== key);
  const bare = scopes.find((each) =>
    others.every((other) => other.stateFor(each).kind !== 'valid'),
  );
  return bare === undefined ? undefined : { kind: 'last_key', model: bare };
}
