import { parentPort, workerData } from 'node:worker_threads';
import { isObject, stringAt } from '../../core/json.ts';
import { openSession } from '../../database/connection/session.ts';
import { exportedPage, type ExportedLine } from './export-page.ts';
import type { ExportStart, PageReply, PageRequest } from './export-protocol.ts';

const { databaseUrl, format }: ExportStart = workerData;
const session = openSession(databaseUrl, 'aibridge export');
// A page that is asked for fails of it; that none has been asked for yet is no reason to die.
session.catch(() => undefined);

parentPort?.on('message', (request: PageRequest) => void answer(request));

async function answer({ text, values }: PageRequest): Promise<void> {
  try {
    const client = await session;
    const { rows } = await client.query<ExportedLine>(text, [...values]);
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
