import { describe, expect, it } from 'vitest';
import { AwsKey } from '../../providers/index.ts';
import type { ProviderConfig } from '../settings/bridge-config.ts';
import { parseConfig } from './parse-config.ts';

const FILES: Readonly<Record<string, string>> = {
  '/run/aws': [
    '\uFEFF# preferred',
    '[main]',
    'aws_access_key_id = AKIAFILE000000000001',
    'aws_secret_access_key=file-secret-1',
    '',
    '[ other ]',
    'aws_access_key_id = ASIAFILE000000000002',
    'aws_secret_access_key = file-secret-2',
    'aws_session_token = file-token-2==',
    'account = research',
  ].join('\r\n'),
  '/run/secret': 'secret-from-file\n',
  '/run/empty': '# nothing\n',
  '/run/half': '[a]\naws_access_key_id = A\n',
  '/run/twice':
    '[a]\naws_access_key_id=A\naws_secret_access_key=b\n[b]\naws_access_key_id=A\naws_secret_access_key=c\n',
  '/run/strange': 'aws_access_key_id = early\n[a]\nregion = eu-west-1\nnonsense\n',
  '/run/blank':
    '[a]\naws_access_key_id = A\naws_secret_access_key = canary secret\naccount = no name\n',
  '/run/rules': '{"betas":{"new-2027-01-01":["*"]},"adaptiveThinking":["claude-next"]}',
  '/run/rules-bad': '{"betas":{"new":"*"}}',
  '/run/rules-unknown': '{"beta":{}}',
  '/run/rules-text': 'betas',
};

const BEDROCK = {
  TYPE: 'bedrock',
  BEDROCK_REGION: 'eu-central-1',
  BEDROCK_MODEL: 'anthropic.claude-opus-4-5',
  BEDROCK_SMALL_FAST_MODEL: 'anthropic.claude-haiku-4-5',
};

function parsed(settings: Readonly<Record<string, string>>) {
  const env = Object.entries({ ...BEDROCK, ...settings });
  return parseConfig(
    Object.fromEntries(env.map(([name, text]) => [`AIBRIDGE_PROVIDER_0_${name}`, text])),
    {
      readFile: (path) => {
        const text = FILES[path];
        if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
        return text;
      },
    },
  );
}

function problemsOf(settings: Readonly<Record<string, string>>): readonly string[] {
  const result = parsed(settings);
  return result.kind === 'ok' ? [] : result.problems;
}

function valid(settings: Readonly<Record<string, string>> = {}) {
  const result = parsed(settings);
  if (result.kind !== 'ok') throw new Error(result.problems.join('\n'));
  const [provider] = result.config.providers;
  return { ...result, provider };
}

/** What the keys sign with. */
function partsOf(provider: ProviderConfig | undefined): unknown[] {
  return (provider?.keys ?? []).map((key) =>
    key instanceof AwsKey
      ? [
          key.reveal(),
          key.secretAccessKey.reveal(),
          key.sessionToken?.reveal() ?? null,
          key.account,
        ]
      : 'none of AWS',
  );
}

const ONE = { BEDROCK_ACCESS_KEY: 'AKIA1', BEDROCK_SECRET_KEY: 's1' };
const SETS = {
  BEDROCK_0_ACCESS_KEY: 'AKIA2',
  BEDROCK_0_SECRET_KEY: 's2',
  BEDROCK_1_ACCESS_KEY: 'ASIA3',
  BEDROCK_1_SECRET_KEY_FILE: '/run/secret',
  BEDROCK_1_SESSION_TOKEN: 't3',
};
const FILE = { BEDROCK_CREDENTIALS_FILE: '/run/aws' };

describe('P-41: the credentials of Bedrock', () => {
  it.each<[string, Record<string, string>, unknown[]]>([
    ['one set', ONE, [['AKIA1', 's1', null, undefined]]],
    [
      'sets with a number each',
      SETS,
      [
        ['AKIA2', 's2', null, undefined],
        ['ASIA3', 'secret-from-file', 't3', undefined],
      ],
    ],
    [
      'a file of sections',
      FILE,
      [
        ['AKIAFILE000000000001', 'file-secret-1', null, undefined],
        ['ASIAFILE000000000002', 'file-secret-2', 'file-token-2==', 'research'],
      ],
    ],
    ["none: they are AWS's affair", {}, []],
  ])('are %s', (_, settings, keys) => {
    const { provider } = valid(settings);
    expect(partsOf(provider)).toEqual(keys);
    expect(provider?.bedrock?.usesDefaultChain).toBe(keys.length === 0);
  });

  it('come from the last source of the documentation, with a warning about the others', () => {
    const { provider, warnings } = valid({ ...ONE, ...SETS, ...FILE });
    expect(provider?.keys.map(String)).toEqual(['AKIA...0001', 'ASIA...0002']);
    expect(provider?.keysFile).toBe('/run/aws');
    expect(warnings).toEqual([
      'AIBRIDGE_PROVIDER_0_BEDROCK_0_ACCESS_KEY: is ignored because AIBRIDGE_PROVIDER_0_BEDROCK_CREDENTIALS_FILE is set too',
      'AIBRIDGE_PROVIDER_0_BEDROCK_ACCESS_KEY: is ignored because AIBRIDGE_PROVIDER_0_BEDROCK_CREDENTIALS_FILE is set too',
    ]);
  });

  it('are shown by their hints alone', () => {
    const { sources } = valid({ ...SETS, ...FILE });
    const shown = JSON.stringify([...sources]);
    expect(shown).toContain('/run/aws (AKIA...0001, ASIA...0002)');
    expect(shown).not.toMatch(/file-secret|secret-from|file-token|"s2"|"t3"|se\.\.\.le/);
  });
});

