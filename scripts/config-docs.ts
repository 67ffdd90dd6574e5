/**
 * Writes what documents the configuration: the reference in README.md and `.env.example`.
 * With `--check` it writes nothing and fails when one of them is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configMarkdown, envExample } from '../src/config/shown/documentation.ts';

const ROOT = join(import.meta.dirname, '..');
const BEGIN = '<!-- config:begin -->';
const END = '<!-- config:end -->';
const EMPTY_README = `# AI Bridge\n\n${BEGIN}\n${END}\n`;

const isCheck = process.argv.includes('--check');
const failures = [
  ...update('.env.example', () => envExample()),
  ...update('README.md', await readmeWithReference()),
];
if (failures.length > 0) {
  process.stderr.write(failures.map((failure) => `config-docs: ${failure}\n`).join(''));
  process.exitCode = 1;
}

/** Writes the file, or says why it does not do. `render` answers undefined when it has no place for its text. */
function update(name: string, render: (current: string) => string | undefined): string[] {
  const path = join(ROOT, name);
  const current = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (isCheck && current === undefined)
    return [`${name} is missing; run node scripts/config-docs.ts`];
  const wanted = render(current ?? EMPTY_README);
  if (wanted === undefined) return [`${name} has no lines ${BEGIN} and ${END}`];
  if (wanted === current) return [];
  if (isCheck) return [`${name} is stale; run node scripts/config-docs.ts`];
  writeFileSync(path, wanted);
  return [];
}

async function readmeWithReference(): Promise<(readme: string) => string | undefined> {
  const options = await resolveConfig(join(ROOT, 'README.md'));
  const reference = await format(configMarkdown(), { ...options, parser: 'markdown' });
  return (readme) => {
    const begin = readme.indexOf(BEGIN);
    const end = readme.indexOf(END, begin);
    if (begin === -1 || end === -1) return undefined;
    return `${readme.slice(0, begin)}${BEGIN}\n\n${reference}\n${readme.slice(end)}`;
  };
}
