import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';

/** What tests of the tool loop have to know of an API. */
export interface ToolApi extends ApiUnderTest {
  /** A request whose caller has a tool `ls` of its own. */
  withOwnTool(body: object): object;
  withoutTools(body: object): object;
  /** The names of the tools that a request offers, in their order. */
  offeredIn(body: unknown): string[];
  /** What tools answered, as the request tells the model: call ids and texts. */
  resultsIn(body: unknown): [id: string, text: string][];
  /** All that the model says in an answer, and the names of the tools it calls. */
  said(answer: Buffer, mode: Mode): { text: string; calls: string[]; output: number };
}

const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const at = (value: unknown, name: string): unknown => Object(value)[name];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The data of a stream's events. */
function eventsIn(stream: Buffer): unknown[] {
  return stream
    .toString()
    .split('\n\n')
    .map((frame) => /^data: (\{.*)$/m.exec(frame)?.[1])
    .filter((data) => data !== undefined)
    .map((data) => JSON.parse(data));
}

const messages: ToolApi = {
  ...MESSAGES,
  withOwnTool: (body) => ({ ...body, tools: [{ name: 'ls', input_schema: { type: 'object' } }] }),
  withoutTools: (body) => ({ ...body, tool_choice: { type: 'none' } }),
  offeredIn: (body) => array(at(body, 'tools')).map((tool) => text(at(tool, 'name'))),
  resultsIn: (body) =>
    array(at(body, 'messages'))
      .flatMap((message) => array(at(message, 'content')))
      .filter((block) => at(block, 'type') === 'tool_result')
      .map((block) => [
        text(at(block, 'tool_use_id')),
        array(at(block, 'content'))
          .map((part) => text(at(part, 'text')))
          .join('|'),
      ]),
  said(answer, mode) {
    if (mode === 'blocking') {
      const body: unknown = JSON.parse(answer.toString());
      const blocks = array(at(body, 'content'));
      return {
        text: blocks.map((block) => text(at(block, 'text'))).join(''),
        calls: blocks.map((block) => text(at(block, 'name'))).filter((name) => name !== ''),
        output: Number(at(at(body, 'usage'), 'output_tokens')),
      };
    }
    const events = eventsIn(answer);
    const last = events.findLast((event) => at(event, 'type') === 'message_delta');
    return {
      text: events.map((event) => text(at(at(event, 'delta'), 'text'))).join(''),
      calls: events
        .map((event) => text(at(at(event, 'content_block'), 'name')))
        .filter((name) => name !== ''),
      output: Number(at(at(last, 'usage'), 'output_tokens')),
    };
  },
};

const chatCompletions: ToolApi = {
  ...CHAT_COMPLETIONS,
  withOwnTool: (body) => ({
    ...body,
    tools: [{ type: 'function', function: { name: 'ls', parameters: { type: 'object' } } }],
  }),
  withoutTools: (body) => ({ ...body, tool_choice: 'none' }),
  offeredIn: (body) =>
    array(at(body, 'tools')).map((tool) => text(at(at(tool, 'function'), 'name'))),
  resultsIn: (body) =>
    array(at(body, 'messages'))
      .filter((message) => at(message, 'role') === 'tool')
      .map((message) => [text(at(message, 'tool_call_id')), text(at(message, 'content'))]),
  said(answer, mode) {
    const chunks = mode === 'blocking' ? [JSON.parse(answer.toString())] : eventsIn(answer);
    const pieces = chunks
      .flatMap((chunk) => array(at(chunk, 'choices')))
      .map((choice) => at(choice, 'message') ?? at(choice, 'delta'));
    const usage = chunks.findLast((chunk) => Boolean(at(chunk, 'usage')));
    return {
      text: pieces.map((piece) => text(at(piece, 'content'))).join(''),
      calls: pieces
        .flatMap((piece) => array(at(piece, 'tool_calls')))
        .map((call) => text(at(at(call, 'function'), 'name')))
        .filter((name) => name !== ''),
      output: Number(at(at(usage, 'usage'), 'completion_tokens')),
    };
  },
};

const responses: ToolApi = {
  ...RESPONSES,
  withOwnTool: (body) => ({
    ...body,
    tools: [{ type: 'function', name: 'ls', parameters: { type: 'object' }, strict: false }],
  }),
  withoutTools: (body) => ({ ...body, tool_choice: 'none' }),
  offeredIn: (body) => array(at(body, 'tools')).map((tool) => text(at(tool, 'name'))),
  resultsIn: (body) =>
    array(at(body, 'input'))
      .filter((item) => at(item, 'type') === 'function_call_output')
      .map((item) => [text(at(item, 'call_id')), text(at(item, 'output'))]),
  said(answer, mode) {
    const response: unknown =
      mode === 'blocking'
        ? JSON.parse(answer.toString())
        : at(
            eventsIn(answer).findLast((event) => at(event, 'type') === 'response.completed'),
            'response',
          );
    const items = array(at(response, 'output'));
    return {
      text: items
        .flatMap((item) => array(at(item, 'content')))
        .map((part) => text(at(part, 'text')))
        .join(''),
      calls: items
        .filter((item) => at(item, 'type') === 'function_call')
        .map((item) => text(at(item, 'name'))),
      output: Number(at(at(response, 'usage'), 'output_tokens')),
    };
  },
};

export const TOOL_APIS: readonly ToolApi[] = [messages, chatCompletions, responses];
