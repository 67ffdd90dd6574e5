import createClient, { type Client } from 'openapi-fetch';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import type { operations, paths } from '../generated/api.ts';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A bridge whose audit holds what a test stores in it. Everybody is a member but those who say otherwise. */
export interface AuditSystem {
  readonly bridge: Bridge;
  readonly database: TestDatabase;
  store(...events: readonly RecordEvent[]): Promise<void>;
  /** Asks as programs do, through the client that the published document makes. */
  client(as?: Person): Client<paths>;
  /** For what that client would not say: questions that are malformed. */
  get(path: string, as?: Person): Promise<Answer>;
  request(path: string, as?: Person, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

/** What an operation can be asked. */
export type Query<Id extends keyof operations> = NonNullable<operations[Id]['parameters']['query']>;

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
      headers: headersOf(as),
    });
  return {
    bridge,
    database,
    request,
    client: (as = AUDITOR) => createClient<paths>({ baseUrl: bridge.url, headers: headersOf(as) }),
    async store(...events) {
      const failure = await records.store(events);
      if (failure !== undefined) throw new Error(failure.reason);
    },
    async get(path, as) {
      const res = await request(path, as);
      return { status: res.status, body: Object(await res.json()) };
    },
    async stop() {
      await bridge.stop();
      await prisma.$disconnect();
      await database.drop();
    },
  };
}

/** As the gateway asserts it. */
function headersOf({ id, group }: Person): Record<string, string> {
  return { 'x-forwarded-user': id, 'x-forwarded-groups': group ?? '' };
}

/** The ids of a page, asked for through the client or as text. */
export function idsOf(answer: {
  readonly data?: unknown;
  readonly body?: unknown;
  readonly error?: unknown;
}): string[] {
  const { items } = Object(answer.data ?? answer.body);
  if (!Array.isArray(items)) throw new Error(`no page but ${JSON.stringify(answer)}`);
  return items.map(({ id }) => String(id));
}
