/** `npm run demo`: what the bridge does, on simulated providers. `-- --keep` leaves it running. */
import { once } from 'node:events';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Page } from '../test/demo/page.ts';
import { Stage } from '../test/demo/stage.ts';
import { tellStory } from '../test/demo/story.ts';
import { bringUpToDate } from './up-to-date.ts';

const EXIT_SIGNAL = 130;

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const page = new Page(process.stdout);
const interrupted = new AbortController();
let isTold = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort());
}

if (!(await bringUpToDate('program'))) process.exitCode = 1;
else await run();

async function run(): Promise<void> {
  const stage = new Stage();
  try {
    await Promise.race([perform(stage), whenInterrupted()]);
    if (interrupted.signal.aborted && !isTold) process.exitCode = EXIT_SIGNAL;
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(
      `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n${stage.lastWords}\n`,
    );
  } finally {
    await stage.clear();
  }
}

async function perform(stage: Stage): Promise<void> {
  await stage.set();
  await tellStory(stage, page);
  isTold = true;
  if (!values.keep) return;
  page.keepsRunning(stage.bridgeUrl, stage.providerUrl);
  await whenInterrupted();
}

async function whenInterrupted(): Promise<void> {
  if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
}
