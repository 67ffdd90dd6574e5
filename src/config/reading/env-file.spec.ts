import { describe, expect, it } from 'vitest';
import { parseEnvFile } from './env-file.ts';

describe('an env file', () => {
  it.each([
    ['a plain value', 'A=1', '1'],
    ['a value with spaces around', '  A = 1 2  ', '1 2'],
    ['an export', 'export A=1', '1'],
    ['an empty value', 'A=', ''],
    ['a comment after a value', 'A=1 # one', '1'],
    ['a comment after nothing', 'A= # none', ''],
    ['a # inside a value', 'A=sk-1#2', 'sk-1#2'],
    ['an = inside a value', 'A=b=c', 'b=c'],
    ['single quotes, literal', String.raw`A='x \n # "y"' # c`, String.raw`x \n # "y"`],
    ['double quotes with escapes', String.raw`A="x\ny \"z\" \\ \$ # d" # c`, 'x\ny "z" \\ $ # d'],
    ['a Windows line end', 'A=1\r\nB=2', '1'],
    ['a byte order mark', '\uFEFFA=1', '1'],
    ['the last of several', 'A=1\nA=2', '2'],
  ])('gives %s', (_, text, value) => {
    expect(parseEnvFile(text).values.get('A')).toBe(value);
    expect(parseEnvFile(text).badLines).toEqual([]);
  });

  it.each([
    ['no assignment', '# c\n\ncanary'],
    ['a name with a space', 'B=1\n\nA B=1'],
    ['a name that begins with a digit', '\n\n1A=1'],
    ['unclosed double quotes', '\n\nA="canary'],
    ['text after the quotes', `\n\nA='canary'x`],
  ])('reports the number of a line with %s', (_, text) => {
    expect(parseEnvFile(text).badLines).toEqual([3]);
  });
});
