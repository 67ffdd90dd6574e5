import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SET_ASIDE } from '../journal/journal-directories.ts';
import { encodeLine } from '../journal/journal-line.ts';
import type { DamagedLine } from '../journal/journal-reader.ts';
import type { RecordEvent } from '../journal/events.ts';

export type SetAside = DamagedLine | { readonly event: RecordEvent; readonly reason: string };

/** Keeps, byte for byte, what could not be carried over. Answers the file it went to. */
export async function setAside(root: string, instanceId: string, what: SetAside): Promise<string> {
  const directory = join(root, SET_ASIDE);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${instanceId}.log`);
  const bytes = 'event' in what ? encodeLine(what.event) : Buffer.concat([what.bytes, LINE_FEED]);
  await appendFile(file, bytes, { mode: 0o600 });
  return file;
}

const LINE_FEED = Buffer.from('\n');
