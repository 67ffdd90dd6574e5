import { objectAt, parseObject, stringAt } from '../../../core/json.ts';
import type { ClientCall, HelperCall, KnownClient } from './known-client.ts';
import { tagged } from './machine-text.ts';
import {
  all,
  answersInJson,
  answersInOneToken,
  doesNotThink,
  hasHeader,
  hasNoTools,
  inHeader,
  lastTextBegins,
  lastTextIs,
  systemBegins,
} from './marks.ts';

/**
 * As versions 2.0 to 2.1.330 call. What a helper asks for tells it; its model and max_tokens are
 * those of the conversation.
 */
const HELPERS: readonly HelperCall[] = [
  { purpose: 'title', when: systemBegins('Generate a concise, sentence-case title (3-7 words)') },
  { purpose: 'title', when: systemBegins('Generate a short kebab-case name (2-4 words)') },
  { purpose: 'title', when: systemBegins('You are naming a coding session') },
  {
    purpose: 'title',
    when: all(
      hasNoTools,
      lastTextBegins('You are coming up with a succinct title and git branch name'),
    ),
  },
  { purpose: 'compact', when: lastTextBegins('CRITICAL: Respond with TEXT ONLY') },
  {
    purpose: 'compact',
    when: systemBegins('You are a helpful AI assistant tasked with summarizing conversations.'),
  },
  { purpose: 'quota', when: all(answersInOneToken, lastTextIs('quota')) },
  { purpose: 'suggestion', when: lastTextBegins('[SUGGESTION MODE: Suggest what the user') },
  {
    purpose: 'search',
    when: systemBegins('You are an assistant for performing a web search tool use'),
  },
  { purpose: 'search', when: systemBegins('You run a web search for another Claude model') },
  { purpose: 'fetch', when: all(hasNoTools, lastTextBegins('Web page content:')) },
  ...[
    'Write a short summary label describing what these tool calls accomplished.',
    'Your task is to process Bash commands that an AI coding agent wants to run.',
    'Analyze shell commands and explain what they do',
    'You are evaluating a hook',
    'You are evaluating a stop',
    'You are verifying a stop condition in Claude Code.',
    'You are an elite AI agent architect',
    'You are searching for past Claude Code conversation sessions',
  ].map((beginning) => ({ purpose: 'helper' as const, when: systemBegins(beginning) })),
  ...[
    'The user stepped away and is coming back. Recap in under',
    'Describe your most recent action in 3-5 words using present tense (-ing).',
    "Describe the agent's most recent action in 3-5 words using present tense (-ing).",
  ].map((beginning) => ({ purpose: 'helper' as const, when: lastTextBegins(beginning) })),
  { purpose: 'helper', when: all(hasNoTools, lastTextBegins('2-4 word lowercase label')) },
  { purpose: 'helper', when: all(answersInOneToken, lastTextIs('Hi')) },
  // What will be called for a name in versions to come.
  {
    purpose: 'title',
    when: all(hasNoTools, doesNotThink, answersInJson('title'), lastTextBegins('<session>')),
  },
  { purpose: 'helper', when: all(hasNoTools, doesNotThink, answersInJson()) },
  { purpose: 'subagent', when: hasHeader('x-claude-code-agent-id') },
];

export const CLAUDE_CODE: KnownClient = {
  label: 'Claude Code',
  userAgent: 'claude',
  sessions: [inHeader('x-claude-code-session-id'), sessionInUserId, sessionAtTheEndOfUserId],
  machineText: [
    ...tagged(
      'local-command-caveat',
      'local-command-stdout',
      'local-command-stderr',
      'bash-stdout',
      'bash-stderr',
      'task-notification',
    ),
    { begins: '[Request interrupted by user', ends: ']' },
    // A command with an argument holds the user's words; one without ran in the client alone.
    { begins: '<command-name>', ends: '<command-args></command-args>' },
    {
      begins:
        'This session is being continued from a previous conversation that ran out of context.',
      isSummary: true,
    },
    // In a block beside the results of tools, or in a system message behind them.
    ...['<system-reminder>\n', ''].map((opening) => ({
      begins: `${opening}The user sent a new message while you were working:`,
      holdsUsersWords: true as const,
    })),
  ],
  helpers: HELPERS,
};

function userIdOf({ body }: ClientCall): string | undefined {
  return stringAt(objectAt(body, 'metadata'), 'user_id');
}

/** Version 2.1: `metadata.user_id` is JSON with a `session_id`, which may be none. */
function sessionInUserId(call: ClientCall): string | undefined {
  const parsed = parseObject(userIdOf(call) ?? '');
  return parsed && 'session_id' in parsed ? (stringAt(parsed, 'session_id') ?? '') : undefined;
}

const SESSION_MARK = '_session_';

/** Before that, as in `user_4f1d_account_8c0f_session_5c0c`. */
function sessionAtTheEndOfUserId(call: ClientCall): string | undefined {
  const userId = userIdOf(call) ?? '';
  const mark = userId.indexOf(SESSION_MARK);
  return mark < 0 ? undefined : userId.slice(mark + SESSION_MARK.length);
}
