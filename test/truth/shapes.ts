import type { Mode } from '../support/api-under-test.ts';
import type { Habits } from './habits.ts';
import type { Random } from './random.ts';
import type { TruthApi } from './truth-api.ts';

/** A part of what a request says in the user's name. */
export interface Prompt {
  readonly source: 'user' | 'machine';
  readonly text: string;
}

interface Message {
  readonly role: string;
  readonly content: unknown;
}

/** What a client writes around the question of its user. */
export interface Shape {
  readonly body: object;
  /** What the record must hold of it. */
  readonly prompts: readonly Prompt[];
}

const REMINDER = '<system-reminder>\nThe hook ran.\n</system-reminder>';

/** A question as a client of one of the habits asks it. */
export function shaped(
  question: {
    readonly api: TruthApi;
    readonly mode: Mode;
    readonly prompt: string;
    readonly model: string;
  },
  habits: Habits,
  random: Random,
): Shape {
  const { api, mode, prompt, model } = question;
  const plain = api.body({ prompt, streaming: mode === 'streaming', model });
  if (api.name === 'passthrough') return { body: plain, prompts: [] };
  const reminds = habits.has('system_reminders') && random.chance(0.2);
  const user = { role: 'user', content: reminds ? blocks(api, [REMINDER, prompt]) : prompt };
  const turns = [...turnsBefore(api, habits, random), user, ...turnsAfter(api, habits, random)];
  const name = api.name === 'responses' ? 'input' : 'messages';
  const machine: Prompt[] = reminds ? [{ source: 'machine', text: REMINDER }] : [];
  return {
    body: { ...plain, [name]: turns },
    prompts: [...machine, { source: 'user', text: prompt }],
  };
}

/** Turns that were recorded when they were the last. */
function turnsBefore(api: TruthApi, habits: Habits, random: Random): Message[] {
  if (!habits.has('system_messages') || !random.chance(0.1)) return [];
  return [
    { role: 'user', content: 'an earlier question' },
    { role: 'assistant', content: 'an earlier answer' },
    { role: api.name === 'messages' ? 'system' : 'developer', content: 'Be brief.' },
  ];
}

/** Turns after which it is still the user who asked. */
function turnsAfter(api: TruthApi, habits: Habits, random: Random): Message[] {
  const turns: Message[] = [];
  if (habits.has('system_messages') && random.chance(0.2)) {
    const role = api.name === 'messages' || random.chance(0.5) ? 'system' : 'developer';
    turns.push({ role, content: 'Available agent types: none.' });
  }
  // Responses know no prefill: what the model said last is what a request goes on from.
  const isPrefilled = api.name !== 'responses' && habits.has('prefill') && random.chance(0.1);
  if (isPrefilled) turns.push({ role: 'assistant', content: '{' });
  return turns;
}

function blocks(api: TruthApi, texts: readonly string[]): object[] {
  const type = api.name === 'responses' ? 'input_text' : 'text';
  return texts.map((text) => ({ type, text }));
}
