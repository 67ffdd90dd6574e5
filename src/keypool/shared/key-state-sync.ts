import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import type { Logger } from '../../telemetry/index.ts';
import { KeyOutbox } from './key-outbox.ts';
import type {
  KeyName,
  KeyStateSession,
  KeyStateStore,
  RecordedKeyState,
} from '../pool/key-state-store.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import { Wakeup } from './wakeup.ts';

export interface KeyStateSyncParts {
  readonly store: KeyStateStore;
  readonly learn: (record: RecordedKeyState) => void;
  readonly logger: Logger;
  /** From 0 up to 1, so that replicas do not all come back at the same instant. */
  readonly random: () => number;
}

/** Everything is read again this often, for notifications that got lost, as poolers of connections lose them. */
const REREAD_MS = 10_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;
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
  #isConnected = false;
  #failures = 0;
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
    while (!signal.aborted) {
      try {
        await this.#attend();
      } catch (error) {
        this.#becomeCutOff(error);
        const longestMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
        await waited(longestMs * (0.5 + this.#parts.random() / 2), signal);
      }
    }
  }

  /** One session, from its beginning until it is lost, which rejects, or no longer wanted. */
  async #attend(): Promise<void> {
    const lost: Error[] = [];
    const session = await this.#parts.store.connect({
      onChange: (key) => this.#hear(key),
      onLost: (error) => {
        lost.push(error);
        this.#wakeup.wake();
      },
    });
    try {
      // What happened before this session listened was told to nobody.
      this.#isAllWanted = true;
      for (;;) {
        await this.#exchange(session);
        this.#becomeConnected();
        if (this.#stopping.signal.aborted) return;
        if (!(await this.#wakeup.slept(REREAD_MS))) this.#isAllWanted = true;
        if (lost[0] !== undefined) throw lost[0];
      }
    } finally {
      await session.close();
    }
  }

  async #exchange(session: KeyStateSession): Promise<void> {
    while (!this.#outbox.isEmpty) {
      this.#learn(await session.merge(this.#outbox.next()));
      this.#outbox.delivered();
    }
    const isAllWanted = this.#isAllWanted;
    const changed = [...this.#changed.values()];
    this.#isAllWanted = false;
    this.#changed.clear();
    if (isAllWanted) this.#learn(await session.read());
    else if (changed.length > 0) this.#learn(await session.read(changed));
  }

  #learn(records: readonly RecordedKeyState[]): void {
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
    this.#failures = 0;
  }

  /** Said once, however often it is tried. */
  #becomeCutOff(error: unknown): void {
    this.#isConnected = false;
    this.#failures += 1;
    if (this.#failures > 1) return;
    const reason = errorText(error);
    this.#parts.logger.warn('key states are not shared for now: each process goes by its own', {
      reason,
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
