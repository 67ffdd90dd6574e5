import type { ProviderConfig } from '../config/index.ts';
import type { KeyPool } from '../keypool/index.ts';
import type { Provider } from '../providers/index.ts';
import type { FailoverSettings } from './failover.ts';
import { UpstreamClient } from './upstream-client.ts';

/** One configured provider, ready to be called. */
export class ProviderInstance {
  readonly name: string;
  readonly type: string;
  readonly baseUrl: URL;
  readonly allowByok: boolean;
  readonly idleTimeoutMs: number;
  readonly client: UpstreamClient;
  readonly failover: FailoverSettings;

  constructor(
    config: ProviderConfig,
    readonly provider: Provider,
    /** Undefined where callers bring their own keys. */
    readonly pool: KeyPool | undefined,
    settings: Omit<FailoverSettings, 'provider' | 'retriesMax'>,
  ) {
    this.name = config.name;
    this.type = config.type;
    this.baseUrl = new URL(config.baseUrl);
    this.allowByok = config.allowByok;
    this.idleTimeoutMs = config.idleTimeoutMs;
    this.client = new UpstreamClient({
      origin: this.baseUrl.origin,
      connectMs: config.connectTimeoutMs,
      firstByteMs: config.firstByteTimeoutMs,
      idleMs: config.idleTimeoutMs,
    });
    this.failover = { provider, retriesMax: config.maxRetries, ...settings };
  }
}
