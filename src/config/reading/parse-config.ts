import type {
  AuditConfig,
  BridgeConfig,
  DatabaseConfig,
  KeysConfig,
  LogConfig,
} from '../settings/bridge-config.ts';
import { deepFreeze } from './deep-freeze.ts';
import { isKnownName, knownNames } from '../settings/definition.ts';
import { readIdentity } from './identity.ts';
import { readMcp } from './mcp-servers.ts';
import { nearestName } from './nearest-name.ts';
import { readProviders } from './providers.ts';
import { SettingsReader } from './settings-reader.ts';
import type { ConfigIo, EffectiveValue, Environment } from './settings-reader.ts';
import { DUMP } from '../settings/family-settings.ts';
import { AUDIT, BREAKER, KEYS, LOG, SERVER } from '../settings/settings.ts';
import { quoted } from '../settings/shown-text.ts';
import { durationText } from '../values/value-types.ts';

export type ParsedConfig =
  | {
      readonly kind: 'ok';
      readonly config: BridgeConfig;
      readonly warnings: readonly string[];
      /** Every variable that counts, with its value as it may be shown. */
      readonly sources: ReadonlyMap<string, EffectiveValue>;
      /** `OTEL_*` variables of the env file, which OpenTelemetry looks for in the process. */
      readonly telemetryEnv: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** The whole configuration, or every problem there is with it: one line each, never a secret. */
export function parseConfig(env: Environment, io: ConfigIo): ParsedConfig {
  const reader = new SettingsReader(env, io);
  const config = readConfig(reader, io.isTerminal === true);
  refuseUnknownNames(reader);
  const { problems, warnings, sources } = reader;
  if (problems.length > 0) return { kind: 'invalid', problems };
  const telemetryEnv = reader.addedByEnvFile('OTEL_');
  return { kind: 'ok', config: deepFreeze(config), warnings, sources, telemetryEnv };
}

function readConfig(reader: SettingsReader, isTerminal: boolean): BridgeConfig {
  const host = reader.read(SERVER.host);
  return {
    server: {
      host,
      port: reader.read(SERVER.port),
      maxBodyBytes: reader.read(SERVER.maxBody),
      drainTimeoutMs: reader.read(SERVER.drainTimeout),
      workers: reader.read(SERVER.workers),
    },
    database: readDatabase(reader),
    dataDir: reader.read(SERVER.dataDir),
    providers: readProviders(reader),
    dumps: {
      fileBytesMax: reader.read(DUMP.maxSize),
      filesMax: reader.read(DUMP.maxFiles),
      keepMs: reader.read(DUMP.keep),
    },
    keys: readKeysConfig(reader),
    breaker: {
      enabled: reader.read(BREAKER.enabled),
      failures: reader.read(BREAKER.failures),
      intervalMs: reader.read(BREAKER.interval),
      timeoutMs: reader.read(BREAKER.timeout),
      probes: reader.read(BREAKER.probes),
    },
    identity: readIdentity(reader, host),
    audit: readAudit(reader),
    mcp: readMcp(reader),
    log: readLog(reader, isTerminal),
  };
}

function readDatabase(reader: SettingsReader): DatabaseConfig {
  const url = reader.read(SERVER.databaseUrl);
  for (const beside of [SERVER.databaseDirectUrl, SERVER.databaseReadUrl]) {
    if (url !== undefined || !reader.isGiven(beside)) continue;
    reader.refuse(beside.name, 'a value that is not shown', `${SERVER.databaseUrl.name} beside it`);
  }
  return {
    url,
    directUrl: reader.read(SERVER.databaseDirectUrl),
    readUrl: reader.read(SERVER.databaseReadUrl),
    connections: reader.read(SERVER.databaseConnections),
  };
}

function readKeysConfig(reader: SettingsReader): KeysConfig {
  const cooldownDefaultMs = reader.read(KEYS.cooldownDefault);
  const cooldownMaxMs = reader.read(KEYS.cooldownMax);
  const recheck = reader.read(KEYS.recheck);
  if (cooldownDefaultMs > cooldownMaxMs) {
    const wants = `at most ${KEYS.cooldownMax.name}, which is ${durationText(cooldownMaxMs)}`;
    reader.refuse(KEYS.cooldownDefault.name, quoted(durationText(cooldownDefaultMs)), wants);
  }
  return {
    cooldownDefaultMs,
    cooldownMaxMs,
    recheckMs: recheck === 'off' ? undefined : recheck,
    cooldownScope: reader.read(KEYS.cooldownScope),
    forbiddenScope: reader.read(KEYS.forbiddenScope),
  };
}

function readAudit(reader: SettingsReader): AuditConfig {
  const retentionMs = reader.read(AUDIT.retention);
  const contentRetentionMs = reader.read(AUDIT.contentRetention) ?? retentionMs;
  reader.show(AUDIT.contentRetention.name, durationText(contentRetentionMs));
  if (retentionMs > 0 && contentRetentionMs > retentionMs) {
    const { name } = AUDIT.contentRetention;
    reader.warnings.push(`${name}: texts go with their record, after ${AUDIT.retention.name}`);
  }
  return {
    durability: reader.read(AUDIT.durability),
    onFailure: reader.read(AUDIT.onFailure),
    journalMaxBytes: reader.read(AUDIT.journalMax),
    journalKeepMs: reader.read(AUDIT.journalKeep),
    content: reader.read(AUDIT.content),
    passthrough: reader.read(AUDIT.passthrough),
    retentionMs,
    contentRetentionMs,
    usageRetentionMs: reader.read(AUDIT.usageRetention),
    partitions: reader.read(AUDIT.partitions),
  };
}

function readLog(reader: SettingsReader, isTerminal: boolean): LogConfig {
  const format = reader.read(LOG.format) ?? (isTerminal ? 'pretty' : 'json');
  reader.show(LOG.format.name, format);
  return { level: reader.read(LOG.level), format };
}

/** A misspelt name would otherwise silently leave a default in force. */
function refuseUnknownNames(reader: SettingsReader): void {
  for (const name of reader.names()) {
    if (!name.startsWith('AIBRIDGE_') || isKnownName(name)) continue;
    const index = Number(/_(\d{1,4})_/.exec(name)?.[1] ?? 0);
    const nearest = nearestName(name, knownNames(index));
    reader.refuse(name, 'a name that is unknown', `a known one such as ${nearest}`);
  }
}
