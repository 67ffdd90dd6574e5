import { join } from 'node:path';
import { loadConfig } from '../config/config.module.ts';
import { createPrismaClient, LATE_LIMITS, runningEmbeddedUrl } from '../database/index.ts';

/** Where the audit is: in the database, and in the folder of journals. */
export interface AuditPlace {
  readonly prisma: ReturnType<typeof createPrismaClient>;
  readonly root: string;
}

/** For commands of operators: the place that the configuration names, with the bridge running or not. */
export async function atAuditPlace<T>(task: (place: AuditPlace) => Promise<T>): Promise<T> {
  const loaded = loadConfig();
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.join('\n'));
  const { database, dataDir } = loaded.config;
  const url = database.url?.reveal() ?? (await runningEmbeddedUrl(dataDir));
  if (url === undefined) throw new Error('no database: start the bridge, or set DATABASE_URL');
  const prisma = createPrismaClient(url, { poolMax: 1, limits: LATE_LIMITS });
  try {
    return await task({ prisma, root: join(dataDir, 'journal') });
  } finally {
    await prisma.$disconnect();
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
