import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { KeyPool } from '../pool/key-pool.ts';
import type { KeyProbe } from './key-probe.ts';
import type { KeyStateStore } from '../pool/key-state-store.ts';
import type { PoolKey } from '../key/pool-key.ts';

export interface KeyRecheckParts {
  readonly pools: readonly { readonly provider: string; readonly pool: KeyPool }[];
  readonly probe: KeyProbe;
  readonly store: Pick<KeyStateStore, 'claimCheck'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Infinity: never. */
  readonly everyMs: number;
}

/** How much sooner or later than the interval a key is probed, so that many keys spread out. */
const JITTER = 0.1;
/** The looks that are taken in one interval; keys rejected since the last one are found by them. */
const LOOKS_PER_INTERVAL = 20;
const LOOK_MIN_MS = 50;
const PROBES_AT_ONCE = 4;
const PROBE_MS = 15_000;

interface RejectedKey {
  readonly provider: string;
  readonly pool: KeyPool;
  readonly key: PoolKey;
}

/**
 * Probes every rejected key once in an interval, and brings it back when the provider
 * takes it again. That goes for a key that is rejected for a model alone, too: what has
 * come of that shows in the next request for the model. Of all replicas one does it; while the database is away, which is
 * where they agree on that, each does.
 */
export class KeyRecheck {
  readonly #parts: KeyRecheckParts;
  readonly #dueMs = new Map<PoolKey, number>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: KeyRecheckParts) {
    this.#parts = parts;
  }

  start(): void {
    if (Number.isFinite(this.#parts.everyMs)) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** About when a rejected key is probed, or left to another replica that does it; undefined: it is not. */
  plannedMs(key: PoolKey): number | undefined {
    const { clock, everyMs } = this.#parts;
    const nowMs = clock.nowMs();
    if (!Number.isFinite(everyMs) || !isRejected(key, nowMs)) return undefined;
    const dueMs = this.#dueMs.get(key) ?? nowMs + everyMs;
    const state = key.stateFor();
    return state.kind === 'temporary' ? Math.max(dueMs, state.untilMs) : dueMs;
  }

  /** Probes what is due. */
  async look(): Promise<void> {
    const due = this.#due();
    const lanes = Array.from({ length: PROBES_AT_ONCE }, async () => {
      for (let next = due.shift(); next; next = due.shift()) await this.#recheck(next);
    });
    await Promise.all(lanes);
  }

  async #run(): Promise<void> {
    const stepMs = Math.max(LOOK_MIN_MS, this.#parts.everyMs / LOOKS_PER_INTERVAL);
    while (await waited(stepMs, this.#stopping.signal)) {
      await this.look().catch((error: unknown) => {
        this.#parts.logger.error('probing the rejected keys failed', { reason: errorText(error) });
      });
    }
  }

  #due(): RejectedKey[] {
    const nowMs = this.#parts.clock.nowMs();
    const rejected = this.#parts.pools.flatMap(({ provider, pool }) =>
      pool.keys.filter((key) => isRejected(key, nowMs)).map((key) => ({ provider, pool, key })),
    );
    this.#forgetAllBut(new Set(rejected.map(({ key }) => key)));
    return rejected.filter(({ key }) => {
      const dueMs = this.#dueMs.get(key);
      if (dueMs !== undefined && dueMs > nowMs) return false;
      // To bring it back would end its cooldown, of which a probe tells nothing.
      if (dueMs !== undefined && key.stateFor().kind === 'temporary') return false;
      this.#dueMs.set(key, nowMs + this.#intervalMs());
      return dueMs !== undefined;
    });
  }

  #forgetAllBut(rejected: ReadonlySet<PoolKey>): void {
    for (const key of this.#dueMs.keys()) if (!rejected.has(key)) this.#dueMs.delete(key);
  }

  #intervalMs(): number {
    return this.#parts.everyMs * (1 - JITTER + 2 * JITTER * this.#parts.random());
  }

  async #recheck({ provider, pool, key }: RejectedKey): Promise<void> {
    const { probe, logger } = this.#parts;
    const { fingerprint, hint } = key;
    if (!(await this.#isOurs(provider, fingerprint))) return;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(PROBE_MS)]);
    const result = await probe.probe(provider, key, signal);
    logger.debug('rejected key probed', { provider, api_key_hint: hint, result });
    if (result === 'accepted') pool.reset(fingerprint, 'recheck_passed');
  }

  async #isOurs(provider: string, fingerprint: string): Promise<boolean> {
    try {
      return await this.#parts.store.claimCheck({ provider, fingerprint }, this.#parts.everyMs / 2);
    } catch {
      return true; // the database is away, and with it whoever else might do it
    }
  }
}

/** For all that is asked with it, or for some model. */
function isRejected(key: PoolKey, nowMs: number): boolean {
  return [...key.states(nowMs).values()].some(({ kind }) => kind === 'permanent');
}
