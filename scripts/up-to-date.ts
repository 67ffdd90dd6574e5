import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const LOCK_DIRECTORY = join(ROOT, 'node_modules/.cache/aibridge-build');

/** A directory that a command makes from source files. */
interface Product {
  readonly directory: string;
  /** Names a file, or a folder of which every file counts. */
  readonly sources: readonly string[];
  /** A file of an installed package and its arguments; run by this process's own Node. */
  readonly command: readonly string[];
}

const PRISMA_CLIENT: Product = {
  directory: 'src/generated',
  sources: ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
  command: ['node_modules/prisma/build/index.js', 'generate'],
};

const PROGRAM: Product = {
  directory: 'dist',
  sources: [
    ...PRISMA_CLIENT.sources,
    'src',
    'package.json',
    'nest-cli.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ],
  command: ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
};

/** The types of a client of the API, from the document that is published. */
const API_CLIENT: Product = {
  directory: 'test/generated',
  sources: ['docs/openapi.json', 'package-lock.json'],
  command: [
    'node_modules/openapi-typescript/bin/cli.js',
    'docs/openapi.json',
    '--output=test/generated/api.ts',
  ],
};

const TARGETS = {
  client: [PRISMA_CLIENT],
  types: [PRISMA_CLIENT, API_CLIENT],
  program: [PRISMA_CLIENT, PROGRAM],
} as const;

/**
 * Makes what is missing or does not fit its sources; false when that failed, after saying why. Two
 * at once take turns, and the second finds nothing left to do.
 *
 * Sources are compared by content: a checkout sets the times of files as it likes.
 */
export async function bringUpToDate(target: keyof typeof TARGETS): Promise<boolean> {
  const products = TARGETS[target];
  if (products.every(isFresh)) return true;
  const release = await takeTurn();
  try {
    return products.every((product) => isFresh(product) || make(product));
  } finally {
    release();
  }
}

function isFresh(product: Product): boolean {
  return readIfThere(stampOf(product)) === fingerprint(product);
}

function make(product: Product): boolean {
  process.stderr.write(`building ${product.directory} ...\n`);
  const wanted = fingerprint(product); // before: what changes meanwhile makes it stale again
  const { status, stdout, stderr, error } = spawnSync(process.execPath, product.command, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}${error?.message ?? ''}`);
    return false;
  }
  writeFileSync(stampOf(product), wanted);
  return true;
}

/** Inside the product, so that it goes when the product goes. */
function stampOf(product: Product): string {
  return join(ROOT, product.directory, '.made-from');
}

function fingerprint(product: Product): string {
  const hash = createHash('sha256');
  for (const file of product.sources.flatMap(filesOf).toSorted()) {
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Without what is itself made, and without tests, which go into no product. */
function filesOf(source: string): string[] {
  if (source === PRISMA_CLIENT.directory || source.endsWith('.spec.ts')) return [];
  const path = join(ROOT, source);
  if (!statSync(path).isDirectory()) return [source];
  return readdirSync(path).flatMap((name) => filesOf(`${source}/${name}`));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Loads what it needs only when there is something to build, which is seldom. */
async function takeTurn(): Promise<() => void> {
  const { tryLockDirectory } = await import('../src/core/directory-lock.ts');
  mkdirSync(LOCK_DIRECTORY, { recursive: true });
  for (;;) {
    const lock = tryLockDirectory(LOCK_DIRECTORY);
    if (lock !== undefined) return () => lock.release();
    await setTimeout(100);
  }
}
