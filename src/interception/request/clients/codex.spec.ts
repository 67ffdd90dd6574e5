import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import { RESPONSES } from '../../apis/responses/index.ts';
import { readUserTurn } from '../user-turn.ts';
import { detectClient } from './client-detection.ts';

const SESSION = '019a8d12-65f2-7f02-8b1c-5f0c63d2a7e1';
const USER_AGENT = 'codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.169.0)';
const TURN_METADATA = 'x-codex-turn-metadata';

const message = (role: string, ...texts: string[]): JsonObject => ({
  type: 'message',
  role,
  content: texts.map((text) => ({ type: 'input_text', text })),
});
const user = (...texts: string[]): JsonObject => message('user', ...texts);
const output = (call_id: string): JsonObject => ({ type: 'custom_tool_call_output', call_id });
const call = (call_id: string): JsonObject => ({ type: 'custom_tool_call', call_id, name: 'exec' });

const AGENTS = '# AGENTS.md instructions for /work\n\n<INSTRUCTIONS>\nBe polite.\n</INSTRUCTIONS>';
const ENVIRONMENT = '<environment_context>\n  <cwd>/work</cwd>\n</environment_context>';
const SUMMARY =
  'Another language model started to solve this problem and produced a summary of its thinking';
const CHECKPOINT = 'You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary';
const CONTEXT = [
  { type: 'additional_tools', role: 'developer', tools: [] },
  message('developer', 'You are Codex, an agent based on GPT-6'),
  user(AGENTS, ENVIRONMENT),
];

function read(body: JsonObject, headers: Record<string, string> = {}) {
  const { turn } = RESPONSES.readRequest(body);
  const lastText = turn.at(-1)?.texts.at(-1) ?? '';
  const seen = { 'user-agent': USER_AGENT, ...headers };
  const client = detectClient({ headers: seen, body, lastText }, '/v1/responses');
  const { prompts, correlatingToolCallIds } = readUserTurn(turn, client, RESPONSES.textsJoinedBy);
  return {
    client: client.client,
    session: client.sessionId,
    purpose: client.purpose,
    user: prompts.find(({ source }) => source === 'user')?.text,
    machine: prompts.find(({ source }) => source === 'machine')?.text,
    answered: correlatingToolCallIds,
  };
}

describe('11.3: the session of Codex', () => {
  test.each<[string, string, Record<string, string>, JsonObject]>([
    ['0.169', USER_AGENT, { 'session-id': SESSION, session_id: 'x' }, { prompt_cache_key: 'y' }],
    [
      '0.169, of a subagent of it',
      'codex-tui/0.169.0',
      { 'session-id': SESSION, 'thread-id': 'own' },
      { prompt_cache_key: 'own', client_metadata: { session_id: 'z' } },
    ],
    [
      '0.169 behind a proxy that drops headers',
      USER_AGENT,
      {},
      { client_metadata: { session_id: SESSION }, prompt_cache_key: 'own' },
    ],
    ['0.87', 'codex_cli_rs/0.87.0 (Mac OS 15.0.0; arm64)', { session_id: SESSION }, {}],
    ['the first', 'codex_cli_rs/0.20.0', { conversation_id: SESSION }, {}],
    ['any that says no more', 'codex/1.0.0', { session_id: ' ' }, { prompt_cache_key: SESSION }],
  ])('is known of version %s', (_, userAgent, headers, body) => {
    const found = read(body, { 'user-agent': userAgent, ...headers });
    expect(found).toMatchObject({ client: 'Codex', session: SESSION });
  });
});

describe('11.1: the prompt of Codex', () => {
  test('is the last of the user’s messages, past the context in front of it', () => {
    expect(read({ input: [...CONTEXT, user('loop please')] })).toMatchObject({
      purpose: 'main',
      user: 'loop please',
      machine: `${AGENTS}\n${ENVIRONMENT}`,
    });
  });

  test('is none in a step of a loop, which answers all its calls', () => {
    const input = [...CONTEXT, user('hi'), call('c1'), call('c2'), output('c1'), output('c2')];
    expect(read({ input })).toMatchObject({ user: undefined, answered: ['c1', 'c2'] });
  });

  test('is none where the client has the last word after a result', () => {
    const aborted = '<turn_aborted>\nThe user interrupted.\n</turn_aborted>';
    expect(read({ input: [user('hi'), call('c1'), output('c1'), user(aborted)] })).toMatchObject({
      user: undefined,
      machine: aborted,
      answered: ['c1'],
    });
  });

  test('after a compaction is the new one, not those that are repeated', () => {
    const input = [...CONTEXT, user('an old prompt'), user(SUMMARY), user('go on')];
    expect(read({ input }).user).toBe('go on');
  });

  test('after a compaction in the middle of a turn is none', () => {
    expect(read({ input: [...CONTEXT, user('an old prompt'), user(SUMMARY)] })).toMatchObject({
      purpose: 'main',
      user: undefined,
    });
  });
});

describe('11.2: the purpose of a call of Codex', () => {
  const metadata = (fields: object): Record<string, string> => ({
    [TURN_METADATA]: JSON.stringify({ request_kind: 'turn', thread_source: 'user', ...fields }),
  });
  const PROMPT = { input: [...CONTEXT, user('x')] };

  test.each<[string, string, JsonObject, Record<string, string>]>([
    ['main', 'a turn', PROMPT, metadata({})],
    ['main', 'metadata that are none', PROMPT, { [TURN_METADATA]: '{"request_kind":' }],
    ['compact', 'as the header says', PROMPT, metadata({ request_kind: 'compaction' })],
    [
      'compact',
      'as the body says',
      { ...PROMPT, client_metadata: metadata({ request_kind: 'compaction' }) },
      {},
    ],
    [
      'compact',
      'as older versions ask',
      { input: [call('c1'), output('c1'), user(CHECKPOINT)] },
      {},
    ],
    ['compact', 'as an agent of its own', PROMPT, { 'x-openai-subagent': 'compact' }],
    ['subagent', 'a review', PROMPT, { 'x-openai-subagent': 'review' }],
    ['subagent', 'as the turn says', PROMPT, metadata({ thread_source: 'subagent' })],
  ])('is %s: %s', (purpose, _, body, headers) => {
    const found = read(body, headers);
    expect(found.purpose).toBe(purpose);
    expect(found.user).toBe(purpose === 'main' ? 'x' : undefined);
  });

  test('of a compaction in the middle of a turn answers the turn’s calls', () => {
    expect(read({ input: [call('c1'), output('c1'), user(CHECKPOINT)] }).answered).toEqual(['c1']);
  });
});
