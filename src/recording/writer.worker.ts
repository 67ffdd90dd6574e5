import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Pool } from 'pg';
import { SystemClock } from '../core/clock.ts';
import { BATCH_LIMITS, LATE_LIMITS, PATIENT_CONNECT_MS } from '../database/connection/limits.ts';
import { createPool } from '../database/connection/pool.ts';
import { createPrismaClient, prismaOn } from '../database/connection/prisma-client.ts';
import { JournalKeeper, type KeeperReports } from './writer/journal-keeper.ts';
import { noteMissing } from './journal/set-aside-files.ts';
import { JournalProgress } from './journal/journal-progress.ts';
import { PrismaPurgeStore } from './retention/prisma-purge-store.ts';
import { PrismaRecordStore } from './store/prisma-record-store.ts';
import { Retention, type RetentionReports } from './retention/retention.ts';
import { PrismaUsageTotals } from './totals/prisma-usage-totals.ts';
import { RollUp, type RollUpReports } from './totals/roll-up.ts';
import { LateLane, putLate, type LateReports } from './writer/late-lane.ts';
import { setAside, type SetAside } from './writer/set-aside.ts';
import {
  STOP,
  type Fault,
  type WriterMessage,
  type WriterReport,
  type WriterStart,
} from './writer/writer-protocol.ts';

const REFUSED = { fault: 'set_aside', message: 'a record was set aside' } satisfies FaultSaid;
const UNSTARTED = {
  fault: 'end_without_start',
  message: 'an end without a start was set aside',
} satisfies FaultSaid;

interface FaultSaid {
  readonly fault: Fault;
  readonly message: string;
}

const start: WriterStart = workerData;
const { databaseUrl, connections, journalRoot, instance, partitions } = start;
const stop = new AbortController();
parentPort?.on('message', (message) => {
  if (message === STOP) stop.abort();
});

const reports: KeeperReports & RetentionReports & RollUpReports & LateReports = {
  unavailable: (reason) => say('warn', 'the database does not take records; they wait', { reason }),
  available: () => say('info', 'the database takes records again'),
  setAside: reportSetAside,
  missing: async (instanceId, { from, to }) => {
    const keptIn = await noteMissing(journalRoot, { journal: instanceId, from, to });
    tell({ kind: 'fault', fault: 'missing_segment' });
    say('error', 'a stretch of a journal is missing', { journal: instanceId, from, to, keptIn });
  },
  late: async (event) => {
    const keptIn = await putLate(journalRoot, event);
    say('warn', 'a record takes the database long; it is stored beside the others', { keptIn });
  },
  fellBack: (bytes, missingBytes) => {
    say('warn', 'the database came back without records it had; they are sent again', { bytes });
    if (missingBytes === 0) return;
    say('error', 'the journal no longer keeps all that the database lost', { missingBytes });
  },
  storedLate: (file) => say('info', 'a record that took long is stored', { file }),
  adopting: (instanceId, isUnderWay) => tell({ kind: 'adopting', instanceId, isUnderWay }),
  adopted: (instanceId, interrupted) =>
    say('info', 'took over the journal of a dead process', { instanceId, interrupted }),
  closedInterrupted: (instanceId, interrupted) =>
    say('info', 'closed what a silent process left open', { instanceId, interrupted }),
  purged: (what, rows) => say('info', `purged ${what} that are past their age`, { rows }),
  failed: (what, reason) => say('warn', `${what} failed; it will be tried again`, { reason }),
};

// What looks after records takes turns at one connection, and those that carry them never wait for it.
const carrying = connectionsOf(connections.writer - 1);
const caring = connectionsOf(1);
const prisma = prismaOn(carrying, BATCH_LIMITS);
const housekeeping = prismaOn(caring);
const patient = createPrismaClient(databaseUrl, {
  poolMax: connections.late,
  limits: LATE_LIMITS,
});
const keeper = new JournalKeeper(
  new PrismaRecordStore(prisma, partitions),
  reports,
  new SystemClock(),
  { root: journalRoot, instance, keeping: start.keeping },
);
const retention = new Retention(
  new PrismaPurgeStore(housekeeping, partitions),
  start.retention,
  reports,
);
const rollUp = new RollUp(new PrismaUsageTotals(housekeeping), reports);
const lateLane = new LateLane(new PrismaRecordStore(patient, partitions), reports, journalRoot);
await Promise.all([
  keeper.run(
    join(journalRoot, instance.id),
    new JournalProgress(start.progressMemory),
    stop.signal,
  ),
  retention.run(stop.signal),
  rollUp.run(stop.signal),
  lateLane.run(stop.signal),
]);
await Promise.all([prisma, housekeeping, patient].map((client) => client.$disconnect()));
await Promise.all([carrying, caring].map((pool) => pool.end()));
parentPort?.close();

function connectionsOf(max: number): Pool {
  return createPool(databaseUrl, { max, waitMs: PATIENT_CONNECT_MS, limits: BATCH_LIMITS });
}

async function reportSetAside(what: SetAside): Promise<void> {
  const keptIn = await setAside(journalRoot, instance.id, what);
  if ('event' in what) {
    const { kind, id } = what.event;
    const { fault, message } = what.isUnstarted === true ? UNSTARTED : REFUSED;
    tell({ kind: 'fault', fault });
    say('error', message, { kind, id, reason: what.reason, keptIn });
  } else {
    const { file, offset, reason } = what;
    tell({ kind: 'fault', fault: 'damaged_line' });
    say('error', 'a line of the journal could not be read', { file, offset, reason, keptIn });
  }
}

function say(
  level: WriterReport['level'],
  message: string,
  fields: WriterReport['fields'] = {},
): void {
  tell({ kind: 'report', level, message, fields });
}

function tell(message: WriterMessage): void {
  parentPort?.postMessage(message);
}
