import { cidrList, hostName } from '../values/cidr-list.ts';
import { optional, secret, setting } from './setting.ts';
import { databaseUrl, endpointUrl } from '../values/url-types.ts';
import {
  TIMER_MAX_MS,
  duration,
  filePath,
  flag,
  headerName,
  integer,
  list,
  oneOf,
  plainText,
  size,
  wordOr,
} from '../values/value-types.ts';
import type { ValueType } from '../values/value-types.ts';

const DAY = 86_400_000;
const MIB = 2 ** 20;

const timer = duration(1, TIMER_MAX_MS);
const age = duration(0, 36_500 * DAY);
const trueOrFalse = flag('true', 'false');
const names = list(plainText);

/** What a provider reads its credential from cannot name the caller as well. */
const CREDENTIAL_HEADERS = ['authorization', 'proxy-authorization', 'x-api-key', 'cookie'];
const identityHeader: ValueType<string> = {
  wants: `${headerName.wants} other than ${CREDENTIAL_HEADERS.join(', ')}`,
  read: (text) => {
    const name = headerName.read(text);
    return name === undefined || CREDENTIAL_HEADERS.includes(name) ? undefined : name;
  },
};

export const SERVER = {
  envFile: optional('AIBRIDGE_ENV_FILE', {
    type: filePath,
    meaning: 'a dotenv file that fills what the environment leaves unset',
  }),
  host: setting('HOST', {
    type: hostName,
    default: '127.0.0.1',
    meaning: 'address to listen on; `AIBRIDGE_IDENTITY` is required when it is not loopback',
  }),
  port: setting('PORT', {
    type: integer(0, 65_535),
    default: '4400',
    meaning: 'port to listen on; `0` picks a free one and logs it',
  }),
  databaseUrl: secret('DATABASE_URL', {
    type: databaseUrl,
    otherwise: 'embedded',
    meaning: '`postgresql://…` of PostgreSQL 14 or later; unset starts the embedded server',
  }),
  databaseDirectUrl: secret('AIBRIDGE_DATABASE_DIRECT_URL', {
    type: databaseUrl,
    otherwise: '`DATABASE_URL`',
    meaning: 'the same database past a connection pooler: for `LISTEN` and migrations',
  }),
  databaseReadUrl: secret('AIBRIDGE_DATABASE_READ_URL', {
    type: databaseUrl,
    otherwise: '`DATABASE_URL`',
    meaning: 'a streaming standby of it, which answers the audit API while it is there',
  }),
  databaseConnections: setting('AIBRIDGE_DATABASE_CONNECTIONS', {
    type: integer(6, 8),
    default: '8',
    meaning: 'how many connections to PostgreSQL the bridge has at most',
  }),
  dataDir: setting('AIBRIDGE_DATA_DIR', {
    type: filePath,
    default: './.aibridge',
    meaning: 'directory of the embedded database and the journal',
  }),
  maxBody: setting('AIBRIDGE_MAX_BODY', {
    type: size(1024, 1024 * MIB),
    default: '32MiB',
    meaning: 'larger requests get 413, refused while they arrive',
  }),
  drainTimeout: setting('AIBRIDGE_DRAIN_TIMEOUT', {
    type: duration(0, TIMER_MAX_MS),
    default: '5m',
    meaning: 'how long open requests may run on after SIGTERM',
  }),
  workers: setting('AIBRIDGE_WORKERS', {
    type: wordOr('auto', integer(1, 256)),
    default: '1',
    meaning: 'processes sharing the port; `auto` = one per core',
  }),
};

