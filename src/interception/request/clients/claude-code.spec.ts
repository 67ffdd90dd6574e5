import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import { MESSAGES } from '../../apis/messages/index.ts';
import { readUserTurn } from '../user-turn.ts';
import { detectClient } from './client-detection.ts';

const SESSION = 'eb845c3b-ed7a-4e3f-bb40-8ff764c3d496';
const USER_AGENT = 'claude-cli/2.1.197 (external, sdk-cli)';
const MAIN = '\nYou are an interactive agent that helps users with software engineering tasks.';
const TOOLS = [{ name: 'Bash' }, { name: 'Read' }];
const REMINDER = '<system-reminder>\n# currentDate\n2026-11-21\n</system-reminder>\n\n';
const AGENTS = { role: 'system', content: 'Available agent types for the Agent tool:' };

const text = (value: string): JsonObject => ({ type: 'text', text: value });
const user = (...texts: string[]): JsonObject => ({ role: 'user', content: texts.map(text) });
const system = (prompt: string): JsonObject[] => [
  text('x-anthropic-billing-header: cc_version=2.1.197.8a5; cc_entrypoint=cli;'),
  text("You are Claude Code, Anthropic's official CLI for Claude."),
  text(prompt),
];

const inUserId = (fields: object): JsonObject => ({
  metadata: { user_id: JSON.stringify(fields) },
});

/** A request of the conversation, in which a test says what differs. */
function main(fields: JsonObject): JsonObject {
  return { system: system(MAIN), tools: TOOLS, thinking: { type: 'adaptive' }, ...fields };
}

function helper(prompt: string, ...texts: string[]): JsonObject {
  return { system: system(prompt), tools: [], messages: [user(...texts)] };
}

function read(body: JsonObject, headers: Record<string, string> = {}, route = '/v1/messages') {
  const { turn } = MESSAGES.readRequest(body);
  const lastText = turn.at(-1)?.texts.at(-1) ?? '';
  const seen = { 'user-agent': USER_AGENT, ...headers };
  const client = detectClient({ headers: seen, body, lastText }, route);
  const { prompts, correlatingToolCallIds } = readUserTurn(turn, client, MESSAGES.textsJoinedBy);
  return {
    client: client.client,
    session: client.sessionId,
    purpose: client.purpose,
    user: prompts.find(({ source }) => source === 'user')?.text,
    machine: prompts.find(({ source }) => source === 'machine')?.text,
    answered: correlatingToolCallIds,
  };
}

describe('11.3: the session of Claude Code', () => {
  test.each<[string, string, Record<string, string>, JsonObject]>([
    [
      '2.1.330',
      'claude-cli/2.1.330 (external, cli)',
      { 'x-claude-code-session-id': SESSION },
      inUserId({ session_id: SESSION }),
    ],
    [
      '2.1.197',
      USER_AGENT,
      { 'x-claude-code-session-id': SESSION },
      inUserId({ session_id: 'other' }),
    ],
    [
      '2.1 behind a proxy that drops the header',
      'claude-cli/2.1.197 (external, cli)',
      {},
      inUserId({ device_id: 'd', account_uuid: '', session_id: SESSION }),
    ],
    [
      '2.0',
      'claude-cli/2.0.67 (external, cli)',
      {},
      { metadata: { user_id: `user_4f1d_account_8c0f_session_${SESSION}` } },
    ],
  ])('is known of version %s', (_, userAgent, headers, body) => {
    const found = read(body, { 'user-agent': userAgent, ...headers });
    expect(found).toMatchObject({ client: 'Claude Code', session: SESSION });
  });
});

describe('11.1: the prompt of Claude Code', () => {
  test('of its default model stands before a system message', () => {
    expect(read(main({ messages: [user(REMINDER, 'loop please'), AGENTS] }))).toMatchObject({
      purpose: 'main',
      user: 'loop please',
      machine: REMINDER,
      answered: [],
    });
  });

  test('of an older model stands behind all its context, in blocks of their own', () => {
    const blocks = [REMINDER.trim(), `${REMINDER.trim()}\n`, REMINDER, 'with a key'];
    expect(read(main({ messages: [user(...blocks)] })).user).toBe('with a key');
  });

  test('is none in a step of a loop, whatever hooks say beside the results', () => {
    const results = ['toolu_2', 'toolu_1'].map((id) => ({ type: 'tool_result', tool_use_id: id }));
    const hook =
      '<system-reminder>\nPostToolUse:Read hook additional context\n</system-reminder>\n';
    const messages = [
      user(REMINDER, 'loop please'),
      AGENTS,
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1' }] },
      { role: 'user', content: [...results, text(hook)] },
    ];
    expect(read(main({ messages }))).toMatchObject({
      purpose: 'main',
      user: undefined,
      machine: hook,
      answered: ['toolu_2', 'toolu_1'],
    });
  });

  test('after a compaction is what the user says next', () => {
    const summary = 'This session is being continued from a previous conversation that ran out of';
    const messages = [
      user(
        `${summary} context. The summary below covers the earlier portion.`,
        '<local-command-caveat>Caveat: do not respond.</local-command-caveat>\n',
        '<command-name>/compact</command-name>\n <command-args></command-args>\n',
        '<local-command-stdout>Compacted</local-command-stdout>\n',
        'go on',
      ),
      AGENTS,
    ];
    expect(read(main({ messages })).user).toBe('go on');
  });

  test('of version 2.1.330 stands before an environment, one on the side behind its reminder', () => {
    const environment = { role: 'system', content: [text('# Environment\nYou have been invoked')] };
    const aside = '<system-reminder>This is a side question.</system-reminder>\n\n';
    const messages = [user(REMINDER, aside, 'what is this'), environment];
    const prompt = system('\nYou are an agent working with the user toward their goals');
    expect(read({ ...main({ messages }), system: prompt })).toMatchObject({
      purpose: 'main',
      user: 'what is this',
    });
  });

  test('is a command with the words that it was given', () => {
    const command = '<command-name>/review</command-name>\n<command-args>issue 3</command-args>';
    expect(read(main({ messages: [user(command)] })).user).toBe(command);
  });

  test('is a question asked on the side, which a reminder only begins', () => {
    const aside = '<system-reminder>This is a side question.</system-reminder>\n\nwhat is this';
    expect(read(main({ messages: [user(aside), AGENTS] }))).toMatchObject({
      purpose: 'main',
      user: aside,
    });
  });
});

