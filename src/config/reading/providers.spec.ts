import { describe, expect, it } from 'vitest';
import type { ProviderConfig } from '../settings/bridge-config.ts';
import { readProviders } from './providers.ts';
import { SettingsReader } from './settings-reader.ts';

const FILES: Readonly<Record<string, string>> = {
  '/run/keys': '# preferred\ncanary-file-key-000001\ncanary-file-key-000002\n',
  '/run/key': 'canary-file-key-000003\n',
  '/run/empty': '',
};

interface Outcome {
  readonly providers: readonly ProviderConfig[];
  readonly reader: SettingsReader;
}

function read(env: Readonly<Record<string, string>>): Outcome {
  const reader = new SettingsReader(env, {
    readFile: (path) => {
      const text = FILES[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return text;
    },
  });
  return { providers: readProviders(reader), reader };
}

/** Settings of provider 0, named without their common beginning. */
function provider(settings: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(settings);
  return Object.fromEntries(entries.map(([name, text]) => [`AIBRIDGE_PROVIDER_0_${name}`, text]));
}

const BEDROCK = {
  TYPE: 'bedrock',
  BEDROCK_REGION: 'eu-central-1',
  BEDROCK_MODEL: 'anthropic.claude-opus-4-5',
  BEDROCK_SMALL_FAST_MODEL: 'anthropic.claude-haiku-4-5',
};

describe('the providers', () => {
  it('are the three that need no configuration when none is configured', () => {
    const { providers, reader } = read({});

    expect(
      providers.map(({ type, name, baseUrl, keys, allowByok }) => [
        type,
        name,
        baseUrl,
        keys.length,
        allowByok,
      ]),
    ).toEqual([
      ['anthropic', 'anthropic', 'https://api.anthropic.com', 0, true],
      ['openai', 'openai', 'https://api.openai.com/v1', 0, true],
      ['copilot', 'copilot', 'https://api.individual.githubcopilot.com', 0, true],
    ]);
    expect(reader.problems).toEqual([]);
  });

  it('are exactly the configured ones as soon as one is configured', () => {
    expect(read({ AIBRIDGE_OPENAI_KEY: 'k' }).providers.map(({ name }) => name)).toEqual([
      'openai',
    ]);
    expect(read(provider({ TYPE: 'copilot' })).providers.map(({ name }) => name)).toEqual([
      'copilot',
    ]);
  });

  it('may be configured in both forms and share a type', () => {
    const { providers, reader } = read({
      AIBRIDGE_ANTHROPIC_KEYS: 'k1,k2',
      AIBRIDGE_ANTHROPIC_BASE_URL: 'http://gateway/a/',
      ...provider({ TYPE: 'anthropic', NAME: 'team-2', KEY: 'k3' }),
    });

    expect(reader.problems).toEqual([]);
    expect(providers).toMatchObject([
      { type: 'anthropic', name: 'anthropic', baseUrl: 'http://gateway/a', maxRetries: 0 },
      { type: 'anthropic', name: 'team-2', baseUrl: 'https://api.anthropic.com' },
    ]);
  });

  it('take every setting', () => {
    const { providers } = read(
      provider({
        TYPE: 'openai',
        NAME: 'eu',
        BASE_URL: 'https://eu.example/v1/',
        KEYS_FILE: '/run/keys',
        MAX_RETRIES: '2',
        WAIT_FOR_KEY: '10s',
        CONNECT_TIMEOUT: '1s',
        FIRST_BYTE_TIMEOUT: '2s',
        IDLE_TIMEOUT: '3s',
        TOTAL_TIMEOUT: '4s',
        DUMP_DIR: '/var/dumps',
        ALLOW_BYOK: 'false',
      }),
    );

    expect(providers).toEqual([
      {
        type: 'openai',
        name: 'eu',
        baseUrl: 'https://eu.example/v1',
        proxy: undefined,
        keys: [
          expect.objectContaining({ hint: 'cana...0001' }),
          expect.objectContaining({ hint: 'cana...0002' }),
        ],
        keysFile: '/run/keys',
        maxRetries: 2,
        waitForKeyMs: 10_000,
        connectTimeoutMs: 1_000,
        firstByteTimeoutMs: 2_000,
        idleTimeoutMs: 3_000,
        totalTimeoutMs: 4_000,
        dumpDir: '/var/dumps',
        allowByok: false,
        bedrock: undefined,
      },
    ]);
  });

  it('of type bedrock have an address by region and static credentials', () => {
    const { providers } = read(
      provider({ ...BEDROCK, BEDROCK_ACCESS_KEY: 'a', BEDROCK_SECRET_KEY: 's' }),
    );

    expect(providers).toMatchObject([
      {
        name: 'bedrock',
        baseUrl: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
        keys: [expect.objectContaining({ sessionToken: undefined })],
        bedrock: { region: 'eu-central-1', usesDefaultChain: false },
      },
    ]);
  });

  it.each<[string, Record<string, string>, string[], string[]]>([
    ['KEY alone', { KEY: 'k' }, ['k'], []],
    ['KEY from a file', { KEY_FILE: '/run/key' }, ['canary-file-key-000003'], []],
    ['KEYS over KEY', { KEY: 'k', KEYS: 'a,b' }, ['a', 'b'], ['KEY']],
    [
      'KEYS_FILE over both',
      { KEY: 'k', KEYS: 'a,b', KEYS_FILE: '/run/keys' },
      ['canary-file-key-000001', 'canary-file-key-000002'],
      ['KEYS', 'KEY'],
    ],
  ])(
    'take their keys from %s, with a warning for what is ignored',
    (_, settings, keys, ignored) => {
      const { providers, reader } = read(provider({ TYPE: 'openai', ...settings }));

      expect(providers[0]?.keys.map((key) => key.reveal())).toEqual(keys);
      expect(reader.warnings.map((warning) => warning.split(':')[0])).toEqual(
        ignored.map((name) => `AIBRIDGE_PROVIDER_0_${name}`),
      );
    },
  );

  it('warn when one can serve no request', () => {
    expect(read(provider({ TYPE: 'openai', ALLOW_BYOK: 'false' })).reader.warnings).toEqual([
      'AIBRIDGE_PROVIDER_0_ALLOW_BYOK: is false and there is no key, so every request is refused',
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'P-1: a name with a slash',
      provider({ TYPE: 'openai', NAME: 'a/b' }),
      '_0_NAME: got "a/b", wants',
    ],
    [
      'P-1: an upper-case name',
      provider({ TYPE: 'openai', NAME: 'OpenAI' }),
      '_0_NAME: got "OpenAI"',
    ],
    ['P-1: a leading hyphen', provider({ TYPE: 'openai', NAME: '-a' }), '_0_NAME: got "-a"'],
    ['P-1: a double hyphen', provider({ TYPE: 'openai', NAME: 'a--b' }), '_0_NAME: got "a--b"'],
    ['P-1: an underscore', provider({ TYPE: 'openai', NAME: 'a_b' }), '_0_NAME: got "a_b"'],
    ...['api', 'healthz', 'readyz', 'metrics', 'assets'].map(
      (name): [string, Record<string, string>, string] => [
        `the reserved name ${name}`,
        provider({ TYPE: 'openai', NAME: name }),
        `_0_NAME: got "${name}", wants`,
      ],
    ),
    [
      'P-1: a name that is taken',
      {
        ...provider({ TYPE: 'openai' }),
        AIBRIDGE_PROVIDER_1_TYPE: 'copilot',
        AIBRIDGE_PROVIDER_1_NAME: 'openai',
      },
      'AIBRIDGE_PROVIDER_1_NAME: got duplicate provider name: "openai", which AIBRIDGE_PROVIDER_0_TYPE has',
    ],
    [
      'P-2: both forms of one name',
      { ...provider({ TYPE: 'anthropic' }), AIBRIDGE_ANTHROPIC_KEY: 'k' },
      'AIBRIDGE_ANTHROPIC_KEY: got a provider named "anthropic" beside AIBRIDGE_PROVIDER_0_TYPE, wants one of the two removed',
    ],
    [
      'P-2: an unknown type',
      provider({ TYPE: 'gemini' }),
      'got "gemini", wants one of anthropic, openai, copilot, bedrock',
    ],
    ['no type', provider({ NAME: 'a' }), 'AIBRIDGE_PROVIDER_0_TYPE: got nothing, wants one of'],
    [
      'a negative number of retries',
      provider({ TYPE: 'openai', MAX_RETRIES: '-1' }),
      '_0_MAX_RETRIES: got "-1"',
    ],
    [
      'a timeout of zero',
      provider({ TYPE: 'openai', IDLE_TIMEOUT: '0' }),
      '_0_IDLE_TIMEOUT: got "0"',
    ],
    [
      'a timeout that no timer holds',
      provider({ TYPE: 'openai', IDLE_TIMEOUT: '25d' }),
      '_0_IDLE_TIMEOUT: got "25d"',
    ],
    ['a blank key', provider({ TYPE: 'openai', KEY: '' }), '_0_KEY: got a blank key in place 1'],
    [
      'an ignored list with a fault',
      provider({ TYPE: 'openai', KEYS: 'a,a', KEYS_FILE: '/run/keys' }),
      '_0_KEYS: got the key of place 1 again in place 2',
    ],
    [
      'a key file without keys',
      provider({ TYPE: 'openai', KEYS_FILE: '/run/empty' }),
      '_0_KEYS_FILE: got a file without any key',
    ],
    [
      'a missing key file',
      provider({ TYPE: 'openai', KEYS_FILE: '/run/none' }),
      '_0_KEYS_FILE: got /run/none (no such file)',
    ],
    [
      'a key in place of its file',
      provider({ TYPE: 'openai', KEYS_FILE: 'canary' }),
      '_0_KEYS_FILE: got a text that is not shown',
    ],
    [
      'a key for Copilot',
      provider({ TYPE: 'copilot', KEYS: 'canary' }),
      '_0_KEYS: got a key for type copilot, wants it left out',
    ],
    [
      'a key for Bedrock',
      provider({ ...BEDROCK, KEY: 'canary' }),
      '_0_KEY: got a key for type bedrock, wants it left out',
    ],
    [
      'Bedrock settings of another type',
      provider({ TYPE: 'openai', BEDROCK_MODEL: 'm' }),
      '_0_BEDROCK_MODEL: got a value for type openai',
    ],
    [
      'P-40: no region and no base URL',
      provider({ ...BEDROCK, BEDROCK_REGION: '' }),
      '_0_BEDROCK_REGION: got nothing',
    ],
    [
      'P-40: no model',
      provider({ ...BEDROCK, BEDROCK_MODEL: '' }),
      '_0_BEDROCK_MODEL: got nothing',
    ],
    [
      'P-40: no small fast model',
      provider({ ...BEDROCK, BEDROCK_SMALL_FAST_MODEL: '' }),
      '_0_BEDROCK_SMALL_FAST_MODEL: got nothing',
    ],
    [
      'P-40: half of the credentials',
      provider({ ...BEDROCK, BEDROCK_ACCESS_KEY: 'canary' }),
      '_0_BEDROCK_SECRET_KEY: got nothing',
    ],
    [
      'a session token alone',
      provider({ ...BEDROCK, BEDROCK_SESSION_TOKEN: 'canary' }),
      '_0_BEDROCK_ACCESS_KEY: got nothing',
    ],
    [
      'a first index that is not 0',
      { AIBRIDGE_PROVIDER_1_TYPE: 'openai' },
      'AIBRIDGE_PROVIDER_0_TYPE: got nothing although number 1 is in use',
    ],
    [
      'a gap',
      { ...provider({ TYPE: 'openai' }), AIBRIDGE_PROVIDER_2_TYPE: 'copilot' },
      'AIBRIDGE_PROVIDER_1_TYPE: got nothing although number 2 is in use, wants numbers that count up from 0 without a gap',
    ],
  ])('refuse %s', (_, env, problem) => {
    const { problems } = read(env).reader;
    expect(problems).toContainEqual(expect.stringContaining(problem));
    expect(problems.join()).not.toContain('canary');
  });

  it('do not count an invalid name as a second use of the default name', () => {
    const { reader } = read({
      ...provider({ TYPE: 'openai', NAME: 'Not Valid' }),
      AIBRIDGE_PROVIDER_1_TYPE: 'openai',
    });
    expect(reader.problems).toHaveLength(1);
  });
});
