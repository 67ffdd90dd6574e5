import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { configReport } from '../shown/config-report.ts';
import { SECTIONS, isKnownName } from '../settings/definition.ts';
import { NOT_YET } from '../settings/not-yet.ts';
import { parseConfig } from './parse-config.ts';
import type { ParsedConfig } from './parse-config.ts';
import { nameAt } from '../settings/setting.ts';

type Env = Readonly<Record<string, string | undefined>>;

function parse(
  env: Env,
  files: Readonly<Record<string, string>> = {},
  isTerminal = false,
): ParsedConfig {
  return parseConfig(env, {
    isTerminal,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return text;
    },
  });
}

function valid(env: Env, files: Readonly<Record<string, string>> = {}, isTerminal = false) {
  const parsed = parse(env, files, isTerminal);
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
  return parsed;
}

function problemsOf(env: Env, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const parsed = parse(env, files);
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

/** The values inside, itself included, that could still be changed. */
function unfrozen(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(unfrozen);
  return Object.isFrozen(value) ? inside : [value, ...inside];
}

describe('the configuration', () => {
  it('of an empty environment has the defaults of the contract', () => {
    const { config, warnings } = valid({});

    expect(config).toMatchObject({
      server: {
        host: '127.0.0.1',
        port: 4400,
        drainTimeoutMs: 300_000,
        maxBodyBytes: 33_554_432,
        workers: 1,
      },
      database: { url: undefined, directUrl: undefined, readUrl: undefined, connections: 8 },
      dataDir: './.aibridge',
      keys: {
        cooldownDefaultMs: 60_000,
        cooldownMaxMs: 3_600_000,
        recheckMs: 600_000,
        cooldownScope: 'model',
        forbiddenScope: 'key',
      },
      dumps: { fileBytesMax: 4 * 2 ** 20, filesMax: 1_000, keepMs: 86_400_000 },
      breaker: { enabled: true, failures: 5, intervalMs: 10_000, timeoutMs: 15_000, probes: 3 },
      audit: {
        durability: 'journal',
        onFailure: 'refuse',
        journalMaxBytes: 1_073_741_824,
        journalKeepMs: 300_000,
        content: 'full',
        passthrough: true,
        retentionMs: 5_184_000_000,
        contentRetentionMs: 5_184_000_000,
        usageRetentionMs: 0,
      },
      mcp: { servers: [], resultBytesMax: 2 ** 20, turnsMax: 10, totalTimeoutMs: 300_000 },
      log: { level: 'info', format: 'json' },
    });
    expect(config.providers[0]).toMatchObject({
      connectTimeoutMs: 10_000,
      waitForKeyMs: 0,
      firstByteTimeoutMs: 600_000,
      idleTimeoutMs: 300_000,
      totalTimeoutMs: undefined,
    });
    expect(warnings).toEqual([]);
  });

  it.each<[string, Env, (config: ReturnType<typeof valid>['config']) => unknown, unknown]>([
    ['PORT 0', { PORT: '0' }, ({ server }) => server.port, 0],
    ['no recheck', { AIBRIDGE_KEY_RECHECK: 'off' }, ({ keys }) => keys.recheckMs, undefined],
    ['no breaker', { AIBRIDGE_BREAKER: 'off' }, ({ breaker }) => breaker.enabled, false],
    [
      'records kept',
      { AIBRIDGE_RETENTION: '0' },
      ({ audit }) => [audit.retentionMs, audit.contentRetentionMs],
      [0, 0],
    ],
    [
      'texts purged sooner',
      { AIBRIDGE_CONTENT_RETENTION: '7d' },
      ({ audit }) => audit.contentRetentionMs,
      604_800_000,
    ],
    [
      'totals of initiators kept for a year',
      { AIBRIDGE_USAGE_RETENTION: '365d' },
      ({ audit }) => audit.usageRetentionMs,
      31_536_000_000,
    ],
    ['no drain', { AIBRIDGE_DRAIN_TIMEOUT: '0' }, ({ server }) => server.drainTimeoutMs, 0],
    ['spaces around a value', { HOST: ' ::1 ' }, ({ server }) => server.host, '::1'],
    [
      'a database',
      { DATABASE_URL: 'postgresql://u:p@h/d' },
      ({ database }) => database.url?.reveal(),
      'postgresql://u:p@h/d',
    ],
    ['a variable that is undefined', { HOST: undefined }, ({ server }) => server.host, '127.0.0.1'],
  ])('takes %s', (_, env, select, expected) => {
    expect(select(valid(env).config)).toEqual(expected);
  });

  it('logs for people on a terminal unless told otherwise', () => {
    expect(valid({}, {}, true).config.log.format).toBe('pretty');
    expect(valid({ LOG_FORMAT: 'json' }, {}, true).config.log.format).toBe('json');
  });

  it('cannot be changed', () => {
    const { config } = valid({ AIBRIDGE_OPENAI_KEYS: 'k1,k2', DATABASE_URL: 'postgresql://h/d' });
    expect(unfrozen(config)).toEqual([]);
  });

  it.each<[string, Env, string]>([
    [
      'a size',
      { AIBRIDGE_MAX_BODY: '32MB' },
      'AIBRIDGE_MAX_BODY: got "32MB", wants a size from 1KiB to 1GiB, such as 64KiB or 32MiB',
    ],
    ['a port', { PORT: '70000' }, 'PORT: got "70000", wants a whole number from 0 to 65535'],
    [
      'a choice',
      { AIBRIDGE_AUDIT_DURABILITY: 'ram' },
      'AIBRIDGE_AUDIT_DURABILITY: got "ram", wants one of journal, disk, database',
    ],
    [
      'cooldowns in the wrong order',
      { AIBRIDGE_COOLDOWN_MAX: '30s' },
      'AIBRIDGE_COOLDOWN_DEFAULT: got "1m", wants at most AIBRIDGE_COOLDOWN_MAX, which is 30s',
    ],
    [
      'an unknown name',
      { AIBRIDGE_JOURNAL_MAXX: '1' },
      'AIBRIDGE_JOURNAL_MAXX: got a name that is unknown, wants a known one such as AIBRIDGE_JOURNAL_MAX',
    ],
    [
      'an unknown name of a provider',
      { AIBRIDGE_PROVIDER_3_KEYZ: 'canary' },
      'AIBRIDGE_PROVIDER_3_KEYZ: got a name that is unknown, wants a known one such as AIBRIDGE_PROVIDER_3_KEY',
    ],
    [
      'an empty secret',
      { DATABASE_URL: ' ' },
      'DATABASE_URL: got an empty text, wants postgresql://',
    ],
    [
      'another database',
      { DATABASE_URL: 'mysql://root:canary@h/d' },
      'DATABASE_URL: got a value that is not shown, wants postgresql://',
    ],
    [
      'a standby of the embedded database',
      { AIBRIDGE_DATABASE_READ_URL: 'postgresql://u:canary@h/d' },
      'AIBRIDGE_DATABASE_READ_URL: got a value that is not shown, wants DATABASE_URL beside it',
    ],
    [
      'more connections than a bridge may have',
      { AIBRIDGE_DATABASE_CONNECTIONS: '9' },
      'AIBRIDGE_DATABASE_CONNECTIONS: got "9", wants a whole number from 6 to 8',
    ],
    [
      'a secret in both forms',
      { DATABASE_URL: 'postgresql://h/d', DATABASE_URL_FILE: '/run/url' },
      'DATABASE_URL, DATABASE_URL_FILE: got both, wants one of them',
    ],
    [
      'a secret whose file is missing',
      { DATABASE_URL_FILE: '/run/none' },
      'DATABASE_URL_FILE: got /run/none (no such file), wants a file that can be read',
    ],
    [
      'a key in the wrong variable',
      { HOST: 'sk-ant-canary canary canary' },
      'HOST: got "sk-a...nary", wants',
    ],
    [
      'an env file that is missing',
      { AIBRIDGE_ENV_FILE: 'none.env' },
      'AIBRIDGE_ENV_FILE: got "none.env" (no such file)',
    ],
    [
      'an env file with a bad line',
      { AIBRIDGE_ENV_FILE: '/bad.env' },
      'AIBRIDGE_ENV_FILE: got a line 2 that is no assignment',
    ],
    [
      'an unknown name in the env file',
      { AIBRIDGE_ENV_FILE: '/unknown.env' },
      'AIBRIDGE_DATADIR: got a name that is unknown, wants a known one such as AIBRIDGE_DATA_DIR',
    ],
    ['a value with a line break', { HOST: 'a\nb' }, String.raw`HOST: got "a\nb"`],
  ])('names the variable, what it got and what it wants: %s', (_, env, problem) => {
    const files = {
      '/run/url': 'postgresql://h/d',
      '/bad.env': 'HOST=::1\ncanary',
      '/unknown.env': 'AIBRIDGE_DATADIR=canary',
    };
    const problems = problemsOf(env, files);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
    expect(problems[0]).not.toMatch(/canary|\n/);
  });

  it('reports every problem at once', () => {
    const problems = problemsOf({
      PORT: 'x',
      AIBRIDGE_RETENTION: 'forever',
      AIBRIDGE_PROVIDER_0_TYPE: 'openai',
      AIBRIDGE_PROVIDER_0_KEYS: 'a,,a',
      AIBRIDGE_PROVIDER_0_MAX_RETRIES: '-1',
      AIBRIDGE_NONSENSE: '1',
      LOG_LEVEL: 'loud',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'AIBRIDGE_PROVIDER_0_KEYS',
      'AIBRIDGE_PROVIDER_0_KEYS',
      'AIBRIDGE_PROVIDER_0_MAX_RETRIES',
      'AIBRIDGE_RETENTION',
      'LOG_LEVEL',
      'AIBRIDGE_NONSENSE',
    ]);
  });

  it('counts an empty variable as unset and says so', () => {
    const { config, warnings } = valid({ AIBRIDGE_TRUSTED_PROXIES: '', LOG_LEVEL: ' ' });
    expect(config.identity.trustedProxies.ranges).toEqual(['127.0.0.0/8', '::1/128']);
    expect(warnings).toEqual([
      'AIBRIDGE_TRUSTED_PROXIES: is empty and counts as unset',
      'LOG_LEVEL: is empty and counts as unset',
    ]);
  });

  it('ignores variables of others', () => {
    expect(problemsOf({ PATH: '/bin', LOG_LVL: 'x', OTEL_SERVICE_NAME: 'bridge' })).toEqual([]);
  });
});

describe('the env file', () => {
  const files = {
    '/env': `PORT=5000\nHOST=::1\nAIBRIDGE_OPENAI_KEY="canary-env-file-key-01"\nOTEL_SERVICE_NAME=file\nOTEL_TRACES_EXPORTER=otlp`,
    '/run/key': 'canary-secret-file-key\n',
  };

  it('fills what the environment leaves unset', () => {
    const { config, sources } = valid({ AIBRIDGE_ENV_FILE: '/env', PORT: '6000' }, files);

    expect(config.server).toMatchObject({ host: '::1', port: 6000 });
    expect(sources.get('PORT')).toEqual({ value: '6000', source: 'environment' });
    expect(sources.get('HOST')).toEqual({ value: '::1', source: 'env file' });
    expect(sources.get('LOG_LEVEL')).toEqual({ value: 'info', source: 'default' });
  });

  it('gives way to a secret that the environment has in its other form', () => {
    const env = { AIBRIDGE_ENV_FILE: '/env', AIBRIDGE_OPENAI_KEY_FILE: '/run/key' };
    const { config, sources } = valid(env, files);

    expect(config.providers[0]?.keys[0]?.reveal()).toBe('canary-secret-file-key');
    expect(sources.get('AIBRIDGE_OPENAI_KEY')?.source).toBe('file /run/key');
  });

  it('hands on the OpenTelemetry variables that the environment lacks', () => {
    const env = { AIBRIDGE_ENV_FILE: '/env', OTEL_SERVICE_NAME: 'environment' };
    expect(valid(env, files).telemetryEnv).toEqual({ OTEL_TRACES_EXPORTER: 'otlp' });
  });
});

describe('what is not built yet', () => {
  const JWT = {
    AIBRIDGE_JWT_JWKS_URL: 'https://id.example/',
    AIBRIDGE_JWT_ISSUER: 'i',
    AIBRIDGE_JWT_AUDIENCE: 'a',
  };
  const PLANNED: Readonly<Record<string, Env>> = {
    AIBRIDGE_WORKERS: { AIBRIDGE_WORKERS: 'auto' },
    'AIBRIDGE_IDENTITY jwt': { AIBRIDGE_IDENTITY: 'header, jwt', ...JWT },
    'AIBRIDGE_IDENTITY token': { AIBRIDGE_IDENTITY: 'token' },
  };

  it.each(NOT_YET)('is refused although it is valid: $name $value', ({ name, value, reason }) => {
    const env = PLANNED[value === undefined ? name : `${name} ${value}`];
    expect(problemsOf(env ?? {})).toEqual([
      expect.stringMatching(new RegExp(`^${nameAt({ name }, 0)}: got ".*", wants ${reason}$`)),
    ]);
  });

  it.each<Env>([
    { AIBRIDGE_WORKERS: '1' },
    { AIBRIDGE_IDENTITY: 'header' },
    { AIBRIDGE_BREAKER: 'on' },
  ])('does not take in %j', (env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  it('is named as the definition names it', () => {
    const names = SECTIONS.flatMap(({ settings }) => settings.map(({ name }) => name));
    expect(names).toEqual(expect.arrayContaining(NOT_YET.map(({ name }) => name)));
  });
});

describe('the report of what is in force', () => {
  // Law: a key is in one place in memory; everything else has its hint.
  it('shows no secret, in whichever form it was given', () => {
    const { sources, config } = valid(
      {
        DATABASE_URL: 'postgresql://user:canary-1@db/aibridge?password=canary-2',
        AIBRIDGE_OPENAI_KEYS: 'first-canary-in-a-list,second-canary-in-a-list',
        AIBRIDGE_ANTHROPIC_KEY_FILE: '/run/key',
        AIBRIDGE_PROVIDER_0_TYPE: 'openai',
        AIBRIDGE_PROVIDER_0_NAME: 'eu',
        AIBRIDGE_PROVIDER_0_KEYS_FILE: '/run/keys',
        https_proxy: 'user:canary-5-of-the-proxy@proxy:3128',
      },
      { '/run/key': 'third-canary-in-a-file', '/run/keys': 'fourth-canary-in-a-file\nshort' },
    );
    const report = configReport(sources, config);

    expect(`${report}${JSON.stringify(config)}${inspect(config, { depth: null })}`).not.toContain(
      'canary',
    );
    expect(report).toMatch(/^DATABASE_URL +postgresql:\/\/…@db\/aibridge\?… +environment$/m);
    expect(report).toMatch(/^HTTPS_PROXY +http:\/\/…@proxy:3128 +environment$/m);
    expect(report).toMatch(/^AIBRIDGE_OPENAI_KEYS +firs\.\.\.list,seco\.\.\.list +environment$/m);
    expect(report).toMatch(/^AIBRIDGE_ANTHROPIC_KEY +thir\.\.\.file +file \/run\/key$/m);
    expect(report).toMatch(
      /^AIBRIDGE_PROVIDER_0_KEYS_FILE +\/run\/keys \(four\.\.\.file, s\.\.\.t\) +environment$/m,
    );
    expect(report).toMatch(
      /^\/eu +https:\/\/api\.openai\.com\/v1 +four\.\.\.file, s\.\.\.t, callers' own +http:\/\/proxy:3128$/m,
    );
  });

  it('names only variables that exist', () => {
    const { sources } = valid({ AIBRIDGE_PROVIDER_0_TYPE: 'openai', AIBRIDGE_ANTHROPIC_KEY: 'k' });
    expect([...sources.keys()].filter((name) => !isKnownName(name))).toEqual([]);
  });
});
