import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answer, combine, malformedFrame, type Answer } from '../simulator/index.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';

const fleet = new Fleet();
const ANTHROPIC = fleet.provider('anthropic');
const OPENAI = fleet.provider('openai');

beforeAll(() => fleet.start());
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const SAID = {
  text: 'Here.',
  thinking: 'Hm.',
  chunks: 1,
  tools: [{ name: 'ls', input: { path: '/' } }],
  usage: { input: 40, output: 9 },
} satisfies Answer;

const USER = [{ role: 'user', content: 'list my files' }];
const MESSAGES = { route: '/v1/messages', body: { max_tokens: 9, messages: USER } };
const CHAT = { route: '/v1/chat/completions', body: { messages: USER } };
const RESPONSES = { route: '/v1/responses', body: { input: USER } };

interface Case {
  readonly provider: FleetProvider;
  readonly api: { readonly route: string; readonly body: object };
  /** Counted from 0. */
  readonly atEvent: number;
  readonly note: RegExp;
}

test.each<Case>([
  { provider: ANTHROPIC, api: MESSAGES, atEvent: 1, note: /^content_block_start is not/ },
  { provider: ANTHROPIC, api: MESSAGES, atEvent: 3, note: /^content_block_delta is not/ },
  { provider: OPENAI, api: CHAT, atEvent: 2, note: /^a chunk is not a JSON object$/ },
  { provider: OPENAI, api: RESPONSES, atEvent: 2, note: /^response\.output_item\.added is not/ },
])(
  '$api.route: event $atEvent that cannot be read passes, and is noted',
  async ({ provider, api, atEvent, note }) => {
    fleet.simulator.onAnyKey(combine(answer(SAID), malformedFrame({ atEvent })));
    const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...api.body,
        model: 'm',
        stream: true,
        ...(api === CHAT && { stream_options: { include_usage: true } }),
      }),
    });
    expect(await res.text()).toBe(fleet.simulator.calls[0]?.sent.text);
    const { row, usages } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed', usage_source: 'partial' });
    expect(row['notes']).toEqual(expect.arrayContaining([expect.stringMatching(note)]));
    expect(usages).toMatchObject([{ output: '9' }]);
  },
);
