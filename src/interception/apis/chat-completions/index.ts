import type { Api } from '../api.ts';
import { readChatAnswer } from './chat-answer.ts';
import { readChatRequest } from './chat-request.ts';
import { ChatStreamReader } from './chat-stream.ts';
import { askForUsage } from './usage-request.ts';

/** OpenAI's Chat Completions API, which many servers speak. */
export const CHAT_COMPLETIONS: Api = {
  name: 'chat_completions',
  readRequest: readChatRequest,
  readStream: () => new ChatStreamReader(),
  readAnswer: readChatAnswer,
  amendRequest: askForUsage,
  inBandError: ({ envelope }) => `data: ${JSON.stringify(envelope)}\n\ndata: [DONE]\n\n`,
};
