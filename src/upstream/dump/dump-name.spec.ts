import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { CUT, dumpName, folderOf, readDumpName } from './dump-name.ts';

const ATTEMPT = {
  interceptionId: '0198c0de-7000-7abc-8def-0123456789ab',
  turn: 2,
  ordinal: 1,
  startedAtMs: 1_767_225_600_000,
};

const COPY = `${dumpName(ATTEMPT, 'req')}.copy`;

it('says which attempt of which interception it is', () => {
  const name = dumpName(ATTEMPT, 'req_error');
  expect(name).toBe('1767225600000-0198c0de-7000-7abc-8def-0123456789ab-t2-a1.req_error.txt');
  const read = { atMs: ATTEMPT.startedAtMs, attempt: name.replace('.req_error.txt', '') };
  expect(readDumpName(name)).toEqual(read);
  expect(readDumpName(name + CUT)).toEqual(read);
});

it.each(['notes.txt', '1767225600000-notes.req.txt', 'x-t1-a1.resp.txt', '.req.txt', COPY])(
  'is not mistaken: %s',
  (name) => {
    expect(readDumpName(name)).toBeUndefined();
  },
);

// The caller chooses the name of the model.
it.each([
  ['claude-opus-4-5', 'claude-opus-4-5'],
  ['anthropic/claude', 'anthropic-claude'],
  ['ft:gpt-5:org::id', 'ft-gpt-5-org--id'],
  ['.', '-'],
  ['..', '-'],
  ['../../etc', '--..-etc'],
  ['..\\..\\x', '--..-x'],
  ['a\0b', 'a-b'],
  ['.hidden', '-hidden'],
  ['ends in dots..', 'ends-in-dots-'],
  ['modèle 🌍', 'mod-le---'],
  ['', 'unknown'],
])('is no folder but one: %j', (model, folder) => {
  expect(folderOf(model)).toBe(folder);
});

it.each([
  '../'.repeat(100),
  '/etc/passwd',
  '\0',
  'm'.repeat(10_000),
  '..'.repeat(500),
  '\u{1f30d}',
])('never leads out of its directory: %j', (model) => {
  const folder = relative('/dumps', join('/dumps', folderOf(model)));
  expect(folder).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/);
});
