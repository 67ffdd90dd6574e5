import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { schemaDifference } from './db-difference.ts';

const USAGE = `npm run db:migration -- <name> [--empty]

Writes the next migration: what schema.prisma says and the migrations do not yet build.
--empty writes a file to be filled by hand, for what Prisma cannot say.
`;
const MIGRATIONS = path.join(import.meta.dirname, '..', 'prisma', 'migrations');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { empty: { type: 'boolean', default: false } },
});
const name = positionals
  .join('_')
  .toLowerCase()
  .replaceAll(/[^a-z0-9]+/g, '_');
if (name === '') {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const script = values.empty ? '-- Written by hand.\n' : await schemaDifference();
  if (script === '')
    process.stdout.write('nothing to do: the migrations build the schema already\n');
  else process.stdout.write(`wrote ${await write(script)}\nread it, then: npm run generate\n`);
}

async function write(script: string): Promise<string> {
  const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const directory = path.join(MIGRATIONS, `${stamp}_${name}`);
  const file = path.join(directory, 'migration.sql');
  await mkdir(directory);
  await writeFile(file, script, { flag: 'wx' });
  return path.relative(process.cwd(), file);
}
