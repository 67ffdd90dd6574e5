import { crc32 } from 'node:zlib';
import { isObject, parseJson } from '../../core/json.ts';
import { JOURNAL_VERSION, type RecordEvent } from './events.ts';

const CHECKSUM_LENGTH = 8;
const UNSEALED = '0'.repeat(CHECKSUM_LENGTH);
const LINE_FEED = 0x0a;
const HEX_DIGITS = Buffer.from('0123456789abcdef');

/** The members that every event begins with. None of them holds anything to be escaped. */
export interface EventHead {
  readonly kind: RecordEvent['kind'];
  readonly id: string;
  readonly at: number;
  readonly rowId?: string;
}

/**
 * One event, one line: `<crc32 of the rest, 8 hex digits> <version> <json>\n`.
 * Plain text, so that an operator can read a journal with `less`, and checksummed,
 * so that a torn or damaged line is recognised and never half believed.
 *
 * The checksum is still to come: `sealLines` puts it in where lines become bytes.
 * Requests wait for this, so the two parts are not copied into one object first.
 */
export function unsealedLine(head: EventHead, facts: object): string {
  return lineOfMembers(head, membersOf(facts));
}

/** The same, of members that are JSON already. */
export function lineOfMembers({ kind, id, at, rowId }: EventHead, members: string): string {
  const row = rowId === undefined ? '' : `"rowId":"${rowId}",`;
  return `${UNSEALED} ${JOURNAL_VERSION} {"kind":"${kind}","id":"${id}","at":${at},${row}${members}}\n`;
}

/** As JSON, without the braces. */
export function membersOf(facts: object): string {
  return JSON.stringify(facts).slice(1, -1);
}

/** Puts the checksum into every line, in place. */
export function sealLines(lines: Buffer): Buffer {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(LINE_FEED, start);
    let sum = crc32(lines.subarray(start + CHECKSUM_LENGTH + 1, end));
    for (let at = start + CHECKSUM_LENGTH - 1; at >= start; at -= 1) {
      lines[at] = HEX_DIGITS[sum & 0xf] ?? 0;
      sum >>>= 4;
    }
    start = end + 1;
  }
  return lines;
}

/** The finished line of one event. */
export function encodeLine(event: RecordEvent): string {
  const line = `${UNSEALED} ${JOURNAL_VERSION} ${JSON.stringify(event)}\n`;
  return sealLines(Buffer.from(line)).toString();
}

export type DecodedLine =
  | { readonly kind: 'event'; readonly event: RecordEvent }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown_version'; readonly version: string };

/** `line` is without its line feed. */
export function decodeLine(line: string): DecodedLine {
  const body = line.slice(CHECKSUM_LENGTH + 1);
  if (line[CHECKSUM_LENGTH] !== ' ' || checksum(body) !== line.slice(0, CHECKSUM_LENGTH)) {
    return { kind: 'damaged' };
  }
  const space = body.indexOf(' ');
  const version = body.slice(0, space);
  if (version !== String(JOURNAL_VERSION)) return { kind: 'unknown_version', version };
  const event = parseJson(body.slice(space + 1));
  return isRecordEvent(event) ? { kind: 'event', event } : { kind: 'damaged' };
}

const KINDS: ReadonlySet<unknown> = new Set<RecordEvent['kind']>([
  'start',
  'attempt_so_far',
  'attempt',
  'usage_so_far',
  'usage',
  'prompt',
  'tool',
  'thought',
  'end',
  'alive',
]);

/** The checksum vouches for the rest: what it covers was written by some `encodeLine`. */
function isRecordEvent(value: unknown): value is RecordEvent {
  return isObject(value) && KINDS.has(value['kind']) && typeof value['id'] === 'string';
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_LENGTH, '0');
}
