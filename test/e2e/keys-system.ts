import { startSimulator, type Simulator } from '../simulator/index.ts';
import { Bridge } from '../support/bridge.ts';
import { fingerprintOf } from '../support/mask.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { LIMITS_ARE_THE_KEYS, messagesBody } from '../support/system.ts';
import { until } from '../support/until.ts';

export const FIRST = 'sk-ant-key-number-one-0001';
export const SECOND = 'sk-ant-key-number-two-0002';

export type KeyState = 'valid' | 'temporary' | 'permanent';

export interface KeyAnswer {
  readonly fingerprint: string;
  readonly state: KeyState;
  readonly [field: string]: unknown;
}

/** Where bridges that share their keys meet, and the provider that they call. */
export class KeysSystem {
  readonly #bridges: Bridge[] = [];

  private constructor(
    readonly simulator: Simulator,
    readonly database: TestDatabase,
  ) {}

  static async start(): Promise<KeysSystem> {
    const [simulator, database] = await Promise.all([startSimulator(), createTestDatabase()]);
    return new KeysSystem(simulator, database);
  }

  /** A bridge with the keys `FIRST` and `SECOND` that has heard from the database. */
  async bridge(env: Readonly<Record<string, string>> = {}): Promise<Bridge> {
    const bridge = await this.bridgeWithoutDatabase(env);
    await bridge.log(({ msg }) => msg === 'key states are shared');
    return bridge;
  }

  /** One that does not wait for it. */
  async bridgeWithoutDatabase(env: Readonly<Record<string, string>>): Promise<Bridge> {
    const bridge = await Bridge.start({
      env: {
        DATABASE_URL: this.database.url,
        ...LIMITS_ARE_THE_KEYS,
        AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
        AIBRIDGE_PROVIDER_0_BASE_URL: this.simulator.url,
        ...(env['AIBRIDGE_PROVIDER_0_KEYS_FILE'] === undefined && {
          AIBRIDGE_PROVIDER_0_KEYS: `${FIRST},${SECOND}`,
        }),
        ...env,
      },
    });
    this.#bridges.push(bridge);
    return bridge;
  }

  async stop(): Promise<void> {
    const running = this.#bridges.filter(({ exitCode }) => exitCode === undefined);
    await Promise.all(running.map((bridge) => bridge.stop()));
    await Promise.all(this.#bridges.map((bridge) => bridge.removeData()));
    await this.simulator.close();
    await this.database.drop();
  }
}

export function ask(bridge: Bridge, fields: Readonly<Record<string, unknown>> = {}) {
  return fetch(`${bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: messagesBody(fields),
  });
}

export async function keysOf(bridge: Bridge): Promise<readonly KeyAnswer[]> {
  const res = await fetch(`${bridge.url}/api/v1/keys`);
  const { items } = Object(await res.json());
  return items;
}

/** Resolves as soon as the bridge says so of this key; answers what it says. */
export function becomes(
  bridge: Bridge,
  key: string,
  state: KeyState,
  withinMs?: number,
): Promise<KeyAnswer> {
  return until(
    `${state}: ${key}`,
    async () => {
      const keys = await keysOf(bridge);
      return keys.find((one) => one.fingerprint === fingerprintOf(key) && one.state === state);
    },
    withinMs,
  );
}

export function reset(bridge: Bridge, key: string, provider = 'anthropic'): Promise<Response> {
  return fetch(`${bridge.url}/api/v1/keys/${provider}/${fingerprintOf(key)}/reset`, {
    method: 'POST',
  });
}
