import { describe, expect, test } from 'vitest';
import { isMachineText, tagged } from './machine-text.ts';

const KNOWN = [
  ...tagged('system-reminder', 'note'),
  { begins: 'Summary of', ends: 'END' },
  { begins: 'This session is being continued' },
];
const LONG = 30 * 1024 ** 2;

describe('text of a machine’s own', () => {
  test.each([
    '<system-reminder>Today is Monday.</system-reminder>',
    '\n<system-reminder>\nToday is Monday.\n</system-reminder>\n\n',
    '<note>a</note>\n<system-reminder>b</system-reminder><note>c</note>',
    '<note></note>',
    'Summary of all\nEND',
    'This session is being continued, and so on <system-reminder>',
  ])('%j', (text) => {
    expect(isMachineText(text, KNOWN)).toBe(true);
  });

  test.each([
    '',
    ' \n',
    'hi',
    'hi <note>a</note>',
    '<note>a</note> hi',
    '<note>a</note> hi <note>b</note>',
    '<note>a<note>b</note></note>',
    '<note>a</system-reminder>',
    '<note>a',
    '<note-x>a</note-x>',
    '<NOTE>a</NOTE>',
    'What does <system-reminder>a</system-reminder> mean?',
    'Summary of all',
  ])('is not %j', (text) => {
    expect(isMachineText(text, KNOWN)).toBe(false);
  });
});

// A pattern that goes back over what it has read would keep the bridge busy for hours.
test.each([
  ['that never ends', '<system-reminder>'.repeat(LONG / 17), false],
  ['of empty tags', '<note></note>'.repeat(LONG / 13), false],
  ['of long pieces', `<note>${'<'.repeat(LONG / 900)}</note>`.repeat(900), true],
  ['of blanks in tags', `<note>${' '.repeat(LONG)}</note>`, true],
  ['of blanks', ' '.repeat(LONG), false],
])('a text of 30 MiB %s is told in one pass', (_, text, expected) => {
  expect(isMachineText(text, KNOWN)).toBe(expected);
});
