import type { Api } from '../api.ts';
import { readChatAnswer } from './chat-answer.ts';
import { readChatRequest } from './chat-request.ts';
import { ChatStreamReader } from './chat-stream.ts';
import { CHAT_TOOLS } from './chat-tools.ts';
import { askForUsage } from './usage-request.ts';

/** OpenAI's Chat Completions API, which many servers speak. */
export const CHAT_COMPLETIONS: Api = {
  name: 'chat_completions',
  textsJoinedBy: '\n\n',
  readRequest: readChatRequest,
  readStream: (gaps, choicesAsked) => new ChatStreamReader(gaps, choicesAsked),
  readAnswer: readChatAnswer,
  amendRequest: askForUsage,
  tools: CHAT_TOOLS,
};
