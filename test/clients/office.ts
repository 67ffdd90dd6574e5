import { rm } from 'node:fs/promises';
import { startSimulator, unauthorized, type Simulator } from '../simulator/index.ts';
import { playground } from '../simulator/playground.ts';
import { scriptOf } from '../simulator/script-file.ts';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase, temporaryDataDir } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { Audit } from './audit.ts';
import { shellLine } from './readme.ts';

/** Rules for the calls that the clients make on their own account. */
const HELPERS = [
  {
    when: { route: 'messages', body: '"content":.{0,40}<session>' },
    answers: [{ text: '{"title":"A conversation"}' }],
  },
  {
    when: { body: 'Do NOT call any tools|CONTEXT CHECKPOINT COMPACTION' },
    answers: [{ text: '<summary>They looked.</summary>', usage: { input: 100, output: 10 } }],
  },
];

/**
 * A bridge on the simulator, both as the README shows them without an account, for users of real
 * clients. The first key of each provider is `limited`, the second a good one.
 */
export class Office {
  readonly simulator: Simulator;
  bridge: Bridge;
  readonly #settings: { readonly env: Readonly<Record<string, string>>; readonly dataDir: string };
  readonly #dropDatabase: () => Promise<void>;

  private constructor(
    simulator: Simulator,
    bridge: Bridge,
    settings: { readonly env: Readonly<Record<string, string>>; readonly dataDir: string },
    dropDatabase: () => Promise<void>,
  ) {
    this.simulator = simulator;
    this.bridge = bridge;
    this.#settings = settings;
    this.#dropDatabase = dropDatabase;
  }

  /** `more`: what the README does not set. */
  static async open(more: Readonly<Record<string, string>> = {}): Promise<Office> {
    const [simulator, database, dataDir] = await Promise.all([
      startSimulator(),
      createTestDatabase(),
      temporaryDataDir(),
    ]);
    const { env } = shellLine('A bridge on it', { simulator: simulator.url });
    const settings = { env: { ...env, ...more, DATABASE_URL: database.url }, dataDir };
    const bridge = await Bridge.start(settings);
    return new Office(simulator, bridge, settings, () => database.drop());
  }

  get audit(): Audit {
    return new Audit(this.bridge.url);
  }

  /** Lets good keys answer by these rules of a script file. */
  play(...rules: readonly unknown[]): void {
    this.simulator.clear();
    this.simulator.withoutKey.always(unauthorized());
    const script = scriptOf(JSON.stringify({ rules: [...HELPERS, ...rules] }));
    this.simulator.onAnyKey(playground(script));
  }

  /** With a bridge in place of one that was killed, and the data that it left. */
  async reopen(): Promise<void> {
    this.bridge = await Bridge.start(this.#settings);
    // It serves at once, before its database is there again.
    await until('the audit answers', () => this.audit.answers());
  }

  async close(): Promise<void> {
    await this.bridge.stop();
    await this.simulator.close();
    await this.#dropDatabase();
    await rm(this.#settings.dataDir, { recursive: true, force: true });
  }
}
