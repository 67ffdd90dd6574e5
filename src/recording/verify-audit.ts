import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorText } from '../core/errors.ts';
import { atAuditPlace, say, type AuditPlace } from './audit-place.ts';
import { LATE, SET_ASIDE } from './journal/journal-directories.ts';
import { JournalReader, type DamagedLine, type MissingStretch } from './journal/journal-reader.ts';
import { PrismaRecordStore } from './store/prisma-record-store.ts';
import { JournalTally, type Finding } from './verify/audit-findings.ts';
import { PrismaAuditCheck } from './verify/prisma-audit-check.ts';
import { setAsideFindings } from './verify/set-aside-findings.ts';
import { lateRecords } from './writer/late-lane.ts';

/**
 * `npm run audit:verify`: reads the journals and the database, with the bridge
 * running or not, and says whether anything started was not ended, ended twice,
 * or is missing what belongs to it. Changes nothing. Exits 1 when it finds something.
 */
const EXIT_FOUND = 1;
const EXIT_NOT_CHECKED = 2;

try {
  process.exitCode = (await atAuditPlace(verify)) ? 0 : EXIT_FOUND;
} catch (error) {
  say(`not checked: ${errorText(error)}`);
  process.exitCode = EXIT_NOT_CHECKED;
}

async function verify({ prisma, root }: AuditPlace): Promise<boolean> {
  const check = new PrismaAuditCheck(prisma);
  const store = new PrismaRecordStore(prisma);
  let isSound = true;
  for await (const finding of check.findings()) isSound = report(finding) && isSound;
  for (const directory of await journalsIn(root)) {
    isSound = (await verifyJournal(directory, check, store)) && isSound;
  }
  const unknown = (ids: readonly string[]): Promise<readonly string[]> => check.unknown(ids);
  for (const finding of await setAsideFindings(root, unknown)) {
    isSound = report(finding) && isSound;
  }
  await tellLate(root);
  say(isSound ? 'The audit is whole.' : 'The audit is not whole.');
  return isSound;
}

async function verifyJournal(
  directory: string,
  check: PrismaAuditCheck,
  store: PrismaRecordStore,
): Promise<boolean> {
  const reader = new JournalReader(directory);
  const tally = new JournalTally();
  const damaged: DamagedLine[] = [];
  const missing: MissingStretch[] = [];
  try {
    for (let batch = await reader.next(); batch; batch = await reader.next()) {
      tally.add(batch.events);
      damaged.push(...batch.damaged);
      if (batch.missing !== undefined) missing.push(batch.missing);
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
  // Asked for now: what has been stored in the meantime has gone from the disk.
  const { position: storedTo } = (await store.markOf(basename(directory))) ?? { position: 0 };
  const lost = missing.filter(({ to }) => to > storedTo);
  for (const { from, to } of lost) say(`  missing: ${Math.max(from, storedTo)} to ${to}`);
  const isOnceOnly = report({
    what: 'ended twice in the journal',
    count: tally.endedTwice.length,
    examples: tally.endedTwice.slice(0, 5),
  });
  // The line that is being written right now looks torn, and is not.
  return isOnceOnly && lost.length === 0 && damaged.every(({ reason }) => reason === 'torn');
}

async function tellLate(root: string): Promise<void> {
  for (const name of await lateRecords(root)) {
    say(`  waiting for the database, which takes long for it: ${name}`);
  }
}

async function journalsIn(root: string): Promise<string[]> {
  if (!existsSync(root)) return [];
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== SET_ASIDE && entry.name !== LATE)
    .map((entry) => join(root, entry.name));
}

function report({ what, count, examples }: Finding): boolean {
  say(count === 0 ? `ok: none ${what}` : `FOUND ${count}: ${what}: ${examples.join(', ')}`);
  return count === 0;
}
