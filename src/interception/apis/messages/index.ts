import type { Api } from '../api.ts';
import { readMessagesAnswer } from './messages-answer.ts';
import { readMessagesRequest } from './messages-request.ts';
import { MessagesStreamReader } from './messages-stream.ts';

/** Anthropic's Messages API. */
export const MESSAGES: Api = {
  name: 'messages',
  readRequest: readMessagesRequest,
  readStream: () => new MessagesStreamReader(),
  readAnswer: readMessagesAnswer,
  inBandError: ({ envelope }) => `event: error\ndata: ${JSON.stringify(envelope)}\n\n`,
};
