import type { SseEvent } from './sse-reader.ts';

/**
 * What the text of a frame says, its closing blank line included or not. Undefined when it
 * says nothing, as comments do.
 */
export function readFrame(frame: Buffer): SseEvent | undefined {
  let name = '';
  const data: string[] = [];
  for (const line of frame.toString('utf8').split(LINE_END)) {
    const field = fieldIn(line);
    if (field.name === 'event') name = field.value;
    else if (field.name === 'data') data.push(field.value);
  }
  return data.length === 0 ? undefined : { name, data: data.join('\n') };
}

/** The same frame with other data. A line end in that is none of JSON's texts, and becomes a space. */
export function withData(frame: Buffer, json: string): Buffer {
  const data = json.replaceAll(LINE_ENDS, ' ');
  let isSet = false;
  const lines = frame.toString('utf8').split(LINE_WITH_END);
  const kept = lines.flatMap((line) => {
    if (fieldIn(line.replace(LINE_END, '')).name !== 'data') return [line];
    const end = LINE_END.exec(line)?.[0] ?? '';
    const set = isSet ? [] : [`data: ${data}${end}`];
    isSet = true;
    return set;
  });
  return Buffer.from(kept.join(''));
}

/** A frame of its own. */
export function frameOf({ name, data }: SseEvent): Buffer {
  return Buffer.from(`${name === '' ? '' : `event: ${name}\n`}data: ${data}\n\n`);
}

const LINE_END = /\r\n|\r|\n/;
const LINE_ENDS = /\r\n|\r|\n/g;
/** Splits behind each line end. */
const LINE_WITH_END = /(?<=\n|\r(?!\n))/;

function fieldIn(line: string): { name: string; value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { name: line, value: '' };
  const value = line.slice(colon + 1);
  return { name: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}
