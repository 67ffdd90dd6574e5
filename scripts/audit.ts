import process, { env, stderr, stdout } from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { interceptionTable, isRow, table, type Row } from './audit-table.ts';

const USAGE = `npm run audit -- <what> [name=value ...] [--json] [--url <bridge>] [--as <user>]

  list [filter=value ...]        interceptions, newest first; limit=50 cursor=...
  show <id>                      one with all that belongs to it
  export [filter=value ...]      all that match, as they stream; format=ndjson or csv
  live [filter=value ...]        interceptions as they end, until interrupted
  sessions [filter=value ...]    conversations
  session <id>                   one in threads
  usage [groupBy=model,day ...]  sums and counts
  facets <name> [prefix=...]     initiators, providers, models, clients or tools
  me                             who you are and may do

The same questions as the API's, answered by a running bridge: its /api/docs says what they take.
--url or AIBRIDGE_URL, else http://127.0.0.1:4400. --as names you to a bridge that takes the user
from the header X-Forwarded-User, --groups your groups.
`;

/** Where a question goes; what ends in a slash wants one more word. */
const PATHS = new Map([
  ['list', 'interceptions'],
  ['show', 'interceptions/'],
  ['export', 'interceptions/export'],
  ['live', 'interceptions/live'],
  ['sessions', 'sessions'],
  ['session', 'sessions/'],
  ['usage', 'usage'],
  ['facets', 'facets/'],
  ['me', 'me'],
]);
const STREAMED = new Set(['export', 'live']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    url: { type: 'string', default: env['AIBRIDGE_URL'] ?? 'http://127.0.0.1:4400' },
    as: { type: 'string' },
    groups: { type: 'string' },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const [what = '', ...words] = positionals;
  const path = pathOf(what, words);
  if (path === undefined) {
    stderr.write(USAGE);
    return 2;
  }
  try {
    const res = await fetch(path, { headers: headers() });
    if (!res.ok) return await refused(res);
    if (STREAMED.has(what) && res.body !== null) {
      await pipeline(Readable.fromWeb(res.body), stdout, { end: false });
    } else {
      stdout.write(shown(what, await res.json()));
    }
    return 0;
  } catch (error) {
    const { cause } = Object(error);
    stderr.write(`${values.url}: ${cause instanceof Error ? cause.message : String(error)}\n`);
    return 1;
  }
}

function pathOf(what: string, words: readonly string[]): URL | undefined {
  const path = PATHS.get(what);
  if (path === undefined) return undefined;
  const filters = words.filter((word) => word.includes('='));
  const names = words.filter((word) => !word.includes('='));
  if (names.length !== (path.endsWith('/') ? 1 : 0)) return undefined;
  const url = new URL(`/api/v1/${path}${encodeURIComponent(names[0] ?? '')}`, values.url);
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    url.searchParams.append(filter.slice(0, equals), filter.slice(equals + 1));
  }
  return url;
}

function headers(): Record<string, string> {
  return {
    ...(values.as !== undefined && { 'x-forwarded-user': values.as }),
    ...(values.groups !== undefined && { 'x-forwarded-groups': values.groups }),
  };
}

async function refused(res: Response): Promise<number> {
  const body: unknown = await res.json().catch(() => undefined);
  stderr.write(`${res.status}: ${isRow(body) ? String(body['message']) : res.statusText}\n`);
  return 1;
}

/** Lists as tables; what is too deep for one, and everything on request, as JSON. */
function shown(what: string, body: unknown): string {
  const items = isRow(body) ? body['items'] : undefined;
  if (values.json || !isRow(body) || !Array.isArray(items)) {
    return `${JSON.stringify(body, undefined, 2)}\n`;
  }
  const rows: Row[] = items.map((item) => (isRow(item) ? item : { value: item }));
  const text = what === 'list' ? interceptionTable(rows) : table(rows);
  const more = body['nextCursor'];
  return typeof more === 'string' ? `${text}more: cursor=${more}\n` : text;
}
