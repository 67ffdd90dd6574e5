import { isObject, type JsonObject, objectAt, stringAt } from '../core/json.ts';

/** The fields of a provider's error body that tell failures apart; '' where it has none. */
export interface UpstreamError {
  readonly type: string;
  readonly code: string;
  readonly message: string;
}

/**
 * The error in a body or in an SSE event. Where vendors and the servers that
 * imitate them put it: `{error: {…}}`, `{response: {error: {…}}}` in a failed
 * response, `{error: "text"}`, or flat beside `"type": "error"`. `error: null` is none.
 */
export function readUpstreamError(body: unknown): UpstreamError | undefined {
  if (!isObject(body)) return undefined;
  const nested = objectAt(body, 'error') ?? objectAt(objectAt(body, 'response'), 'error');
  if (nested) return fieldsOf(nested, stringAt(nested, 'type') ?? '');
  const text = stringAt(body, 'error');
  if (text !== undefined) return { type: '', code: '', message: text };
  return stringAt(body, 'type') === 'error' ? fieldsOf(body, '') : undefined;
}

/** The provider says that it failed, and nothing else that can be read. */
export const UNEXPLAINED: UpstreamError = {
  type: '',
  code: '',
  message: 'the provider reported a failure without an explanation that can be read',
};

function fieldsOf(error: JsonObject, type: string): UpstreamError {
  const code = error['code'];
  return {
    type,
    // Some servers put the HTTP status here, as a number.
    code: typeof code === 'number' ? String(code) : (stringAt(error, 'code') ?? ''),
    message: stringAt(error, 'message') ?? '',
  };
}
