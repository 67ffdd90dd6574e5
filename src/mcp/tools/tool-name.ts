import { createHash } from 'node:crypto';

/** What all vendors take: so many of `[A-Za-z0-9_-]`. */
const LENGTH_MAX = 64;
const HASH_LENGTH = 8;

/** How models know a tool. A name that had to be cut ends in a hash of the whole, so that equal beginnings differ. */
export function offeredName(server: string, tool: string): string {
  const whole = `bmcp_${server}_${tool}`;
  const name = whole.replaceAll(/[^A-Za-z0-9_-]/gu, '_');
  if (name.length <= LENGTH_MAX) return name;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH);
  return `${name.slice(0, LENGTH_MAX - HASH_LENGTH - 1)}_${hash}`;
}

/** Byte by byte, whatever the language of the machine. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
