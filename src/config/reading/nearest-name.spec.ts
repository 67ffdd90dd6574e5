import { describe, expect, it } from 'vitest';
import { isKnownName, knownNames } from '../settings/definition.ts';
import { nearestName } from './nearest-name.ts';

describe('the nearest known name', () => {
  it.each([
    ['AIBRIDGE_PROVIDER_0_KEYZ', 'AIBRIDGE_PROVIDER_0_KEY'],
    ['AIBRIDGE_PROVIDER_TYPE', 'AIBRIDGE_PROVIDER_0_TYPE'],
    ['AIBRIDGE_PROVIDER_0_BASEURL', 'AIBRIDGE_PROVIDER_0_BASE_URL'],
    ['AIBRIDGE_ANTHROPIC_API_KEY', 'AIBRIDGE_ANTHROPIC_KEY'],
    ['AIBRIDGE_PORT', 'PORT'],
    ['AIBRIDGE_DATABASE_URL', 'DATABASE_URL'],
    ['AIBRIDGE_LOGLEVEL', 'LOG_LEVEL'],
    ['AIBRIDGE_RETENTION_DAYS', 'AIBRIDGE_RETENTION'],
    ['AIBRIDGE_IDENTITY_HEADERS', 'AIBRIDGE_IDENTITY_HEADER'],
  ])('of %s is %s', (name, nearest) => {
    expect(nearestName(name, knownNames(0))).toBe(nearest);
  });

  it('is undefined when none is known', () => {
    expect(nearestName('AIBRIDGE_X', [])).toBeUndefined();
  });
});

describe('a name is known', () => {
  it.each([
    ['AIBRIDGE_DATA_DIR', true],
    ['AIBRIDGE_PROVIDER_12_KEY', true],
    ['AIBRIDGE_PROVIDER_0_KEY_FILE', true],
    ['AIBRIDGE_PROVIDER_0_KEYS_FILE', true],
    ['AIBRIDGE_MCP_3_HEADERS_FILE', true],
    ['DATABASE_URL_FILE', true],
    ['AIBRIDGE_PROVIDER_00_KEY', false],
    ['AIBRIDGE_PROVIDER_<N>_KEY', false],
    ['AIBRIDGE_PROVIDER_0_KEYS_FILE_FILE', false],
    ['AIBRIDGE_DATA_DIR_FILE', false],
    ['AIBRIDGE_COPILOT_KEY', false],
  ])('%s: %s', (name, isKnown) => {
    expect(isKnownName(name)).toBe(isKnown);
  });
});
