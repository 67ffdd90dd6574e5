import type { Framing } from './behaviours/frame-edit.ts';

/** One server-sent event, or a comment when there is no data. */
export interface Frame {
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
  /** Says that the answer is complete. */
  readonly isTerminal?: boolean;
}

interface TypedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An event that carries its name in its data too, as all but chat completions do. */
export function jsonFrame(event: TypedEvent, isTerminal = false): Frame {
  return { event: event.type, data: JSON.stringify(event), isTerminal };
}

/** Writes a frame the way the framing says. */
export function encodeFrame(frame: Frame, framing: Framing): Buffer {
  const { eol = '\n', spaceAfterColon = true, multiLineData = false } = framing;
  const colon = spaceAfterColon ? ': ' : ':';
  const lines: string[] = [];
  if (frame.comment !== undefined) lines.push(`${colon}${frame.comment}`);
  if (frame.event !== undefined) lines.push(`event${colon}${frame.event}`);
  if (frame.data !== undefined) {
    for (const line of dataLines(frame.data, multiLineData)) lines.push(`data${colon}${line}`);
  }
  return Buffer.from(lines.map((line) => line + eol).join('') + eol);
}

function dataLines(data: string, multiLine: boolean): readonly string[] {
  if (!multiLine || !data.startsWith('{')) return [data];
  try {
    return JSON.stringify(JSON.parse(data), null, 1).split('\n');
  } catch {
    // A frame that was made malformed on purpose stays as it is.
    return [data];
  }
}
