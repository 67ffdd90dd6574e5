/** What a suite that holds for every API needs to know of one. */
export interface ApiUnderTest {
  readonly name: 'messages' | 'chat_completions' | 'responses' | 'passthrough';
  /** As it reads in a test's title. */
  readonly title: string;
  readonly type: string;
  /** Below the provider's name. */
  readonly route: string;
  readonly modes: readonly Mode[];
  readonly authHeader: 'x-api-key' | 'authorization';
  body(request: { prompt: string; streaming: boolean; model?: string }): object;
  /** How a stream ends that the bridge had to break off; undefined where nothing streams. */
  readonly inBandError?: RegExp;
}

export type Mode = 'blocking' | 'streaming';

const BOTH = ['blocking', 'streaming'] as const;

export const MESSAGES: ApiUnderTest = {
  name: 'messages',
  title: 'messages',
  type: 'anthropic',
  route: '/v1/messages',
  modes: BOTH,
  authHeader: 'x-api-key',
  body: ({ prompt, streaming, model = 'claude-opus-4-5' }) => ({
    model,
    max_tokens: 64,
    ...(streaming && { stream: true }),
    messages: [{ role: 'user', content: prompt }],
  }),
  inBandError: /event: error\ndata: \{"type":"error".*\}\n\n$/,
};

export const CHAT_COMPLETIONS: ApiUnderTest = {
  name: 'chat_completions',
  title: 'chat completions',
  type: 'openai',
  route: '/v1/chat/completions',
  modes: BOTH,
  authHeader: 'authorization',
  body: ({ prompt, streaming, model = 'gpt-5' }) => ({
    model,
    ...(streaming && { stream: true, stream_options: { include_usage: true } }),
    messages: [{ role: 'user', content: prompt }],
  }),
  inBandError: /data: \{"error":.*\}\n\ndata: \[DONE\]\n\n$/,
};

export const RESPONSES: ApiUnderTest = {
  name: 'responses',
  title: 'responses',
  type: 'openai',
  route: '/v1/responses',
  modes: BOTH,
  authHeader: 'authorization',
  body: ({ prompt, streaming, model = 'gpt-5' }) => ({
    model,
    ...(streaming && { stream: true }),
    input: [{ role: 'user', content: prompt }],
  }),
  inBandError: /event: response\.failed\ndata: \{"type":"response\.failed".*\}\n\n$/,
};

export const ANTHROPIC_PASSTHROUGH: ApiUnderTest = {
  name: 'passthrough',
  title: 'passthrough to anthropic',
  type: 'anthropic',
  route: '/v1/messages/count_tokens',
  modes: ['blocking'],
  authHeader: 'x-api-key',
  body: ({ prompt, model = 'claude-opus-4-5' }) => ({
    model,
    messages: [{ role: 'user', content: prompt }],
  }),
};

export const OPENAI_PASSTHROUGH: ApiUnderTest = {
  name: 'passthrough',
  title: 'passthrough to openai',
  type: 'openai',
  route: '/v1/conversations',
  modes: ['blocking'],
  authHeader: 'authorization',
  body: ({ prompt }) => ({ items: [{ type: 'message', role: 'user', content: prompt }] }),
};

export const APIS_UNDER_TEST: readonly ApiUnderTest[] = [
  MESSAGES,
  CHAT_COMPLETIONS,
  RESPONSES,
  ANTHROPIC_PASSTHROUGH,
  OPENAI_PASSTHROUGH,
];
