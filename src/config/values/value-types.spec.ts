import { describe, expect, it } from 'vitest';
import {
  duration,
  durationText,
  filePath,
  flag,
  headerName,
  integer,
  list,
  oneOf,
  plainText,
  secretFilePath,
  size,
  wordOr,
} from './value-types.ts';
import type { ValueType } from './value-types.ts';

const MIB = 2 ** 20;
const anyDuration = duration(0, Number.MAX_SAFE_INTEGER);
const anySize = size(0, Number.MAX_SAFE_INTEGER);

describe('a value type', () => {
  it.each<[string, ValueType<unknown>, string, unknown]>([
    ['milliseconds', anyDuration, '250ms', 250],
    ['seconds', anyDuration, '5s', 5_000],
    ['minutes', anyDuration, '10m', 600_000],
    ['hours', anyDuration, '24h', 86_400_000],
    ['days', anyDuration, '7d', 604_800_000],
    ['zero without a unit', anyDuration, '0', 0],
    ['zero with a unit', anyDuration, '0s', 0],
    ['bytes', anySize, '512B', 512],
    ['kibibytes', anySize, '64KiB', 65_536],
    ['mebibytes', anySize, '32MiB', 32 * MIB],
    ['gibibytes', anySize, '1GiB', 1024 * MIB],
    ['the least number', integer(1, 9), '1', 1],
    ['the greatest number', integer(1, 9), '9', 9],
    ['a choice', oneOf('full', 'hash'), 'hash', 'hash'],
    ['yes', flag('on', 'off'), 'on', true],
    ['no', flag('on', 'off'), 'off', false],
    ['the word beside a duration', wordOr('off', anyDuration), 'off', 'off'],
    ['the duration beside a word', wordOr('off', anyDuration), '1s', 1_000],
    ['a list with spaces', list(plainText), 'a, b c ,d', ['a', 'b c', 'd']],
    ['a text', plainText, 'Größe 1', 'Größe 1'],
    ['a header name, lower-cased', headerName, 'X-Forwarded-User', 'x-forwarded-user'],
    ['a path', filePath, './a b', './a b'],
  ])('reads %s', (_, type, text, value) => {
    expect(type.read(text)).toEqual(value);
  });

  it.each<[string, ValueType<unknown>, string]>([
    ['a duration without a unit', anyDuration, '60'],
    ['a duration with an unknown unit', anyDuration, '2w'],
    ['a duration with a unit that objects inherit', anyDuration, '1toString'],
    ['a fraction', anyDuration, '1.5s'],
    ['a negative duration', anyDuration, '-1s'],
    ['a compound duration', anyDuration, '1h30m'],
    ['a duration below the least', duration(1, 10), '0'],
    ['a duration above the greatest', duration(1, 10), '11ms'],
    ['an ambiguous size', anySize, '32MB'],
    ['a size without a unit', anySize, '1024'],
    ['a size above the greatest', size(0, MIB), '2MiB'],
    ['a number out of range', integer(0, 65_535), '65536'],
    ['a number with a sign', integer(0, 9), '+1'],
    ['a number with an exponent', integer(0, 9), '1e0'],
    ['an unknown choice', oneOf('full', 'hash'), 'Full'],
    ['another word for yes', flag('true', 'false'), 'yes'],
    ['a list with a blank', list(plainText), 'a,,b'],
    ['a list with a repetition', list(plainText), 'a, a'],
    ['a list with a wrong item', list(oneOf('a')), 'a,b'],
    ['a text with a line break', plainText, 'a\nb'],
    ['a header name with a space', headerName, 'X User'],
  ])('refuses %s', (_, type, text) => {
    expect(type.read(text)).toBeUndefined();
  });

  it.each([0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000, 5_184_000_000])(
    'reads back %d ms from the text it shows',
    (ms) => {
      expect(anyDuration.read(durationText(ms))).toBe(ms);
    },
  );

  it.each([
    ['/run/secrets/key', '/run/secrets/key'],
    ['./key', './key'],
    [String.raw`C:\key`, String.raw`C:\key`],
    ['canary-in-place-of-a-path', 'a text that is not shown'],
    ['/canary\nkey', 'a text that is not shown'],
  ])('shows of the path of a secret only what begins like one: %j', (path, shown) => {
    expect(secretFilePath.show(path)).toBe(shown);
  });
});
