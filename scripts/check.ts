/**
 * `npm run check`: runs every script of package.json whose name begins with `check:`, a few at a
 * time, and shows the output of those that fail. Another check is another such script.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { bringUpToDate } from './up-to-date.ts';

const ROOT = join(import.meta.dirname, '..');
const PREFIX = 'check:';

interface Result {
  readonly name: string;
  readonly isPassed: boolean;
  readonly seconds: number;
  readonly output: string;
}

if (!(await bringUpToDate('types'))) process.exit(1); // types and imports lead into it

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const waiting = Object.entries(scripts).filter(([name]) => name.startsWith(PREFIX));
const results: Result[] = [];
await Promise.all(Array.from({ length: availableParallelism() }, runWaiting));

const failures = results.filter(({ isPassed }) => !isPassed);
for (const { name, output } of failures) {
  process.stdout.write(`\n--- npm run ${name}\n${output.trimEnd()}\n`);
}
process.stdout.write(`\n${results.length - failures.length} passed, ${failures.length} failed\n`);
if (failures.length > 0) process.exitCode = 1;

async function runWaiting(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, command] = next;
    const result = await run(name, command);
    results.push(result);
    const mark = result.isPassed ? 'ok  ' : 'FAIL';
    const title = name.slice(PREFIX.length).padEnd(12);
    process.stdout.write(`${mark} ${title} ${result.seconds.toFixed(1)} s\n`);
  }
}

/** Not by way of npm, which has put the tools on the path and would only add its own start-up. */
async function run(name: string, command: string): Promise<Result> {
  const startedAt = performance.now();
  const child = spawn(`${command} 2>&1`, {
    cwd: ROOT,
    shell: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const seconds = (performance.now() - startedAt) / 1000;
  return { name, isPassed: exitCode === 0, seconds, output };
}
