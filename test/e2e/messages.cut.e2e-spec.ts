import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  answer,
  combine,
  cut,
  errorMidStream,
  missingTerminal,
  neverAnswers,
  rawResponse,
  resetBeforeHeaders,
  slowFirstToken,
  stall,
  type Behaviour,
} from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { freePort } from '../support/free-port.ts';
import {
  messagesBody,
  POOL_KEY,
  startSystem,
  WITHOUT_BREAKERS,
  type System,
} from '../support/system.ts';
import { head, Wire, type WireAnswer } from '../support/wire.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({
    settings: { IDLE_TIMEOUT: '300ms', FIRST_BYTE_TIMEOUT: '300ms' },
    env: {
      ...WITHOUT_BREAKERS,
      AIBRIDGE_PROVIDER_1_TYPE: 'anthropic',
      AIBRIDGE_PROVIDER_1_NAME: 'nobody',
      AIBRIDGE_PROVIDER_1_BASE_URL: `http://127.0.0.1:${await freePort()}`,
      AIBRIDGE_PROVIDER_1_KEY: POOL_KEY,
    },
  });
});

afterAll(() => system.stop());
beforeEach(() => system.simulator.clear());

const WITHOUT_LAST_EVENT = 'the answer was finished, but its stream ended without its last event';

/** Every scenario is asked for with a bare socket: it shows whether the end was clean. */
async function ask(options: {
  readonly behaviour?: Behaviour;
  readonly streaming: boolean;
  readonly provider?: string;
}): Promise<{ reply: WireAnswer; record: AuditRow; attempts: AuditRow[] }> {
  if (options.behaviour !== undefined) system.simulator.onAnyKey(options.behaviour);
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(
    `/${options.provider ?? 'anthropic'}/v1/messages`,
    messagesBody({ stream: options.streaming }),
  );
  const reply = await wire.answer();
  wire.leave();
  const id = reply.headers.get('x-aibridge-interception-id') ?? '';
  const record = await system.tables.ended(id);
  return { reply, record, attempts: await system.tables.children('attempts', id) };
}

/** Clients split at empty lines, so this is what they make of it. */
function framesOf(body: string): string[] {
  return body.split(/\r?\n\r?\n/).filter((frame) => frame !== '');
}

const TEXT = answer({ text: 'one two three four', chunks: 4 });

/** Where in the simulator's stream the JSON of the first text delta is half said. */
async function middleOfAFrame(): Promise<number> {
  const { reply } = await ask({ behaviour: TEXT, streaming: true });
  return reply.body.indexOf('"text_delta"') + 6;
}

test.each<[string, () => Behaviour | Promise<Behaviour>, string]>([
  ['is cut between two frames', () => cut({ afterEvents: 4, clean: false }), 'upstream_truncated'],
  [
    'is reset between two frames',
    () => cut({ afterEvents: 4, clean: false, reset: true }),
    'upstream_truncated',
  ],
  [
    'is cut within a frame',
    async () => cut({ afterBytes: await middleOfAFrame(), clean: false }),
    'upstream_truncated',
  ],
  [
    'ends within a frame as if it were whole',
    async () => cut({ afterBytes: await middleOfAFrame(), clean: true }),
    'upstream_truncated',
  ],
  ['stalls past the idle timeout', () => stall({ afterEvents: 4 }), 'upstream_timeout'],
])('a stream that %s ends with an error event and is recorded failed', async (_, how, type) => {
  const behaviour = combine(TEXT, await how());
  const { reply, record, attempts } = await ask({ behaviour, streaming: true });

  expect([reply.status, reply.isWhole]).toEqual([200, true]);
  const frames = framesOf(reply.body);
  expect(frames.at(0)).toMatch(/^event: message_start\n/);
  expect(reply.body).not.toContain('message_stop');
  const [name, data = ''] = (frames.at(-1) ?? '').split('\n');
  expect(name).toBe('event: error');
  expect(JSON.parse(data.slice('data: '.length))).toMatchObject({
    type: 'error',
    error: { message: expect.any(String) },
    request_id: record['id'],
  });
  expect(record).toMatchObject({ status: 'failed', error_type: type, upstream_status: 200 });
  expect(attempts).toMatchObject([
    { outcome: type === 'upstream_timeout' ? 'timeout' : 'transport_error', status: 200 },
  ]);
});

/** Everything but message_stop, of which none is the last frame. */
const FINISHED = combine(TEXT, missingTerminal());

test('a finished stream that ends cleanly without message_stop is whole, with a note', async () => {
  const { reply, record, attempts } = await ask({ behaviour: FINISHED, streaming: true });

  expect([reply.status, reply.isWhole]).toEqual([200, true]);
  expect(reply.body).toBe(system.simulator.calls[0]?.sent.text);
  expect(record).toMatchObject({
    status: 'completed',
    error_type: null,
    usage_source: 'provider',
    notes: [WITHOUT_LAST_EVENT],
  });
  expect(attempts).toMatchObject([{ outcome: 'served', error: null }]);
});

