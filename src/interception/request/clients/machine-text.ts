/** How a text begins that a client wrote itself, and how it then ends. Without an end, all of it is. */
export interface MachineText {
  readonly begins: string;
  readonly ends?: string;
  /** It stands for a conversation that was cut short: what the turn says before it was said before. */
  readonly isSummary?: true;
  /** It wraps what the user typed while the model was at work. */
  readonly holdsUsersWords?: true;
}

export function tagged(...names: readonly string[]): readonly MachineText[] {
  return names.map((name) => ({ begins: `<${name}>`, ends: `</${name}>` }));
}

/** Whether a text that is otherwise the client's hands on what the user typed. */
export function handsOnUsersWords(text: string, known: readonly MachineText[]): boolean {
  const begun = text.trimStart();
  return known.some((piece) => piece.holdsUsersWords === true && begun.startsWith(piece.begins));
}

export function isSummary(text: string, known: readonly MachineText[]): boolean {
  const begun = text.trimStart();
  return known.some((piece) => piece.isSummary === true && begun.startsWith(piece.begins));
}

/** What clients of any kind put in. */
export const COMMON_MACHINE_TEXT = tagged('system-reminder');

/** More pieces in one text are no client's, and not worth the time. */
const PIECES_MAX = 1_000;

/**
 * Whether a text consists of such pieces alone. A word beside or between them makes it the
 * user's: what is shown too much does less harm than what is hidden. Costs time in proportion
 * to the length, whatever the text is.
 */
export function isMachineText(text: string, known: readonly MachineText[]): boolean {
  let rest = text.trim();
  if (rest === '') return false;
  for (let pieces = 0; rest !== ''; pieces += 1) {
    const piece = known.find(({ begins }) => rest.startsWith(begins));
    if (piece === undefined || pieces === PIECES_MAX) return false;
    if (piece.holdsUsersWords) return false;
    if (piece.ends === undefined) return true;
    const end = rest.indexOf(piece.ends, piece.begins.length);
    if (end < 0) return false;
    rest = rest.slice(end + piece.ends.length).trimStart();
  }
  return true;
}
