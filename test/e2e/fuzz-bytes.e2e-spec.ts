import { env } from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  bigFrame,
  combine,
  commentFrames,
  crlf,
  cut,
  framed,
  splitAt,
  splitEvery,
  unknownEvents,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
} from '../support/api-under-test.ts';
import { Fleet } from '../support/fleet.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const PROVIDERS = { openai: fleet.provider('openai'), anthropic: fleet.provider('anthropic') };

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

/** A chat whose caller does not ask for usage, so that one frame of its answer is taken out. */
const FILTERED_CHAT: ApiUnderTest = {
  ...CHAT_COMPLETIONS,
  title: 'chat completions, filtered',
  body: ({ prompt, streaming }) => ({
    model: 'gpt-5',
    stream: streaming,
    messages: [{ role: 'user', content: prompt }],
  }),
};
const APIS = [MESSAGES, CHAT_COMPLETIONS, FILTERED_CHAT, RESPONSES];

const SHORT = answer({ text: 'hé🌍', chunks: 2, usage: { input: 3, output: 4 } });
const CONCURRENCY = 8;
/** Prime, so that the places differ from frame to frame; 1 meets every single one. */
const STEP = Number(env['FUZZ_STEP'] ?? 11);
const TEST_MS = 60_000 + Math.ceil(300_000 / STEP);

function providerOf({ type }: ApiUnderTest): (typeof PROVIDERS)['openai'] {
  return type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai;
}

/** The answer to a call that is told apart from all others by its number. */
async function ask(api: ApiUnderTest, number: number): Promise<{ res: Response; bytes: Buffer }> {
  const res = await fetch(`${fleet.bridge.url}/${providerOf(api).name}${api.route}`, {
    method: 'POST',
    headers: { 'x-number': String(number) },
    body: JSON.stringify(api.body({ prompt: 'hi', streaming: true })),
  });
  return { res, bytes: Buffer.from(await res.arrayBuffer()) };
}

function numberOf(call: Call): number {
  return Number(call.headers['x-number']);
}

/** What the caller is to get of what was sent. */
function visible(api: ApiUnderTest, sent: Buffer): string {
  if (api !== FILTERED_CHAT) return sent.toString('latin1');
  return sent
    .toString('latin1')
    .split(/(?<=\n\n|\r\n\r\n|\r\r)/)
    .filter((frame) => !isUsageOnly(frame.replaceAll(/\s|data:/g, '')))
    .join('');
}

function isUsageOnly(compactFrame: string): boolean {
  return compactFrame.includes('"choices":[]') && compactFrame.includes('"total_tokens"');
}

