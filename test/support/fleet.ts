import { providerOfType } from '../../src/providers/index.ts';
import { startSimulator, type Call, type Simulator } from '../simulator/index.ts';
import { AuditTables } from './audit-tables.ts';
import { Bridge } from './bridge.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { LIMITS_ARE_THE_KEYS } from './system.ts';

/** One configured provider with keys that nobody else has. */
export interface FleetProvider {
  readonly name: string;
  readonly type: string;
  readonly keys: readonly string[];
}

export type ProviderSettings = Readonly<Record<string, string>>;

interface Member extends FleetProvider {
  readonly settings: ProviderSettings;
}

interface Running {
  readonly simulator: Simulator;
  readonly database: TestDatabase;
  readonly bridge: Bridge;
  readonly tables: AuditTables;
}

/**
 * One bridge for a whole file, with a provider of its own for every test: keys keep
 * their state as long as the process lives, so a provider is never used twice. Tests
 * ask for theirs while they are collected; `start` then configures them all.
 */
export class Fleet {
  readonly #members: Member[] = [];
  #running: Running | undefined;

  /** `settings` are the provider's variables without their prefix, such as `IDLE_TIMEOUT`. */
  provider(
    type: string,
    { keys = 2, ...settings }: { keys?: number; [setting: string]: string | number } = {},
  ): FleetProvider {
    const name = `p${this.#members.length}`;
    const member = {
      name,
      type,
      keys: Array.from({ length: keys }, (_, index) => keyOf(name, index)),
      settings: Object.fromEntries(
        Object.entries(settings).map(([setting, value]) => [setting, String(value)]),
      ),
    };
    this.#members.push(member);
    return member;
  }

  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const [simulator, database] = await Promise.all([startSimulator(), createTestDatabase()]);
    const providers = this.#members.map((member, index) =>
      providerVariables(member, index, simulator.url),
    );
    const bridge = await Bridge.start({
      env: Object.assign({ DATABASE_URL: database.url, ...LIMITS_ARE_THE_KEYS }, ...providers, env),
    });
    const tables = await AuditTables.open(database.url);
    this.#running = { simulator, database, bridge, tables };
  }

  async stop(): Promise<void> {
    const { simulator, database, bridge, tables } = this.#run;
    await bridge.stop();
    await tables.close();
    await simulator.close();
    await database.drop();
  }

  get simulator(): Simulator {
    return this.#run.simulator;
  }

  get bridge(): Bridge {
    return this.#run.bridge;
  }

  get tables(): AuditTables {
    return this.#run.tables;
  }

  get databaseUrl(): string {
    return this.#run.database.url;
  }

  /** What reached the provider with one of its keys, in order. */
  callsOf({ keys }: FleetProvider): readonly Call[] {
    return this.simulator.calls.filter(({ key }) => key !== null && keys.includes(key));
  }

  get #run(): Running {
    if (this.#running === undefined) throw new Error('the fleet has not been started');
    return this.#running;
  }
}

/** Keys of which hints and fingerprints differ, too. */
export function keyOf(provider: string, index: number): string {
  return `sk-${provider}-pool-key-number-${String(index).padStart(4, '0')}`;
}

/** The configuration of one provider, as the environment has it. */
export function providerVariables(
  { name, type, keys, settings }: Member,
  index: number,
  simulatorUrl: string,
): Record<string, string> {
  const own = {
    TYPE: type,
    NAME: name,
    BASE_URL: `${simulatorUrl}${providerOfType(type)?.mount ?? ''}`,
    ...(keys.length > 0 && { KEYS: keys.join(',') }),
    ...settings,
  };
  return Object.fromEntries(
    Object.entries(own).map(([setting, value]) => [`AIBRIDGE_PROVIDER_${index}_${setting}`, value]),
  );
}
