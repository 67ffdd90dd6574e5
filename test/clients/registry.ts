import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** What `npm view` says of a package; null when the registry does not have it. */
interface Published {
  readonly version: string;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** A client that can be run, or why there is none for this machine. */
export type Available = { readonly version: string } | { readonly missing: string };

const MARK = 'installed';

const publishedSchema = z.object({
  version: z.string(),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** The newest version of a client and whether its registry has the program for this machine. */
export async function lookUp(name: string): Promise<Available> {
  const published = await view(`${name}@latest`);
  if (published === null) return { missing: `the registry does not have ${name}` };
  const suffix = `-${process.platform}-${process.arch}`;
  const build = Object.entries(published.optionalDependencies).find(([key]) =>
    key.endsWith(suffix),
  );
  if (build === undefined) return { missing: `${name} is not built for ${suffix.slice(1)}` };
  const spec = specOf(...build);
  if ((await view(spec)) === null) return { missing: `the registry does not have ${spec}` };
  return { version: published.version };
}

/**
 * A folder with these packages, which nothing else has ever been installed into. It is kept for
 * the next run, as long as the versions stay the same.
 */
export async function install(specs: readonly string[]): Promise<string> {
  const cache = join(tmpdir(), `aibridge-clients-${userInfo().username}`);
  const folder = join(cache, specs.join('+').replaceAll(/[^\w.@+-]/g, '_'));
  if (await exists(join(folder, MARK))) return folder;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = await mkdtemp(join(cache, '.new-'));
  await writeFile(join(fresh, 'package.json'), '{"private":true}\n');
  await npm(['install', '--prefix', fresh, '--ignore-scripts', '--no-audit', ...specs], fresh);
  await writeFile(join(fresh, MARK), `${specs.join('\n')}\n`);
  await putInPlace(fresh, folder);
  return folder;
}

/** Instead of older versions. Another run may have been faster with the same: its folder will do. */
async function putInPlace(fresh: string, folder: string): Promise<void> {
  const cache = dirname(folder);
  for (const name of await readdir(cache)) {
    const old = join(cache, name);
    if (!name.startsWith('.') && old !== folder) await rm(old, { recursive: true });
  }
  try {
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true });
    if (!(await exists(join(folder, MARK)))) throw error;
  }
}

/** `npm:name@version` is what a package under another name is called. */
function specOf(name: string, range: string): string {
  return range.startsWith('npm:') ? range.slice('npm:'.length) : `${name}@${range}`;
}

async function view(spec: string): Promise<Published | null> {
  try {
    const told = await npm(['view', spec, 'version', 'optionalDependencies', '--json']);
    const facts: unknown = JSON.parse(told);
    // What has one fact only is told without its name.
    return publishedSchema.parse(typeof facts === 'string' ? { version: facts } : facts);
  } catch (error) {
    if (error instanceof Error && /\bE404\b/.test(error.message)) return null;
    throw error;
  }
}

async function npm(args: readonly string[], cwd = tmpdir()): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('npm', args, { cwd, timeout: 300_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`npm ${args.join(' ')}: ${stdout}\n${stderr}`, { cause: error }));
    });
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
