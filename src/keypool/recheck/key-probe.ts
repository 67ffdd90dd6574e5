import type { PoolKey } from '../key/pool-key.ts';

/** `unknown`: the provider said nothing about the key, or nothing at all. */
export type ProbeResult = 'accepted' | 'rejected' | 'unknown';

/** Asks a provider whether it takes a key, without making a call that costs anything. */
export abstract class KeyProbe {
  abstract probe(provider: string, key: PoolKey, signal: AbortSignal): Promise<ProbeResult>;
}
