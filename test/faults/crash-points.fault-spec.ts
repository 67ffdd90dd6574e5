import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { SystemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { encodeLine } from '../../src/recording/journal/journal-line.ts';
import { JournalProgress } from '../../src/recording/journal/journal-progress.ts';
import { Journal } from '../../src/recording/journal/journal.ts';
import { RECORD_TABLES } from '../../src/recording/partitions/prisma-partitions.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import { PrismaAuditCheck } from '../../src/recording/verify/prisma-audit-check.ts';
import { AuditTables, type AuditRow } from '../support/audit-tables.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  anAttempt,
  anEnd,
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
} from '../support/record-events.ts';
import { StatementProxy } from '../support/statement-proxy.ts';
import { play, type Scene } from './crash-scenes.ts';

/*
 * A process is killed (`kill -9`) at every statement of what it does with the database: before the
 * server hears of it, and, where a statement commits, when the server has executed it and the
 * process does not know. The same is then done from the start. What is there in the end is what would
 * be there if nobody had been killed.
 */

const DAY = 86_400_000;
const NOW = Date.now();
const LANES = 3;
const SCENE_MS = 240_000;
const INSTANCE = uuidv7(NOW);

let directory: string;
let database: TestDatabase;
let ready: Promise<ChildProcess>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-crash-'));
  database = await createTestDatabase();
  await writeHistory();
  await writeJournal(path.join(directory, 'journal'));
  ready = aProcess();
});

afterAll(async () => {
  (await ready).kill();
  await database.drop();
  await rm(directory, { recursive: true });
});

/** It carries the result of the third before it, and asks for another. */
function aCall(at: number, n: number): { start: RecordEvent[]; end: RecordEvent[] } {
  const row = { id: uuidv7(at), at };
  const caller = { initiatorId: `person-${n % 3}@corp`, sessionId: `session-${n % 3}` };
  const tool = { ...caller, toolCallId: `call-${n}` };
  const carried = { correlatingToolCallIds: [`call-${n - 3}`] };
  return {
    start: [
      aStart({ ...row, ...caller, ...carried, model: `model-${n % 2}`, instanceId: INSTANCE }),
      anAttempt({ ...row, rowId: uuidv7(at) }),
    ],
    end: [
      aUsage({ ...row, rowId: uuidv7(at) }),
      aPrompt({ ...row, rowId: uuidv7(at), text: `prompt ${n} ${'x'.repeat(8_000)}` }),
      aTool({ ...row, rowId: uuidv7(at), ...tool }),
      aThought({ ...row, rowId: uuidv7(at) }),
      anEnd({ id: row.id, at: at + 20 }),
    ],
  };
}

/** Some of it past its age, whole days as well as parts of them, and counted but for the newest. */
async function writeHistory(): Promise<void> {
  const prisma = createPrismaClient(database.url, { poolMax: 1 });
  const store = new PrismaRecordStore(prisma);
  const ages = [125, 95, 61, 59, 31, 29];
  for (const [n, age] of ages.entries()) {
    const calls = Array.from({ length: 6 }, (_, each) =>
      aCall(NOW - age * DAY, 100 + 6 * n + each),
    );
    const failure = await store.store(calls.flatMap(({ start, end }) => [...start, ...end]));
    expect(failure).toBeUndefined();
    if (n === 3) while (await new PrismaUsageTotals(prisma).rollUp());
  }
  await prisma.$disconnect();
}

/** Of two days and in three segments: callers after what they call, and two that never end. */
async function writeJournal(journalDirectory: string): Promise<void> {
  await mkdir(journalDirectory);
  const [progress, clock] = [new JournalProgress(), new SystemClock()];
  const options = { directory: journalDirectory, bytesMax: 512 * 1024, isSynced: false };
  const journal = new Journal({ ...options, progress, clock });
  const calls = Array.from({ length: 20 }, (_, n) => aCall(NOW - (n < 10 ? 2 * DAY : 0), n));
  const inOrder = [...calls.slice(0, 3), ...calls.slice(6), ...calls.slice(3, 6)];
  const events = inOrder.flatMap(({ start }, n) => [...start, ...(inOrder[n - 2]?.end ?? [])]);
  for (const event of events) await journal.append(encodeLine(event), 1);
  await journal.close();
}

/** Started before it is wanted: that takes the longest. */
async function aProcess(): Promise<ChildProcess> {
  const child = fork(path.join(import.meta.dirname, 'crash-scenes.ts'), [], {
    execArgv: ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'],
    env: { ...env, NODE_COMPILE_CACHE: path.join(directory, 'compiled') },
  });
  await once(child, 'message');
  return child;
}

/** Where a process is killed: at the n-th statement. */
interface Point {
  readonly at: number;
  readonly name: string;
  readonly isExecuted: boolean;
}

interface Played {
  /** All statements, in short, up to the last that was heard of. */
  readonly statements: readonly string[];
  readonly wasKilled: boolean;
}

async function played(scene: Scene, point?: Point): Promise<Played> {
  const taken = ready;
  ready = taken.then(aProcess);
  const child = await taken;
  const exited = once(child, 'exit');
  const statements: string[] = [];
  const proxy = await StatementProxy.start(scene.databaseUrl, {
    passage(sql) {
      statements.push(inShort(sql));
      if (statements.length - 1 !== point?.at) return 'passes';
      if (point.isExecuted) return 'is executed and not answered';
      child.kill('SIGKILL');
      return 'is kept';
    },
    executed: () => child.kill('SIGKILL'),
  });
  child.send({ ...scene, databaseUrl: proxy.url });
  const [code] = await exited;
  await proxy.stop();
  const wasKilled = child.signalCode === 'SIGKILL';
  if (!wasKilled && code !== 0) throw new Error(`${scene.name} ended with ${code}`);
  return { statements, wasKilled };
}