/** Asks once for each number, some at a time, and looks at every answer. */
async function askEach(
  api: ApiUnderTest,
  count: number,
  look: (answered: { number: number; call: Call; res: Response; bytes: Buffer }) => void,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const { res, bytes } = await ask(api, number);
      const call = await fleet.simulator.waitForCall((one) => numberOf(one) === number);
      look({ number, call, res, bytes });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** How long the whole answer is. */
async function lengthOf(api: ApiUnderTest, said: Behaviour): Promise<number> {
  fleet.simulator.onAnyKey(said);
  await ask(api, -1);
  const [call] = await fleet.simulator.waitForCalls(1);
  fleet.simulator.clear();
  return call?.sent.bytes.length ?? 0;
}

describe.each(APIS)('$title: not a byte is changed', (api) => {
  test.each([
    ['LF', SHORT],
    ['CRLF', combine(SHORT, crlf())],
  ])('wherever the stream is split in two: %s', { timeout: TEST_MS }, async (_, said) => {
    const length = await lengthOf(api, said);
    const places = Math.floor((length - 1) / STEP);
    fleet.simulator.onAnyKey((call) => combine(said, splitAt([1 + numberOf(call) * STEP])));
    await askEach(api, places, ({ call, bytes }) => {
      expect(bytes.toString('latin1')).toBe(visible(api, call.sent.bytes));
    });
  });

  test.each([
    ['byte by byte', combine(SHORT, splitEvery(1))],
    ['byte by byte, with CRLF', combine(SHORT, crlf(), splitEvery(1))],
    ['byte by byte, with CR', combine(SHORT, framed({ eol: '\r' }), splitEvery(1))],
    ['with comments', combine(SHORT, commentFrames(), splitEvery(7))],
    ['with unknown events', combine(SHORT, unknownEvents(), splitEvery(11))],
    ['with data over several lines', combine(SHORT, framed({ multiLineData: true }))],
    ['with a line of a megabyte', bigFrame(1024 * 1024)],
    ['with a line of a megabyte in odd pieces', combine(bigFrame(1024 * 1024), splitEvery(65_537))],
  ])('%s', async (_, said) => {
    fleet.simulator.onAnyKey(said);
    await askEach(api, 1, ({ call, bytes }) => {
      expect(bytes.toString('latin1')).toBe(visible(api, call.sent.bytes));
    });
  });
});

/** The output tokens that these bytes tell, be their frame open. */
const REPORTED: Readonly<Record<string, (sent: string) => number>> = {
  messages: (sent) => {
    if (isWhole(sent, '"output_tokens":4')) return 4;
    return isWhole(sent, '"output_tokens":1') ? 1 : 0;
  },
  chat_completions: (sent) => (isWhole(sent, '"completion_tokens":4') ? 4 : 0),
  responses: (sent) => (isWhole(sent, '"output_tokens":4') ? 4 : 0),
};

/** A stream that is lost within its first frame has not begun: there is no answer to read. */
function reported({ name }: ApiUnderTest, { status }: Response, sent: string): number {
  return status === 200 ? (REPORTED[name]?.(sent) ?? 0) : 0;
}

/** Whether the line with this text in it is JSON to its end. */
function isWhole(sent: string, text: string): boolean {
  const line = sent.split('\n').find((one) => one.includes(text)) ?? '';
  try {
    return typeof JSON.parse(line.replace(/^data: /, '')) === 'object';
  } catch {
    return false;
  }
}

/** One place after another, as a complete HTTP message and as a lost connection in turn. */
function cutAt(number: number): { afterBytes: number; clean: boolean } {
  return { afterBytes: 1 + number * STEP, clean: number % 2 === 0 };
}

test.each(APIS)(
  '$title: usage is what was reported at any cut',
  { timeout: TEST_MS },
  async (api) => {
    const length = await lengthOf(api, SHORT);
    const expected = new Map<string, object>();
    fleet.simulator.onAnyKey((call) => combine(SHORT, cut(cutAt(numberOf(call)))));
    await askEach(api, Math.floor(length / STEP), ({ number, call, res, bytes }) => {
      const sent = call.sent.bytes.toString();
      const output = reported(api, res, sent);
      const { isComplete, source } = ending(api, sent, cutAt(number).clean);
      expected.set(res.headers.get('x-aibridge-interception-id') ?? '', {
        status: isComplete ? 'completed' : 'failed',
        output_tokens: String(output),
        usage_source: output === 0 ? 'none' : source,
      });
      const isTold = res.status === 502 || /upstream_truncated|broke off/.test(bytes.toString());
      expect(isTold).toBe(!isComplete);
    });
    for (const [id, row] of expected) expect(await fleet.tables.ended(id)).toMatchObject(row);
  },
);

/** How an answer ends of which so much was sent. */
function ending(api: ApiUnderTest, sent: string, isClean: boolean) {
  const hasAll = hasEnded(api, sent) && (isClean || sent.endsWith('\n\n'));
  if (hasAll) return { isComplete: true, source: 'provider' };
  if (!isClean || !isFinished(api, sent)) return { isComplete: false, source: 'partial' };
  // Half an event at the end is one that could not be read.
  return { isComplete: true, source: expect.stringMatching(/^(?:provider|partial)$/) };
}

/** Whether nothing is missing of the answer but the event that says so. */
function isFinished({ name }: ApiUnderTest, sent: string): boolean {
  if (name === 'responses') return false;
  const reason = name === 'messages' ? '"stop_reason":"' : '"finish_reason":"';
  return isWhole(sent, reason);
}

/** Whether the stream's last event is there, be its frame open. */
function hasEnded({ name }: ApiUnderTest, sent: string): boolean {
  if (name === 'chat_completions') return sent.includes('data: [DONE]');
  const type = name === 'messages' ? 'message_stop' : 'response.completed';
  return isWhole(sent, `"type":"${type}"`);
}
