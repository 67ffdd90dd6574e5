import { errorText } from '../core/errors.ts';
import type { KeySecret } from '../core/key-secret.ts';
import { within } from '../core/within.ts';
import type { KeyPool } from '../keypool/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** A call waits so long for new credentials; then it goes with those that are there. */
const RENEWAL_MS_MAX = 5_000;

export interface KeyRenewalParts {
  readonly provider: string;
  readonly pool: KeyPool;
  readonly replaceKeys: (keys: readonly KeySecret[]) => void;
  readonly logger: Logger;
}

/**
 * Keeps a pool up to date whose keys somebody else renews. Asked before each call, because
 * who renews them knows when that is due, and answers at once when it is not.
 */
export class KeyRenewal {
  readonly #parts: KeyRenewalParts;
  #isFailing = false;

  constructor(parts: KeyRenewalParts) {
    this.#parts = parts;
  }

  /** Never rejects: old credentials may do, and if not the provider says so. */
  async run(timeoutMs = RENEWAL_MS_MAX): Promise<void> {
    const { pool, replaceKeys } = this.#parts;
    const secrets = pool.keys.map(({ secret }) => secret);
    if (secrets.every(({ renewed }) => renewed === undefined)) return;
    try {
      const renewed = secrets.map(async (secret) => (await secret.renewed?.()) ?? secret);
      const now = await within(timeoutMs, Promise.all(renewed), 'it took longer than');
      if (now.some((secret, index) => secret !== secrets[index])) replaceKeys(now);
      this.#isFailing = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { provider, logger } = this.#parts;
    if (!this.#isFailing) {
      logger.warn('keys not renewed: the old ones stay', { provider, reason: errorText(error) });
    }
    this.#isFailing = true;
  }
}
