export interface EnvFile {
  readonly values: ReadonlyMap<string, string>;
  /** Numbers, from 1, of lines that are no assignment. Never their text: it may be a secret. */
  readonly badLines: readonly number[];
}

/**
 * Reads a dotenv file: `NAME=value`, an `export` in front, `#` comments, single quotes
 * (literal) and double quotes (with `\n`, `\"`, `\\`). Unlike `util.parseEnv` it keeps a
 * `#` inside an unquoted value, which would cut a key short, and it reports what it cannot read.
 */
export function parseEnvFile(text: string): EnvFile {
  const values = new Map<string, string>();
  const badLines: number[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, rest = ''] = ASSIGNMENT.exec(line) ?? [];
    const value = valueOf(rest);
    if (name === undefined || value === undefined) badLines.push(index + 1);
    else values.set(name, value);
  }
  return { values, badLines };
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/;
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/;
const SINGLE_QUOTED = /^'([^']*)'\s*(?:#.*)?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function valueOf(rest: string): string | undefined {
  const text = rest.trim();
  if (text.startsWith("'")) return SINGLE_QUOTED.exec(text)?.[1];
  if (!text.startsWith('"')) return rest.replace(/\s#.*$/, '').trim();
  return DOUBLE_QUOTED.exec(text)?.[1]?.replace(
    /\\(.)/g,
    (_, escaped: string) => ESCAPES[escaped] ?? escaped,
  );
}
