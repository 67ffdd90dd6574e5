/** `npm run check:repository`: what no other tool looks after. Prints what is wrong, if anything. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const CI = '.ci/run';

const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
const problems = [
  ...problemsOfCi(),
  ...problemsOfLockFile(),
  ...problemsOfRooms(),
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

/** A folder that shows many files says what it is. */
function problemsOfRooms(): string[] {
  const files = globSync('src/*/**/*.ts', { cwd: ROOT, exclude: ['src/generated/**'] });
  const plain = files.filter((file) => !file.endsWith('.spec.ts'));
  return [...Map.groupBy(plain, dirname)]
    .filter(([folder]) => folder.split('/').length > 2)
    .filter(([folder, { length }]) => length > 5 && !existsSync(join(ROOT, folder, 'README.md')))
    .map(([folder]) => `${folder} has no README.md that says what it is`);
}

/** Every `npm run` names a script, and every path and relative link leads to a file. */
function problemsOfDocument(document: string): string[] {
  const content = read(document);
  const named = [...content.matchAll(/npm run (?:-s )?([a-z][\w:-]*\w)/g)].map(
    ([, name = '']) => name,
  );
  const linked = [...content.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(
    ([, to = '']) => to,
  );
  const paths = [...content.matchAll(/`((?:src|test|prisma|scripts|bench|docs)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  return [
    ...paths
      .filter((path) => !existsSync(join(ROOT, path)))
      .map((path) => `${document}: there is no ${path}`),
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
