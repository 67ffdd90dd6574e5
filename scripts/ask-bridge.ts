import process, { env, stderr, stdout } from 'node:process';
import { isRow, plain } from './audit-table.ts';

/** How a command asks the API of a running bridge, and as whom. */
export const ASKING = {
  help: { type: 'boolean', short: 'h', default: false },
  json: { type: 'boolean', default: false },
  url: { type: 'string', default: env['AIBRIDGE_URL'] ?? 'http://127.0.0.1:4400' },
  as: { type: 'string' },
  groups: { type: 'string' },
  header: { type: 'string', multiple: true },
} as const;

/** What there is to say about these; `--json` is another thing for each command. */
export const ASKING_USAGE = `  --url <bridge>       else AIBRIDGE_URL, else http://127.0.0.1:4400
  --as <user>          who you are, for a bridge that takes that from X-Forwarded-User
  --groups <a,b>       your groups, as X-Forwarded-Groups
  --header <name: value>  any other header, such as Authorization; may be repeated
  --help               this
`;

export const EXIT_USAGE = 2;

export function bridgeUrl(base: string): URL {
  if (!URL.canParse(base)) throw new Error(`${base}: is not the URL of a bridge`);
  return new URL(base);
}

export function headersOf(values: {
  readonly as?: string | undefined;
  readonly groups?: string | undefined;
  readonly header?: readonly string[] | undefined;
}): Headers {
  const headers = new Headers();
  if (values.as !== undefined) headers.set('x-forwarded-user', values.as);
  if (values.groups !== undefined) headers.set('x-forwarded-groups', values.groups);
  for (const line of values.header ?? []) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`--header ${line}: is not of the form "name: value"`);
    headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** What is wrong with how a command was called. */
export function problemOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
}

/** Says what the API has against a question; answers the exit code. */
export async function refused(res: Response): Promise<number> {
  const body: unknown = await res.json().catch(() => undefined);
  const { message = res.statusText, details } = isRow(body) ? body : {};
  stderr.write(`${res.status}: ${plain(String(message))}\n`);
  const names = Array.isArray(details) ? details.filter((each) => typeof each === 'string') : [];
  for (const name of names) stderr.write(`  ${plain(name)}\n`);
  if (res.status === 401) stderr.write('Say who you are with --as or --header.\n');
  return 1;
}

/** Why nobody has answered. */
export function reasonOf(error: unknown): string {
  const { cause } = Object(error);
  if (!(cause instanceof Error)) return error instanceof Error ? error.message : String(error);
  const { code } = Object(cause);
  const text = cause.message === '' ? String(code) : cause.message;
  return code === 'ECONNREFUSED' ? `${text}: is the bridge running there?` : text;
}

/** Whoever reads along has enough: not a failure. */
export function readsUntilEnough(): void {
  stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : 1),
  );
}
