import type { ProviderConfig } from '../config/index.ts';
import type { KeyPool } from '../keypool/index.ts';
import {
  authHeader,
  type CallerCredential,
  type Provider,
  type Translator,
} from '../providers/index.ts';
import type { Dumps, ProviderDumps } from './dump/dumps.ts';
import type { GuardSettings } from './guarded-call.ts';
import { WaitingRoom } from './key-patience.ts';
import { translatedAnswer } from './translated-answer.ts';
import { abortedBy } from './wire/call-bound.ts';
import type { Answer } from './wire/upstream-call.ts';
import { UpstreamClient, type UpstreamRequest } from './wire/upstream-client.ts';

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
  /** Undefined where the provider speaks as its API does. */
  readonly translator: Translator | undefined;

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
    this.translator = provider.translator?.(config);
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

  /** The request with what opens the provider to it. */
  async authorised(
    request: UpstreamRequest,
    credential: CallerCredential,
  ): Promise<UpstreamRequest> {
    const nowMs = this.failover.clock.nowMs();
    const added =
      (await this.translator?.authorise(request, credential.secret, nowMs)) ??
      authHeader(credential);
    return { ...request, headers: [...request.headers, ...added] };
  }

  /** Resolves when it is known what is answered. Rejects with an `UpstreamFailure`. */
  call(request: UpstreamRequest, signal: AbortSignal): Promise<Answer> {
    // To sign may have taken a moment, in which the caller may have gone.
    if (signal.aborted) return Promise.reject(abortedBy(signal));
    const call = this.client.call(request, signal);
    return this.translator === undefined ? call : translatedAnswer(call, this.translator);
  }
}
