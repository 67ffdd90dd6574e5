/** `npm run check:repository`: what no other tool looks after. Prints what is wrong, if anything. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const CI = '.ci/run';

const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
const problems = [
  ...problemsOfCi(),
  ...problemsOfLockFile(),
  ...globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: ROOT }).flatMap(
    problemsOfDocument,
  ),
];
process.stdout.write(problems.map((problem) => `${problem}\n`).join(''));
if (problems.length > 0) process.exitCode = 1;

function problemsOfCi(): string[] {
  const isExecutable = (statSync(join(ROOT, CI)).mode & 0o111) !== 0;
  return isExecutable ? [] : [`${CI} is not executable`];
}

/** An address in the lock file would send everybody to the registry of whoever wrote it. */
function problemsOfLockFile(): string[] {
  return /"resolved": "http/.test(read('package-lock.json'))
    ? ['package-lock.json names a registry; .npmrc has the setting that keeps them out']
    : [];
}

/** Every `npm run` names a script, and every relative link leads to a file. */
function problemsOfDocument(document: string): string[] {
  const content = read(document);
  const named = [...content.matchAll(/npm run (?:-s )?([a-z][\w:-]*\w)/g)].map(
    ([, name = '']) => name,
  );
  const linked = [...content.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(
    ([, to = '']) => to,
  );
  return [
    ...named
      .filter((name) => !(name in scripts))
      .map((name) => `${document}: there is no script ${name}`),
    ...linked
      .filter((to) => !existsSync(join(ROOT, dirname(document), to)))
      .map((to) => `${document}: the link ${to} leads nowhere`),
  ];
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