export const KEYS = {
  cooldownDefault: setting('AIBRIDGE_COOLDOWN_DEFAULT', {
    type: timer,
    default: '60s',
    meaning: 'cooldown of a rate-limited key when upstream names none',
  }),
  cooldownMax: setting('AIBRIDGE_COOLDOWN_MAX', {
    type: timer,
    default: '1h',
    meaning: 'upper bound for the cooldown that upstream names',
  }),
  cooldownScope: setting('AIBRIDGE_COOLDOWN_SCOPE', {
    type: oneOf('model', 'key'),
    default: 'model',
    meaning:
      '`model`: a rate limit sidelines the key for the model that was asked, unless the answer speaks of the whole account; `key`: for everything',
  }),
  recheck: setting('AIBRIDGE_KEY_RECHECK', {
    type: wordOr('off', timer),
    default: '10m',
    meaning:
      'how often a rejected key is probed; `off` keeps it marked until an operator resets it',
  }),
  forbiddenScope: setting('AIBRIDGE_FORBIDDEN_SCOPE', {
    type: oneOf('key', 'model'),
    default: 'key',
    meaning:
      '`model`: a 403 that says the model or feature is not allowed sidelines the key for that model only',
  }),
};

export const BREAKER = {
  enabled: setting('AIBRIDGE_BREAKER', {
    type: flag('on', 'off'),
    default: 'on',
    meaning:
      'circuit breaker per provider, route, model and kind of credential: what fails again and again is refused with 503 for a while',
  }),
  failures: setting('AIBRIDGE_BREAKER_FAILURES', {
    type: integer(1, 10_000),
    default: '5',
    meaning: 'failures in a row, within the interval, that open it',
  }),
  interval: setting('AIBRIDGE_BREAKER_INTERVAL', {
    type: timer,
    default: '10s',
    meaning: 'how far back failures are counted',
  }),
  timeout: setting('AIBRIDGE_BREAKER_TIMEOUT', {
    type: timer,
    default: '15s',
    meaning: 'how long it stays open before calls are let through to find out',
  }),
  probes: setting('AIBRIDGE_BREAKER_PROBES', {
    type: integer(1, 1_000),
    default: '3',
    meaning: 'so many of them each such time, and so many that come through close it',
  }),
};

export const IDENTITY = {
  methods: optional('AIBRIDGE_IDENTITY', {
    type: wordOr('none', list(oneOf('header', 'jwt', 'token'))),
    otherwise: '`none` on loopback',
    meaning:
      'comma list of `header`, `jwt`, `token`, tried in that order; `none` = everybody is `local` and admin, and off loopback has to be written out',
  }),
  header: setting('AIBRIDGE_IDENTITY_HEADER', {
    type: identityHeader,
    default: 'X-Forwarded-User',
    meaning: 'header in which the gateway in front asserts the user',
  }),
  groupsHeader: setting('AIBRIDGE_GROUPS_HEADER', {
    type: identityHeader,
    default: 'X-Forwarded-Groups',
    meaning: 'header in which it asserts the groups of the user',
  }),
  trustedProxies: setting('AIBRIDGE_TRUSTED_PROXIES', {
    type: cidrList,
    default: '127.0.0.0/8,::1/128',
    meaning: 'peers whose asserted identity is believed; from others it gets 401',
  }),
  adminGroups: optional('AIBRIDGE_ADMIN_GROUPS', {
    type: names,
    meaning: 'groups that may change things',
  }),
  auditorGroups: optional('AIBRIDGE_AUDITOR_GROUPS', {
    type: names,
    meaning: "groups that may read everybody's records",
  }),
  placeholderKey: setting('AIBRIDGE_PLACEHOLDER_KEY', {
    type: plainText,
    default: 'aibridge',
    meaning:
      'a credential of exactly this value is removed and the request is centralized, for clients that refuse to start without a key',
  }),
  sendActorHeaders: setting('AIBRIDGE_SEND_ACTOR_HEADERS', {
    type: trueOrFalse,
    default: 'false',
    meaning:
      'sends `X-AI-Bridge-Actor-ID` and `X-AI-Bridge-Actor-Metadata-<Name>` upstream, percent-encoded, whoever pays; never to Copilot',
  }),
};

