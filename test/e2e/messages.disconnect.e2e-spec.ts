import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { firstIdAt } from '../../src/core/ids.ts';
import {
  answer,
  bigAnswer,
  combine,
  neverAnswers,
  paced,
  rateLimited,
  slowFirstToken,
  stall,
  type Behaviour,
} from '../simulator/index.ts';
import type { AuditRow } from '../support/audit-tables.ts';
import { messagesBody, POOL_KEY, startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { head, Wire } from '../support/wire.ts';

const PATH = '/anthropic/v1/messages';
/** How soon upstream must hear that nobody is waiting any more. */
const CANCEL_MS = 100;

let system: System;

beforeAll(async () => {
  system = await startSystem({ settings: { KEYS: `${POOL_KEY},sk-ant-api03-another-key-0002` } });
});

afterAll(() => system.stop());
beforeEach(() => system.simulator.clear());

/** The one interception that began since, once it has ended; of earlier ones some may not be stored yet. */
async function recordAfter(id: string): Promise<AuditRow> {
  return until('an ended record', async () => {
    const rows = await system.tables.rows('SELECT * FROM interceptions WHERE id >= $1::uuid', [id]);
    const [row] = rows;
    expect(rows.length).toBeLessThanOrEqual(1);
    return row === undefined || row['status'] === 'in_progress' ? undefined : row;
  });
}

async function ask(): Promise<Response> {
  return fetch(`${system.bridge.url}${PATH}`, { method: 'POST', body: messagesBody() });
}

const LEAVING = [
  ['closes', (wire: Wire) => wire.leave('fin')],
  ['resets', (wire: Wire) => wire.leave('reset')],
  // One that is done sending may be gone or not; like nginx and Envoy the bridge takes it as gone.
  ['half-closes', (wire: Wire) => wire.halfClose()],
] as const;

const MOMENTS: [string, Behaviour, boolean, number | null][] = [
  ['while upstream says nothing', neverAnswers(), true, null],
  ['while upstream says nothing', neverAnswers(), false, null],
  ['before the first event', slowFirstToken(), true, 200],
  ['in mid-stream', combine(answer({ text: 'a b c d', chunks: 4 }), stall()), true, 200],
];

const CASES = LEAVING.flatMap(([how, leave]) =>
  MOMENTS.map(([when, behaviour, streaming, status]) => {
    const title = `${how} ${when} (streaming: ${streaming})`;
    return { title, leave, behaviour, streaming, status };
  }),
);

test.each(CASES)(
  'a client that $title cancels upstream within 100 ms and is recorded aborted',
  async ({ leave, behaviour, streaming, status }) => {
    system.simulator.onAnyKey(behaviour);
    const before = firstIdAt(Date.now());
    const wire = await Wire.connect(system.bridge.url);
    await wire.post(PATH, messagesBody({ stream: streaming }));
    const call = await system.simulator.waitForCall();
    if (status !== null) await until('the answer', () => call.sent.status ?? undefined);
    if (behaviour.name.includes('stall')) await wire.receives('message_start');

    const leftAtMs = Date.now();
    leave(wire);
    await call.ended;
    wire.leave();

    expect((call.clientClosedAtMs ?? Infinity) - leftAtMs).toBeLessThan(CANCEL_MS);
    const record = await recordAfter(before);
    expect(record).toMatchObject({ status: 'aborted', error_type: null, attempt_count: 1 });
    expect(await system.tables.children('attempts', String(record['id']))).toMatchObject([
      { outcome: 'aborted' },
    ]);
  },
);

test('what an aborted stream had reported until then is in its record', async () => {
  const usage = { input: 11, output: 7, cacheRead: 3 };
  system.simulator.onAnyKey(combine(answer({ text: 'a b c d', chunks: 4, usage }), stall()));
  const before = firstIdAt(Date.now());
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ stream: true }));
  await wire.receives('message_start');
  wire.leave();

  const { id, ...record } = await recordAfter(before);
  expect(record).toMatchObject({ usage_source: 'partial', input_tokens: '11' });
  expect(await system.tables.children('prompts', String(id))).toMatchObject([{ text: 'hi' }]);
});

test('a client that leaves while it sends its request reaches nothing and leaves no record', async () => {
  const before = firstIdAt(Date.now());
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(`${head('POST', PATH, ['content-length: 1000'])}{"model":`);
  wire.leave('reset');
  // Whatever that request had begun would be recorded before this one.
  system.simulator.onAnyKey(answer());
  const res = await ask();
  expect(res.status).toBe(200);

  const record = await recordAfter(before);
  expect(record['id']).toBe(res.headers.get('x-aibridge-interception-id'));
  expect(system.simulator.calls).toHaveLength(1);
});

/** The failures of an abort come at every moment of an exchange; none may end the process or leave a trace open. */
test('hundreds of clients that leave at any moment harm nobody', async () => {
  const behaviours = [
    combine(answer({ text: 'a b c d e f', chunks: 6 }), paced(2)),
    bigAnswer(300_000),
    neverAnswers(),
    answer(),
  ];
  system.simulator.onAnyKey((call) => behaviours[call.ordinal % behaviours.length] ?? answer());
  const random = mulberry32(20_261);
  for (let round = 0; round < 15; round += 1) {
    await Promise.all(Array.from({ length: 20 }, () => askAndLeave(random)));
  }
  for (const call of system.simulator.calls) if (call.outcome === null) await call.ended;

  system.simulator.onAnyKey(answer({ text: 'still here' }));
  const res = await ask();
  expect(await res.text()).toContain('still here');
  expect(system.simulator.calls.at(-1)?.key).toBe(POOL_KEY);
  await until('every record ended', async () => {
    const open = await system.tables.rows(
      `SELECT id FROM interceptions WHERE status = 'in_progress'`,
    );
    return open.length === 0 || undefined;
  });
  const failed = await system.tables.rows(
    `SELECT status, error_type FROM interceptions WHERE status NOT IN ('completed', 'aborted')`,
  );
  expect(failed).toEqual([]);
  const complaints = system.bridge.logs.filter(({ level }) => ['warn', 'error'].includes(level));
  expect(complaints).toEqual([]);
  expect(system.bridge.otherOutput).toEqual([]);
});

async function askAndLeave(random: () => number): Promise<void> {
  const wire = await Wire.connect(system.bridge.url);
  const body = messagesBody({ stream: random() < 0.6 });
  const request = `${head('POST', PATH, [`content-length: ${body.length}`])}${body}`;
  const isWhole = random() < 0.8;
  void wire.send(isWhole ? request : request.slice(0, Math.floor(request.length * random())));
  await delay(random() * 12);
  wire.leave(random() < 0.5 ? 'fin' : 'reset');
}

/** A small seeded generator: the same aborts in every run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('a client that leaves between two keys costs no further key', async () => {
  system.simulator.onAnyKey(combine(rateLimited({ retryAfterMs: 1 }), slowFirstToken()));
  // Named, because some who left before are still being noticed.
  const model = 'left-between-two-keys';
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ model }));
  const call = await system.simulator.waitForCall((each) => each.model === model);
  wire.leave();
  await call.ended;
  await until('the record ended', async () => {
    const [row] = await system.tables.rows(
      `SELECT status FROM interceptions WHERE model = $1 AND status <> 'in_progress'`,
      [model],
    );
    return row;
  });

  const calls = system.simulator.calls.filter((each) => each.model === model);
  expect(calls.map(({ key }) => key)).toEqual([POOL_KEY]);
});
