import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import { readUpstreamError, UNEXPLAINED } from '../../../providers/index.ts';
import type { Findings } from '../api.ts';
import { thoughtsOf, toolOf } from './output-item.ts';
import { readResponseUsage } from './response-usage.ts';

/** A response object: a whole answer, or what the last event of a stream carries. */
export function readResponse(body: JsonObject): Findings {
  const items = arrayAt(body, 'output').filter(isObject);
  return {
    messageId: stringAt(body, 'id') || null,
    usage: readResponseUsage(objectAt(body, 'usage')),
    tools: items.flatMap(toolOf),
    thoughts: items.flatMap(thoughtsOf),
    error: readUpstreamError(body) ?? (body['status'] === 'failed' ? UNEXPLAINED : undefined),
  };
}
