/** Characters that take two columns of a terminal: East Asian ones and emoji. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u{1100}-\u{115F}\u{2E80}-\u{303E}\u{3041}-\u{A4CF}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{20000}-\u{3FFFD}])/u;
/** Marks that a character before them carries. */
const CARRIED = /^\p{M}+$/u;
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return [...characters.segment(text)].reduce((sum, { segment }) => sum + columns(segment), 0);
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** As much of it as fits, with a sign that there is more. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let taken = '';
  let left = width - 1;
  for (const { segment } of characters.segment(text)) {
    left -= columns(segment);
    if (left < 0) break;
    taken += segment;
  }
  return `${taken}…`;
}

function columns(character: string): number {
  if (WIDE.test(character)) return 2;
  return CARRIED.test(character) ? 0 : 1;
}
