import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { decodeLine } from '../../src/recording/journal/journal-line.ts';
import { neverAnswers } from '../simulator/index.ts';
import { messagesBody } from '../support/system.ts';
import { until } from '../support/until.ts';
import { Wire } from '../support/wire.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { holdStream } from './held-stream.ts';
import { journalsIn, orphansAreGone } from './journal-files.ts';

const GOOD = { credential_hint: 'sk-a...0002', attempt_count: 2, failed_over: true };

test('killed in the middle of a stream: the record names the key, what was known of the answer, and how long it took', async () => {
  const system = await faultySystem();
  onTestFinished(() => system.remove());
  const bridge = await system.startBridge();
  const stream = await holdStream(system.simulator, bridge.url);
  const aliveMs = await lastSignOfLife(system);
  await bridge.kill();
  const killedMs = Date.now();

  await system.startBridge();
  await orphansAreGone(system.dataDir);
  const row = await interrupted(system, stream.name);
  expect(row).toMatchObject({ ...GOOD, upstream_status: 200, usage_source: 'partial' });
  expect(Number(row['input_tokens'])).toBeGreaterThan(0);
  const startedMs = Number(row['started_at']);
  expect(row['duration_ms']).toBeGreaterThanOrEqual(aliveMs - startedMs);
  expect(row['duration_ms']).toBeLessThanOrEqual(killedMs - startedMs);
  expect(await system.tables.children('attempts', String(row['id']))).toMatchObject([
    { ordinal: 1, outcome: 'rate_limited', status: 429 },
    { ordinal: 2, outcome: 'interrupted', status: 200, credential_hint: 'sk-a...0002' },
  ]);
}, 60_000);

test('killed while the provider does not answer: the record names the key that was being tried', async () => {
  const system = await faultySystem();
  onTestFinished(() => system.remove());
  const name = 'waiting/1';
  system.simulator.anyKey.when((call) => call.headers['user-agent'] === name, neverAnswers());
  const bridge = await system.startBridge();
  const wire = await Wire.connect(bridge.url);
  await wire.post('/anthropic/v1/messages', messagesBody(), [`user-agent: ${name}`]);
  await system.simulator.waitForCall((call) => call.behaviour === 'never_answers');
  await lastSignOfLife(system);
  await bridge.kill();

  await system.startBridge();
  await orphansAreGone(system.dataDir);
  const row = await interrupted(system, name);
  expect(row).toMatchObject({ ...GOOD, upstream_status: null, usage_source: 'none' });
  expect(await system.tables.children('attempts', String(row['id']))).toMatchObject([
    { outcome: 'rate_limited' },
    { outcome: 'interrupted', status: null },
  ]);
}, 60_000);

/** When the process last said in its journal that it lives, once it has twice. */
function lastSignOfLife({ dataDir }: FaultySystem): Promise<number> {
  return until('two signs of life', async () => {
    const [journal = ''] = await journalsIn(dataDir);
    const segments = (await readdir(journal)).filter((name) => name.endsWith('.log'));
    const texts = await Promise.all(
      segments.map((name) => readFile(path.join(journal, name), 'utf8')),
    );
    const lines = texts.join('').split('\n').map(decodeLine);
    const alive = lines.flatMap((line) =>
      line.kind === 'event' && line.event.kind === 'alive' ? [line.event.at] : [],
    );
    return alive.length >= 2 ? alive.at(-1) : undefined;
  });
}

async function interrupted({ tables }: FaultySystem, name: string) {
  const sql = `SELECT *, (extract(epoch FROM started_at) * 1000)::bigint AS started_at
    FROM interceptions WHERE user_agent = $1 AND status = 'interrupted'`;
  const [row = {}] = await tables.rows(sql, [name]);
  return row;
}
