import type { Fields } from '../../../core/json-shape.ts';

const USAGE: Fields = {
  'input_tokens?': 'count',
  'output_tokens?': 'count',
  'cache_read_input_tokens?': 'count',
  'cache_creation_input_tokens?': 'count',
  'cache_creation?': {
    'ephemeral_5m_input_tokens?': 'count',
    'ephemeral_1h_input_tokens?': 'count',
  },
  'server_tool_use?': { 'web_search_requests?': 'count' },
};

/** What is read of a whole answer, and of the message that a stream starts with. */
const MESSAGE: Fields = { id: 'string', 'model?': 'string', 'usage?': USAGE };
export const WHOLE_MESSAGE: Fields = { ...MESSAGE, content: [{}] };

/** What is read of the events of a stream, by their names. */
export const EVENTS = {
  message_start: { message: MESSAGE },
  content_block_start: { index: 'count', content_block: { type: 'string' } },
  content_block_delta: { index: 'count', delta: { type: 'string' } },
  content_block_stop: { index: 'count' },
  message_delta: { delta: { 'stop_reason?': 'string' }, 'usage?': USAGE },
} as const satisfies Record<string, Fields>;

/** What is read of the content blocks and pieces of them that say more than text, by their types. */
const TOOL: Fields = { id: 'string', name: 'string' };
export const BLOCKS: Readonly<Record<string, Fields>> = {
  tool_use: TOOL,
  server_tool_use: TOOL,
  mcp_tool_use: TOOL,
  thinking: { 'thinking?': 'string' },
};
export const PIECES: Readonly<Record<string, Fields>> = {
  input_json_delta: { partial_json: 'string' },
  thinking_delta: { thinking: 'string' },
};
