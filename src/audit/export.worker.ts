import { parentPort, workerData } from 'node:worker_threads';
import { stringAt, isObject } from '../core/json.ts';
import { openSession } from '../database/session.ts';
import { csvLine } from './csv.ts';
import type { ExportedPage, ExportStart, PageReply, PageRequest } from './export-protocol.ts';
import type { Interception } from './interception-shape.ts';

const { databaseUrl, format }: ExportStart = workerData;
const session = openSession(databaseUrl, 'aibridge export');
// A page that is asked for fails of it; that none has been asked for yet is no reason to die.
session.catch(() => undefined);
const encoder = new TextEncoder();

parentPort?.on('message', (request: PageRequest) => void answer(request));

async function answer({ text, values }: PageRequest): Promise<void> {
  try {
    const page = await read(text, values);
    const reply: PageReply = { kind: 'page', page };
    parentPort?.postMessage(reply, [page.bytes.buffer]);
  } catch (error) {
    const facts = isObject(error) ? error : {};
    const [message, code] = [stringAt(facts, 'message') ?? '', stringAt(facts, 'code')];
    const reply: PageReply = { kind: 'failed', message, code };
    parentPort?.postMessage(reply);
  }
}

async function read(text: string, values: readonly unknown[]): Promise<ExportedPage> {
  const client = await session;
  const beganMs = performance.now();
  const { rows } = await client.query<{ id: string; line: string }>(text, [...values]);
  const lines = rows.map(({ line }) => (format === 'csv' ? csvOf(line) : `${line}\n`));
  const bytes = encoder.encode(lines.join(''));
  const readMs = performance.now() - beganMs;
  return { bytes, count: rows.length, lastId: rows.at(-1)?.id, readMs };
}

function csvOf(line: string): string {
  const record: Interception = JSON.parse(line);
  return csvLine(record);
}
