/** Where an attempt stands in the record. */
export interface DumpedAttempt {
  readonly interceptionId: string;
  readonly turn: number;
  readonly ordinal: number;
  readonly startedAtMs: number;
}

/** Which of the files of an attempt; the last one says why there is no answer, or not all of it. */
export type DumpPart = 'req' | 'resp' | 'req_error';

const FOLDER_LENGTH_MAX = 100;
const NAME =
  /^((\d{1,16})-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}-t\d+-a\d+)\.[a-z_]+\.txt(\.cut)?$/;

/** At the end of the name of a file that lacks what would not fit or could not be written. */
export const CUT = '.cut';

export function dumpName(attempt: DumpedAttempt, part: DumpPart): string {
  const { startedAtMs, interceptionId, turn, ordinal } = attempt;
  return `${startedAtMs}-${interceptionId}-t${turn}-a${ordinal}.${part}.txt`;
}

/** Of a file that is one of ours; what else lies in the directory is left alone. */
export function readDumpName(name: string): { atMs: number; attempt: string } | undefined {
  const [, attempt, time] = NAME.exec(name) ?? [];
  return attempt === undefined ? undefined : { atMs: Number(time), attempt };
}

/**
 * One folder for each model, whose name the caller chooses: what it may contain names
 * neither another folder nor a hidden one, on any file system.
 */
export function folderOf(model: string): string {
  const plain = model.slice(0, FOLDER_LENGTH_MAX).replaceAll(/[^A-Za-z0-9._-]/g, '-');
  return plain.replace(/^\.+|\.+$/g, '-') || 'unknown';
}
