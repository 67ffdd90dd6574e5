import { describe, expect, test } from 'vitest';
import type { Purpose } from '../../recording/index.ts';
import type { TurnPart } from '../apis/api.ts';
import { tagged, type MachineText } from './clients/machine-text.ts';
import { readUserTurn } from './user-turn.ts';

const REMINDER = '<system-reminder>Today is Monday.</system-reminder>\n\n';

const SUMMARY = 'What was said so far: nothing.';
const TYPED = '<system-reminder>\nThe user sent a message: stop</system-reminder>';
const KNOWN: MachineText[] = [
  { begins: 'What was said so far', isSummary: true },
  { begins: '<system-reminder>\nThe user sent a message', holdsUsersWords: true },
];

const said = (...texts: string[]): TurnPart => ({ texts, toolCallIds: [] });
const results = (...toolCallIds: string[]): TurnPart => ({ texts: [], toolCallIds });

function read(parts: readonly TurnPart[], purpose: Purpose = 'main') {
  const machineText = [...KNOWN, ...tagged('system-reminder')];
  const client = { purpose, machineText };
  const { prompts, correlatingToolCallIds } = readUserTurn(parts, client, '\n\n');
  return {
    user: prompts.filter(({ source }) => source === 'user').map(({ text }) => text),
    machine: prompts.filter(({ source }) => source === 'machine').map(({ text }) => text),
    answered: correlatingToolCallIds,
  };
}

describe('11.2: the prompt', () => {
  test.each<[string, TurnPart[], string[]]>([
    ['is what the user says, as it stands', [said(' hi\n')], [' hi\n']],
    ['is all that the user says at once', [said('REAL SECRET', '.')], ['REAL SECRET\n\n.']],
    ['is what the user says beside a machine', [said(REMINDER, 'hi')], ['hi']],
    ['may be empty where nothing else is said', [said('')], ['']],
    ['is not a blank beside words', [said('a', '\n', 'b')], ['a\n\nb']],
    ['is not a blank beside a machine’s words', [said(REMINDER, '')], []],
    ['is not a blank beside results', [{ texts: [''], toolCallIds: ['t1'] }], []],
    ['is what is said beside results', [{ texts: ['stop'], toolCallIds: ['t1'] }], ['stop']],
    ['is all messages of the turn', [said('REAL SECRET'), said('.')], ['REAL SECRET\n\n.']],
    ['is there before a machine’s last word', [said('SECRET'), said(REMINDER)], ['SECRET']],
    ['is there before results of tools', [said('SECRET'), results('t1')], ['SECRET']],
    [
      'is not what is repeated before a summary',
      [said('old'), said(SUMMARY), said('new')],
      ['new'],
    ],
    ['is not there where a summary comes last', [said('old'), said(SUMMARY)], []],
    ['is what was typed while the model worked', [results('t1'), said(TYPED)], [TYPED]],
    [
      'is what was typed while the model worked, handed on in an instruction',
      [{ ...results('t1'), asides: ['Agents: none.', TYPED] }],
      [TYPED],
    ],
    ['is no instruction of the client’s', [{ ...said('hi'), asides: ['Agents: none.'] }], ['hi']],
    ['is not there without a turn', [], []],
  ])('%s', (_, parts, prompts) => {
    expect(read(parts).user).toEqual(prompts);
  });
});

describe('11.2: a machine’s text', () => {
  test.each<[string, TurnPart[], string[]]>([
    ['is kept apart', [said(REMINDER, 'hi')], [REMINDER]],
    [
      'of a whole turn is one',
      [said(REMINDER), said('hi', REMINDER)],
      [`${REMINDER}\n\n${REMINDER}`],
    ],
    ['is kept beside results', [{ texts: [REMINDER], toolCallIds: ['t1'] }], [REMINDER]],
    ['is none where the user speaks of it', [said(`What is ${REMINDER}?`)], []],
  ])('%s', (_, parts, texts) => {
    expect(read(parts).machine).toEqual(texts);
  });

  test('is all that a call of the client’s own ends with', () => {
    const parts = [said('earlier'), said('an old prompt', 'Sum it all up.')];
    expect(read(parts, 'compact')).toMatchObject({
      user: [],
      machine: ['an old prompt\n\nSum it all up.'],
    });
  });
});

describe('11.1: the tool calls that are answered', () => {
  test.each<[string, TurnPart[], string[]]>([
    ['are all of the turn', [results('t1', 't2'), results('t3')], ['t1', 't2', 't3']],
    ['are named once', [results('t1', 't1')], ['t1']],
    ['are there beside the user’s words', [{ texts: ['hi'], toolCallIds: ['t1'] }], ['t1']],
    ['are there before a machine’s words', [results('t1'), said(REMINDER)], ['t1']],
    ['are not there before the user’s words', [results('t1'), said('hi')], []],
  ])('%s', (_, parts, ids) => {
    expect(read(parts).answered).toEqual(ids);
  });

  test('are there before the words of a call of the client’s own', () => {
    expect(read([results('t1'), said('Sum it all up.')], 'compact').answered).toEqual(['t1']);
  });

  test('are the last 64 of ever so many', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `t${index}`);
    expect(read([results(...ids)]).answered).toEqual(ids.slice(36));
  });
});
