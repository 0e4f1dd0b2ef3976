/**
 * What somebody typed half asleep on a telephone, as words to be understood:
 * folded so that capitals, full-width digits, curly quotes and stray full stops
 * do not matter, each with the place where it stands, so that a note is kept as
 * it was written. It decides nothing.
 */
import { cut, oneLine } from './message-text.ts';

/** In characters: longer is no reply, and nothing is done. */
export const replyTextMax = 2048;
/** In characters, of what is kept as a note; the rest is cut. */
export const replyNoteMax = 1000;
/** Of what somebody wrote, when an answer quotes it. */
const shownMax = 20;

export type Word = {
  /** In small letters, without punctuation around it; `?` alone is kept. */
  readonly text: string;
  /** Where it begins, in `Said.body`. */
  readonly at: number;
  /** It was written with a `#`. */
  readonly hash: boolean;
  /** The word before it ended with a comma: it goes on a list. */
  readonly listed: boolean;
};

export type Said = { readonly body: string; readonly words: readonly Word[] };

/** Without what is quoted from an earlier message, and what mail programs write below. */
export function wordsOf(text: string): Said {
  const lines = text.toWellFormed().split(/\r\n?|\n/u);
  const signature = lines.findIndex((line) => /^-- ?$/u.test(line));
  const own = (signature < 0 ? lines : lines.slice(0, signature)).filter((line) => !/^\s*>/u.test(line));
  const body = own.join('\n');
  const words: Word[] = [];
  let listed = false;
  for (const found of body.matchAll(/\S+/gu)) {
    const folded = fold(found[0]);
    const trimmed = trim(folded);
    if (trimmed !== '') {
      const hash = trimmed.startsWith('#');
      const word = hash ? trimmed.replace(/^#+/u, '') : trimmed;
      if (word !== '') words.push({ text: word, at: found.index, hash, listed });
    }
    listed = /^[&+/]$|[,;]['"]?$/u.test(folded);
  }
  return { body, words };
}

const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .toLowerCase()
    .replace(/[‘’ʼ´`]/gu, "'")
    .replace(/[“”„«»]/gu, '"');

const trim = (text: string): string =>
  /^\?+$/u.test(text) ? '?' : text.replace(/^[^\p{L}\p{N}#]+/u, '').replace(/[^\p{L}\p{N}]+$/u, '');

/** What was written from that word on, as it was written, on one line. */
export function noteFrom({ body }: Pick<Said, 'body'>, word: Word | undefined): string {
  if (word === undefined) return '';
  const note = oneLine(body.slice(word.at)).replace(/^[\s:,;–—-]+/u, '');
  const quoted = /^(["“”„«'‘’])(.*)(["“”«»'‘’])$/u.exec(note)?.[2];
  const whole = quoted === undefined || /["“”]/u.test(quoted) ? note : quoted;
  return cut(whole.trim(), replyNoteMax);
}

/** Part of what somebody wrote, to be quoted in an answer. */
export const shown = (text: string): string => `"${cut(oneLine(text), shownMax)}"`;
