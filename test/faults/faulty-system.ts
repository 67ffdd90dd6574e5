import { rm } from 'node:fs/promises';
import { rateLimited, startSimulator, type Simulator } from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { Bridge } from '../support/bridge.ts';
import { answerLoad } from '../support/load.ts';
import { createTestDatabase, temporaryDataDir } from '../support/postgres.ts';

const LIMITED_KEY = 'sk-ant-api03-the-limited-key-0001';
const GOOD_KEY = 'sk-ant-api03-the-good-key-0002';

/** A provider, a database and a data directory that outlive the bridges on them. */
export interface FaultySystem {
  readonly simulator: Simulator;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly tables: AuditTables;
  /** A bridge with two keys, the first of which is limited again and again. */
  startBridge(options?: BridgeOptions): Promise<Bridge>;
  remove(): Promise<void>;
}

export interface BridgeOptions {
  /** By default the system's own. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `databaseUrl`: where the records go; by default a new database of the common server. */
export async function faultySystem(databaseUrl?: string): Promise<FaultySystem> {
  const [simulator, dataDir] = await Promise.all([startSimulator(), temporaryDataDir()]);
  const database =
    databaseUrl === undefined
      ? await createTestDatabase()
      : { url: databaseUrl, drop: () => Promise.resolve() };
  const tables = new AuditTables(database.url);
  const bridges: Bridge[] = [];
  answerLoad(simulator, { betweenEventsMs: 10 });
  simulator.key(LIMITED_KEY).always(rateLimited({ retryAfterMs: 20 }));
  return {
    simulator,
    dataDir,
    databaseUrl: database.url,
    tables,
    async startBridge({ dataDir: ownDataDir = dataDir, env = {} } = {}) {
      const keys = { AIBRIDGE_PROVIDER_0_KEYS: `${LIMITED_KEY},${GOOD_KEY}` };
      const provider = {
        AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
        AIBRIDGE_PROVIDER_0_BASE_URL: simulator.url,
      };
      const bridge = await Bridge.start({
        dataDir: ownDataDir,
        env: { DATABASE_URL: database.url, ...provider, ...keys, ...env },
      });
      bridges.push(bridge);
      return bridge;
    },
    async remove() {
      const running = bridges.filter(({ exitCode }) => exitCode === undefined);
      await Promise.all(running.map((bridge) => bridge.kill()));
      await simulator.close();
      await tables.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
