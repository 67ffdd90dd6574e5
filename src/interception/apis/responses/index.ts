import type { Api } from '../api.ts';
import { readResponse } from './response-answer.ts';
import { readResponsesRequest } from './responses-request.ts';
import { ResponseStreamReader } from './response-stream.ts';
import { RESPONSES_TOOLS } from './responses-tools.ts';

/** OpenAI's Responses API. */
export const RESPONSES: Api = {
  name: 'responses',
  textsJoinedBy: '\n',
  readRequest: readResponsesRequest,
  readStream: (gaps) => new ResponseStreamReader(gaps),
  readAnswer: readResponse,
  tools: RESPONSES_TOOLS,
};
