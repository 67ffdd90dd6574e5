import { createPrismaClient } from '../../src/database/prisma-client.ts';
import type { RecordEvent } from '../../src/recording/events.ts';
import { PrismaRecordStore } from '../../src/recording/prisma-record-store.ts';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A bridge whose audit holds what a test stores in it. Everybody is a member but those who say otherwise. */
export interface AuditSystem {
  readonly bridge: Bridge;
  readonly database: TestDatabase;
  store(...events: readonly RecordEvent[]): Promise<void>;
  get(path: string, as?: Person): Promise<Answer>;
  request(path: string, as?: Person, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export interface Person {
  readonly id: string;
  readonly group?: 'auditors' | 'admins';
}

export const ALICE: Person = { id: 'alice@corp' };
export const BOB: Person = { id: 'bob@corp' };
export const AUDITOR: Person = { id: 'carol@corp', group: 'auditors' };
export const ADMIN: Person = { id: 'dave@corp', group: 'admins' };

export async function startAuditSystem(
  env: Readonly<Record<string, string>> = {},
): Promise<AuditSystem> {
  const database = await createTestDatabase();
  const bridge = await Bridge.start({
    env: {
      DATABASE_URL: database.url,
      AIBRIDGE_IDENTITY: 'header',
      AIBRIDGE_RETENTION: '0',
      AIBRIDGE_CONTENT_RETENTION: '0',
      AIBRIDGE_AUDITOR_GROUPS: 'auditors',
      AIBRIDGE_ADMIN_GROUPS: 'admins',
      ...env,
    },
  });
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const prisma = createPrismaClient(database.url, { poolMax: 4 });
  const records = new PrismaRecordStore(prisma);
  const request: AuditSystem['request'] = (path, as = AUDITOR, init = {}) =>
    fetch(`${bridge.url}/api/v1${path}`, {
      ...init,
      headers: { 'x-forwarded-user': as.id, 'x-forwarded-groups': as.group ?? '' },
    });
  return {
    bridge,
    database,
    request,
    async store(...events) {
      const failure = await records.store(events);
      if (failure !== undefined) throw new Error(failure.reason);
    },
    async get(path, as) {
      const res = await request(path, as);
      return { status: res.status, body: Object(await res.json()) };
    },
    async stop() {
      if (bridge.exitCode === undefined) await bridge.stop();
      await prisma.$disconnect();
      await database.drop();
    },
  };
}

/** The ids of a page, or of a detail's neighbours: whatever has items. */
export function idsOf({ body }: Answer): string[] {
  const { items } = body;
  if (!Array.isArray(items)) throw new Error(`no items in ${JSON.stringify(body)}`);
  return items.map(({ id }) => String(id));
}