describe('11.2: the purpose of a call of Claude Code', () => {
  const AGENT = { 'x-claude-code-agent-id': 'a36b54f531d2e0f35' };
  const COMPACT = 'CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Do NOT use Read';
  const result = { type: 'tool_result', tool_use_id: 'toolu_1' };

  test.each<[string, string, JsonObject, Record<string, string>?]>([
    [
      'title',
      'of a new session',
      helper(
        'Generate a concise, sentence-case title (3-7 words) that captures the main topic',
        '<session>\nloop please\n</session>\n\nWrite the title in the language of the user',
      ),
    ],
    [
      'title',
      'of a new session of 2.1.330',
      helper('You are naming a coding session so the user can pick it out', '<session>'),
    ],
    [
      'title',
      'worded as nobody knows yet',
      {
        ...helper('Name this.', '<session>'),
        output_config: { format: { schema: { properties: { title: { type: 'string' } } } } },
      },
    ],
    [
      'title',
      'of a session that is renamed',
      helper('Generate a short kebab-case name (2-4 words) that captures', '<conversation>'),
    ],
    [
      'title',
      'of a session that moves',
      helper('', 'You are coming up with a succinct title and git branch name for'),
    ],
    ['compact', 'asked for', main({ messages: [user('old prompt', COMPACT)] })],
    [
      'compact',
      'in the middle of a loop',
      main({ messages: [{ role: 'user', content: [result, text(COMPACT)] }, AGENTS] }),
    ],
    [
      'compact',
      'of older versions',
      helper('You are a helpful AI assistant tasked with summarizing conversations.', 'x'),
    ],
    ['quota', 'a probe', { max_tokens: 1, messages: [{ role: 'user', content: 'quota' }] }],
    [
      'helper',
      'a probe of a model',
      { max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] },
    ],
    [
      'suggestion',
      'of a next prompt',
      main({
        messages: [user('[SUGGESTION MODE: Suggest what the user might naturally type next]')],
      }),
    ],
    [
      'search',
      'in the web',
      helper('You are an assistant for performing a web search tool use', 'Perform a web search'),
    ],
    ['search', 'of 2.1.330', helper('You run a web search for another Claude model, which', 'x')],
    ['fetch', 'of a page', helper('', '\nWeb page content:\n---\nx')],
    [
      'helper',
      'a recap',
      main({
        messages: [user('The user stepped away and is coming back. Recap in under 40 words')],
      }),
    ],
    [
      'helper',
      'a label',
      helper('Write a short summary label describing what these tool calls accomplished.', 'x'),
    ],
    [
      'helper',
      'one that is not known yet',
      {
        ...helper('Judge this.', 'x'),
        thinking: { type: 'disabled' },
        output_config: { format: { type: 'json_schema' } },
      },
    ],
    ['subagent', 'its task', main({ messages: [user(REMINDER, 'find it')] }), AGENT],
    ['title', 'of a subagent', helper('Generate a short kebab-case name (2-4 words)', 'x'), AGENT],
  ])('is %s: %s', (purpose, _, body, headers) => {
    expect(read(body, headers)).toMatchObject({ purpose, user: undefined });
  });

  test('is to count tokens on the route that does', () => {
    const found = read(main({ messages: [user('foo')] }), {}, '/v1/messages/count_tokens');
    expect(found.purpose).toBe('count_tokens');
  });

  test.each<[string, JsonObject]>([
    ['no tools', { system: system(MAIN), messages: [user('hi')] }],
    ['no system prompt', { messages: [user('quota')] }],
    ['an answer in JSON', main({ messages: [user('hi')], output_config: { format: {} } })],
    ['words of a helper in the middle', main({ messages: [user('What is "Web page content:"?')] })],
    [
      'an answer in JSON that is thought over',
      {
        ...helper(MAIN, 'hi'),
        thinking: { type: 'adaptive' },
        output_config: { format: { schema: { properties: { title: {} } } } },
      },
    ],
    ['a page in it', main({ messages: [user('Web page content:\nx')] })],
    ['nothing to be told by', {}],
  ])('is the conversation when in doubt: %s', (_, body) => {
    expect(read(body).purpose).toBe('main');
  });

  test('is only told of Claude Code', () => {
    const title = helper('Generate a concise, sentence-case title (3-7 words)', 'x');
    expect(read(title, { 'user-agent': 'curl/8' }).purpose).toBe('main');
  });

  test('is told by the first of ever so many system texts alone', () => {
    const title = system('Generate a concise, sentence-case title (3-7 words)');
    const many = Array.from({ length: 100 }, () => text('x'));
    expect(read({ system: [...title, ...many] }).purpose).toBe('title');
    expect(read({ system: [...many, ...title] }).purpose).toBe('main');
  });
});
