import type { Fields } from '../../../core/json-shape.ts';

const USAGE: Fields = {
  'input_tokens?': 'count',
  'output_tokens?': 'count',
  'input_tokens_details?': { 'cached_tokens?': 'count', 'cache_write_tokens?': 'count' },
  'output_tokens_details?': { 'reasoning_tokens?': 'count' },
};

/** What is read of a response object. */
export const RESPONSE: Fields = {
  id: 'string',
  'model?': 'string',
  'output?': [{}],
  'usage?': USAGE,
};
export const ITEM: Fields = {
  type: 'string',
  'id?': 'string',
  'call_id?': 'string',
  'name?': 'string',
  'arguments?': 'string',
  'role?': 'string',
  'phase?': 'string',
  'summary?': [{ 'text?': 'string' }],
  'content?': [{ 'text?': 'string' }],
};

/** What is read of an event that carries a response, an item, or a piece of a thought. */
export const BEGUN: Fields = { response: { id: 'string', 'model?': 'string' } };
export const ENDED: Fields = { response: 'object' };
export const WITH_ITEM: Fields = { 'output_index?': 'count', item: ITEM };
export const WITH_PIECE: Fields = { 'output_index?': 'count', delta: 'string' };
