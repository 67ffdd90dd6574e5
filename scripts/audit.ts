import process, { argv, stderr, stdout } from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import {
  ASKING,
  ASKING_USAGE,
  bridgeUrl,
  EXIT_USAGE,
  headersOf,
  problemOf,
  readsUntilEnough,
  reasonOf,
  refused,
} from './ask-bridge.ts';
import { followed } from './audit-live.ts';
import {
  interceptionCells,
  interceptionTable,
  isRow,
  runningTable,
  table,
  type Row,
} from './audit-table.ts';

const USAGE = `npm run audit -- <what> [name=value ...] [options]

  list [filter=value ...]        interceptions, newest first; limit=50 cursor=...
  show <id>                      one with all that belongs to it
  export [filter=value ...]      all that match, as they stream; format=ndjson or csv
  live [filter=value ...]        interceptions as they end, until interrupted
  sessions [filter=value ...]    conversations
  session <id>                   one in threads
  usage [groupBy=model,day ...]  sums and counts
  facets <name> [prefix=...]     initiators, providers, models, clients or tools
  keys                           the pool's keys; key-events is their history
  me                             who you are and may do

  --json               the API's answer as it is, one object a line where it streams
${ASKING_USAGE}
The same questions as the API's, answered by a running bridge: its /api/docs says what they take.
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
  ['keys', 'keys'],
  ['key-events', 'keys/events'],
  ['me', 'me'],
]);

/** What is asked, of whom and as whom. */
interface Question {
  readonly what: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly isJson: boolean;
}

readsUntilEnough();
process.exitCode = await main();

async function main(): Promise<number> {
  const question = questionOf(argv.slice(2));
  if (question === 'help') {
    stdout.write(USAGE);
    return 0;
  }
  if (typeof question === 'string') {
    stderr.write(`${USAGE}\n${question}\n`);
    return EXIT_USAGE;
  }
  try {
    return await answer(question);
  } catch (error) {
    stderr.write(`${question.url.origin}: ${reasonOf(error)}\n`);
    return 1;
  }
}

/** The question, or what is wrong with it. */
function questionOf(args: readonly string[]): Question | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: ASKING,
    });
    const [what = '', ...words] = positionals;
    if (values.help || what === 'help') return 'help';
    const url = urlOf(what, words, values.url);
    if (typeof url === 'string') return url;
    return { what, url, headers: headersOf(values), isJson: values.json };
  } catch (error) {
    return problemOf(error);
  }
}

function urlOf(what: string, words: readonly string[], base: string): URL | string {
  const path = PATHS.get(what);
  if (path === undefined) return what === '' ? 'What do you want to know?' : `${what}: unknown`;
  const wantsName = path.endsWith('/');
  const [name, filters] = wantsName ? [words[0], words.slice(1)] : ['', words];
  if (name === undefined) return `${what}: which one?`;
  const url = new URL(`/api/v1/${path}${encodeURIComponent(name)}`, bridgeUrl(base));
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    if (equals < 1) return `${filter}: is not of the form name=value`;
    url.searchParams.append(filter.slice(0, equals), filter.slice(equals + 1));
  }
  return url;
}

async function answer(question: Question): Promise<number> {
  if (question.what === 'live') return follow(question);
  const res = await fetch(question.url, { headers: question.headers });
  if (!res.ok) return refused(res);
  if (question.what === 'export' && res.body !== null) {
    await pipeline(Readable.fromWeb(res.body), stdout, { end: false });
  } else {
    show(question, await res.json());
  }
  return 0;
}

async function follow({ url, headers, isJson }: Question): Promise<number> {
  const open = (lastEventId: string | undefined): Promise<Response> => {
    const asked = new Headers(headers);
    if (lastEventId !== undefined) asked.set('last-event-id', lastEventId);
    return fetch(url, { headers: asked });
  };
  const running = runningTable();
  const events = followed(open, (reason) => stderr.write(`${reason}\n`));
  if (!isJson) stdout.write(running.header());
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return refused(value);
    if (!isRow(value.data)) continue;
    if (value.type !== 'interception') stderr.write(`${String(value.data['message'])}\n`);
    else if (isJson) stdout.write(`${JSON.stringify(value.data)}\n`);
    else stdout.write(running.line(interceptionCells(value.data)));
  }
}

/** Lists as tables; what is too deep for one, and everything on request, as JSON. */
function show({ what, isJson }: Question, body: unknown): void {
  const items = isRow(body) ? body['items'] : undefined;
  if (isJson || !isRow(body) || !Array.isArray(items)) {
    stdout.write(`${JSON.stringify(body, undefined, 2)}\n`);
    return;
  }
  const rows: Row[] = items.map((item) => (isRow(item) ? item : { value: item }));
  if (rows.length === 0) stderr.write('nothing matches\n');
  else stdout.write(what === 'list' ? interceptionTable(rows) : table(rows));
  remark(body);
}

/** Not among the rows, where another program would take it for one. */
function remark({ notice, total, truncated, nextCursor }: Row): void {
  if (typeof notice === 'string') stderr.write(`${notice}\n`);
  if (typeof total === 'number') stderr.write(`${total} in all\n`);
  if (truncated === true) stderr.write('there are more: narrow it, or raise limit=\n');
  if (typeof nextCursor === 'string') stderr.write(`more: cursor=${nextCursor}\n`);
}
