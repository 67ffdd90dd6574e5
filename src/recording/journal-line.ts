import { crc32 } from 'node:zlib';
import { isObject, parseJson } from '../core/json.ts';
import { JOURNAL_VERSION, type RecordEvent } from './events.ts';

/**
 * One event, one line: `<crc32 of the rest, 8 hex digits> <version> <json>\n`.
 * Plain text, so that an operator can read a journal with `less`, and checksummed,
 * so that a torn or damaged line is recognised and never half believed.
 */
export function encodeLine(event: RecordEvent): string {
  const body = `${JOURNAL_VERSION} ${JSON.stringify(event)}`;
  return `${checksum(body)} ${body}\n`;
}

export type DecodedLine =
  | { readonly kind: 'event'; readonly event: RecordEvent }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown_version'; readonly version: string };

const CHECKSUM_LENGTH = 8;

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
  'attempt',
  'usage',
  'prompt',
  'tool',
  'thought',
  'end',
]);

/** The checksum vouches for the rest: what it covers was written by some `encodeLine`. */
function isRecordEvent(value: unknown): value is RecordEvent {
  return isObject(value) && KINDS.has(value['kind']) && typeof value['id'] === 'string';
}

function checksum(text: string): string {
  // The added bit keeps leading zeros, which is cheaper than padding them on again.
  return (crc32(text) + 0x1_0000_0000).toString(16).slice(1);
}
