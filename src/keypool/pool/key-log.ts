import type { Logger } from '../../telemetry/index.ts';
import type { KeyPool } from './key-pool.ts';
import type { KeyTransition } from '../key/key-transition.ts';

/**
 * What an operator reads about the keys. `pool is down to its last key` and `pool has no
 * usable key` are there to alert on; they are said when a key goes, not while it is gone.
 */
export class KeyLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  heard(transition: KeyTransition, pool: KeyPool): void {
    if (!transition.isStateChange) return;
    if (transition.origin === 'local') this.#logChange(transition);
    else this.#logLearned(transition);
    if (transition.from.kind === 'valid') this.#logWhatIsLeft(transition, pool);
  }

  #logChange({
    to,
    provider,
    hint,
    scope,
    status,
    cooldownMs,
    reason,
    actor,
  }: KeyTransition): void {
    const fields = {
      provider,
      api_key_hint: hint,
      ...(scope !== null && { model: scope }),
      ...(to.kind !== 'valid' && actor !== null && { reason, actor }),
    };
    if (to.kind === 'permanent') {
      this.#logger.warn('key marked permanent', { ...fields, status });
    } else if (to.kind === 'temporary') {
      this.#logger.info('key marked temporary', { ...fields, status, cooldown: cooldownMs });
    } else {
      this.#logger.info('key is valid again', { ...fields, reason, ...(actor && { actor }) });
    }
  }

  /** The one that saw it has said it already. */
  #logLearned({ to, provider, hint, reason }: KeyTransition): void {
    const fields = { provider, api_key_hint: hint, state: to.kind, reason };
    this.#logger.debug('key state learned from another process', fields);
  }

  /** For everything, or for the model that the key was sidelined for. */
  #logWhatIsLeft({ provider, scope }: KeyTransition, { keys }: KeyPool): void {
    const [last, ...others] = keys.filter((key) => key.stateFor(scope).kind === 'valid');
    const fields = { provider, ...(scope !== null && { model: scope }) };
    if (last === undefined) {
      this.#logger.error('pool has no usable key', { ...fields, keys: keys.length });
    } else if (others.length === 0) {
      this.#logger.warn('pool is down to its last key', { ...fields, hint: last.hint });
    }
  }
}
