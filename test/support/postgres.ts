import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, pid } from 'node:process';
import { Client } from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts';
import { migrate } from '../../src/database/migrations/migrations.ts';
import { nothingIsLeft, prefixOf, removeLeftovers } from './leftovers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestServer;
  }
}

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A server to make databases on, and one that every test database is a copy of. */
export interface TestServer {
  readonly url: string;
  readonly template: string;
}

interface SharedServer extends TestServer {
  stop(): Promise<void>;
}

interface SharedServers {
  server?: Promise<SharedServer>;
  users: number;
}

/** By this variable the workers of a run know the process that began it. */
const RUN = 'AIBRIDGE_TEST_RUN';

declare global {
  var aibridgeTestServers: SharedServers | undefined;
}

/** Every project of a run loads this file anew, but all share the process, and so the server. */
const shared = (globalThis.aibridgeTestServers ??= { users: 0 });

/**
 * Vitest's global set-up: one server for all the files of all projects, embedded,
 * or the one of `TEST_DATABASE_URL`, and on it one migrated database as a template.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.users += 1;
  env[RUN] ??= String(pid);
  shared.server ??= startSharedServer();
  const server = await shared.server;
  project.provide('postgres', { url: server.url, template: server.template });
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    await server.stop();
    await nothingIsLeft(prefixOf(pid));
  };
}

/** Embedded, or the one of `TEST_DATABASE_URL`. */
export async function startSharedServer(): Promise<SharedServer> {
  await removeLeftovers();
  const server = await startServer();
  const template = await emptyDatabase(server.url);
  await migrate(template.url);
  return {
    url: server.url,
    template: nameOf(template.url),
    async stop() {
      await template.drop();
      await server.stop();
    },
  };
}

/** A database of the caller's own with every migration applied. */
export function createTestDatabase(
  { url, template }: TestServer = inject('postgres'),
): Promise<TestDatabase> {
  return createDatabase(url, template);
}

/** One without anything in it. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return emptyDatabase(inject('postgres').url);
}

/** One without anything in it, in which texts are stored in another encoding than they are in. */
export function createDatabaseIn(encoding: string): Promise<TestDatabase> {
  return createDatabase(inject('postgres').url, `template0 ENCODING '${encoding}' LOCALE 'C'`);
}

/** A data directory that the embedded server can be in also when the tests run as root. */
export async function temporaryDataDir(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), prefixOf(env[RUN] ?? pid)));
  await chmod(directory, 0o711);
  return directory;
}

function emptyDatabase(serverUrl: string): Promise<TestDatabase> {
  return createDatabase(serverUrl, 'template0');
}

async function createDatabase(serverUrl: string, template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return {
    url: url.href,
    drop: () => execute(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = env['TEST_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: () => Promise.resolve() };
  const dataDir = await temporaryDataDir();
  const server = EmbeddedPostgres.open({ dataDir, durable: false, log: () => undefined });
  const url = await server.start();
  return {
    url,
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true });
    },
  };
}
