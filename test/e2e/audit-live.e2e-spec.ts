import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { liveEventId } from '../../src/audit/live/live-event-id.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { RecordEvent, StartEvent } from '../../src/recording/journal/events.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';
import { ALICE, BOB, startAuditSystem, type AuditSystem } from './audit-system.ts';
import { LiveReader, type LiveOptions } from './live-reader.ts';

/** A second, and what a busy machine takes. */
const PROMPT_MS = 3_000;

let audit: AuditSystem;
let readers: LiveReader[] = [];

beforeAll(async () => {
  audit = await startAuditSystem();
});

afterEach(() => {
  for (const reader of readers) reader.leave();
  readers = [];
});

afterAll(() => audit.stop());

async function open(options: LiveOptions = {}): Promise<LiveReader> {
  const reader = await LiveReader.open(audit.bridge.url, options);
  readers.push(reader);
  return reader;
}

function ended(facts: Partial<StartEvent> = {}): { id: string; events: RecordEvent[] } {
  const id = uuidv7(Date.now());
  return { id, events: [aStart({ id, at: Date.now(), ...facts }), anEnd({ id, at: Date.now() })] };
}

it('shows records as they end, in that order, whoever writes them', async () => {
  const tail = await open();
  const [first, second, third] = [ended(), ended(), uuidv7(Date.now())];
  await audit.store(aStart({ id: third }), ...second.events);
  await audit.store(...first.events);
  await audit.store(anEnd({ id: third }));
  expect(await tail.has(3)).toEqual([second.id, first.id, third]);
});

it('takes the filters of a list, and shows a member their own only', async () => {
  const ofCodex = await open({ query: '?client=Codex' });
  const ofBob = await open({ person: BOB });
  const ofAlice = await open({ person: ALICE });
  const [bobs, alices] = [
    ended({ initiatorId: BOB.id, client: 'Codex' }),
    ended({ initiatorId: ALICE.id }),
  ];
  await audit.store(...bobs.events, ...alices.events);
  expect(await ofAlice.has(1)).toEqual([alices.id]);
  expect(await ofBob.has(1)).toEqual([bobs.id]);
  expect(await ofCodex.has(1)).toEqual([bobs.id]);
});

it('goes on after the last event that a reader had, without gap or repetition', async () => {
  const records = Array.from({ length: 450 }, () => ended());
  const tail = await open();
  await audit.store(...records.slice(0, 3).flatMap(({ events }) => events));
  await tail.has(3);
  tail.leave();
  await audit.store(...records.slice(3).flatMap(({ events }) => events));

  const [, last] = tail.events;
  const resumed = await open({ lastEventId: last?.id });
  const all = [...tail.ids.slice(0, 2), ...(await resumed.has(448))];
  expect(all.toSorted()).toEqual(records.map(({ id }) => id).toSorted());
  expect(resumed.events).toHaveLength(448);
});

it('names a place to come back to before anything has ended', async () => {
  const tail = await open({ query: '?client=Nobody' });
  tail.leave();
  const missed = ended();
  await audit.store(...missed.events);
  const resumed = await open({ lastEventId: tail.lastEventId });
  expect(await resumed.has(1)).toEqual([missed.id]);
});

it('says so when it cannot tell what a reader has missed', async () => {
  const lastEventId = liveEventId({ seen: { end: 1n << 50n, running: [] } });
  const tail = await open({ lastEventId });
  await until('an event', () => tail.events[0]);
  expect(tail.events).toMatchObject([{ type: 'gap' }]);
  expect(tail.lastEventId).not.toBe(lastEventId);
  const next = ended();
  await audit.store(...next.events);
  await until('what ends from then on', () => tail.ids[0]);
  expect(tail.ids).toEqual([next.id]);
});

it.each(['', '41-x', 'A'.repeat(9_000), `41-${uuidv7(1)}`])(
  'refuses what is no id of an event: %.50s',
  async (lastEventId) => {
    await expect(open({ lastEventId })).rejects.toThrow('400');
  },
);

// A process may die between its commit and its word of it.
it('shows within a second what nobody has told it of', async () => {
  const tail = await open();
  const id = uuidv7(Date.now());
  await audit.store(aStart({ id }));
  const client = new Client({ connectionString: audit.database.url });
  await client.connect();
  const { rowCount } = await client.query(
    `INSERT INTO interception_endings (transaction, interception_id)
     VALUES (pg_current_xact_id()::text::bigint, $1)`,
    [id],
  );
  await client.end();
  expect(rowCount).toBe(1);
  await until('the record', () => tail.ids[0], PROMPT_MS);
  expect(tail.ids).toEqual([id]);
});

it('does not keep the bridge from stopping', async () => {
  const tail = await open();
  expect(await audit.bridge.stop()).toBe(0);
  await tail.ends();
});
