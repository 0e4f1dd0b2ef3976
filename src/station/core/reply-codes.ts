/**
 * Codes of alerts as people list them: `12`, `#12 13`, `12, 13 and 14`. A bare
 * number behind others might be meant as something else: that is said, and left
 * to whoever asks.
 */
import type { Word } from './reply-words.ts';

/** `12`, and `12,13`; null for anything else. */
export function codesIn(word: Word | undefined): readonly number[] | null {
  if (word === undefined || !/^\d{1,15}(?:[,;&+/]#?\d{1,15})*$/u.test(word.text)) return null;
  return word.text.split(/[,;&+/]#?/u).map(Number);
}

type Listed = {
  /** As they were written: one may come twice. */
  readonly codes: readonly number[];
  /** The last, where nothing but its place says that it is a code. */
  readonly loose: number | null;
  readonly next: number;
};

/** The codes that begin at that word, up to the first that is none, or begins a length of time. */
export function readCodes(words: readonly Word[], from: number, lengthAt: (at: number) => boolean): Listed {
  const codes: number[] = [];
  let loose: number | null = null;
  let next = from;
  for (let at = from; at < words.length; ) {
    const joins = ['and', 'alert', 'alerts', 'number'].includes(words[at]?.text ?? '');
    const place = joins ? at + 1 : at;
    const word = words[place];
    const found = lengthAt(place) ? null : codesIn(word);
    if (word === undefined || found === null) break;
    const marked = joins || word.hash || word.listed || found.length > 1;
    loose = marked || codes.length === 0 ? null : (found[0] ?? null);
    codes.push(...found);
    at = place + 1;
    next = at;
  }
  return { codes, loose, next };
}
