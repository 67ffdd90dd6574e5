/**
 * `npm run test:install`: what the Dockerfile puts into the image, without Docker. Copies the files
 * of its last stage, installs with its options, runs its command against a PostgreSQL, asks for
 * /readyz, and makes sure that nothing was written beside the data directory.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts';
import { bringUpToDate } from './up-to-date.ts';

const ROOT = join(import.meta.dirname, '..');
const START_LIMIT_MS = 60_000;

if (!(await bringUpToDate('program'))) process.exit(1);
const work = await mkdtemp(join(tmpdir(), 'aibridge-install-'));
try {
  const app = join(work, 'app');
  await install(app);
  const postgres = EmbeddedPostgres.open({ dataDir: work, durable: false, log: () => undefined });
  try {
    await tryOut(app, await postgres.start());
  } finally {
    await postgres.stop();
  }
  process.stdout.write('the production install starts and takes traffic\n');
} finally {
  await rm(work, { recursive: true, force: true });
}

async function install(app: string): Promise<void> {
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const [, options = ''] = capture(dockerfile, /^RUN npm ci (--omit.*)$/m);
  const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const copied = [...image.matchAll(/^COPY (?:--from=build \/app\/)?([\w./-]+) \S+$/gm)];
  const files = ['package-lock.json', '.npmrc', ...copied.map(([, path = '']) => path)];
  await mkdir(app, { recursive: true });
  for (const file of files) await cp(join(ROOT, file), join(app, file), { recursive: true });
  execFileSync('npm', ['ci', ...options.split(' ')], { cwd: app, stdio: 'inherit' });
}

async function tryOut(app: string, databaseUrl: string): Promise<void> {
  const startedAtMs = Date.now();
  const bridge = spawn(process.execPath, ['dist/main.js'], {
    cwd: app,
    env: {
      NODE_ENV: 'production',
      PORT: '0',
      LOG_FORMAT: 'json',
      AIBRIDGE_DATA_DIR: join(app, '../data'),
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(bridge, 'exit');
  try {
    await untilReady(await address(bridge.stdout));
  } finally {
    bridge.kill('SIGTERM');
  }
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`SIGTERM ended the bridge with ${exitCode}`);
  const written = await changedSince(app, startedAtMs);
  if (written.length > 0) throw new Error(`written beside /data: ${written.join(', ')}`);
}

async function address(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    process.stdout.write(`${line}\n`);
    const [, url] = /listening on (http:\S+[^\s:])/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('the bridge ended before it listened');
}

async function untilReady(url: string): Promise<void> {
  const signal = AbortSignal.timeout(START_LIMIT_MS);
  const health = await fetch(`${url}/healthz`, { signal });
  if (!health.ok) throw new Error(`/healthz answered ${health.status}`);
  while (!(await fetch(`${url}/readyz`, { signal })).ok)
    await setTimeout(100, undefined, { signal });
}

async function changedSince(directory: string, timeMs: number): Promise<string[]> {
  const changed: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink() && (await stat(path)).mtimeMs > timeMs) changed.push(path);
  }
  return changed;
}

function capture(content: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(content);
  if (match === null) throw new Error(`the Dockerfile has nothing like ${pattern.source}`);
  return match;
}
