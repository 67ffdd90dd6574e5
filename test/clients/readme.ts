import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** A line for a shell, as it stands in the README: what it sets, and the command. */
export interface ShellLine {
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** Where the README lets things listen, and where they do in a test. */
export interface Addresses {
  readonly bridge?: string;
  readonly simulator?: string;
}

/** The first shell block after these words. */
export function shellLine(after: string, addresses: Addresses): ShellLine {
  const words = block('sh', after, addresses).replaceAll('\\\n', ' ').trim().split(/\s+/);
  const command = words.findIndex((word) => !/^\w+=/.test(word));
  const settings = words.slice(0, command).map((word) => word.split(/=(.*)/, 2));
  return { env: Object.fromEntries(settings), command: words.slice(command) };
}

/** The first block of this language after these words. */
export function block(language: string, after: string, addresses: Addresses): string {
  const from = README.indexOf(after);
  const found = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(README.slice(from));
  if (from < 0 || found?.[1] === undefined) {
    throw new Error(`the README has no ${language} block after ${JSON.stringify(after)}`);
  }
  return found[1]
    .replaceAll('http://127.0.0.1:4400', addresses.bridge ?? 'http://nobody.invalid')
    .replaceAll('http://127.0.0.1:4500', addresses.simulator ?? 'http://nobody.invalid');
}
