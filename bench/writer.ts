import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { env, stdout } from 'node:process';
import { Client } from 'pg';
import { createTestDatabase, startSharedServer } from '../test/support/postgres.ts';

/*
 * How many interceptions a second PostgreSQL takes from the writers of one and of four replicas,
 * each a process of its own with batches that were made before: start, attempt, usage, prompt, end,
 * and of some a tool call and a thought, of 6,000 people. `npm run bench:writer`; embedded
 * PostgreSQL, or that of TEST_DATABASE_URL.
 */
const BATCHES = Number(env['BENCH_BATCHES'] ?? 60);
const CLOCK_TICKS = 100;

const server = await startSharedServer();
try {
  for (const replicas of [1, 4]) stdout.write(`${await timed(replicas)}\n`);
} finally {
  await server.stop();
}

async function timed(replicas: number): Promise<string> {
  const database = await createTestDatabase(server);
  const script = path.join(import.meta.dirname, 'writer-replica.ts');
  const children = Array.from({ length: replicas }, (_, replica) =>
    fork(script, [database.url, String(BATCHES), String(replica)], {
      execArgv: ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'],
    }),
  );
  try {
    await Promise.all(children.map(said));
    const before = await backendMs(database.url);
    const startedMs = performance.now();
    const stored = children.map((child) => {
      const done = said(child);
      child.send('go');
      return done;
    });
    const first = stored.map((done) => done.then(() => performance.now()));
    const endedMs = await Promise.all(first);
    const counts = (await Promise.all(stored)).map(Number);
    const backend = (await backendMs(database.url)) - before;
    const count = counts.reduce((sum, each) => sum + each, 0);
    const seconds = (Math.max(...endedMs) - startedMs) / 1_000;
    return `${replicas} replica(s): ${Math.round(count / seconds)} interceptions/s, ${Math.round((1_000 * backend) / count)} µs of PostgreSQL's CPU each`;
  } finally {
    for (const child of children) child.kill();
    await database.drop();
  }
}

async function said(child: ChildProcess): Promise<unknown> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('a replica ended before its time');
    }),
  ]);
  return message;
}

/** What the backends of this database have used, on Linux. */
async function backendMs(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await client.end();
  const ticks = rows.map(async ({ pid }) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  const used = await Promise.all(ticks);
  return (used.reduce((sum, each) => sum + each, 0) * 1_000) / CLOCK_TICKS;
}
