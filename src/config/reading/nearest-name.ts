const PREFIX = /^AIBRIDGE_/;

/**
 * The known name that takes the fewest edits. The common prefix does not count, so
 * that `AIBRIDGE_PORT` leads to `PORT`.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.replace(PREFIX, '');
  let nearest: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = editDistance(wanted, candidate.replace(PREFIX, ''));
    if (nearest === undefined || edits < nearest.edits) nearest = { name: candidate, edits };
  }
  return nearest?.name;
}

/** Levenshtein: insertions, deletions and substitutions, one row at a time. */
function editDistance(a: string, b: string): number {
  const charsB = Array.from(b);
  let row = [0, ...charsB.map((_, index) => index + 1)];
  for (const [i, charA] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, charB] of charsB.entries()) {
      const substituted = (row[j] ?? 0) + (charA === charB ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[charsB.length] ?? 0;
}
