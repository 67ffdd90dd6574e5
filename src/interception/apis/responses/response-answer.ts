import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import { readUpstreamError, UNEXPLAINED } from '../../../providers/index.ts';
import type { Findings } from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { thoughtsOf, toolOf } from './output-item.ts';
import { ITEM, RESPONSE } from './response-shapes.ts';
import { readResponseUsage } from './response-usage.ts';

/** A response object: a whole answer, or what the last event of a stream carries. */
export function readResponse(body: JsonObject, gaps: Gaps): Findings {
  const error = readUpstreamError(body) ?? (body['status'] === 'failed' ? UNEXPLAINED : undefined);
  if (error === undefined) gaps.check('the response', body, RESPONSE);
  const items = arrayAt(body, 'output').filter(isObject);
  for (const item of items) gaps.check('an item of the response', item, ITEM);
  return {
    messageId: stringAt(body, 'id') || null,
    servedModel: stringAt(body, 'model') || null,
    usage: readResponseUsage(objectAt(body, 'usage')),
    tools: items.flatMap(toolOf),
    thoughts: items.flatMap(thoughtsOf),
    error,
  };
}
