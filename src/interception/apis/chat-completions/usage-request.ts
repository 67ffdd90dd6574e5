import { isObject, objectAt, parseObject, type JsonObject } from '../../../core/json.ts';
import { SseReader } from '../../../core/sse-reader.ts';
import type { Amendment } from '../api.ts';
import { memberBytes, withMember } from '../../../core/json-edit.ts';

const TRUE = Buffer.from('true');
const NO_OPTIONS = Buffer.from('{}');

/**
 * A stream tells its usage only to who asks. For a caller that does not, the bridge
 * asks, and keeps the one chunk that comes of it from the caller.
 */
export function askForUsage(body: JsonObject, json: Buffer): Amendment | undefined {
  if (body['stream'] !== true) return undefined;
  const options = body['stream_options'] ?? undefined;
  if (options !== undefined && !isObject(options)) return undefined;
  if (options?.['include_usage'] === true) return undefined;
  const given = options && memberBytes(json, 'stream_options');
  const asking = withMember(given ?? NO_OPTIONS, options ?? {}, 'include_usage', TRUE);
  return { json: withMember(json, body, 'stream_options', asking), hides: isUsageOnly };
}

/** Usage that comes along with a choice stays: the caller needs the choice. */
function isUsageOnly(frame: Buffer): boolean {
  if (!frame.includes('_tokens"')) return false;
  const chunk = parseObject(dataOf(frame));
  const choices = chunk?.['choices'];
  return Array.isArray(choices) && choices.length === 0 && objectAt(chunk, 'usage') !== undefined;
}

function dataOf(frame: Buffer): string {
  let found = '';
  const reader = new SseReader(({ data }) => {
    found = data;
  });
  reader.chunk(frame);
  reader.end();
  return found;
}
