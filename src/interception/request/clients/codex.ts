import { objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ClientCall, KnownClient, Mark } from './known-client.ts';
import { tagged } from './machine-text.ts';
import { hasHeader, headerOf, inBody, inHeader, lastTextBegins } from './marks.ts';

export const CODEX: KnownClient = {
  label: 'Codex',
  userAgent: 'codex',
  sessions: [
    inHeader('session-id'),
    // Until 2025.
    inHeader('session_id'),
    inHeader('conversation_id'),
    inBody('client_metadata', 'session_id'),
    // A subagent has a key of its own, so this comes last.
    inBody('prompt_cache_key'),
  ],
  machineText: [
    { begins: '# AGENTS.md instructions for ', ends: '</INSTRUCTIONS>' },
    ...tagged(
      'environment_context',
      'user_instructions',
      'INSTRUCTIONS',
      'turn_aborted',
      'user_shell_command',
      'subagent_notification',
      'agent_message_board_notification',
      'context_window_reminder',
      'model_switch',
      'plugins_instructions',
      'apps_instructions',
      'environments_instructions',
      'skill',
      'persistent_mode',
    ),
    {
      begins: 'Another language model started to solve this problem and produced a summary',
      isSummary: true,
    },
  ],
  helpers: [
    { purpose: 'compact', when: turnIs('request_kind', 'compaction') },
    { purpose: 'compact', when: hasHeader('x-openai-subagent', 'compact') },
    {
      purpose: 'compact',
      when: lastTextBegins('You are performing a CONTEXT CHECKPOINT COMPACTION.'),
    },
    { purpose: 'subagent', when: hasHeader('x-openai-subagent') },
    { purpose: 'subagent', when: turnIs('thread_source', 'subagent') },
  ],
};

function turnIs(name: string, value: string): Mark {
  return (call) => stringAt(turnMetadata(call), name) === value;
}

/** What Codex itself says about the call: JSON in a header, or the same in the body. */
function turnMetadata(call: ClientCall): JsonObject | undefined {
  const name = 'x-codex-turn-metadata';
  const json = headerOf(call, name) ?? stringAt(objectAt(call.body, 'client_metadata'), name);
  return json === undefined ? undefined : parseObject(json);
}
