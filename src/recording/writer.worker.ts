import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../core/clock.ts';
import { createPrismaClient } from '../database/connection/prisma-client.ts';
import { JournalKeeper, type KeeperReports } from './writer/journal-keeper.ts';
import { JournalProgress } from './journal/journal-progress.ts';
import { PrismaPurgeStore } from './retention/prisma-purge-store.ts';
import { PrismaRecordStore } from './store/prisma-record-store.ts';
import { Retention, type RetentionReports } from './retention/retention.ts';
import { setAside, type SetAside } from './writer/set-aside.ts';
import { STOP, type WriterReport, type WriterStart } from './writer/writer-protocol.ts';

/** One for the own journal, one for those of the dead, one for the heartbeat, one for housekeeping. */
const CONNECTIONS_MAX = 4;

const start: WriterStart = workerData;
const { databaseUrl, journalRoot, instance } = start;
const stop = new AbortController();
parentPort?.on('message', (message) => {
  if (message === STOP) stop.abort();
});

const reports: KeeperReports & RetentionReports = {
  unavailable: (reason) => say('warn', 'the database does not take records; they wait', { reason }),
  available: () => say('info', 'the database takes records again'),
  setAside: reportSetAside,
  adopted: (instanceId, interrupted) =>
    say('info', 'took over the journal of a dead process', { instanceId, interrupted }),
  closedInterrupted: (instanceId, interrupted) =>
    say('info', 'closed what a silent process left open', { instanceId, interrupted }),
  purged: (what, rows) => say('info', `purged ${what} that are past their age`, { rows }),
  failed: (what, reason) => say('warn', `${what} failed; it will be tried again`, { reason }),
};

const prisma = createPrismaClient(databaseUrl, { poolMax: CONNECTIONS_MAX });
const keeper = new JournalKeeper(new PrismaRecordStore(prisma), reports, new SystemClock(), {
  root: journalRoot,
  instance,
});
const retention = new Retention(new PrismaPurgeStore(prisma), start.retention, reports);
await Promise.all([
  keeper.run(
    join(journalRoot, instance.id),
    new JournalProgress(start.progressMemory),
    stop.signal,
  ),
  retention.run(stop.signal),
]);
await prisma.$disconnect();
parentPort?.close();

async function reportSetAside(what: SetAside): Promise<void> {
  const keptIn = await setAside(journalRoot, instance.id, what);
  if ('event' in what) {
    const { kind, id } = what.event;
    say('error', 'a record was set aside', { kind, id, reason: what.reason, keptIn });
  } else {
    const { file, offset, reason } = what;
    say('error', 'a line of the journal could not be read', { file, offset, reason, keptIn });
  }
}

function say(
  level: WriterReport['level'],
  message: string,
  fields: WriterReport['fields'] = {},
): void {
  const report: WriterReport = { level, message, fields };
  parentPort?.postMessage(report);
}
