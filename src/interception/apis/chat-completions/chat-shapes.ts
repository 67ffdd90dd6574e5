import type { Fields } from '../../../core/json-shape.ts';

const USAGE: Fields = {
  'prompt_tokens?': 'count',
  'completion_tokens?': 'count',
  'prompt_tokens_details?': {
    'cached_tokens?': 'count',
    'cache_write_tokens?': 'count',
    'audio_tokens?': 'count',
  },
  'completion_tokens_details?': {
    'reasoning_tokens?': 'count',
    'audio_tokens?': 'count',
    'accepted_prediction_tokens?': 'count',
    'rejected_prediction_tokens?': 'count',
  },
};
const HEAD: Fields = { 'id?': 'string', 'model?': 'string', 'usage?': USAGE };

/** What is read of a message or a piece of one, and of the tool calls in it. */
const MESSAGE: Fields = {
  'tool_calls?': [{}],
  'function_call?': 'object',
  'reasoning_content?': 'string',
  'reasoning?': 'string',
};
export const CALL: Fields = {
  'id?': 'string',
  'index?': 'count',
  'function?': { 'name?': 'string', 'arguments?': 'string' },
  'custom?': { 'name?': 'string', 'input?': 'string' },
};

/** What is read of a whole answer. */
export const COMPLETION: Fields = { ...HEAD, choices: [{}] };
export const CHOICE: Fields = { message: MESSAGE };

/** What is read of a chunk. Not every server sends choices with the usage. */
export const CHUNK: Fields = { ...HEAD, choices: [{}] };
export const CHUNK_WITHOUT_CHOICES: Fields = { ...HEAD, 'choices?': [{}] };
const PLACE: Fields = { 'index?': 'count', 'finish_reason?': 'string' };
export const CHUNK_CHOICE: Fields = { ...PLACE, delta: MESSAGE };
/** Azure says what its filters found in choices that say nothing else. */
export const FILTERED_CHOICE: Fields = { ...PLACE, 'delta?': MESSAGE };
