/**
 * Saying it in less room: the longest start of a text, or the most lines of a
 * list, with which a whole message still fits. What is cut says so, in plain
 * characters: a single `…` would halve the room of an SMS.
 */

export type Fits = (text: string) => boolean;

/** Fewer characters of a text say nothing. */
const startLeast = 6;
const cutMark = '...';

/**
 * The message made with as much of the start of `text` as fits, all of it at best and none of it at worst.
 * @returns null where it does not even fit with none of it.
 */
export function withLongestStart(text: string, make: (start: string) => string, fits: Fits): string | null {
  const whole = make(text);
  if (fits(whole)) return whole;
  const characters = [...text];
  const made = (length: number): string =>
    make(length < startLeast ? '' : `${characters.slice(0, length).join('').trimEnd()}${cutMark}`);
  return greatest(Math.max(0, characters.length - 1), made, fits);
}

/**
 * The message made with as many of `count` things as fit.
 * @returns null where it does not even fit with none of them.
 */
export function withMost(count: number, make: (listed: number) => string, fits: Fits): string | null {
  const whole = make(count);
  if (fits(whole)) return whole;
  return greatest(Math.max(0, count - 1), make, fits);
}

/** What fits with n fits with fewer, so that halving finds the most. */
function greatest(most: number, make: (n: number) => string, fits: Fits): string | null {
  let low = 0;
  let high = most;
  let best: string | null = null;
  while (low <= high) {
    const middle = (low + high + 1) >> 1;
    const text = make(middle);
    if (fits(text)) {
      best = text;
      low = middle + 1;
    } else high = middle - 1;
  }
  return best;
}
