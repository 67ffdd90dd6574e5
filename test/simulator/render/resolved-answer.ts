import { createHash } from 'node:crypto';

import type { Answer, TokenCounts, ToolCall } from '../behaviours/answer.ts';
import { memberOf, type Call } from '../call.ts';

export interface ResolvedTool {
  readonly name: string;
  readonly input: unknown;
  readonly isCustom: boolean;
  readonly id: string | null;
  /** What the id is made of when the script names none. */
  readonly seed: string;
}

/** An answer with nothing left open: the renderers only write it down. */
export interface ResolvedAnswer {
  /** 24 hex digits that every id of this answer is made of. */
  readonly seed: string;
  readonly messageId: string | null;
  readonly model: string;
  readonly text: string;
  readonly textChunks: readonly string[];
  readonly thinking: string;
  readonly redactedThinking: string;
  readonly commentary: string;
  readonly tools: readonly ResolvedTool[];
  readonly usage: Required<TokenCounts> | null;
  readonly finish: NonNullable<Answer['finish']>;
}

/** Seconds; fixed, because equal requests get equal bytes. */
export const CREATED_AT = 1_767_225_600;

const CHUNKS = 6;

const UNSAID = {
  messageId: null,
  thinking: '',
  redactedThinking: '',
  commentary: '',
  finish: 'stop',
} as const;

/** Fills in what the script left out from the request alone, or from its ordinal where ids must differ. */
export function resolveAnswer(answer: Answer, call: Call, uniqueIds: boolean): ResolvedAnswer {
  const seed = seedOf(call, uniqueIds);
  const { tools = [], chunks = CHUNKS, usage = {}, model = call.model } = answer;
  const { text = tools.length > 0 ? '' : `You said: ${lastText(call.json)}` } = answer;
  const said = { ...UNSAID, ...answer };
  return {
    ...said,
    seed,
    model: model ?? 'simulated-1',
    text,
    textChunks: pieces(text, chunks),
    tools: tools.map((tool, index) => resolveTool(tool, index, seed)),
    usage: usage === 'none' ? null : counted(usage, call, text + said.thinking),
  };
}

function resolveTool(tool: ToolCall, index: number, seed: string): ResolvedTool {
  const { name, input, isCustom = false, id = null } = tool;
  return { name, input, isCustom, id, seed: seed.slice(0, 22) + String(index).padStart(2, '0') };
}

function seedOf(call: Call, uniqueIds: boolean): string {
  const hash = createHash('sha256').update(call.route.name).update(call.body);
  if (uniqueIds) hash.update(String(call.ordinal));
  return hash.digest('hex').slice(0, 24);
}

function counted(given: TokenCounts, call: Call, said: string): Required<TokenCounts> {
  return {
    input: Math.ceil(call.body.length / 4),
    output: Math.max(1, Math.ceil(said.length / 4)),
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
    inputAudio: 0,
    outputAudio: 0,
    acceptedPrediction: 0,
    rejectedPrediction: 0,
    webSearches: 0,
    ...given,
  };
}

/** At most `count` pieces of about equal length, never through a surrogate pair. */
export function pieces(text: string, count: number): readonly string[] {
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / Math.max(1, count)));
  const result: string[] = [];
  for (let start = 0; start < characters.length; start += size) {
    result.push(characters.slice(start, start + size).join(''));
  }
  return result;
}

/** Who speaks to the model without being answered: instructions, and a beginning of its answer. */
const UNANSWERED = new Set<unknown>(['system', 'developer', 'assistant']);

/** The last text of the last turn that is to be answered, cut to a length that is nice to read. */
function lastText(body: unknown): string {
  const turns: unknown = memberOf(body, 'messages') ?? memberOf(body, 'input');
  const asked = Array.isArray(turns)
    ? turns.findLast((turn) => !UNANSWERED.has(memberOf(turn, 'role')))
    : undefined;
  const last = Array.isArray(turns) ? memberOf(asked, 'content') : turns;
  const parts: unknown[] = Array.isArray(last) ? last : [{ text: last }];
  const texts = parts
    .map((part) => memberOf(part, 'text'))
    .filter((text) => typeof text === 'string');
  return (texts.at(-1) ?? 'nothing').slice(0, 200);
}
