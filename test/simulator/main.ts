import { parseArgs } from 'node:util';

import { startSimulator, unauthorized, type Call } from './index.ts';
import { maskedKey } from './masked-key.ts';
import { playground } from './playground.ts';
import { readScriptFile, type FileScript } from './script-file.ts';

// The simulator alone, to be played with: PORT (4500), FAST=1 for a benchmark's upstream, and
// `--script file` for what good keys answer.
// oxlint-disable-next-line node/no-process-env -- a program of its own, outside the bridge's configuration
const { PORT = '4500', FAST } = process.env;

const { values } = parseArgs({ options: { script: { type: 'string' } } });
let script: FileScript | undefined;
try {
  if (values.script !== undefined) script = readScriptFile(values.script);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function lineFor(call: Call): string {
  const lastedMs = Math.round((call.endedAtMs ?? 0) - call.receivedAtMs);
  const what = `${call.method} ${call.path} ${call.model ?? ''}`.trimEnd();
  const how = `${call.sent.status ?? '-'} ${call.behaviour} ${call.outcome} ${lastedMs}ms`;
  return `${new Date(call.receivedAtMs).toISOString()} ${maskedKey(call.key)} ${what} -> ${how}`;
}

const sim = await startSimulator({
  port: Number(PORT),
  keepCalls: 0,
  onEnded: (call) => say(lineFor(call)),
  ...(FAST === '1' && { fast: { chunks: 14 } }),
});
sim.onAnyKey(playground(script));
sim.aws.acceptAnyKey('simulated');
sim.withoutKey.always(unauthorized());
say(`simulated providers at ${sim.url}`);

const stop = async (): Promise<void> => {
  await sim.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
