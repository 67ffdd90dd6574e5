import type { Api } from '../api.ts';
import { readMessagesAnswer } from './messages-answer.ts';
import { readMessagesRequest } from './messages-request.ts';
import { MessagesStreamReader } from './messages-stream.ts';
import { MESSAGES_TOOLS } from './messages-tools.ts';

/** Anthropic's Messages API. */
export const MESSAGES: Api = {
  name: 'messages',
  textsJoinedBy: '\n\n',
  readRequest: readMessagesRequest,
  readStream: (gaps) => new MessagesStreamReader(gaps),
  readAnswer: readMessagesAnswer,
  tools: MESSAGES_TOOLS,
};
