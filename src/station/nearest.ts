/**
 * For mistyped words: which of the known ones was probably meant. Used for keys
 * of files and for options; it only ever suggests, nothing is taken as meant.
 */

/** ` (did you mean "x"?)`, or all there are (after the word `all`, unless null), or nothing. */
export function didYouMean(word: string, known: readonly string[], all: string | null): string {
  const meant = nearest(word, known);
  if (meant !== null) return ` (did you mean "${meant}"?)`;
  return all === null || known.length === 0 ? '' : ` (${all}: ${known.join(', ')})`;
}

const wordMax = 64;

/** The known word that a typing mistake could have turned into this one, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > wordMax) return null;
  const far = Math.max(1, Math.floor(word.length / 3)) + 1;
  let best: { readonly candidate: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < (best?.distance ?? far)) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** Letters added, dropped, changed, or swapped with their neighbour (the restricted Damerau distance). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const edits = [(last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1)];
      if (swapped) edits.push((beforeLast[j - 2] ?? 0) + 1);
      row.push(Math.min(...edits));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
