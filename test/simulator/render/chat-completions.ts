import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageToolCall,
} from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';

import type { TokenCounts } from '../behaviours/answer.ts';
import { memberOf, type Call } from '../call.ts';
import type { Frame } from '../frame.ts';
import { CREATED_AT, pieces, type ResolvedAnswer, type ResolvedTool } from './resolved-answer.ts';

type Delta = ChatCompletionChunk.Choice.Delta & Reasoning;
/** The field that OpenAI-compatible vendors added for thinking; OpenAI itself sends none here. */
interface Reasoning {
  readonly reasoning_content?: string;
}

type FinishReason = ChatCompletion.Choice['finish_reason'];

/** OpenAI chat completions, blocking. */
export function renderCompletion(answer: ResolvedAnswer, call: Call): object {
  const isRefusal = answer.finish === 'refusal';
  const message = {
    role: 'assistant',
    content: answer.text === '' || isRefusal ? null : answer.text,
    refusal: isRefusal ? answer.text : null,
    annotations: [],
    ...reasoning(answer.thinking),
    ...(answer.tools.length > 0 && { tool_calls: answer.tools.map(toolCall) }),
  };
  const finish_reason = finishReason(answer);
  return {
    ...head(answer),
    object: 'chat.completion',
    choices: choiceIndexes(call).map((index) => ({
      index,
      message,
      logprobs: null,
      finish_reason,
    })),
    ...(answer.usage !== null && { usage: usage(answer.usage) }),
  };
}

/** OpenAI chat completions, streaming; the usage chunk only for those who ask for it. */
export function renderCompletionFrames(answer: ResolvedAnswer, call: Call): Frame[] {
  const wantsUsage =
    answer.usage !== null &&
    memberOf(memberOf(call.json, 'stream_options'), 'include_usage') === true;
  const chunk = (choices: ChatCompletionChunk.Choice[], total?: CompletionUsage): Frame =>
    dataFrame({
      ...head(answer),
      object: 'chat.completion.chunk',
      choices,
      ...(wantsUsage && { usage: total ?? null }),
    });
  const frames = choiceIndexes(call).flatMap((index) => [
    ...deltas(answer).map((delta) => chunk([choice(index, delta, null)])),
    chunk([choice(index, {}, finishReason(answer))]),
  ]);
  if (wantsUsage && answer.usage !== null) frames.push(chunk([], usage(answer.usage)));
  return [...frames, { data: '[DONE]', isTerminal: true }];
}

function dataFrame(chunk: ChatCompletionChunk): Frame {
  return { data: JSON.stringify(chunk) };
}

function head(
  answer: ResolvedAnswer,
): Pick<ChatCompletion, 'id' | 'created' | 'model' | 'service_tier' | 'system_fingerprint'> {
  return {
    id: answer.messageId ?? `chatcmpl-${answer.seed}`,
    created: CREATED_AT,
    model: answer.model,
    service_tier: 'default',
    system_fingerprint: 'fp_simulated',
  };
}

function choice(
  index: number,
  delta: Delta,
  finish_reason: FinishReason | null,
): ChatCompletionChunk.Choice {
  return { index, delta, logprobs: null, finish_reason };
}

/** `n` answers when the request asks for them, all alike. */
function choiceIndexes(call: Call): readonly number[] {
  const count = memberOf(call.json, 'n');
  return Array.from({ length: typeof count === 'number' ? count : 1 }, (_, index) => index);
}

function deltas(answer: ResolvedAnswer): Delta[] {
  const isRefusal = answer.finish === 'refusal';
  return [
    { role: 'assistant', content: '', refusal: null },
    ...pieces(answer.thinking, 2).map(reasoning),
    ...answer.textChunks.map((text): Delta => (isRefusal ? { refusal: text } : { content: text })),
    ...answer.tools.flatMap(toolDeltas),
  ];
}

function reasoning(thinking: string): Reasoning {
  return thinking === '' ? {} : { reasoning_content: thinking };
}

function toolCall(tool: ResolvedTool): ChatCompletionMessageToolCall {
  const id = tool.id ?? `call_${tool.seed}`;
  return tool.isCustom
    ? { id, type: 'custom', custom: { name: tool.name, input: toolInput(tool) } }
    : { id, type: 'function', function: { name: tool.name, arguments: toolInput(tool) } };
}

function toolDeltas(tool: ResolvedTool, index: number): Delta[] {
  const id = tool.id ?? `call_${tool.seed}`;
  const { name } = tool;
  const parts = pieces(toolInput(tool), 3);
  const calls: ChatCompletionChunk.Choice.Delta.ToolCall[] = tool.isCustom
    ? [
        { index, id, type: 'custom', custom: { name, input: '' } },
        ...parts.map((input) => ({ index, custom: { input } })),
      ]
    : [
        { index, id, type: 'function', function: { name, arguments: '' } },
        ...parts.map((part) => ({ index, function: { arguments: part } })),
      ];
  return calls.map((one) => ({ tool_calls: [one] }));
}

/** Arguments are JSON in a string; a string is taken as it is, so that a test can send broken JSON. */
export function toolInput(tool: ResolvedTool): string {
  return typeof tool.input === 'string' ? tool.input : JSON.stringify(tool.input);
}

function finishReason(answer: ResolvedAnswer): FinishReason {
  if (answer.finish === 'length') return 'length';
  return answer.tools.length > 0 ? 'tool_calls' : 'stop';
}

function usage(counts: Required<TokenCounts>): CompletionUsage {
  const prompt = counts.input + counts.cacheRead + counts.cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: counts.output,
    total_tokens: prompt + counts.output,
    prompt_tokens_details: {
      cached_tokens: counts.cacheRead,
      cache_write_tokens: counts.cacheWrite,
      audio_tokens: counts.inputAudio,
    },
    completion_tokens_details: {
      reasoning_tokens: counts.reasoning,
      audio_tokens: counts.outputAudio,
      accepted_prediction_tokens: counts.acceptedPrediction,
      rejected_prediction_tokens: counts.rejectedPrediction,
    },
  };
}
