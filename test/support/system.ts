import { readFile } from 'node:fs/promises';
import { startSimulator, type Simulator } from '../simulator/index.ts';
import { AuditTables } from './audit-tables.ts';
import { Bridge } from './bridge.ts';
import { createTestDatabase } from './postgres.ts';

/** A bridge between nothing but a simulated provider and a database of its own. */
export interface System {
  readonly simulator: Simulator;
  readonly bridge: Bridge;
  /** What the bridge was started with, for a successor of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly tables: AuditTables;
  stop(): Promise<void>;
}

export const POOL_KEY = 'sk-ant-api03-the-only-pool-key-0001';

/** As the reference does it, by which the spec's tables of keys are written. */
export const LIMITS_ARE_THE_KEYS = { AIBRIDGE_COOLDOWN_SCOPE: 'key' };

/** For tests that have one provider fail again and again, and want every call to be made. */
export const WITHOUT_BREAKERS = { AIBRIDGE_BREAKER: 'off' };

/** One Anthropic provider with one key; `settings` are its own, without the common prefix. */
export async function startSystem(
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly settings?: Readonly<Record<string, string>>;
  } = {},
): Promise<System> {
  const [simulator, database] = await Promise.all([startSimulator(), createTestDatabase()]);
  const settings = Object.entries({
    TYPE: 'anthropic',
    BASE_URL: simulator.url,
    KEYS: POOL_KEY,
    ...options.settings,
  });
  const env = {
    DATABASE_URL: database.url,
    ...Object.fromEntries(settings.map(([name, value]) => [`AIBRIDGE_PROVIDER_0_${name}`, value])),
    ...options.env,
  };
  const bridge = await Bridge.start({ env });
  const tables = await AuditTables.open(database.url);
  return {
    simulator,
    bridge,
    env,
    tables,
    async stop() {
      await bridge.stop();
      await tables.close();
      await simulator.close();
      await database.drop();
    },
  };
}

/** A request body of the Messages API. */
export function messagesBody(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    model: 'claude-opus-4-5',
    max_tokens: 16,
    messages: [{ role: 'user', content: 'hi' }],
    ...fields,
  });
}

const RESIDENT = { now: /VmRSS:\s+(\d+)/, peak: /VmHWM:\s+(\d+)/ } as const;

/** Memory of a process that lies in RAM, in MiB. */
export async function residentMiB(pid: number, when: keyof typeof RESIDENT = 'now') {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(RESIDENT[when].exec(status)?.[1]) / 1024;
}