function inShort(sql: string): string {
  return sql.replaceAll(/\s+/g, ' ').trim().slice(0, 100);
}

/** To be killed before something is read is to be killed before what is written next. */
function pointsOf(statements: readonly string[]): Point[] {
  const points: Point[] = [];
  let hasWritten = false;
  for (const [at, sql] of statements.entries()) {
    const isEnd = sql === 'COMMIT';
    const isWrite = !isEnd && !/^(?:BEGIN|SELECT|ANALYZE)\b/.test(sql);
    const isCommitted = (isEnd && hasWritten) || sql.endsWith('CONCURRENTLY');
    if (isWrite || isCommitted)
      points.push({ at, name: `before ${at}, ${sql}`, isExecuted: false });
    if (isCommitted) points.push({ at, name: `after ${at}, ${sql}`, isExecuted: true });
    hasWritten = isEnd ? false : hasWritten || isWrite;
  }
  return points;
}

async function onCopy<T>(task: (copy: Scene) => Promise<T>, name: Scene['name']): Promise<T> {
  const template = new URL(database.url).pathname.slice(1);
  const copy = await createTestDatabase({ url: inject('postgres').url, template });
  const own = await mkdtemp(path.join(directory, 'copy-'));
  const journal = path.join(own, 'journal');
  try {
    await cp(path.join(directory, 'journal'), journal, { recursive: true });
    return await task({
      name,
      databaseUrl: copy.url,
      journal,
      instanceId: INSTANCE,
      nowMs: NOW,
    });
  } finally {
    await copy.drop();
  }
}

/** All that somebody could find out, but for when and in which transactions it was written. */
async function told(databaseUrl: string): Promise<Record<string, AuditRow[]>> {
  const prisma = createPrismaClient(databaseUrl, { poolMax: 1 });
  const tables = await AuditTables.open(databaseUrl);
  try {
    return await toldBy(prisma, tables);
  } finally {
    await tables.close();
    await prisma.$disconnect();
  }
}

async function toldBy(
  prisma: PrismaClient,
  tables: AuditTables,
): Promise<Record<string, AuditRow[]>> {
  const findings: AuditRow[] = [];
  for await (const finding of new PrismaAuditCheck(prisma).findings()) {
    if (finding.count > 0) findings.push({ ...finding });
  }
  while (await new PrismaUsageTotals(prisma).rollUp());
  const children = RECORD_TABLES.filter((table) => table !== 'interceptions');
  const all: Record<string, AuditRow[]> = { findings };
  const ask = async (name: string, sql: string): Promise<void> => {
    all[name] = await tables.rows(sql);
  };
  await ask(
    'interceptions',
    `SELECT id, status, started_at, ended_at, thread_parent_id, thread_root_id, credential_hint,
       input_tokens, output_tokens FROM interceptions ORDER BY id`,
  );
  for (const table of children) {
    const text = table === 'prompts' ? ', text' : '';
    await ask(table, `SELECT interception_id, id ${text} FROM ${table} ORDER BY 1, 2`);
  }
  await ask('endings', 'SELECT interception_id FROM interception_endings ORDER BY 1');
  await ask('totals', 'SELECT * FROM usage_totals ORDER BY grain, starts_at, initiator_id, model');
  await ask('unlinked', 'SELECT call_key, interception_id FROM unlinked_calls ORDER BY 1, 2');
  await ask('marks', 'SELECT instance_id, position, events FROM journal_marks ORDER BY 1');
  await ask('tables', `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') ORDER BY 1`);
  return all;
}

/** What is wrong after a process was killed there and another one has done the same. */
async function wrongAfter(
  name: Scene['name'],
  point: Point,
  expected: Record<string, AuditRow[]>,
): Promise<string[]> {
  return onCopy(async (scene) => {
    const { wasKilled } = await played(scene, point);
    if (!wasKilled) return [`${point.name}: was not killed`];
    await play(scene);
    const found = await told(scene.databaseUrl);
    return Object.keys(expected)
      .filter((what) => JSON.stringify(found[what]) !== JSON.stringify(expected[what]))
      .map((what) => `${point.name}: ${what}`);
  }, name);
}

test.each<[Scene['name'], number]>([
  ['writer', 30],
  ['roll-up', 9],
  ['partitions', 16],
  ['purge', 30],
])(
  '%s: killed at any statement, it is done as if nothing had been',
  async (name, pointsMin) => {
    const { statements, expected } = await onCopy(
      async (scene) => ({ ...(await played(scene)), expected: await told(scene.databaseUrl) }),
      name,
    );
    const points = pointsOf(statements);
    expect(points.length).toBeGreaterThanOrEqual(pointsMin);
    expect(expected['findings']).toEqual([]);
    const left = [...points];
    const lanes = Array.from({ length: LANES }, async () => {
      const wrong: string[] = [];
      for (let point = left.shift(); point; point = left.shift()) {
        wrong.push(...(await wrongAfter(name, point, expected)));
      }
      return wrong;
    });
    expect((await Promise.all(lanes)).flat()).toEqual([]);
  },
  SCENE_MS,
);
