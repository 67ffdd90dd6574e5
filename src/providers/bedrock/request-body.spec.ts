import { describe, expect, test } from 'vitest';
import { parseObject } from '../../core/json.ts';
import { bedrockBody, type BedrockBody } from './request-body.ts';
import { BEDROCK_RULES, extendedRules } from './rules.ts';

const OPUS_4_5 = 'eu.anthropic.claude-opus-4-5-20251101-v1:0';
const SONNET_4_5 = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const HAIKU_4_5 = 'anthropic.claude-haiku-4-5-20251001-v1:0';
const OPUS_4_6 = 'anthropic.claude-opus-4-6-v1';
const EFFORT = 'effort-2025-11-24';
const CONTEXT = 'context-management-2025-06-27';
const INTERLEAVED = 'interleaved-thinking-2025-05-14';

interface Asked {
  readonly model?: string;
  readonly betas?: readonly string[];
  readonly rules?: Parameters<typeof extendedRules>[1];
}

function sentFor(json: string, asked: Asked = {}): BedrockBody | undefined {
  const { model = 'beddel', betas: betaLines = [], rules = {} } = asked;
  return bedrockBody({
    json: Buffer.from(json),
    parsed: parseObject(json) ?? {},
    betaLines,
    model,
    rules: extendedRules(BEDROCK_RULES, rules),
  });
}

function sent(body: object, asked: Asked = {}): Record<string, unknown> {
  return { ...parseObject(String(sentFor(JSON.stringify(body), asked)?.json)) };
}

describe('P-43: the request becomes one of Bedrock', () => {
  test('and every byte that Bedrock wants stays as it was', () => {
    const json =
      '{ "model":"m", "seed": 9007199254740993, "z":1.0, "a":"\\u00e9", "stream" : true ,"b":[ ] }';
    expect(sentFor(json)?.json.toString()).toBe(
      '{"anthropic_version":"bedrock-2023-05-31", "seed": 9007199254740993, "z":1.0, "a":"\\u00e9","b":[ ] }',
    );
  });

  test('of the version that the caller names, if any', () => {
    expect(sent({ anthropic_version: 'other' })).toEqual({ anthropic_version: 'other' });
  });

  test('in which nothing is there twice, so that no parser reads what was taken out', () => {
    const json = '{"model":"a","metadata":{},"m\\u006fdel":"b","metadata":{"user_id":"u"}}';
    expect(sentFor(json)?.json.toString()).toBe('{"anthropic_version":"bedrock-2023-05-31"}');
  });
});

describe('P-45: who cannot think adaptively is given a budget', () => {
  test.each([
    ['low', 32_000, { type: 'enabled', budget_tokens: 6_400 }],
    ['medium', 32_000, { type: 'enabled', budget_tokens: 16_000 }],
    ['high', 32_000, { type: 'enabled', budget_tokens: 25_600 }],
    ['max', 32_000, { type: 'enabled', budget_tokens: 30_400 }],
    [undefined, 32_000, { type: 'enabled', budget_tokens: 25_600 }],
    ['toString', 32_000, { type: 'enabled', budget_tokens: 25_600 }],
    ['medium', 2_049, { type: 'enabled', budget_tokens: 1_024 }],
    ['medium', 2_047, { type: 'disabled' }],
    ['medium', 0, { type: 'adaptive' }],
    ['medium', -5, { type: 'adaptive' }],
    ['medium', undefined, { type: 'adaptive' }],
    ['medium', '32000', { type: 'adaptive' }],
  ])('effort %s of %s tokens', (effort, max_tokens, thinking) => {
    const body = { max_tokens, thinking: { type: 'adaptive' }, output_config: { effort } };
    // The rest of the clean-up is done whatever comes of it.
    expect(sent({ ...body, metadata: {} })).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      ...(max_tokens !== undefined && { max_tokens }),
      thinking,
    });
  });

  test.each(['anthropic.claude-opus-4-6-v1', 'us.anthropic.claude-sonnet-4-6'])(
    'not %s',
    (model) => {
      const body = { max_tokens: 32_000, thinking: { type: 'adaptive' } };
      expect(sent(body, { model })).toMatchObject({ thinking: { type: 'adaptive' } });
    },
  );

  test.each([{ type: 'enabled', budget_tokens: 5 }, { type: 'disabled' }, 'adaptive', null])(
    'not where thinking is %j',
    (thinking) => {
      expect(sent({ max_tokens: 32_000, thinking })).toMatchObject({ thinking });
    },
  );
});

describe('P-46: betas go along that Bedrock knows of the model', () => {
  test.each<[string, readonly string[], readonly string[] | undefined]>([
    [
      'beddel',
      [`${INTERLEAVED}, ${EFFORT}`, `${CONTEXT},prompt-caching-scope-2026-01-05`],
      [INTERLEAVED],
    ],
    [OPUS_4_5, [`${EFFORT},${INTERLEAVED}`], [EFFORT, INTERLEAVED]],
    [SONNET_4_5, [`${EFFORT},${CONTEXT}`], [CONTEXT]],
    [HAIKU_4_5, [CONTEXT, ` , ${CONTEXT}`], [CONTEXT]],
    [OPUS_4_6, [`${EFFORT},${CONTEXT}`], undefined],
    [OPUS_4_5, [''], undefined],
    [OPUS_4_5, ['constructor'], undefined],
  ])('%s asked for %j', (model, betas, kept) => {
    expect(sent({}, { model, betas })['anthropic_beta']).toEqual(kept);
  });

  test('also those that a caller names in the body as Bedrock has it', () => {
    const body = { anthropic_beta: [CONTEXT, INTERLEAVED, 3] };
    expect(sent(body, { betas: [INTERLEAVED] })['anthropic_beta']).toEqual([INTERLEAVED]);
  });

  test('and however many are asked for, the record stays short', () => {
    const betas = Array.from({ length: 500 }, (_, index) => `beta-${index}-${'x'.repeat(500)}`);
    const { notes = [] } = sentFor('{}', { betas }) ?? {};
    expect(notes).toHaveLength(65);
    expect(notes.at(-1)).toBe('Bedrock was not sent 436 more betas');
    expect(Math.max(...notes.map((note) => note.length))).toBeLessThan(140);
  });
});

