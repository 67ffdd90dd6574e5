import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLockDirectory } from '../../core/directory-lock.ts';
import { isObject, parseJson } from '../../core/json.ts';
import { SET_ASIDE } from './journal-directories.ts';
import type { MissingStretch } from './journal-reader.ts';
import { linesOf } from './line-file.ts';

/** Where the lines are that are being brought in: nobody adds anything to these files. */
export const REPLAYING = 'replaying';

const LINES = '.log';
const MISSING = 'missing.ndjson';
const LINE_FEED = 0x0a;
const LOCK_POLL_MS = 10;
/** The lock is held for one write or a few renames. */
const LOCK_MS = 10_000;

/** A stretch, and the process whose journal it is missing from. */
export interface NotedStretch extends MissingStretch {
  readonly journal: string;
}

/** Keeps a line, byte for byte. Resolves with its file when the disk has it. */
export async function keepLine(root: string, instanceId: string, line: Buffer): Promise<string> {
  const directory = await setAsideDirectory(root);
  const file = join(directory, `${instanceId}${LINES}`);
  await whileLocked(directory, () => appendLine(file, line));
  return file;
}

/** Keeps in mind what there is nothing left of. */
export async function noteMissing(root: string, stretch: NotedStretch): Promise<string> {
  const directory = await setAsideDirectory(root);
  const file = join(directory, MISSING);
  await whileLocked(directory, () => appendLine(file, Buffer.from(JSON.stringify(stretch))));
  return file;
}

/** Each once, however often it was found. */
export async function notedStretches(root: string): Promise<NotedStretch[]> {
  const file = join(root, SET_ASIDE, MISSING);
  const noted = new Map<string, NotedStretch>();
  if (!existsSync(file)) return [];
  for await (const line of linesOf(file)) {
    const stretch = parseJson(line.toString());
    if (isStretch(stretch)) noted.set(`${stretch.journal} ${stretch.from}`, stretch);
  }
  return [...noted.values()];
}

/** The files with lines that were set aside, oldest process first, and those that are being brought in before. */
export async function setAsideFiles(root: string): Promise<string[]> {
  const directory = join(root, SET_ASIDE);
  return [...(await lineFilesIn(join(directory, REPLAYING))), ...(await lineFilesIn(directory))];
}

/** What was set aside until now, where nothing is added to it any more. One process at a time may ask. */
export async function takeSetAside(root: string): Promise<string[]> {
  const directory = await setAsideDirectory(root);
  const taken = join(directory, REPLAYING);
  await mkdir(taken, { recursive: true, mode: 0o700 });
  await whileLocked(directory, async () => {
    for (const file of await lineFilesIn(directory)) await rename(file, freeName(taken, file));
  });
  return lineFilesIn(taken);
}

/** What an earlier one did not come to the end of is there under the first of these names, and stays first. */
function freeName(directory: string, file: string): string {
  const name = basename(file, LINES);
  let free = join(directory, `${name}${LINES}`);
  for (let number = 1; existsSync(free); number += 1) {
    free = join(directory, `${name}~${String(number).padStart(4, '0')}${LINES}`);
  }
  return free;
}

async function setAsideDirectory(root: string): Promise<string> {
  const directory = join(root, SET_ASIDE);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}

async function lineFilesIn(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(LINES))
    .toSorted()
    .map((name) => join(directory, name));
}

/** Whoever writes to a file that is just being taken away would write to nowhere. */
async function whileLocked(directory: string, task: () => Promise<void>): Promise<void> {
  for (const deadline = AbortSignal.timeout(LOCK_MS); ; await delay(LOCK_POLL_MS)) {
    const lock = tryLockDirectory(directory);
    if (lock !== undefined) {
      try {
        return await task();
      } finally {
        lock.release();
      }
    }
    if (deadline.aborted) throw new Error(`${directory} is in use for too long`);
  }
}

/** A write that was cut off before costs its own line, and not this one. */
async function appendLine(file: string, line: Buffer): Promise<void> {
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const isWhole = size === 0 || last[0] === LINE_FEED;
    await handle.appendFile(Buffer.concat([Buffer.from(isWhole ? '' : '\n'), line, FEED]));
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

const FEED = Buffer.of(LINE_FEED);

function isStretch(value: unknown): value is NotedStretch {
  return isObject(value) && typeof value['journal'] === 'string' && typeof value['to'] === 'number';
}
