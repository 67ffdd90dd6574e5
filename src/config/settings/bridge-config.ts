import type { KeySecret } from '../../core/key-secret.ts';
import type { Secret } from '../../core/secret.ts';
import type { BedrockConfig } from '../../providers/index.ts';
import type { CidrList } from '../values/cidr-list.ts';
import type { ProxyAddress } from '../values/proxy-types.ts';
import type { HeaderTemplate, SecretHeader } from '../values/header-types.ts';
import type { SafePattern } from '../values/safe-pattern.ts';

export type IdentityMethod = 'header' | 'jwt' | 'token';

/** Everything that can be configured, valid, in milliseconds and bytes, frozen. Also the token to inject it by. */
export abstract class BridgeConfig {
  abstract readonly server: ServerConfig;
  abstract readonly database: DatabaseConfig;
  abstract readonly dataDir: string;
  abstract readonly providers: readonly ProviderConfig[];
  abstract readonly dumps: DumpsConfig;
  abstract readonly keys: KeysConfig;
  abstract readonly breaker: BreakerConfig;
  abstract readonly identity: IdentityConfig;
  abstract readonly audit: AuditConfig;
  abstract readonly mcp: McpConfig;
  abstract readonly log: LogConfig;
}

export interface ServerConfig {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly drainTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly workers: number | 'auto';
}

export interface DatabaseConfig {
  /** Undefined: the embedded server. */
  readonly url: Secret | undefined;
  /** Past any pooler; undefined: `url` is. */
  readonly directUrl: Secret | undefined;
  /** Of a standby; undefined: there is none. */
  readonly readUrl: Secret | undefined;
  readonly connections: number;
}

export interface ProviderConfig {
  readonly type: string;
  /** The route prefix. */
  readonly name: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** Undefined: it is reached without one. */
  readonly proxy: ProxyAddress | undefined;
  /** In order of preference; empty: callers bring their own. */
  readonly keys: readonly KeySecret[];
  /** The file that `keys` was read from, to be watched. */
  readonly keysFile: string | undefined;
  readonly maxRetries: number;
  /** 0: a call without a key is refused at once. */
  readonly waitForKeyMs: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Undefined: a call may take as long as it does. */
  readonly totalTimeoutMs: number | undefined;
  /** Undefined: nothing is dumped. */
  readonly dumpDir: string | undefined;
  readonly allowByok: boolean;
  /** Present exactly when the type is `bedrock`. */
  readonly bedrock: BedrockConfig | undefined;
}

export interface DumpsConfig {
  readonly fileBytesMax: number;
  /** Of each provider. */
  readonly filesMax: number;
  readonly keepMs: number;
}

export interface KeysConfig {
  readonly cooldownDefaultMs: number;
  readonly cooldownMaxMs: number;
  /** What a rate limit, and a refusal of a model, sidelines the key for. */
  readonly cooldownScope: 'key' | 'model';
  readonly forbiddenScope: 'key' | 'model';
  /** Undefined: a rejected key stays marked until an operator resets it. */
  readonly recheckMs: number | undefined;
}

export interface BreakerConfig {
  readonly enabled: boolean;
  readonly failures: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly probes: number;
}

/** Header names are in lower case. */
export interface IdentityConfig {
  readonly methods: readonly IdentityMethod[] | 'none';
  readonly header: string;
  readonly groupsHeader: string;
  readonly trustedProxies: CidrList;
  /** Present exactly when the methods include `jwt`. */
  readonly jwt: JwtConfig | undefined;
  readonly adminGroups: readonly string[];
  readonly auditorGroups: readonly string[];
  readonly placeholderKey: string;
  readonly sendActorHeaders: boolean;
}

export interface JwtConfig {
  readonly header: string;
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly actorClaim: string;
  readonly groupsClaim: string;
}

export interface AuditConfig {
  readonly durability: 'journal' | 'disk' | 'database';
  readonly onFailure: 'refuse' | 'continue';
  readonly journalMaxBytes: number;
  readonly journalKeepMs: number;
  readonly content: 'full' | 'hash' | 'none';
  readonly passthrough: boolean;
  /** 0: records are kept. */
  readonly retentionMs: number;
  /** 0: texts are kept as long as their record. */
  readonly contentRetentionMs: number;
  /** 0: totals keep their initiators. */
  readonly usageRetentionMs: number;
  readonly partitions: 'day' | 'month';
}

export interface McpConfig {
  readonly servers: readonly McpServerConfig[];
  /** Of one call. */
  readonly resultBytesMax: number;
  /** How many turns of tool calls one request may take. */
  readonly turnsMax: number;
  /** How long the tools of one request may run all together. */
  readonly totalTimeoutMs: number;
}

export interface McpServerConfig {
  readonly name: string;
  readonly url: string;
  readonly headers: readonly SecretHeader[];
  /** Empty: the server is not told who calls, and all callers share a session. */
  readonly userHeaders: readonly HeaderTemplate[];
  /** Undefined: everybody may use its tools. */
  readonly groups: readonly string[] | undefined;
  readonly toolAllow: SafePattern | undefined;
  readonly toolDeny: SafePattern | undefined;
  readonly callTimeoutMs: number;
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly format: 'json' | 'pretty';
}
