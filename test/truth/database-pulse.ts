import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

const CHANNEL = 'truth_pulse';
const PAUSE_MS = 100;
/** What a beat takes on a machine that has time for it, with much to spare. */
const PROMPT_MS = 250;

/** When one connection told another something, until when it was heard. */
interface Beat {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * How long the database takes, at any moment, to commit something of one connection and tell another
 * one: what bridges tell each other of keys goes the same way, and is late when this is.
 */
export class DatabasePulse {
  readonly #clients: readonly [teller: Client, hearer: Client];
  readonly #stopping = new AbortController();
  readonly #slow: Beat[] = [];
  #heard = Promise.withResolvers<void>();
  #beginsMs = Infinity;
  #beating: Promise<void> = Promise.resolve();

  private constructor(url: string) {
    this.#clients = [new Client({ connectionString: url }), new Client({ connectionString: url })];
  }

  static async start(url: string): Promise<DatabasePulse> {
    const pulse = new DatabasePulse(url);
    const [teller, hearer] = pulse.#clients;
    await Promise.all([teller.connect(), hearer.connect()]);
    await teller.query('CREATE TABLE truth_pulse AS SELECT 0 AS beats');
    hearer.on('notification', () => pulse.#heard.resolve());
    await hearer.query(`LISTEN ${CHANNEL}`);
    pulse.#beating = pulse.#beat(teller);
    return pulse;
  }

  /** How much of this time it was held up. */
  heldUpMs(fromMs: number, untilMs: number): number {
    const now = { fromMs: this.#beginsMs, untilMs: Date.now() };
    const slow = now.untilMs - now.fromMs > PROMPT_MS ? [...this.#slow, now] : this.#slow;
    return slow.reduce((sum, beat) => {
      const both = Math.min(untilMs, beat.untilMs) - Math.max(fromMs, beat.fromMs);
      return sum + Math.max(0, both);
    }, 0);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#beating;
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  async #beat(teller: Client): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#heard = Promise.withResolvers();
      this.#beginsMs = Date.now();
      await teller.query(
        `WITH beat AS (UPDATE truth_pulse SET beats = beats + 1 RETURNING 1)
         SELECT pg_notify('${CHANNEL}', '') FROM beat`,
      );
      await this.#heard.promise;
      const beat = { fromMs: this.#beginsMs, untilMs: Date.now() };
      this.#beginsMs = Infinity;
      if (beat.untilMs - beat.fromMs > PROMPT_MS) this.#slow.push(beat);
      await delay(PAUSE_MS);
    }
  }
}
