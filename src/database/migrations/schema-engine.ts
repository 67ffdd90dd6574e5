import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { __wbg_set_wasm as setWasm } from '@prisma/schema-engine-wasm/schema_engine_bg';
import { Pool, type PoolClient } from 'pg';

/** PostgreSQL's internal one-byte type, which system catalogs use, and ordinary text. */
const CHAR_OID = 18;
const TEXT_OID = 25;

/**
 * Part of every script: the engine says it once more, later, and a bridge that died in between left a
 * schema that is there and a history in which it is not.
 */
const FINISHED = `UPDATE public._prisma_migrations SET finished_at = now()
  WHERE finished_at IS NULL AND rolled_back_at IS NULL`;

/** A migration as it lies in its folder. */
export interface Migration {
  readonly name: string;
  readonly script: string;
}

export interface SchemaEngine {
  /** Applies what the database has not seen yet, under Prisma's advisory lock. */
  apply(migrations: readonly Migration[]): Promise<void>;
  /** The SQL that turns what `migrations` build into what `schema` says; empty when they agree. */
  difference(migrations: readonly Migration[], schema: string): Promise<string>;
  close(): void;
}

/**
 * Prisma's own migration engine, in its WebAssembly form: part of the installation, so nothing is
 * downloaded at run time, and the `_prisma_migrations` table it keeps is the one that
 * `prisma migrate deploy` reads. The package is internal to Prisma and pinned to its exact version;
 * this file is the only one that knows it.
 *
 * It works on the caller's pool, which has one connection, so that the engine's advisory lock
 * belongs to the caller too. `difference` builds the migrations in the empty database `shadowUrl`.
 */
export async function createSchemaEngine(pool: Pool, shadowUrl?: string): Promise<SchemaEngine> {
  await (loading ??= loadBindings());
  const engine = await bindings.SchemaEngine.new(
    { datamodels: undefined },
    ignoreLog,
    bindMigrationAwareSqlAdapterFactory(new EngineAdapterFactory(pool, shadowUrl)),
  );
  return {
    async apply(migrations) {
      await engine.applyMigrations({ migrationsList: migrationList(migrations), filters });
    },
    async difference(migrations, schema) {
      const { exitCode, stdout } = await engine.diff({
        from: { tag: 'migrations', ...migrationList(migrations) },
        to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
        script: true,
        exitCode: true,
        filters,
      });
      return exitCode === 0 ? '' : (stdout ?? '');
    },
    close: () => engine.free(),
  };
}

const filters = { externalTables: [], externalEnums: [] };

function migrationList(migrations: readonly Migration[]) {
  return {
    baseDir: 'prisma/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
    })),
  };
}

/** Prisma's adapter, with the three things mended that a schema engine needs and it lacks. */
class EngineAdapterFactory extends PrismaPg {
  readonly #shadowUrl: string | undefined;
  readonly #isShadow: boolean;
  /** Which columns of the newest result are of the type "char". */
  #charColumns: readonly number[] = [];

  constructor(pool: Pool, shadowUrl: string | undefined, isShadow = false) {
    super(pool);
    this.#shadowUrl = shadowUrl;
    this.#isShadow = isShadow;
    pool.on('connect', (client) => this.#presentCharAsText(client));
  }

  override async connect() {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const index of this.#charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
      return result;
    };
    // The adapter's own way splits a script at every semicolon, also in comments and function
    // bodies, and commits the pieces one by one. Sent whole it is one transaction.
    adapter.executeScript = async (sql) => {
      const whole = this.#isShadow ? sql : `${sql}\n;${FINISHED}`;
      await adapter.executeRaw({ sql: whole, args: [], argTypes: [] });
    };
    return adapter;
  }

  /** The adapter's own way ignores the new database's name when there is a connection string. */
  override async connectToShadowDb() {
    if (this.#shadowUrl === undefined) throw new Error('no shadow database was given');
    const pool = new Pool({ connectionString: this.#shadowUrl, max: 1 });
    const adapter = await new EngineAdapterFactory(pool, undefined, true).connect();
    adapter.dispose = () => pool.end();
    return adapter;
  }

  /** The adapter refuses results with a column of that type, and the engine takes it for nothing else. */
  #presentCharAsText(client: PoolClient): void {
    client.connection.prependListener('rowDescription', ({ fields }) => {
      this.#charColumns = [...fields.keys()].filter((at) => fields[at]?.dataTypeID === CHAR_OID);
      for (const at of this.#charColumns) Object.assign(fields[at] ?? {}, { dataTypeID: TEXT_OID });
    });
  }
}

/** TypeScript knows it only together with a browser's whole DOM. */
declare const WebAssembly: {
  instantiate(
    code: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ readonly instance: { readonly exports: Record<string, unknown> } }>;
};

let loading: Promise<void> | undefined;

/** The package's entry point imports the `.wasm` like a module, which Node does not do unflagged. */
async function loadBindings(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm');
  const wasm = await readFile(path.join(path.dirname(entry), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(wasm, {
    './schema_engine_bg.js': { ...bindings },
  });
  setWasm(instance.exports);
  const start = instance.exports['__wbindgen_start'];
  if (typeof start !== 'function') throw new Error('the schema engine has no start function');
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: throwPanic } });
  start();
}

/** Where the engine reports a panic; without it the error would not say what happened. */
function throwPanic(message: string): never {
  throw new Error(message);
}

/** What it logs is also in its results and errors. */
function ignoreLog(): void {}
