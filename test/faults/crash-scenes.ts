import { rm } from 'node:fs/promises';
import process, { argv } from 'node:process';
import { SystemClock } from '../../src/core/clock.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { JournalReader } from '../../src/recording/journal/journal-reader.ts';
import { PrismaPartitions } from '../../src/recording/partitions/prisma-partitions.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { Retention } from '../../src/recording/retention/retention.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import { Writer } from '../../src/recording/writer/writer.ts';

/*
 * What a bridge does with its database, each by itself and once: here, or in a process of its own
 * that is told by a message and can be killed in the middle. `crash-points.fault-spec.ts` says where.
 */

export interface Scene {
  readonly name: keyof typeof SCENES;
  readonly databaseUrl: string;
  /** Of the process that died. */
  readonly journal: string;
  readonly instanceId: string;
  readonly nowMs: number;
}

const DAY = 86_400_000;
/** Few, so that adding up takes several transactions. */
const DELTAS_MAX = 5;

const SCENES = { writer, purge, 'roll-up': rollUp, partitions };

const reports = {
  unavailable: fail,
  available: fail,
  setAside: fail,
  missing: fail,
  late: fail,
  fellBack: fail,
  purged: () => undefined,
  failed: fail,
};

function fail(...what: readonly unknown[]): never {
  throw new Error(`this is not what happens here: ${JSON.stringify(what)}`);
}

/** As for the journal of a process that died. */
async function writer(prisma: PrismaClient, { journal, instanceId }: Scene): Promise<void> {
  const store = new PrismaRecordStore(prisma);
  const reader = new JournalReader(journal);
  const carrying = new Writer(store, reports, new SystemClock(), instanceId);
  await carrying.drain(reader, new AbortController().signal);
  await store.closeInterrupted(instanceId, reader.newestMs);
  await reader.close();
  await rm(journal, { recursive: true, force: true });
}

async function purge(prisma: PrismaClient): Promise<void> {
  const stop = new AbortController();
  class OneRound extends PrismaPurgeStore {
    override async analyze(): Promise<void> {
      await super.analyze();
      stop.abort();
    }
  }
  const ages = { recordsMs: 60 * DAY, textsMs: 30 * DAY, usageMs: 60 * DAY };
  await new Retention(new OneRound(prisma), ages, reports).run(stop.signal);
}

async function rollUp(prisma: PrismaClient): Promise<void> {
  const totals = new PrismaUsageTotals(prisma, { deltasMax: DELTAS_MAX });
  while (await totals.rollUp());
}

async function partitions(prisma: PrismaClient, { nowMs }: Scene): Promise<void> {
  const later = nowMs + 95 * DAY;
  await new PrismaPartitions(prisma, 'month').make(later, later);
}

export async function play(scene: Scene): Promise<void> {
  const prisma = createPrismaClient(scene.databaseUrl, { poolMax: 1 });
  await SCENES[scene.name](prisma, scene);
  await prisma.$disconnect();
}

if (argv[1] === import.meta.filename) {
  process.once('message', (scene: Scene) => void play(scene).then(() => process.disconnect()));
  process.send?.('ready');
}