export const JWT = {
  header: setting('AIBRIDGE_JWT_HEADER', {
    type: identityHeader,
    default: 'X-AIBridge-Token',
    meaning: 'header that carries the signed token',
  }),
  jwksUrl: optional('AIBRIDGE_JWT_JWKS_URL', {
    type: endpointUrl,
    meaning: 'where the signing keys are fetched from; required for `jwt`',
  }),
  issuer: optional('AIBRIDGE_JWT_ISSUER', {
    type: plainText,
    meaning: 'the only accepted `iss`; required for `jwt`',
  }),
  audience: optional('AIBRIDGE_JWT_AUDIENCE', {
    type: plainText,
    meaning: 'the only accepted `aud`; required for `jwt`',
  }),
  actorClaim: setting('AIBRIDGE_JWT_ACTOR_CLAIM', {
    type: plainText,
    default: 'sub',
    meaning: 'claim that names the user',
  }),
  groupsClaim: setting('AIBRIDGE_JWT_GROUPS_CLAIM', {
    type: plainText,
    default: 'groups',
    meaning: 'claim that lists the groups',
  }),
};

export const AUDIT = {
  durability: setting('AIBRIDGE_AUDIT_DURABILITY', {
    type: oneOf('journal', 'disk', 'database'),
    default: 'journal',
    meaning:
      'when a start record counts as recorded: `journal` = written (survives the process), `disk` = fsynced (survives the machine), `database` = committed in PostgreSQL',
  }),
  onFailure: setting('AIBRIDGE_AUDIT_ON_FAILURE', {
    type: oneOf('refuse', 'continue'),
    default: 'refuse',
    meaning:
      'when the journal cannot take a record: `refuse` = 503, no audit means no call; `continue` = serve and count what was lost',
  }),
  journalMax: setting('AIBRIDGE_JOURNAL_MAX', {
    type: size(MIB, 1024 * 1024 * MIB),
    default: '1GiB',
    meaning:
      'what all journals of the data directory may take on the disk while they wait for the database, with those of dead processes, what is late and what was set aside',
  }),
  journalKeep: setting('AIBRIDGE_JOURNAL_KEEP', {
    type: duration(0, DAY),
    default: '5m',
    meaning:
      'how long committed records stay in the journal, for a database that fails over to an older state',
  }),
  content: setting('AIBRIDGE_AUDIT_CONTENT', {
    type: oneOf('full', 'hash', 'none'),
    default: 'full',
    meaning:
      '`full`, `hash` (SHA-256 of prompts, tool inputs, what tools say when they fail, thoughts) or `none`',
  }),
  passthrough: setting('AIBRIDGE_AUDIT_PASSTHROUGH', {
    type: trueOrFalse,
    default: 'true',
    meaning: 'records passthrough calls too',
  }),
  retention: setting('AIBRIDGE_RETENTION', {
    type: age,
    default: '60d',
    meaning: 'age at which records are purged; `0` = keep',
  }),
  partitions: setting('AIBRIDGE_PARTITIONS', {
    type: oneOf('day', 'month'),
    default: 'month',
    meaning:
      'how much of the audit lies together, and is dropped as a whole when it is past its age; `day` for millions of calls a day',
  }),
  contentRetention: optional('AIBRIDGE_CONTENT_RETENTION', {
    type: age,
    otherwise: 'same as `AIBRIDGE_RETENTION`',
    meaning: 'age at which the texts of records are purged; `0` = keep as long as the record',
  }),
  usageRetention: setting('AIBRIDGE_USAGE_RETENTION', {
    type: age,
    default: '0',
    meaning: 'age at which usage totals lose their initiators; `0` = keep',
  }),
};

export const LOG = {
  level: setting('LOG_LEVEL', {
    type: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    meaning: 'the least severe level that is logged',
  }),
  format: optional('LOG_FORMAT', {
    type: oneOf('json', 'pretty'),
    otherwise: '`json`, `pretty` on a terminal',
    meaning: 'one JSON object per line, or text for people',
  }),
};