const OPTIONAL = {
  metadata: { user_id: 'u' },
  service_tier: 'auto',
  container: 'c',
  inference_geo: 'eu',
  output_config: { effort: 'medium' },
  context_management: { edits: [] },
};

describe('P-47: fields stay that Bedrock knows, and the record says which do not', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['beddel', [INTERLEAVED, EFFORT, CONTEXT], []],
    [OPUS_4_5, [INTERLEAVED, EFFORT, CONTEXT], ['output_config']],
    [SONNET_4_5, [INTERLEAVED, EFFORT, CONTEXT], ['context_management']],
    [OPUS_4_6, [INTERLEAVED, EFFORT, CONTEXT], []],
    [OPUS_4_5, [], []],
    [SONNET_4_5, [EFFORT], []],
  ])('%s with %j', (model, betas, kept) => {
    const fields = Object.keys(sent(OPTIONAL, { model, betas }));
    expect(fields.filter((field) => field in OPTIONAL)).toEqual(kept);
    const { notes = [] } = sentFor(JSON.stringify(OPTIONAL), { model, betas }) ?? {};
    const dropped = Object.keys(OPTIONAL).filter((field) => !kept.includes(field));
    expect(notes.filter((note) => note.includes('the field')).toSorted()).toEqual(
      dropped.map((field) => `Bedrock was not sent the field ${field}`).toSorted(),
    );
  });

  // Protects the meaning of an answer: who asks for a schema must not get free text in good faith.
  test.each([
    ['beddel', 'anthropic.claude-3-7-sonnet-20250219-v1:0'],
    ['an ARN', 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc'],
  ])('the shape of the answer is not lost: %s does not hold to it', (_, model) => {
    expect(
      sentFor('{"output_config":{"format":{"type":"json_schema"}}}', { model }),
    ).toBeUndefined();
    expect(sentFor('{"output_config":{"format":null}}', { model })).toBeDefined();
  });

  test('the shape of the answer stays, byte for byte, when the effort beside it goes', () => {
    const json =
      '{"output_config": {"effort":"low", "format" : {"type":"json_schema", "max": 1e400 } } }';
    expect(sentFor(json, { model: SONNET_4_5 })?.json.toString()).toBe(
      '{"anthropic_version":"bedrock-2023-05-31","output_config": {"format":{"type":"json_schema", "max": 1e400 }} }',
    );
  });
});

describe('P-48: the table of the rules as a whole', () => {
  const body = { max_tokens: 32_000, thinking: { type: 'adaptive' }, ...OPTIONAL };
  const betas = [`${INTERLEAVED}, ${EFFORT}`, CONTEXT, 'prompt-caching-scope-2026-01-05'];
  const budget = { type: 'enabled', budget_tokens: 16_000 };

  test.each<[string, object, readonly string[], readonly string[]]>([
    ['beddel', budget, [], [INTERLEAVED]],
    ['anthropic.claude-opus-4-5-x', budget, ['output_config'], [INTERLEAVED, EFFORT]],
    ['anthropic.claude-sonnet-4-5-x', budget, ['context_management'], [INTERLEAVED, CONTEXT]],
    ['anthropic.claude-opus-4-6-x', { type: 'adaptive' }, [], [INTERLEAVED]],
  ])('%s', (model, thinking, kept, anthropic_beta) => {
    const result = sent(body, { model, betas });
    expect(result).toMatchObject({ thinking, anthropic_beta });
    expect(Object.keys(result).filter((field) => field in OPTIONAL)).toEqual(kept);
  });
});

describe('an operator adds to the rules', () => {
  test('a beta, and the models of one that is known', () => {
    const rules = { betas: { 'new-2027-01-01': ['*'], [EFFORT]: ['claude-opus-4-6'] } };
    const asked = { model: OPUS_4_6, betas: [`new-2027-01-01,${EFFORT}`], rules };
    const result = sent({ output_config: { effort: 'low' } }, asked);
    expect(result).toMatchObject({
      anthropic_beta: ['new-2027-01-01', EFFORT],
      output_config: { effort: 'low' },
    });
  });

  test('a field that a model has after all', () => {
    const rules = { fields: { service_tier: [OPUS_4_6] } };
    expect(sent(OPTIONAL, { model: OPUS_4_6, rules })['service_tier']).toBe('auto');
    expect(sent(OPTIONAL, { model: OPUS_4_5, rules })['service_tier']).toBeUndefined();
  });

  test('models that think adaptively or hold to a schema', () => {
    const rules = { adaptiveThinking: ['new-model'], structuredOutput: ['new-model'] };
    const body = {
      max_tokens: 9_000,
      thinking: { type: 'adaptive' },
      output_config: { format: {} },
    };
    expect(sent(body, { model: 'new-model-v1', rules })).toMatchObject({
      thinking: { type: 'adaptive' },
      output_config: { format: {} },
    });
  });
});
