import type { Clock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { KeyPool } from '../../src/keypool/pool/key-pool.ts';
import type { KeyTransition } from '../../src/keypool/key/key-transition.ts';
import type { PoolKey } from '../../src/keypool/key/pool-key.ts';
import { rateLimited } from './a-pool.ts';
import { FakeClock } from './fake-clock.ts';

/** One process with a pool of its own that has the keys which all of them have. */
export function aProcess({
  clock = new FakeClock(),
  keys = 2,
  provider = 'anthropic',
}: { clock?: Clock; keys?: number; provider?: string } = {}) {
  const told: KeyTransition[] = [];
  const secrets = Array.from({ length: keys }, (_, index) => new Secret(`a-key-of-all-${index}`));
  const pool = new KeyPool(secrets, {
    provider,
    clock,
    cooldownDefaultMs: 60_000,
    cooldownMaxMs: 3_600_000,
    onTransition: (transition) => told.push(transition),
  });
  const key = (index: number): PoolKey => {
    const found = pool.keys[index];
    if (!found) throw new Error(`no key ${index}`);
    return found;
  };
  return {
    clock,
    pool,
    key,
    /** Every transition so far; emptied by the test when it likes. */
    told,
    /** For everything, or for a model. */
    cool: (index: number, forMs: number, model?: string) =>
      pool.mark(key(index), rateLimited(forMs, model === undefined ? 'key' : 'model'), {
        status: 429,
        ...(model !== undefined && { model }),
      }),
    reject: (index: number) =>
      pool.mark(
        key(index),
        { kind: 'reject', reason: 'unauthorized', scope: 'key' },
        { status: 401 },
      ),
    forbid: (index: number, model: string) =>
      pool.mark(
        key(index),
        { kind: 'reject', reason: 'forbidden', scope: 'model' },
        { status: 403, model },
      ),
    drill: (index: number, forMs: number, scope: string | null = null) =>
      pool.drill(key(index), { scope, forMs, actor: 'dave@corp' }),
    reset: (index: number, actor: string | null = null) =>
      pool.reset(key(index).fingerprint, 'operator_reset', actor),
  };
}
