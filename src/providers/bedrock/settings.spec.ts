import { describe, expect, test } from 'vitest';
import type { ModelLine } from '../bedrock-config.ts';
import { BEDROCK_RULES } from './rules.ts';
import { mappedModel, regionalBaseUrl, regionIn } from './settings.ts';

function served(asked: string, models: readonly ModelLine[] = []): string {
  const [model, smallFastModel] = ['main', 'small'];
  const config = { region: 'r', usesDefaultChain: false, rules: BEDROCK_RULES };
  return mappedModel(asked, { ...config, models, model, smallFastModel });
}

describe('P-44: which model serves', () => {
  test.each([
    ['claude-haiku-4-5', 'small'],
    ['some-haiku', 'small'],
    ['claude-opus-4-5', 'main'],
    ['', 'main'],
  ])('%s', (asked, model) => {
    expect(served(asked)).toBe(model);
  });

  test('the first line of the table that fits comes before that', () => {
    const table = [
      { asked: 'claude-haiku-4-5', model: 'exact' },
      { asked: 'claude-opus-*', model: 'prefix' },
      { asked: 'claude-opus-4-5', model: 'too late' },
    ];
    expect(served('claude-haiku-4-5', table)).toBe('exact');
    expect(served('claude-haiku-4-5-20251001', table)).toBe('small');
    expect(served('claude-opus-4-5', table)).toBe('prefix');
    expect(served('my-claude-opus-4-5', table)).toBe('main');
    expect(served('anything', [{ asked: '*', model: 'all' }])).toBe('all');
  });
});

describe('P-42: where Bedrock is', () => {
  test('its address has the region in it', () => {
    expect(regionalBaseUrl('eu-central-1')).toBe(
      'https://bedrock-runtime.eu-central-1.amazonaws.com',
    );
  });

  test.each([
    ['https://bedrock-runtime.eu-central-1.amazonaws.com', 'eu-central-1'],
    ['https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/', 'us-gov-west-1'],
    ['https://vpce-1-2.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com', 'ap-southeast-2'],
    ['https://bedrock.example/', undefined],
    ['http://127.0.0.1:4500/eu-west-1', undefined],
  ])('the region of %s', (url, region) => {
    expect(regionIn(url)).toBe(region);
  });
});
