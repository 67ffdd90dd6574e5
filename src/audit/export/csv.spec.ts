import { describe, expect, it } from 'vitest';
import { csvCell } from './csv.ts';

describe('a cell', () => {
  // CSV injection: names and messages are chosen by callers, and auditors open exports in spreadsheets.
  it.each([
    ['=HYPERLINK("https://evil.example")', `"'=HYPERLINK(""https://evil.example"")"`],
    ['+1+1', `'+1+1`],
    ['-2+3', `'-2+3`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['\t=1', `"'\t=1"`],
    ['\r=1', `"'\r=1"`],
    [' =1', `' =1`],
    ['＝1', `'＝1`],
  ])('that a spreadsheet would run is defused: %j', (value, expected) => {
    expect(csvCell(value)).toBe(expected);
  });

  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['', ''],
    [null, ''],
    [0, '0'],
    [0.5, '0.5'],
    [true, 'true'],
  ])('keeps what it says: %j', (value, expected) => {
    expect(csvCell(value)).toBe(expected);
  });
});
