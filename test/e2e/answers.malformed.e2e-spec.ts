import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cut, combine, rawResponse, rawSocket, type Behaviour } from '../simulator/index.ts';
import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';
import { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const PROVIDERS = { openai: fleet.provider('openai'), anthropic: fleet.provider('anthropic') };

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => fleet.simulator.clear());
afterAll(() => fleet.stop());

async function ask(api: ApiUnderTest, said: Behaviour, mode: Mode = 'blocking') {
  fleet.simulator.onAnyKey(said);
  const provider = api.type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai;
  const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
    method: 'POST',
    body: JSON.stringify(api.body({ prompt: 'hi', streaming: mode === 'streaming' })),
  });
  const text = await res.text();
  return { res, text, ...(await recordOf(fleet.tables, res)) };
}

const HTML = '<html>Your proxy needs you to log in.</html>';
const NO_JSON: [string, string, string][] = [
  ['a page', 'text/html', HTML],
  ['half of the JSON', 'application/json', '{"id": "msg_1", "usage"'],
  ['JSON that is no object', 'application/json', '[]'],
  ['nothing', 'application/json', ''],
];

describe.each([MESSAGES, CHAT_COMPLETIONS, RESPONSES])('$title', (api) => {
  test.each(NO_JSON)(
    'a 200 that is %s goes down as it is and counts as failed',
    async (...what) => {
      const [, type, body] = what;
      const said = rawResponse({ headers: { 'content-type': type }, body });
      const { res, text, row, attempts, usages, prompts } = await ask(api, said);

      expect([res.status, res.headers.get('content-type'), text]).toEqual([200, type, body]);
      expect(res.headers.get('x-aibridge-error')).toBeNull();
      expect(row).toMatchObject({
        status: 'failed',
        error_type: 'upstream_malformed',
        error_message: 'The provider answered with something that cannot be read.',
        upstream_status: 200,
        usage_source: 'none',
      });
      expect(attempts).toMatchObject([
        { outcome: 'relayed_error', status: 200, error: 'the answer is not a JSON object' },
      ]);
      expect([usages.length, prompts.length]).toEqual([0, 1]);
    },
  );

  test('an answer that breaks off is called that, and not no JSON', async () => {
    const body = JSON.stringify({ id: 'msg_1', text: 'x'.repeat(100_000) });
    const said = combine(rawResponse({ body }), cut({ afterBytes: 90_000, clean: false }));
    const id = await idOfBroken(api, said);

    expect(await fleet.tables.ended(id)).toMatchObject({
      status: 'failed',
      error_type: 'upstream_truncated',
    });
    expect(await fleet.tables.children('attempts', id)).toMatchObject([
      { outcome: 'transport_error', status: 200 },
    ]);
  });
});

/** The body cannot be read to its end, so only the head is looked at. */
async function idOfBroken(api: ApiUnderTest, said: Behaviour): Promise<string> {
  fleet.simulator.onAnyKey(said);
  const provider = api.type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai;
  const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
    method: 'POST',
    body: JSON.stringify(api.body({ prompt: 'hi', streaming: false })),
  });
  await expect(res.text()).rejects.toThrow('terminated');
  return res.headers.get('x-aibridge-interception-id') ?? '';
}

const WHOLE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';
const HEADS: [string, string, string, RegExp][] = [
  ['a status that is none', 'HTTP/1.1 banana\r\n\r\n', 'upstream_malformed', /Invalid status code/],
  ['no HTTP', 'ready> ', 'upstream_malformed', /Expected HTTP/],
  ['too long', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(200_000)}`, 'upstream_malformed', /Overflow/],
  [
    'of two lengths',
    `${WHOLE.slice(0, -4)}content-length: 3\r\n\r\n{}`,
    'upstream_malformed',
    /length/,
  ],
  [
    '100 Continue without an end',
    `HTTP/1.1 100 Continue\r\nx: ${'x'.repeat(20_000)}\r\n\r\n${WHOLE}`,
    'upstream_malformed',
    /interim answer/,
  ],
  ['another protocol', SWITCHED(), 'upstream_malformed', /switched protocols/],
  ['half a head', 'HTTP/1.1 200 OK\r\ncontent-ty', 'upstream_truncated', /closed/],
  ['half a status line', 'HTTP/1.1 2', 'upstream_truncated', /closed/],
  ['not there at all', '', 'upstream_unreachable', /closed/],
];

function SWITCHED(): string {
  return 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n';
}

test.each(HEADS)('a head that is %s is a 502 that says so: %j', async (_, bytes, type, error) => {
  const { res, row, attempts } = await ask(MESSAGES, rawSocket(bytes), 'streaming');

  expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([502, type]);
  expect(row).toMatchObject({ status: 'failed', error_type: type, upstream_status: null });
  expect(attempts).toMatchObject([
    { outcome: 'transport_error', status: null, error: expect.stringMatching(error) },
  ]);
});

test.each([
  ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ['103', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'],
  ['all of them', INTERIM()],
])('what comes before an answer is no answer: %s', async (_, interim) => {
  const { res, text, row } = await ask(MESSAGES, rawSocket(`${interim}${WHOLE}`));

  expect([res.status, text]).toEqual([200, '{}']);
  expect(row).toMatchObject({ status: 'completed', upstream_status: 200, attempt_count: 1 });
});

function INTERIM(): string {
  return [103, 100, 100, 102, 103].map((status) => `HTTP/1.1 ${status} x\r\n\r\n`).join('');
}
