/**
 * For mistyped words: which of the known ones was probably meant. Used for keys
 * of files and for options; it only ever suggests, nothing is taken as meant.
 */

/** ` (did you mean "x"?)`, or all there are (after the word `all`, unless null), or nothing. */
export function didYouMean(word: string, known: readonly string[], all: string | null): string {
  const meant = nearest(word, known);
  if (meant !== null) return ` (did you mean "${meant}"?)`;
  if (all === null || known.length === 0) return '';
  const more = known.length > listedMax ? ` and ${known.length - listedMax} more` : '';
  return ` (${all}: ${known.slice(0, listedMax).join(', ')}${more})`;
}

const wordMax = 64;
/** More than that nobody reads in one line. */
const listedMax = 30;

/** The known word that a typing mistake could have turned into this one, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > wordMax) return null;
  const far = Math.max(1, Math.floor(word.length / 3)) + 1;
  let best: { readonly candidate: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const within = best?.distance ?? far;
    // Ten thousand names are not compared in full with each of thousands of mistakes.
    if (Math.abs(candidate.length - word.length) >= within) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), within);
    if (distance < within) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/**
 * Letters added, dropped, changed, or swapped with their neighbour (the restricted Damerau distance).
 * @param within of no interest is by how much the distance is this or more.
 */
function editDistance(a: string, b: string, within: number): number {
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
    // Two rows, for a swap goes back two.
    if (Math.min(...row) >= within && Math.min(...last) >= within) return within;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
