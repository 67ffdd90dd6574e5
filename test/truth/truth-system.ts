import { startSimulator, type Simulator } from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { keyOf, providerVariables, type FleetProvider } from '../support/fleet.ts';
import { createTestDatabase, type TestDatabase, type TestServer } from '../support/postgres.ts';
import { CallBook } from './call-book.ts';
import { FIRST_BYTE_TIMEOUT_MS, IDLE_TIMEOUT_MS } from './expectation.ts';
import { DatabasePulse } from './database-pulse.ts';
import { DEFAULT_COOLDOWN_MS } from './key-refusal.ts';
import { MortalBridge, type Life } from './mortal-bridge.ts';
import { typeOfProvider, type PlannedRequest } from './scenario.ts';

export const KEYS = 4;
export const BRIDGES = 2;

const SETTINGS = {
  FIRST_BYTE_TIMEOUT: `${FIRST_BYTE_TIMEOUT_MS}ms`,
  IDLE_TIMEOUT: `${IDLE_TIMEOUT_MS}ms`,
};

/** Two bridges on one database, in front of providers of their own. */
export class TruthSystem {
  readonly providers: readonly FleetProvider[];
  readonly book = new CallBook();
  readonly simulator: Simulator;
  readonly tables: AuditTables;
  readonly pulse: DatabasePulse;
  readonly bridges: readonly MortalBridge[];
  readonly #database: TestDatabase;

  private constructor(
    made: Pick<TruthSystem, 'providers' | 'book' | 'simulator' | 'bridges' | 'pulse'>,
    database: TestDatabase,
  ) {
    this.providers = made.providers;
    this.book = made.book;
    this.simulator = made.simulator;
    this.bridges = made.bridges;
    this.pulse = made.pulse;
    this.#database = database;
    this.tables = new AuditTables(database.url);
  }

  static async start(
    providerCount: number,
    { server, program }: { server: TestServer; program: string | undefined },
  ): Promise<TruthSystem> {
    const book = new CallBook();
    const providers = Array.from({ length: providerCount }, (_, index) => providerOf(index));
    const [simulator, database] = await Promise.all([
      startSimulator({ keepCalls: 0, onCall: book.add }),
      createTestDatabase(server),
    ]);
    const variables = providers.map((provider, index) =>
      providerVariables({ ...provider, settings: SETTINGS }, index, simulator.url),
    );
    const env = {
      DATABASE_URL: database.url,
      LOG_LEVEL: 'info',
      AIBRIDGE_COOLDOWN_DEFAULT: `${DEFAULT_COOLDOWN_MS}ms`,
      AIBRIDGE_KEY_RECHECK: 'off',
      AIBRIDGE_BREAKER: 'off',
      ...Object.assign({}, ...variables),
    };
    const bridges = await Promise.all(
      Array.from({ length: BRIDGES }, () => MortalBridge.start({ env, program })),
    );
    const pulse = await DatabasePulse.start(database.url);
    return new TruthSystem({ providers, book, simulator, bridges, pulse }, database);
  }

  /** A process of the bridge that a request is for, or of the next one that is there. */
  lifeFor({ bridge }: PlannedRequest): Promise<Life> {
    const inTurn = [...this.bridges.slice(bridge), ...this.bridges.slice(0, bridge)];
    return Promise.race(inTurn.map(({ life }) => life));
  }

  /** Answers what the bridges did that they may not do. */
  async stop(): Promise<readonly string[]> {
    await Promise.all(this.bridges.map((bridge) => bridge.stop()));
    await this.pulse.stop();
    await this.tables.close();
    await this.simulator.close();
    await this.#database.drop();
    return this.bridges.flatMap(({ faults }) => faults);
  }
}

function providerOf(index: number): FleetProvider {
  const name = `p${index}`;
  const keys = Array.from({ length: KEYS }, (_, key) => keyOf(name, key));
  return { name, type: typeOfProvider(index), keys };
}
