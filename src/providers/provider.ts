import type { BridgedApi } from '../core/api-name.ts';
import type { JsonObject } from '../core/json.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { KeySecret } from '../core/key-secret.ts';
import type { BedrockConfig } from './bedrock-config.ts';
import type { AuthScheme } from './credential.ts';
import type { KeyFailures } from './key-failures.ts';
import type { Translator } from './translation.ts';
import type { UpstreamError } from './upstream-error.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A route that is read and audited. Takes POST. */
export interface BridgedRoute {
  readonly path: string;
  readonly api: BridgedApi;
}

/** A route that is relayed unread. Where there is a GET there is a HEAD. */
export interface PassthroughRoute {
  readonly path: string;
  /** Present: everything below `path`, and this stands for it in labels. */
  readonly rest?: string;
  readonly methods: readonly Method[];
}

/** An error of the bridge itself, to be shown in the provider's envelope. */
export interface BridgeFault {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly interceptionId: string;
}

/** What a type of provider may have to know of one instance of it. */
export interface InstanceConfig {
  readonly baseUrl: string;
  readonly keys: readonly KeySecret[];
  readonly bedrock: BedrockConfig | undefined;
}

/**
 * All that sets one type of provider apart. Shared code asks this object and never
 * for the type, so a provider is added as one folder and one line in the registry.
 * Paths are those below `/<name>` and `mount`.
 */
export interface Provider {
  /** In the configuration; a provider that is given no name is named after it. */
  readonly type: string;
  /** As OpenTelemetry names the vendor. */
  readonly telemetryName: string;
  /** Where the vendor itself serves; without a trailing slash. */
  readonly baseUrl: string;
  /** What the base URL of a client has after `/<name>`; the provider's own base URL covers it. */
  readonly mount: '' | '/v1';
  readonly bridged: readonly BridgedRoute[];
  /** An allow-list for safety: a central key may have the rights of an administrator. */
  readonly passthrough: readonly PassthroughRoute[];
  /** A cheap GET that tells whether a key is accepted. */
  readonly probePath: string;
  /** What it answers, besides 2xx, to a key that it knows. */
  readonly probeAccepts?: readonly number[];
  /** Whether the organisation's keys are given as such, by `…_KEY` and the like. */
  readonly hasCentralKeys: boolean;
  /** Whether a caller's own credential opens the provider. Otherwise it is taken away. */
  readonly takesCallerKeys: boolean;
  /** How a central key is sent. */
  readonly auth: AuthScheme;
  /** How a caller may send a credential; the first that holds one wins. */
  readonly callerAuth: readonly AuthScheme[];
  /** Sent when the caller sends none of that name. In lower case. */
  readonly defaultHeaders: Readonly<Record<string, string>>;
  readonly sendsActorHeaders: boolean;
  readonly failures: KeyFailures;
  /** Present where calls and answers are not sent in the words of the API. */
  readonly translator?: (instance: InstanceConfig) => Translator | undefined;
  /** The organisation's keys where they are found elsewhere than in the configuration. Rejects when there are none. */
  readonly findKeys?: (instance: InstanceConfig) => Promise<readonly KeySecret[]>;
  readonly renderError: (fault: BridgeFault) => JsonObject;
  readonly readError: (body: unknown) => UpstreamError | undefined;
}
