import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../config/config.module.ts';
import { errorText } from '../core/errors.ts';
import { createPrismaClient, runningEmbeddedUrl } from '../database/index.ts';
import { JournalTally, type Finding } from './verify/audit-findings.ts';
import { SET_ASIDE } from './journal/journal-directories.ts';
import { JournalReader, type DamagedLine } from './journal/journal-reader.ts';
import { PrismaAuditCheck } from './verify/prisma-audit-check.ts';

/**
 * `npm run audit:verify`: reads the journals and the database, with the bridge
 * running or not, and says whether anything started was not ended, ended twice,
 * or is missing what belongs to it. Changes nothing. Exits 1 when it finds something.
 */
const EXIT_FOUND = 1;
const EXIT_NOT_CHECKED = 2;

try {
  process.exitCode = (await verify()) ? 0 : EXIT_FOUND;
} catch (error) {
  say(`not checked: ${errorText(error)}`);
  process.exitCode = EXIT_NOT_CHECKED;
}

async function verify(): Promise<boolean> {
  const loaded = loadConfig();
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.join('\n'));
  const { database, dataDir } = loaded.config;
  const url = database.url?.reveal() ?? (await runningEmbeddedUrl(dataDir));
  if (url === undefined) throw new Error('no database: start the bridge, or set DATABASE_URL');
  const prisma = createPrismaClient(url, { poolMax: 1 });
  try {
    const check = new PrismaAuditCheck(prisma);
    let isSound = true;
    for await (const finding of check.findings()) isSound = report(finding) && isSound;
    for (const directory of await journalsIn(join(dataDir, 'journal'))) {
      isSound = (await verifyJournal(directory, check)) && isSound;
    }
    say(isSound ? 'The audit is whole.' : 'The audit is not whole.');
    return isSound;
  } finally {
    await prisma.$disconnect();
  }
}

async function verifyJournal(directory: string, check: PrismaAuditCheck): Promise<boolean> {
  const reader = new JournalReader(directory);
  const tally = new JournalTally();
  const damaged: DamagedLine[] = [];
  try {
    for (let batch = await reader.next(); batch; batch = await reader.next()) {
      tally.add(batch.events);
      damaged.push(...batch.damaged);
    }
  } finally {
    await reader.close();
  }
  const { interceptions, rows } = await check.missing(tally.interceptions);
  say(`journal ${directory}: ${tally.interceptions.size} interceptions to be read again`);
  if (interceptions.length + rows > 0) {
    say(
      `  waiting for the database: ${interceptions.length} interceptions, ${rows} rows of others`,
    );
  }
  for (const { file, offset, reason } of damaged) say(`  ${reason}: ${file} at byte ${offset}`);
  const isOnceOnly = report({
    what: 'ended twice in the journal',
    count: tally.endedTwice.length,
    examples: tally.endedTwice.slice(0, 5),
  });
  // The line that is being written right now looks torn, and is not.
  return isOnceOnly && damaged.every(({ reason }) => reason === 'torn');
}

async function journalsIn(root: string): Promise<string[]> {
  if (!existsSync(root)) return [];
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== SET_ASIDE)
    .map((entry) => join(root, entry.name));
}

function report({ what, count, examples }: Finding): boolean {
  say(count === 0 ? `ok: none ${what}` : `FOUND ${count}: ${what}: ${examples.join(', ')}`);
  return count === 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
