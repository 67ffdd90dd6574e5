import { errorText } from '../../core/errors.ts';
import { keptUp } from '../../core/kept-up.ts';
import { waited } from '../../core/waited.ts';
import type { Logger } from '../../telemetry/index.ts';
import { KeyOutbox } from './key-outbox.ts';
import type { KeyName, KeyStateSession, KeyStateStore } from '../pool/key-state-store.ts';
import type { KeyClock } from '../key/key-clock.ts';
import type { KeyRecord } from '../key/key-record.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import { Wakeup } from './wakeup.ts';

export interface KeyStateSyncParts {
  readonly store: KeyStateStore;
  readonly learn: (record: KeyRecord) => void;
  /** What the pools go by, and how they learn that it was put right. */
  readonly clock: KeyClock;
  readonly move: (byMs: number) => void;
  readonly logger: Logger;
  /** From 0 up to 1, so that replicas do not all come back at the same instant. */
  readonly random: () => number;
}

/** Everything is read again this often, for notifications that got lost, as poolers of connections lose them. */
const REREAD_MS = 10_000;
/** An answer about the time that took no longer is good enough; otherwise so many are asked for. */
const QUICK_MS = 20;
const TIMES_ASKED = 3;
const PAUSES = { minMs: 200, maxMs: 2_000 };
/** How long a process that stops waits for its last news to be taken. */
const STOP_MS = 2_000;

/**
 * Keeps the pools of this process and the record that all replicas share in step, in
 * the background: nobody waits for it. While the database is away the local state
 * decides and what there is to tell waits; afterwards both sides hear it all.
 */
export class KeyStateSync {
  readonly #parts: KeyStateSyncParts;
  readonly #outbox = new KeyOutbox();
  readonly #changed = new Map<string, KeyName>();
  readonly #wakeup = new Wakeup();
  readonly #stopping = new AbortController();
  #isAllWanted = true;
  #readAllMs = -Infinity;
  #isConnected = false;
  #isCutOff = false;
  #running: Promise<void> | undefined;

  constructor(parts: KeyStateSyncParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  tell(transition: KeyTransition): void {
    if (transition.origin === 'remote') return;
    this.#outbox.add(transition);
    this.#wakeup.wake();
  }

  /** Reads the whole record again: there are keys now that it may know something about. */
  refresh(): void {
    this.#isAllWanted = true;
    this.#wakeup.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wakeup.wake();
    const deadline = new AbortController();
    await Promise.race([this.#running, waited(STOP_MS, deadline.signal)]);
    deadline.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await Promise.race([this.#parts.store.ready, aborted(signal)]);
    await keptUp((isUp) => this.#attend(isUp), {
      signal,
      pauses: { ...PAUSES, random: this.#parts.random },
      failed: (error) => this.#becomeCutOff(error),
    });
  }

  /** One session, from its beginning until it is lost, which rejects, or no longer wanted. */
  async #attend(isUp: () => void): Promise<void> {
    const lost: Error[] = [];
    const connecting = this.#parts.store.connect({
      onChange: (key) => this.#hear(key),
      onLost: (error) => {
        lost.push(error);
        this.#wakeup.wake();
      },
    });
    const session = await Promise.race([connecting, aborted(this.#stopping.signal)]);
    if (session === undefined) return;
    try {
      // What happened before this session listened was told to nobody.
      this.#isAllWanted = true;
      for (;;) {
        await this.#exchange(session);
        this.#becomeConnected();
        isUp();
        if (this.#outbox.isEmpty && this.#stopping.signal.aborted) return;
        if (this.#outbox.isEmpty) await this.#sleep();
        if (lost[0] !== undefined) throw lost[0];
      }
    } finally {
      await session.close();
    }
  }

  async #sleep(): Promise<void> {
    if (!(await this.#wakeup.slept(REREAD_MS))) this.#isAllWanted = true;
  }

  /** Tells once, then hears: whoever always has more to tell must hear of others all the same. */
  async #exchange(session: KeyStateSession): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const isAllWanted = this.#isAllWanted || nowMs - this.#readAllMs >= REREAD_MS;
    if (isAllWanted) await this.#agreeOnTime(session);
    if (!this.#outbox.isEmpty) {
      this.#learn(await session.merge(this.#outbox.next()));
      this.#outbox.delivered();
    }
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    if (isAllWanted) {
      this.#isAllWanted = false;
      this.#readAllMs = nowMs;
      this.#learn(await session.read());
    } else if (changed.length > 0) {
      this.#learn(await session.read(changed));
    }
  }

  async #agreeOnTime(session: KeyStateSession): Promise<void> {
    const { clock, move } = this.#parts;
    const { databaseMs, ...between } = await this.#timeOf(session);
    const byMs = clock.agree(databaseMs, between);
    if (byMs === 0) return;
    this.#outbox.move(byMs);
    move(byMs);
  }

  /** As it is known best: where a machine is busy, the quickest of a few answers says more than the first. */
  async #timeOf(session: KeyStateSession, asked = 1): Promise<DatabaseTime> {
    const { clock } = this.#parts;
    const fromMs = clock.monotonicMs();
    const databaseMs = await session.nowMs();
    const time = { databaseMs, fromMs, untilMs: clock.monotonicMs() };
    if (tookMs(time) <= QUICK_MS || asked === TIMES_ASKED) return time;
    const next = await this.#timeOf(session, asked + 1);
    return tookMs(next) < tookMs(time) ? next : time;
  }

  #learn(records: readonly KeyRecord[]): void {
    for (const record of records) this.#parts.learn(record);
  }

  #hear(key: KeyName): void {
    this.#changed.set(`${key.provider} ${key.fingerprint}`, key);
    this.#wakeup.wake();
  }

  /** Said once, when this process knows what the others know. */
  #becomeConnected(): void {
    if (!this.#isConnected) this.#parts.logger.info('key states are shared');
    this.#isConnected = true;
    this.#isCutOff = false;
  }

  /** Said once, however often it is tried. */
  #becomeCutOff(error: unknown): undefined {
    this.#isConnected = false;
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    const reason = errorText(error);
    this.#parts.logger.warn('key states are not shared for now: each process goes by its own', {
      reason,
    });
  }
}

/** What the database's clock showed at some moment between two of ours. */
interface DatabaseTime {
  readonly databaseMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

function tookMs({ fromMs, untilMs }: DatabaseTime): number {
  return untilMs - fromMs;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
