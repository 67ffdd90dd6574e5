import type {
  Response,
  ResponseOutputItem,
  ResponseStatus,
  ResponseUsage,
} from 'openai/resources/responses/responses';

import type { TokenCounts } from '../behaviours/answer.ts';
import { memberOf, type Call } from '../call.ts';
import { toolInput } from './chat-completions.ts';
import { CREATED_AT, type ResolvedAnswer, type ResolvedTool } from './resolved-answer.ts';

/** A response object as it is on the wire, where the SDK's convenience text is not. */
export type WireResponse = Omit<Response, 'output_text' | 'usage'> & {
  readonly usage: ResponseUsage | null;
};

const STATUS = {
  stop: 'completed',
  refusal: 'completed',
  length: 'incomplete',
  failed: 'failed',
} as const satisfies Record<ResolvedAnswer['finish'], ResponseStatus>;

/** OpenAI responses, blocking, and what the last event of a stream carries. */
export function renderResponse(answer: ResolvedAnswer, call: Call): WireResponse {
  const isFailed = answer.finish === 'failed';
  return {
    ...pendingResponse(answer, call),
    status: STATUS[answer.finish],
    completed_at: STATUS[answer.finish] === 'completed' ? CREATED_AT : null,
    error: isFailed ? { code: 'server_error', message: 'The model failed to answer.' } : null,
    incomplete_details: answer.finish === 'length' ? { reason: 'max_output_tokens' } : null,
    output: outputItems(answer),
    usage: answer.usage === null ? null : usage(answer.usage),
  };
}

/** The response as its first events show it: the request echoed, nothing said yet. */
export function pendingResponse(answer: ResolvedAnswer, call: Call): WireResponse {
  return {
    access_programs: null,
    temperature: 1,
    top_p: 1,
    tool_choice: 'auto',
    tools: [],
    parallel_tool_calls: true,
    instructions: null,
    metadata: {},
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    text: { format: { type: 'text' } },
    truncation: 'disabled',
    ...echoed(call),
    id: answer.messageId ?? `resp_${answer.seed}`,
    object: 'response',
    created_at: CREATED_AT,
    model: answer.model,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    service_tier: 'default',
    output: [],
    usage: null,
  };
}

const ECHOED = [
  'instructions',
  'max_output_tokens',
  'metadata',
  'parallel_tool_calls',
  'previous_response_id',
  'reasoning',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_p',
] as const;

function echoed(call: Call): object {
  const given = ECHOED.map((name) => [name, memberOf(call.json, name)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** In the vendor's order: reasoning, what is said on the way, the answer, the tool calls. */
function outputItems(answer: ResolvedAnswer): ResponseOutputItem[] {
  const items: ResponseOutputItem[] = [];
  const { seed, text, thinking, commentary } = answer;
  if (thinking !== '') {
    const summary = [{ type: 'summary_text' as const, text: thinking }];
    items.push({ id: `rs_${seed}`, type: 'reasoning', summary });
  }
  if (commentary !== '') {
    items.push({ ...message(`msg_c${seed}`, commentary), phase: 'commentary' });
  }
  if (text !== '') {
    const said = message(`msg_${seed}`, text);
    items.push(
      answer.finish === 'refusal'
        ? { ...said, content: [{ type: 'refusal', refusal: text }] }
        : said,
    );
  }
  return [...items, ...answer.tools.map(toolItem)];
}

function message(id: string, text: string): Extract<ResponseOutputItem, { type: 'message' }> {
  return {
    id,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  };
}

function toolItem(tool: ResolvedTool): ResponseOutputItem {
  const call_id = tool.id ?? `call_${tool.seed}`;
  const { name, seed } = tool;
  return tool.isCustom
    ? { id: `ctc_${seed}`, type: 'custom_tool_call', call_id, name, input: toolInput(tool) }
    : {
        id: `fc_${seed}`,
        type: 'function_call',
        call_id,
        name,
        arguments: toolInput(tool),
        status: 'completed',
      };
}

function usage(counts: Required<TokenCounts>): ResponseUsage {
  const input = counts.input + counts.cacheRead + counts.cacheWrite;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: counts.cacheRead,
      cache_write_tokens: counts.cacheWrite,
    },
    output_tokens: counts.output,
    output_tokens_details: { reasoning_tokens: counts.reasoning },
    total_tokens: input + counts.output,
  };
}