test.each([
  ['connection is closed', false],
  ['connection is reset', true],
])('a finished stream whose %s is broken all the same, with a note', async (_, reset) => {
  const lastEvents = combine(FINISHED, cut({ afterBytes: Infinity, clean: false, reset }));
  const { reply, record } = await ask({ behaviour: lastEvents, streaming: true });

  expect(reply.body).toContain('event: error');
  expect(record).toMatchObject({
    status: 'failed',
    error_type: 'upstream_truncated',
    usage_source: 'partial',
    notes: [WITHOUT_LAST_EVENT],
  });
});

test('what was relayed before a cut is what upstream sent, to the byte', async () => {
  const behaviour = combine(TEXT, cut({ afterEvents: 5, clean: false }));
  const { reply } = await ask({ behaviour, streaming: true });

  const [call] = system.simulator.calls;
  expect(reply.body.startsWith(call?.sent.text ?? '?')).toBe(true);
  expect(reply.body.slice(call?.sent.text.length)).toMatch(/^event: error\ndata: .*\n\n$/);
});

test("the provider's own error event is passed on and not topped with a second one", async () => {
  const behaviour = combine(TEXT, errorMidStream('overloaded'));
  const { reply, record } = await ask({ behaviour, streaming: true });

  expect(reply.body).toBe(system.simulator.calls[0]?.sent.text);
  expect(reply.body.match(/event: error/g)).toHaveLength(1);
  expect(record).toMatchObject({ status: 'failed', error_type: 'overloaded' });
});

const BEFORE_THE_ANSWER: [string, Behaviour, boolean, string, number | null][] = [
  ['no headers in time', neverAnswers(), true, '504 upstream_timeout', null],
  ['no headers in time', neverAnswers(), false, '504 upstream_timeout', null],
  ['no first event in time', slowFirstToken(), true, '504 upstream_timeout', 200],
  ['a reset instead of headers', resetBeforeHeaders(), true, '502 upstream_unreachable', null],
  ['a reset instead of headers', resetBeforeHeaders(), false, '502 upstream_unreachable', null],
  ['no event at all', cut({ afterBytes: 0, clean: true }), true, '502 upstream_truncated', 200],
  ['a cut in a short answer', cut({ clean: false }), false, '502 upstream_truncated', 200],
  ['a stall in a short answer', stall(), false, '504 upstream_timeout', 200],
];

test.each(BEFORE_THE_ANSWER)(
  "%s (%o, streaming: %s) is a %s in the provider's envelope",
  async (...[, behaviour, streaming, fault, status]) => {
    const { reply, record, attempts } = await ask({ behaviour, streaming });

    expect(faultIn(reply)).toEqual({ fault, isAnthropic: true });
    const error_type = fault.slice(4);
    expect(record).toMatchObject({ status: 'failed', error_type, upstream_status: status });
    expect(attempts).toMatchObject([{ status }]);
  },
);

test('a provider that nobody listens for is a 502 that does not tell its address', async () => {
  const { reply, record, attempts } = await ask({ streaming: true, provider: 'nobody' });

  expect(faultIn(reply)).toEqual({ fault: '502 upstream_unreachable', isAnthropic: true });
  expect(reply.body).not.toMatch(/127\.0\.0\.1|ECONN/);
  expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_unreachable' });
  expect(attempts).toMatchObject([{ outcome: 'transport_error', status: null }]);
});

function faultIn({ status, headers, body }: WireAnswer): object {
  const { type, request_id: requestId } = Object(JSON.parse(body));
  return {
    fault: `${status} ${headers.get('x-aibridge-error')}`,
    isAnthropic: type === 'error' && requestId === headers.get('x-aibridge-interception-id'),
  };
}

test('a long answer that is cut breaks off for the client too, and is recorded failed', async () => {
  const behaviour = combine(
    answer({ text: 'x'.repeat(200_000) }),
    cut({ afterBytes: 150_000, clean: false }),
  );
  const { reply, record } = await ask({ behaviour, streaming: false });

  expect([reply.status, reply.isWhole]).toEqual([200, false]);
  expect(record).toMatchObject({ status: 'failed', error_type: 'upstream_truncated' });
});

/** Larger than what the bridge looks at before it relays, and not of announced length. */
const UNANNOUNCED = rawResponse({ body: JSON.stringify({ id: 'x'.repeat(200_000) }) });

test.each<[string, Behaviour, 'fin' | 'reset']>([
  [
    'that breaks off ends with a reset',
    combine(UNANNOUNCED, cut({ afterBytes: 150_000, clean: false })),
    'reset',
  ],
  ['that is whole just ends', UNANNOUNCED, 'fin'],
])('for a client of HTTP/1.0 an answer without a length %s', async (_, behaviour, end) => {
  system.simulator.onAnyKey(behaviour);
  const wire = await Wire.connect(system.bridge.url);
  const body = messagesBody({ stream: false });
  const request = head('POST', '/anthropic/v1/messages', [
    `content-length: ${Buffer.byteLength(body)}`,
  ]);
  await wire.send(`${request.replace('HTTP/1.1', 'HTTP/1.0')}${body}`);
  const { status, headers } = await wire.head();

  expect(status).toBe(200);
  expect(headers.has('content-length') || headers.has('transfer-encoding')).toBe(false);
  expect(await wire.ends()).toBe(end);
});

test('none of this is held against the key', async () => {
  const { record } = await ask({ behaviour: TEXT, streaming: false });

  expect(record).toMatchObject({ status: 'completed', attempt_count: 1 });
});
