import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import type { FaultySystem } from './faulty-system.ts';

export interface Said {
  readonly code: number;
  readonly output: string;
}

/** `npm run audit:verify` or `audit:replay`, built. */
export async function runAudit(name: 'verify' | 'replay', system: FaultySystem): Promise<Said> {
  const { databaseUrl, dataDir } = system;
  const program = path.resolve(`dist/recording/${name}-audit.js`);
  const child = spawn(process.execPath, [program], {
    env: { DATABASE_URL: databaseUrl, AIBRIDGE_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, output };
}

/** The sum of what a metric has under these labels. */
export async function metric(url: string, name: string, labels = ''): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => /^[^#]/.test(line) && line.includes(labels));
  const values = lines.filter((line) => line.startsWith(`aibridge_${name}`));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
