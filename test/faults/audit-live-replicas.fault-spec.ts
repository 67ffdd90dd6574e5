import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { Bridge } from '../support/bridge.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { answerLoad, Load } from '../support/load.ts';
import { startSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';
import { LiveReader } from '../e2e/live-reader.ts';

/** Two bridges on one database. What ends at `other` is watched at `near`, which a test may take away. */
let system: System;
let other: Bridge;
let way: CuttableProxy;
let near: Bridge;
let opened: LiveReader[] = [];

/** What `near` can do with: two thirds of it are what a bridge has anyway, and a page for each reader. */
const HEAP_MIB = 128;

beforeAll(async () => {
  system = await startSystem();
  other = system.bridge;
  answerLoad(system.simulator, { betweenEventsMs: 1 });
  way = await CuttableProxy.start(system.env['DATABASE_URL'] ?? '');
  await isReady(other);
});

beforeEach(async () => {
  const NODE_OPTIONS = `--max-old-space-size=${HEAP_MIB}`;
  near = await Bridge.start({ env: { ...system.env, DATABASE_URL: way.url, NODE_OPTIONS } });
  await isReady(near);
});

afterEach(async () => {
  for (const reader of opened) reader.leave();
  opened = [];
  if (near.exitCode === undefined) await near.kill();
  await near.removeData();
});

afterAll(async () => {
  await way.cut();
  await system.stop();
});

async function isReady(bridge: Bridge): Promise<void> {
  await bridge.log(({ msg }) => msg === 'the database is ready');
}

async function open(bridge: Bridge, from?: LiveReader, query = ''): Promise<LiveReader> {
  const reader = await LiveReader.open(bridge.url, { lastEventId: from?.lastEventId, query });
  opened.push(reader);
  return reader;
}

/** The names of all calls of these loads, in the order in which their records were stored. */
function endings(...rounds: readonly string[]): Promise<string[]> {
  return endingsIn(['completed', 'failed', 'aborted', 'interrupted'], ...rounds);
}

async function endingsIn(
  statuses: readonly string[],
  ...rounds: readonly string[]
): Promise<string[]> {
  const rows = await system.tables.rows(
    `SELECT i.user_agent FROM interception_endings AS e JOIN interceptions AS i ON i.id = e.interception_id
     WHERE split_part(i.user_agent, '/', 2) = ANY ($1) AND i.status = ANY ($2)
     ORDER BY e.transaction, e.position`,
    [rounds, statuses],
  );
  return rows.map((row) => String(row['user_agent']));
}

/** Once every call that was served has its record. */
async function allEndings(load: Load, round: string): Promise<string[]> {
  const served = await load.stop();
  return until('all records', async () => {
    const names = await endings(round);
    return names.length >= served.length ? names : undefined;
  });
}

/** What readers were shown of these loads; the calls of a killed bridge end whenever another closes them. */
function shown(rounds: readonly string[], readers: readonly LiveReader[]): string[] {
  return readers
    .flatMap(({ userAgents }) => userAgents)
    .filter((name) => rounds.includes(name.split('/')[1] ?? ''));
}

/** Waits until they have been shown as many, and then compares. */
async function expectShown(
  expected: readonly string[],
  rounds: readonly string[],
  readers: readonly LiveReader[],
): Promise<void> {
  await until(
    `${expected.length} events`,
    () => (shown(rounds, readers).length >= expected.length ? true : undefined),
    30_000,
  );
  const all = shown(rounds, readers);
  expect(all.toSorted()).toEqual(expected.toSorted());
  // What one bridge stores is shown in its order; between those of several there is none.
  for (const round of rounds) {
    const ofRound = (name: string): boolean => name.split('/')[1] === round;
    expect(all.filter(ofRound)).toEqual(expected.filter(ofRound));
  }
}

async function grown(reader: LiveReader, by: number): Promise<void> {
  const count = reader.events.length + by;
  await until(`${count} events`, () => (reader.events.length >= count ? true : undefined));
}

it('shows what ends on another bridge, and goes on there when its own is killed under load', async () => {
  const first = await open(near);
  const [atOther, atNear] = [
    new Load(other.url, { round: 'survives', clients: 3 }),
    new Load(near.url, { round: 'dies', clients: 2 }),
  ];
  await grown(first, 40);
  await near.kill();
  await first.ends();
  // Calls end while nobody watches.
  const had = await endings('survives');
  await until('more endings', async () =>
    (await endings('survives')).length > had.length + 10 ? true : undefined,
  );
  const second = await open(other, first);
  await grown(second, 40);
  await atNear.stop();
  await allEndings(atOther, 'survives');

  const rounds = ['survives', 'dies'];
  await expectShown(await endings(...rounds), rounds, [first, second]);
  expect(first.userAgents.some((name) => name.includes('/survives/'))).toBe(true);
  expect(second.events.filter(({ type }) => type === 'gap')).toEqual([]);
});

it('misses nothing for a reader that had seen nothing yet when its bridge was killed', async () => {
  const first = await open(near, undefined, '?status=completed');
  await near.kill();
  await first.ends();
  const load = new Load(other.url, { round: 'unwatched', clients: 2 });
  await until('some endings', async () =>
    (await endings('unwatched')).length > 16 ? true : undefined,
  );
  const all = await allEndings(load, 'unwatched');
  const completed = await endingsIn(['completed'], 'unwatched');
  expect(completed.length).toBeLessThan(all.length);

  const second = await open(other, first, '?status=completed');
  await expectShown(completed, ['unwatched'], [second]);
});

it('loses and doubles nothing while the database is away', async () => {
  const reader = await open(near);
  const load = new Load(other.url, { round: 'outage', clients: 2 });
  await grown(reader, 10);
  for (let outage = 0; outage < 2; outage += 1) {
    await way.cut();
    const had = await endings('outage');
    await until('more endings', async () =>
      (await endings('outage')).length > had.length + 20 ? true : undefined,
    );
    await way.mend();
    await grown(reader, 20);
  }
  await expectShown(await allEndings(load, 'outage'), ['outage'], [reader]);
  expect(reader.isOver).toBe(false);
});

/** Many records at once, each of so many bytes. */
async function endMany(round: string, count: number, bytes: number): Promise<void> {
  const ids = Array.from({ length: count }, () => uuidv7(Date.now()));
  await system.tables.rows(
    `WITH ended AS (INSERT INTO interceptions (id, instance_id, started_at, ended_at, initiator_id, provider_type,
       provider_name, model, requested_model, api, route, method, streaming, client, user_agent,
       credential_kind, credential_hint, status, error_type, error_message)
     SELECT id, id, now(), now(), 'local', 'anthropic', 'anthropic', 'm', 'm', 'messages',
       '/v1/messages', 'POST', false, 'c', 'load/' || $1 || '/' || id, 'centralized', '', 'failed',
       'upstream_unreachable', repeat('x', $3)
     FROM unnest($2::uuid[]) AS id RETURNING id)
     INSERT INTO interception_endings (transaction, interception_id)
     SELECT pg_current_xact_id()::text::bigint, id FROM ended`,
    [round, ids, bytes],
  );
}

it('holds little for readers that take nothing, and lets nobody else wait for them', async () => {
  const reader = await open(near);
  const stalled = await Promise.all(Array.from({ length: 3 }, () => open(near)));
  for (const each of stalled) each.stall();
  const load = new Load(near.url, { round: 'meanwhile', clients: 1 });
  // For those that take nothing, 200 MiB: more than the bridge has memory for.
  await endMany('much', 3_500, 20_000);
  await reader.has(3_500);
  await grown(reader, 10);
  const served = await load.stop();
  expect(served.map(({ status }) => status)).toEqual(served.map(() => 200));

  // Whether it was cut off by then or not, it has lost nothing.
  const [late = reader] = stalled;
  late.readOn();
  await allEndings(load, 'meanwhile');
  const rounds = ['much', 'meanwhile'];
  const all = await endings(...rounds);
  await until('it has all, or is cut off', () =>
    late.isOver || shown(rounds, [late]).length >= all.length ? true : undefined,
  );
  const rest = late.isOver ? [await open(near, late)] : [];
  await expectShown(all, rounds, [late, ...rest]);
});
