import type { CallToolResult } from '@modelcontextprotocol/server';
import type { ToolCall } from './tool-call.ts';

type Schema = Readonly<Record<string, unknown>>;

export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** An object that takes anything when absent. */
  readonly inputSchema?: Schema;
  readonly run: (call: ToolCall) => CallToolResult | Promise<CallToolResult>;
}

export function textResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

function takes(properties: Schema, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required };
}

const A_STRING = { type: 'string' };
const A_NUMBER = { type: 'integer', minimum: 0 };

/** A picture of one red pixel. */
export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

/** Says what it was told. */
const echo: Tool = {
  name: 'echo',
  description: 'Says what it was told.',
  inputSchema: takes({ text: A_STRING }, ['text']),
  run: ({ input }) => textResult(String(input['text'])),
};

/** Answers when the test says `call.release()`, and not before. */
const slow: Tool = {
  name: 'slow',
  description: 'Takes its time.',
  run: async (call) => {
    await call.released;
    return textResult('at last');
  },
};

/** A text of so many bytes. */
const huge: Tool = {
  name: 'huge',
  description: 'Has much to say.',
  inputSchema: takes({ bytes: A_NUMBER }, ['bytes']),
  run: ({ input }) => textResult('x'.repeat(Number(input['bytes']))),
};

/** A result that is an error. */
const failing: Tool = {
  name: 'failing',
  description: 'Cannot do it.',
  inputSchema: takes({ text: A_STRING }),
  run: ({ input: { text } }) => {
    const words = typeof text === 'string' ? text : 'it went wrong';
    return { ...textResult(words), isError: true };
  },
};

/** A text and a picture. */
const image: Tool = {
  name: 'image',
  description: 'Shows a pixel.',
  run: () => ({
    content: [
      { type: 'text', text: 'one pixel' },
      { type: 'image', data: PIXEL, mimeType: 'image/png' },
    ],
  }),
};

/** The connection breaks before there is an answer. */
const disappears: Tool = {
  name: 'disappears',
  description: 'Is gone.',
  run: async (call) => {
    call.disconnect();
    return textResult('nobody hears this');
  },
};

/** Who calls, as the headers of the call say. */
const whoami: Tool = {
  name: 'whoami',
  description: 'Tells the headers that it was called with.',
  inputSchema: takes({ header: A_STRING }, ['header']),
  run: ({ input, headers }) => textResult(String(headers[String(input['header'])] ?? '(none)')),
};

export const STANDARD_TOOLS: readonly Tool[] = [
  echo,
  slow,
  huge,
  failing,
  image,
  disappears,
  whoami,
];
