import { Secret, maskSecret } from '../../core/secret.ts';
import { type ModelLine, PROVIDERS, type Provider } from '../../providers/index.ts';
import { optional, secret, setting } from './setting.ts';
import { inWords } from './shown-text.ts';
import { headerTemplates, secretHeaders } from '../values/header-types.ts';
import { safePattern } from '../values/safe-pattern.ts';
import { baseUrl, endpointUrl } from '../values/url-types.ts';
import {
  TIMER_MAX_MS,
  duration,
  filePath,
  flag,
  integer,
  list,
  matching,
  oneOf,
  plainText,
  secretFilePath,
  size,
  wordOr,
} from '../values/value-types.ts';
import type { ValueType } from '../values/value-types.ts';

const PROVIDER_TYPES = PROVIDERS.map(({ type }) => type);
/** First segments of the bridge's own routes. */
const RESERVED_NAMES = ['api', 'healthz', 'readyz', 'metrics', 'assets'];

const asCode = (text: string): string => `\`${text}\``;

const timer = duration(1, TIMER_MAX_MS);

const slug = matching(
  'lower-case letters and digits with single hyphens between them',
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
);

const routeName: ValueType<string> = {
  wants: `${slug.wants}, and none of ${RESERVED_NAMES.join(', ')}`,
  read: (text) => (RESERVED_NAMES.includes(text) ? undefined : slug.read(text)),
};

const secretText: ValueType<Secret> = {
  wants: 'printable ASCII without spaces',
  read: (text) => (/^[!-~]+$/.test(text) ? new Secret(text) : undefined),
};

const modelTable: ValueType<readonly ModelLine[]> = {
  wants: 'asked=model pairs separated by commas',
  read: (text) => {
    const lines = text.split(',').map(readModelLine);
    const found = lines.filter((line) => line !== undefined);
    return found.length === lines.length ? found : undefined;
  },
};

function readModelLine(text: string): ModelLine | undefined {
  const [, asked, model] = /^\s*([!-~]*?)\s*=\s*([!-~]+)\s*$/.exec(text) ?? [];
  if (asked === undefined || model === undefined) return undefined;
  // A star in the middle would be taken for itself, which nobody means.
  return /^[^*=]*\*?$/.test(asked) && asked !== '' ? { asked, model } : undefined;
}

/** What nobody needs to recognise, because something else names it. */
const hiddenText: ValueType<Secret> = { ...secretText, show: () => '...' };

/** Read further by `key-list.ts`, which can tell which of the keys is wrong. */
const keyText: ValueType<string> = {
  wants: 'a key',
  read: (text) => text,
  show: (text) =>
    text
      .split(',')
      .map((key) => maskSecret(key.trim()))
      .join(','),
};

/** Where the keys of a provider come from. Of several that are given the last one wins. */
function keySources(prefix: string) {
  return {
    key: secret(`${prefix}_KEY`, {
      type: keyText,
      meaning: 'one key; none at all: callers bring their own',
    }),
    keys: secret(`${prefix}_KEYS`, {
      type: keyText,
      hasFileForm: false,
      meaning: 'several keys separated by commas, in order of preference; wins over `…_KEY`',
    }),
    keysFile: optional(`${prefix}_KEYS_FILE`, {
      type: secretFilePath,
      meaning:
        'file with one key per line (`#` comments; `# account=name` behind a key says whose limits it shares), reloaded when it changes; wins over `…_KEYS`',
    }),
  };
}
export type KeySources = ReturnType<typeof keySources>;

function ownBaseUrl(prefix: string) {
  return optional(`${prefix}_BASE_URL`, {
    type: baseUrl,
    otherwise: "the provider's own",
    meaning: 'absolute http(s) URL of the API',
  });
}

const INDEXED = 'AIBRIDGE_PROVIDER_<N>';

