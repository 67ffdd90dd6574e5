import { parentPort, workerData } from 'node:worker_threads';
import { isObject, stringAt } from '../../core/json.ts';
import { LIMITS } from '../../database/connection/limits.ts';
import { asked, beginning, openClient } from '../../database/connection/session.ts';
import { exportedPage, type ExportedLine } from './export-page.ts';
import { END, type ExportStart, type PageReply, type PageRequest } from './export-protocol.ts';

const { databaseUrl, format }: ExportStart = workerData;
const BEGIN = beginning(LIMITS);
const connected = openClient(databaseUrl, 'aibridge export');
// A page that is asked for fails of it; that none has been asked for yet is no reason to die.
connected.catch(() => undefined);
let answering: Promise<void> | undefined;

parentPort?.on('message', (request: PageRequest | typeof END) => {
  if (request === END) void end();
  else answering = answer(request);
});

async function answer({ text, values }: PageRequest): Promise<void> {
  try {
    const client = await connected;
    const { rows } = await asked<ExportedLine>(client, BEGIN, { text, values: [...values] });
    const page = exportedPage(rows, format);
    const reply: PageReply = { kind: 'page', page };
    parentPort?.postMessage(reply, [page.bytes.buffer]);
  } catch (error) {
    const facts = isObject(error) ? error : {};
    const [message, code] = [stringAt(facts, 'message') ?? '', stringAt(facts, 'code')];
    const reply: PageReply = { kind: 'failed', message, code };
    parentPort?.postMessage(reply);
  }
}

/** In good order: who comes next may have this connection only when the server has closed it. */
async function end(): Promise<void> {
  await answering;
  const client = await connected.catch(() => undefined);
  await client?.end();
  parentPort?.close();
}
