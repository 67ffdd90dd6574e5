import type { ProviderConfig } from '../config/index.ts';
import type { KeyPool } from '../keypool/index.ts';
import type { Provider } from '../providers/index.ts';
import type { Dumps, ProviderDumps } from './dump/dumps.ts';
import type { GuardSettings } from './guarded-call.ts';
import { WaitingRoom } from './key-patience.ts';
import { UpstreamClient } from './wire/upstream-client.ts';

/** One configured provider, ready to be called. */
export class ProviderInstance {
  readonly name: string;
  readonly type: string;
  readonly baseUrl: URL;
  readonly allowByok: boolean;
  readonly idleTimeoutMs: number;
  /** Of a whole call; undefined: none. */
  readonly totalTimeoutMs: number | undefined;
  readonly client: UpstreamClient;
  readonly failover: GuardSettings;
  /** Undefined where nothing is dumped. */
  readonly dumps: ProviderDumps | undefined;

  constructor(
    config: ProviderConfig,
    readonly provider: Provider,
    /** Undefined where callers bring their own keys. */
    readonly pool: KeyPool | undefined,
    settings: Omit<GuardSettings, 'provider' | 'retriesMax' | 'waitingRoom'> & {
      readonly dumps: Dumps;
    },
  ) {
    const { dumps, ...failover } = settings;
    const { name, dumpDir } = config;
    this.name = name;
    this.type = config.type;
    this.baseUrl = new URL(config.baseUrl);
    this.allowByok = config.allowByok;
    this.idleTimeoutMs = config.idleTimeoutMs;
    this.totalTimeoutMs = config.totalTimeoutMs;
    this.client = new UpstreamClient({
      origin: this.baseUrl.origin,
      proxy: config.proxy,
      connectMs: config.connectTimeoutMs,
      firstByteMs: config.firstByteTimeoutMs,
      idleMs: config.idleTimeoutMs,
    });
    const { clock, random } = failover;
    this.failover = {
      provider,
      retriesMax: config.maxRetries,
      waitingRoom: new WaitingRoom({ waitMsMax: config.waitForKeyMs, clock, random }),
      ...failover,
    };
    const { host } = this.baseUrl;
    this.dumps = dumpDir === undefined ? undefined : dumps.of({ name, dumpDir, host });
  }
}