describe('P-40: what a call would stumble over is told at the start', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['no region and no address', { BEDROCK_REGION: '' }, ['BEDROCK_REGION: got nothing']],
    ['no model', { BEDROCK_MODEL: '' }, ['BEDROCK_MODEL: got nothing']],
    ['no small model', { BEDROCK_SMALL_FAST_MODEL: '' }, ['BEDROCK_SMALL_FAST_MODEL: got nothing']],
    ['an access key alone', { BEDROCK_ACCESS_KEY: 'canary' }, ['BEDROCK_SECRET_KEY: got nothing']],
    ['a secret alone', { BEDROCK_SECRET_KEY: 'canary' }, ['BEDROCK_ACCESS_KEY: got nothing']],
    ['half a set', { BEDROCK_0_ACCESS_KEY: 'canary' }, ['BEDROCK_0_SECRET_KEY: got nothing']],
    [
      'a gap',
      { BEDROCK_1_ACCESS_KEY: 'canary', BEDROCK_1_SECRET_KEY: 'canary' },
      ['BEDROCK_1_ACCESS_KEY: got number 1 although number 0 is not in use'],
    ],
    [
      'the same key twice',
      { ...SETS, BEDROCK_1_ACCESS_KEY: 'AKIA2' },
      ['got the access key of AIBRIDGE_PROVIDER_0_BEDROCK_0_ACCESS_KEY again'],
    ],
    ['an unknown part', { BEDROCK_0_KEY: 'canary' }, ['BEDROCK_0_KEY']],
    ['no file', { BEDROCK_CREDENTIALS_FILE: '/run/none' }, ['CREDENTIALS_FILE: got /run/none']],
    ['a file of nothing', { BEDROCK_CREDENTIALS_FILE: '/run/empty' }, ['without any credentials']],
    [
      'a file of halves',
      { BEDROCK_CREDENTIALS_FILE: '/run/half' },
      ['no secret key in the section'],
    ],
    [
      'a file with one twice',
      { BEDROCK_CREDENTIALS_FILE: '/run/twice' },
      ['section of line 1 again'],
    ],
    [
      'a file that says more',
      { BEDROCK_CREDENTIALS_FILE: '/run/strange' },
      ['got a line 1 that', 'got a line 3 that', 'got a line 4 that'],
    ],
    [
      'a file with slips',
      { BEDROCK_CREDENTIALS_FILE: '/run/blank' },
      ['with spaces in the section', 'an account in the section'],
    ],
    ['a table that is none', { BEDROCK_MODELS: 'claude-opus-4-5' }, ['wants asked=model pairs']],
    ['a star in a middle', { BEDROCK_MODELS: 'claude-*-4-5=m' }, ['wants asked=model pairs']],
    ['rules that are none', { BEDROCK_RULES_FILE: '/run/rules-text' }, ['a file that is no JSON']],
    ['rules with a slip', { BEDROCK_RULES_FILE: '/run/rules-bad' }, ['a mistake in betas.new']],
    ['rules nobody knows', { BEDROCK_RULES_FILE: '/run/rules-unknown' }, ['the whole of it']],
  ])('%s', (_, settings, wanted) => {
    const problems = problemsOf(settings);
    expect(problems).toEqual(wanted.map((part) => expect.stringContaining(part)));
    expect(problems.join()).not.toContain('canary');
  });

  it('settings of Bedrock are for Bedrock', () => {
    const env = { ...SETS, TYPE: 'anthropic', BEDROCK_RULES_FILE: '/run/rules' };
    expect(problemsOf(env)).toHaveLength(3 + 1 + 5);
  });
});

describe('P-42: the region that calls are signed for', () => {
  it.each<[string, Record<string, string>, string, number]>([
    ['as configured', {}, 'eu-central-1', 0],
    [
      'as the address has it',
      { BEDROCK_REGION: '', BASE_URL: 'https://bedrock-runtime.eu-west-3.amazonaws.com' },
      'eu-west-3',
      1,
    ],
    ['a guess', { BEDROCK_REGION: '', BASE_URL: 'http://127.0.0.1:1' }, 'us-east-1', 2],
    [
      'as configured against the address',
      { BASE_URL: 'https://bedrock-runtime.eu-west-3.amazonaws.com' },
      'eu-central-1',
      1,
    ],
  ])('%s', (_, settings, region, warnings) => {
    const found = valid({ ...ONE, ...settings });
    expect(found.provider?.bedrock?.region).toBe(region);
    expect(found.warnings).toHaveLength(warnings);
  });
});

it('P-44: the table of models is read in its order', () => {
  const { provider } = valid({ BEDROCK_MODELS: 'a-*=m.a:0 , b = arn:aws:x:y:1:p/z' });
  expect(provider?.bedrock?.models).toEqual([
    { asked: 'a-*', model: 'm.a:0' },
    { asked: 'b', model: 'arn:aws:x:y:1:p/z' },
  ]);
});

it('P-46: the rules of a file are on top of those of the bridge', () => {
  const { provider } = valid({ BEDROCK_RULES_FILE: '/run/rules' });
  const rules = provider?.bedrock?.rules;
  expect(rules?.betas['new-2027-01-01']).toEqual(['*']);
  expect(rules?.betas['effort-2025-11-24']).toEqual(['anthropic.claude-opus-4-5']);
  expect(rules?.adaptiveThinking).toContain('claude-next');
});