export const PROVIDER = {
  type: optional(`${INDEXED}_TYPE`, {
    type: oneOf(...PROVIDER_TYPES),
    meaning: `${inWords(PROVIDER_TYPES.map(asCode), 'or')}; N counts up from 0 without a gap`,
  }),
  name: optional(`${INDEXED}_NAME`, {
    type: routeName,
    otherwise: 'the type',
    meaning: 'unique route prefix of `[a-z0-9]+(-[a-z0-9]+)*`',
  }),
  baseUrl: ownBaseUrl(INDEXED),
  ...keySources(INDEXED),
  maxRetries: setting(`${INDEXED}_MAX_RETRIES`, {
    type: integer(0, 10),
    default: '0',
    meaning:
      'retries on the same key for connection errors, 408, 409 and 5xx before any byte was relayed',
  }),
  waitForKey: setting(`${INDEXED}_WAIT_FOR_KEY`, {
    type: duration(0, TIMER_MAX_MS),
    default: '0',
    meaning:
      'how long a call may wait for the soonest key instead of being refused, `10s` for example; 64 calls at a time do',
  }),
  connectTimeout: setting(`${INDEXED}_CONNECT_TIMEOUT`, {
    type: timer,
    default: '10s',
    meaning: "how long connecting may take; then 504 in the provider's envelope",
  }),
  firstByteTimeout: setting(`${INDEXED}_FIRST_BYTE_TIMEOUT`, {
    type: timer,
    default: '10m',
    meaning: 'how long the first byte of the answer may take; then the same 504',
  }),
  idleTimeout: setting(`${INDEXED}_IDLE_TIMEOUT`, {
    type: timer,
    default: '5m',
    meaning: 'how long an answer may stall; then an in-band error ends the stream',
  }),
  totalTimeout: setting(`${INDEXED}_TOTAL_TIMEOUT`, {
    type: wordOr('off', timer),
    default: 'off',
    meaning:
      'how long a whole call may take, other keys and waiting for the caller included; then as above',
  }),
  dumpDir: optional(`${INDEXED}_DUMP_DIR`, {
    type: filePath,
    meaning:
      'directory for every request to the provider and its answer as they pass: prompts and all, credentials masked',
  }),
  allowByok: setting(`${INDEXED}_ALLOW_BYOK`, {
    type: flag('true', 'false'),
    default: 'true',
    meaning: "`false`: a caller's own credential gets 403",
  }),
};

/** What bounds the dumps of every provider that has a directory for them. */
export const DUMP = {
  maxSize: setting('AIBRIDGE_DUMP_MAX_SIZE', {
    type: size(1024, 2 ** 30),
    default: '4MiB',
    meaning: 'where a file of a dump is cut off',
  }),
  maxFiles: setting('AIBRIDGE_DUMP_MAX_FILES', {
    type: integer(10, 1_000_000),
    default: '1000',
    meaning: 'how many files of dumps each provider has at most; the oldest go',
  }),
  keep: setting('AIBRIDGE_DUMP_KEEP', {
    type: duration(1, 36_500 * 86_400_000),
    default: '24h',
    meaning: 'age at which dumps are removed',
  }),
};

/** `<M>` counts the sets of credentials of one provider, as `<N>` counts providers. */
function awsCredentials(prefix: string, accessKeyMeaning: string) {
  return {
    accessKey: secret(`${prefix}_ACCESS_KEY`, {
      type: secretText,
      otherwise: 'AWS default chain',
      meaning: accessKeyMeaning,
    }),
    secretKey: secret(`${prefix}_SECRET_KEY`, {
      type: hiddenText,
      otherwise: 'AWS default chain',
      meaning: 'AWS secret access key',
    }),
    sessionToken: secret(`${prefix}_SESSION_TOKEN`, {
      type: hiddenText,
      meaning: 'AWS session token of temporary credentials',
    }),
  };
}
export type AwsCredentialSettings = ReturnType<typeof awsCredentials>;

