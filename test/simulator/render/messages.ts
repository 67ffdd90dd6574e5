import type {
  ContentBlock,
  Message,
  MessageDeltaUsage,
  RawContentBlockDelta,
  RawContentBlockStartEvent,
  RawMessageStreamEvent,
  StopReason,
  Usage,
} from '@anthropic-ai/sdk/resources/messages';

import type { TokenCounts } from '../behaviours/answer.ts';
import { jsonFrame, type Frame } from '../frame.ts';
import { pieces, type ResolvedAnswer } from './resolved-answer.ts';

const SIGNATURE = 'c2ltdWxhdGVkLXNpZ25hdHVyZQ==';

/** Anthropic Messages, blocking. */
export function renderMessage(answer: ResolvedAnswer): object {
  return {
    ...messageHead(answer),
    content: contentBlocks(answer),
    stop_reason: stopReason(answer),
    ...(answer.usage !== null && { usage: usage(answer.usage) }),
  };
}

/** Anthropic Messages, streaming: the vendor's order of events, its ping included. */
export function renderMessageFrames(answer: ResolvedAnswer): Frame[] {
  const message = {
    ...messageHead(answer),
    // The first event tells a provisional output count; the last one the sum.
    ...(answer.usage !== null && { usage: { ...usage(answer.usage), output_tokens: 1 } }),
  };
  const blocks = contentBlocks(answer);
  const [first = [], ...rest] = blocks.map((block, index) => blockFrames(block, index, answer));
  return [
    jsonFrame({ type: 'message_start', message }),
    ...first.slice(0, 1),
    jsonFrame({ type: 'ping' }),
    ...first.slice(1),
    ...rest.flat(),
    messageDelta(answer),
    frame({ type: 'message_stop' }, true),
  ];
}

function frame(event: RawMessageStreamEvent, isTerminal = false): Frame {
  return jsonFrame({ ...event }, isTerminal);
}

function messageHead(answer: ResolvedAnswer): Omit<Message, 'usage'> {
  return {
    id: answer.messageId ?? `msg_${answer.seed}`,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: [],
    container: null,
    diagnostics: null,
    stop_details: null,
    stop_reason: null,
    stop_sequence: null,
  };
}

function contentBlocks(answer: ResolvedAnswer): ContentBlock[] {
  const blocks: ContentBlock[] = [];
  if (answer.redactedThinking !== '') {
    blocks.push({ type: 'redacted_thinking', data: answer.redactedThinking });
  }
  if (answer.thinking !== '') {
    blocks.push({ type: 'thinking', thinking: answer.thinking, signature: SIGNATURE });
  }
  if (answer.text !== '') blocks.push({ type: 'text', text: answer.text, citations: null });
  for (const { id, seed, name, input } of answer.tools) {
    const toolId = id ?? `toolu_${seed}`;
    blocks.push({ type: 'tool_use', id: toolId, name, input, caller: { type: 'direct' } });
  }
  return blocks;
}

function blockFrames(block: ContentBlock, index: number, answer: ResolvedAnswer): Frame[] {
  return [
    frame({ type: 'content_block_start', index, content_block: opened(block) }),
    ...blockDeltas(block, answer).map((delta) =>
      frame({ type: 'content_block_delta', index, delta }),
    ),
    frame({ type: 'content_block_stop', index }),
  ];
}

/** A block as it starts: what arrives in deltas is still empty. */
function opened(block: ContentBlock): RawContentBlockStartEvent['content_block'] {
  if (block.type === 'text') return { ...block, text: '' };
  if (block.type === 'thinking') return { ...block, thinking: '', signature: '' };
  return block.type === 'tool_use' ? { ...block, input: {} } : block;
}

function blockDeltas(block: ContentBlock, answer: ResolvedAnswer): RawContentBlockDelta[] {
  if (block.type === 'text') {
    return answer.textChunks.map((text) => ({ type: 'text_delta', text }));
  }
  if (block.type === 'thinking') {
    return [
      ...pieces(block.thinking, 2).map((thinking): RawContentBlockDelta => ({
        type: 'thinking_delta',
        thinking,
      })),
      { type: 'signature_delta', signature: block.signature },
    ];
  }
  if (block.type !== 'tool_use') return [];
  return ['', ...pieces(JSON.stringify(block.input), 3)].map((partial_json) => ({
    type: 'input_json_delta',
    partial_json,
  }));
}

function messageDelta(answer: ResolvedAnswer): Frame {
  return jsonFrame({
    type: 'message_delta',
    delta: { stop_reason: stopReason(answer), stop_sequence: null },
    ...(answer.usage !== null && { usage: deltaUsage(answer.usage) }),
  });
}

function stopReason(answer: ResolvedAnswer): StopReason {
  if (answer.finish === 'length') return 'max_tokens';
  if (answer.finish === 'refusal') return 'refusal';
  return answer.tools.length > 0 ? 'tool_use' : 'end_turn';
}

function usage(counts: Required<TokenCounts>): Usage {
  return {
    ...deltaUsage(counts),
    input_tokens: counts.input,
    cache_creation: {
      ephemeral_5m_input_tokens: counts.cacheWrite,
      ephemeral_1h_input_tokens: 0,
    },
    inference_geo: null,
    service_tier: 'standard',
    speed: 'standard',
  };
}

/** Cumulative over the message, as the vendor counts. */
function deltaUsage(counts: Required<TokenCounts>): MessageDeltaUsage {
  return {
    input_tokens: counts.input,
    cache_creation_input_tokens: counts.cacheWrite,
    cache_read_input_tokens: counts.cacheRead,
    output_tokens: counts.output,
    output_tokens_details: { thinking_tokens: counts.reasoning },
    server_tool_use:
      counts.webSearches > 0
        ? { web_search_requests: counts.webSearches, web_fetch_requests: 0 }
        : null,
  };
}
