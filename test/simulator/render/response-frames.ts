import type {
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';

import type { Call } from '../call.ts';
import { jsonFrame, type Frame } from '../frame.ts';
import { pieces, type ResolvedAnswer } from './resolved-answer.ts';
import { pendingResponse, renderResponse } from './responses.ts';

/** An event before it has its number in the stream. */
type Unnumbered<E> = E extends ResponseStreamEvent ? Omit<E, 'sequence_number'> : never;
type Event =
  | Exclude<Unnumbered<ResponseStreamEvent>, { response: unknown }>
  | { readonly type: `response.${string}`; readonly response: object };

/** Where in the answer an event belongs. */
interface Place {
  readonly item_id: string;
  readonly output_index: number;
}

/** OpenAI responses, streaming: the vendor's order of events, numbered from 0. */
export function renderResponseFrames(answer: ResolvedAnswer, call: Call): Frame[] {
  const pending = pendingResponse(answer, call);
  const final = renderResponse(answer, call);
  const events: Event[] = [
    { type: 'response.created', response: pending },
    { type: 'response.in_progress', response: pending },
    ...final.output.flatMap((item, index) => itemEvents(item, index, answer)),
    { type: `response.${final.status ?? 'completed'}`, response: final },
  ];
  return events.map((event, index) =>
    jsonFrame({ ...event, sequence_number: index }, index === events.length - 1),
  );
}

function itemEvents(
  item: ResponseOutputItem,
  output_index: number,
  answer: ResolvedAnswer,
): Event[] {
  return [
    { type: 'response.output_item.added', output_index, item: begun(item) },
    ...innerEvents(item, output_index, answer),
    { type: 'response.output_item.done', output_index, item },
  ];
}

/** An item as it starts: what arrives in deltas is still empty. */
function begun(item: ResponseOutputItem): ResponseOutputItem {
  if (item.type === 'message') return { ...item, status: 'in_progress', content: [] };
  if (item.type === 'reasoning') return { ...item, summary: [] };
  if (item.type === 'function_call') return { ...item, status: 'in_progress', arguments: '' };
  return item.type === 'custom_tool_call' ? { ...item, input: '' } : item;
}

function innerEvents(
  item: ResponseOutputItem,
  output_index: number,
  answer: ResolvedAnswer,
): Event[] {
  const place = { item_id: item.id ?? '', output_index };
  if (item.type === 'message')
    return item.content.flatMap((part) => partEvents(part, item, place, answer));
  if (item.type === 'reasoning') return reasoningEvents(item, place);
  if (item.type === 'function_call') {
    const { arguments: text } = item;
    return [
      ...pieces(text, 3).map((delta): Event => ({
        type: 'response.function_call_arguments.delta',
        ...place,
        delta,
      })),
      { type: 'response.function_call_arguments.done', ...place, arguments: text },
    ];
  }
  if (item.type !== 'custom_tool_call') return [];
  return [
    ...pieces(item.input, 3).map((delta): Event => ({
      type: 'response.custom_tool_call_input.delta',
      ...place,
      delta,
    })),
    { type: 'response.custom_tool_call_input.done', ...place, input: item.input },
  ];
}

function partEvents(
  part: ResponseOutputMessage['content'][number],
  item: ResponseOutputMessage,
  itemPlace: Place,
  answer: ResolvedAnswer,
): Event[] {
  const place = { ...itemPlace, content_index: 0 };
  const done: Event = { type: 'response.content_part.done', ...place, part };
  if (part.type === 'refusal') {
    return [
      { type: 'response.content_part.added', ...place, part: { ...part, refusal: '' } },
      ...answer.textChunks.map((delta): Event => ({
        type: 'response.refusal.delta',
        ...place,
        delta,
      })),
      { type: 'response.refusal.done', ...place, refusal: part.refusal },
      done,
    ];
  }
  const { text } = part;
  const chunks = item.phase === 'commentary' ? pieces(text, 2) : answer.textChunks;
  return [
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...chunks.map((delta): Event => ({
      type: 'response.output_text.delta',
      ...place,
      logprobs: [],
      delta,
    })),
    { type: 'response.output_text.done', ...place, text, logprobs: [] },
    done,
  ];
}

function reasoningEvents(item: ResponseReasoningItem, itemPlace: Place): Event[] {
  return item.summary.flatMap((part, summary_index): Event[] => {
    const place = { ...itemPlace, summary_index };
    const { text } = part;
    return [
      { type: 'response.reasoning_summary_part.added', ...place, part: { ...part, text: '' } },
      ...pieces(text, 2).map((delta): Event => ({
        type: 'response.reasoning_summary_text.delta',
        ...place,
        delta,
      })),
      { type: 'response.reasoning_summary_text.done', ...place, text },
      { type: 'response.reasoning_summary_part.done', ...place, part },
    ];
  });
}
