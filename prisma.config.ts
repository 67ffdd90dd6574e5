import { defineConfig } from 'prisma/config';

/*
 * `prisma generate` only wants the native schema engine to be named and never runs it; naming one
 * that fails keeps the command offline and makes any other Prisma command fail loudly instead of
 * doing nothing. Migrations go through the WebAssembly engine: `npm run db:migration`, `db:check`.
 */
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= '/bin/false';
process.env['CHECKPOINT_DISABLE'] ??= '1'; // no look for a newer version of Prisma either

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
