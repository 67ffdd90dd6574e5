import { objectAt, stringAt } from '../../../core/json.ts';
import type { Api, InBandError } from '../api.ts';
import { readResponse } from './response-answer.ts';
import { readResponsesRequest } from './responses-request.ts';
import { ResponseStreamReader } from './response-stream.ts';

/** OpenAI's Responses API. */
export const RESPONSES: Api = {
  name: 'responses',
  readRequest: readResponsesRequest,
  readStream: () => new ResponseStreamReader(),
  readAnswer: readResponse,
  inBandError,
};

/** Flat, as this API has it inside a stream, and not in the envelope of its HTTP errors. */
function inBandError({ code, message, envelope }: InBandError): string {
  const vendorCode = stringAt(objectAt(envelope, 'error'), 'code') ?? code;
  const event = { type: 'error', code: vendorCode, message, param: null };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
}