export const BEDROCK = {
  region: optional(`${INDEXED}_BEDROCK_REGION`, {
    type: slug,
    meaning: 'AWS region that calls are signed for; required without a base URL that names it',
  }),
  ...awsCredentials(`${INDEXED}_BEDROCK`, 'AWS access key id, together with the secret key'),
  credentialsFile: optional(`${INDEXED}_BEDROCK_CREDENTIALS_FILE`, {
    type: secretFilePath,
    meaning:
      'file with sets of credentials in order of preference, in the format of `~/.aws/credentials` (`account = name` says whose limits a set shares), reloaded when it changes; wins over the others',
  }),
  model: optional(`${INDEXED}_BEDROCK_MODEL`, {
    type: plainText,
    meaning: 'model that serves requests; required for `bedrock`',
  }),
  smallFastModel: optional(`${INDEXED}_BEDROCK_SMALL_FAST_MODEL`, {
    type: plainText,
    meaning: 'model that serves requests for a haiku model; required for `bedrock`',
  }),
  models: optional(`${INDEXED}_BEDROCK_MODELS`, {
    type: modelTable,
    meaning:
      'which model serves which, before the two above: `asked=model` separated by commas, `claude-opus-*=…` for all that begin like that; the first that fits',
  }),
  rulesFile: optional(`${INDEXED}_BEDROCK_RULES_FILE`, {
    type: filePath,
    otherwise: "the bridge's own",
    meaning: 'file that adds to what is known of betas, fields and thinking of the models',
  }),
};

/** Several sets of credentials; each has its own number. */
export const BEDROCK_SET = awsCredentials(
  `${INDEXED}_BEDROCK_<M>`,
  'the same for several sets of credentials in order of preference: M counts up from 0 without a gap; wins over the single one',
);

function shortForm(provider: Provider) {
  const prefix = `AIBRIDGE_${provider.type.toUpperCase().replaceAll('-', '_')}`;
  return { provider, settings: { ...keySources(prefix), baseUrl: ownBaseUrl(prefix) } };
}
export type ShortForm = ReturnType<typeof shortForm>;

/** Each of them configures one provider with the default name. */
export const SHORT_FORMS = PROVIDERS.filter(({ hasCentralKeys }) => hasCentralKeys).map(shortForm);

export const MCP = {
  name: optional('AIBRIDGE_MCP_<N>_NAME', {
    type: slug,
    meaning: 'unique name of an MCP server whose tools are injected; N counts up from 0',
  }),
  url: optional('AIBRIDGE_MCP_<N>_URL', {
    type: endpointUrl,
    meaning: 'its address (streamable HTTP)',
  }),
  headers: secret('AIBRIDGE_MCP_<N>_HEADERS', {
    type: secretHeaders,
    meaning: 'headers sent to it: `name=value` separated by commas, values percent-encoded',
  }),
  userHeaders: optional('AIBRIDGE_MCP_<N>_USER_HEADERS', {
    type: headerTemplates,
    meaning:
      'headers that say who calls, in the same format: `{id}` and `{metadata.<name>}` stand for what is known of the caller; each caller then has a session of their own, and a header is left out where that is not known or cannot stand in one',
  }),
  groups: optional('AIBRIDGE_MCP_<N>_GROUPS', {
    type: list(plainText),
    otherwise: 'everybody',
    meaning: 'groups, separated by commas, whose members are offered its tools',
  }),
  toolAllow: optional('AIBRIDGE_MCP_<N>_TOOL_ALLOW', {
    type: safePattern,
    otherwise: 'all tools',
    meaning:
      'regular expression (RE2: no look-around, no back-references); only tools whose name it finds are offered',
  }),
  toolDeny: optional('AIBRIDGE_MCP_<N>_TOOL_DENY', {
    type: safePattern,
    meaning: 'regular expression; tools whose name it finds are not offered; beats allow',
  }),
  callTimeout: setting('AIBRIDGE_MCP_<N>_CALL_TIMEOUT', {
    type: timer,
    default: '60s',
    meaning:
      'how long a call of one of its tools may take; then the model is told that it did not answer',
  }),
};
