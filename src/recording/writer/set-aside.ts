import type { RecordEvent } from '../journal/events.ts';
import { encodeLine } from '../journal/journal-line.ts';
import type { DamagedLine } from '../journal/journal-reader.ts';
import { keepLine } from '../journal/set-aside-files.ts';

export type SetAside = DamagedLine | SetAsideEvent;

export interface SetAsideEvent {
  readonly event: RecordEvent;
  readonly reason: string;
  /** An end, the start of which nobody knows. */
  readonly isUnstarted?: boolean;
}

/** Keeps, byte for byte, what could not be carried over. Answers the file it went to. */
export function setAside(root: string, instanceId: string, what: SetAside): Promise<string> {
  const line = 'event' in what ? Buffer.from(encodeLine(what.event)).subarray(0, -1) : what.bytes;
  return keepLine(root, instanceId, line);
}
