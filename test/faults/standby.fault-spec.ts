import { expect, onTestFinished, test } from 'vitest';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import type { Bridge } from '../support/bridge.ts';
import { Load } from '../support/load.ts';
import { NO_STANDBY, streamingPair } from '../support/streaming-pair.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';

const LAG_HEADER = 'x-aibridge-lag-seconds';
const PATIENCE_MS = 30_000;

interface Answered {
  readonly total: number;
  readonly ids: readonly string[];
  /** Undefined: of the primary. */
  readonly lagSeconds: number | undefined;
}

async function list(bridge: Bridge): Promise<Answered> {
  const answer = await fetch(`${bridge.url}/api/v1/interceptions?limit=1000&count=true`);
  expect(answer.status).toBe(200);
  const { total, items } = Object(await answer.json());
  const lag = answer.headers.get(LAG_HEADER);
  return {
    total,
    ids: items.map(({ id }: { id: string }) => id),
    lagSeconds: lag === null ? undefined : Number(lag),
  };
}

async function readiness(bridge: Bridge): Promise<{ status: number; reads: unknown }> {
  const answer = await fetch(`${bridge.url}/readyz`);
  return { status: answer.status, reads: Object(await answer.json()).reads };
}

async function serve(bridge: Bridge, round: string, count: number): Promise<number> {
  const load = new Load(bridge.url, { round, clients: 2 });
  await until('some are served', () => (load.served.length >= count ? true : undefined));
  return (await load.stop()).length;
}

test('a standby answers for the database, says how far it is behind, and is done without when it is away', async ({
  skip,
}) => {
  skip(NO_STANDBY !== undefined, NO_STANDBY);
  const pair = await streamingPair();
  onTestFinished(() => pair.remove());
  const reading = await CuttableProxy.start(pair.standby.url);
  onTestFinished(() => reading.cut());
  const system = await faultySystem(pair.primary.url);
  onTestFinished(() => system.remove());
  const bridge = await system.startBridge({ env: { AIBRIDGE_DATABASE_READ_URL: reading.url } });

  const fromStandby = async () => {
    const { status, reads } = await readiness(bridge);
    expect(status).toBe(200);
    return Object(reads).from === 'standby' ? Number(Object(reads).standbyLagSeconds) : undefined;
  };
  await until('the standby is there', fromStandby, PATIENCE_MS);
  const first = await serve(bridge, 'first', 10);
  const seen = await until('what was served is in the list', async () => {
    const answer = await list(bridge);
    return answer.total === first ? answer : undefined;
  });
  expect(seen.lagSeconds).toBeLessThan(3);
  expect(seen.lagSeconds).toBeGreaterThanOrEqual(0);

  // The standby stands still: what it answers is old, and says so.
  await pair.standby.query('SELECT pg_wal_replay_pause()');
  const second = await serve(bridge, 'second', 10);
  await until('all is stored', async () => {
    const [row] = await pair.primary.query(
      `SELECT count(*)::int AS n FROM interceptions WHERE status <> 'in_progress'`,
    );
    return row?.['n'] === first + second ? true : undefined;
  });
  await until('the lag is seen', async () => (Number(await fromStandby()) > 3 ? true : undefined));
  const old = await list(bridge);
  expect(old.total).toBe(first);
  expect(old.lagSeconds).toBeGreaterThan(3);
  const metrics = await (await fetch(`${bridge.url}/metrics`)).text();
  const lag = /^aibridge_standby_lag_seconds\S* (\S+)$/m.exec(metrics)?.[1];
  expect(Number(lag)).toBeGreaterThan(3);
  // Also that there is nothing: what it does not have yet is looked for where it must be.
  const [newest] = await pair.primary.query('SELECT id::text FROM interceptions ORDER BY id DESC');
  expect(old.ids).not.toContain(newest?.['id']);
  const found = await fetch(`${bridge.url}/api/v1/interceptions/${String(newest?.['id'])}`);
  expect(found.status).toBe(200);

  // Away: the primary answers at once, whatever had begun.
  const under = Promise.all([1, 2, 3, 4].map(() => list(bridge)));
  await reading.cut();
  await under;
  const current = await list(bridge);
  expect(current).toMatchObject({ total: first + second, lagSeconds: undefined });
  await until('the standby is away', async () =>
    (await fromStandby()) === undefined ? true : undefined,
  );
  expect(await readiness(bridge)).toEqual({
    status: 200,
    reads: { from: 'primary', standbyLagSeconds: null },
  });

  await pair.standby.query('SELECT pg_wal_replay_resume()');
  await reading.mend();
  await until('the standby is back', fromStandby, PATIENCE_MS);
  const whole = await until('the standby has caught up', async () => {
    const answer = await list(bridge);
    return answer.lagSeconds !== undefined && answer.total === first + second ? answer : undefined;
  });
  expect(whole.lagSeconds).toBeLessThan(3);

  // Without the primary the past can still be read, and calls are served.
  await pair.primary.kill();
  const last = await serve(bridge, 'last', 5);
  expect(last).toBeGreaterThan(0);
  expect(await list(bridge)).toMatchObject({ total: first + second });
  expect(bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
}, 180_000);

test('a standby that is promoted is a standby no more: the primary answers', async ({ skip }) => {
  skip(NO_STANDBY !== undefined, NO_STANDBY);
  const pair = await streamingPair();
  onTestFinished(() => pair.remove());
  const system = await faultySystem(pair.primary.url);
  onTestFinished(() => system.remove());
  const env = { AIBRIDGE_DATABASE_READ_URL: pair.standby.url };
  const bridge = await system.startBridge({ env });
  await until('the standby is there', async () => {
    const { reads } = await readiness(bridge);
    return Object(reads).from === 'standby' ? true : undefined;
  });
  await pair.standby.query('SELECT pg_promote(true, 30)');
  await bridge.log(({ msg }) => msg.includes('it is no standby'));
  expect(await list(bridge)).toMatchObject({ lagSeconds: undefined });
  expect(await readiness(bridge)).toMatchObject({ status: 200, reads: { from: 'primary' } });
}, 120_000);
