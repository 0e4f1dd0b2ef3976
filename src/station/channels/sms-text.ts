/**
 * The text of an SMS as it is really sent, and how much of one it is. A single
 * character that the GSM alphabet lacks makes the whole message UCS-2, with
 * less than half the room at the same price: so typographic characters give way
 * to their plain look-alikes where that, and only that, makes the message
 * GSM-7. Letters are never changed: é and ü are in the alphabet, and what is
 * not there is somebody's name.
 *
 * A link is never cut: half a link is worth nothing at three in the morning.
 */
import { SegmentedMessage } from 'sms-segments-calculator';
import { smsCharactersMax } from './sms-limits.ts';

/** What shows nothing, and would make a message UCS-2 for it: zero widths that join nothing, the soft hyphen. */
const invisible = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
const otherControls = /[\p{Cc}--[\n]]/gv;

const alike: readonly (readonly [characters: string, plain: string])[] = [
  ['\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000', ' '],
  ['\u2028\u2029', '\n'],
  ['‘’‚‛′ʹʻʼʽˈ`´‹›', "'"],
  ['“”„‟″«»〝〞', '"'],
  ['‐‑‒–—―−⁃﹣－', '-'],
  ['…', '...'],
  ['•·∙‣▪◦●', '*'],
  ['→⇒➜', '->'],
  ['←⇐', '<-'],
  ['↔⇔', '<->'],
  ['×', 'x'],
  ['÷⁄∕', '/'],
  ['±', '+/-'],
  ['≤', '<='],
  ['≥', '>='],
  ['≠', '!='],
  ['≈', '~'],
  ['°', 'deg'],
  ['µμ', 'u'],
  ['¼', '1/4'],
  ['½', '1/2'],
  ['¾', '3/4'],
  ['²', '2'],
  ['³', '3'],
  ['ﬁ', 'fi'],
  ['ﬂ', 'fl'],
  ['™', '(tm)'],
  ['©', '(c)'],
  ['®', '(r)'],
];
const plainOf: ReadonlyMap<string, string> = new Map(
  alike.flatMap(([characters, plain]) => [...characters].map((one) => [one, plain] as const)),
);

/** The text as it goes to Twilio. Nothing of it is cut. */
export function asSms(text: string): string {
  const clean = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/\r\n?/gu, '\n')
    .replace(/\t/gu, ' ')
    .replace(otherControls, '')
    .replace(invisible, '')
    .trim();
  const plain = [...clean]
    .map((one) => plainOf.get(one) ?? one)
    .join('')
    .trim();
  return isGsm(plain) ? plain : clean;
}

/** In how many segments a text goes that is as `asSms` made it: each is charged as one SMS. */
export const segmentsOf = (sms: string): number => new SegmentedMessage(sms).segmentsCount;

/** GSM 03.38, those that take two places included. The library knows it too, but takes its time over long texts. */
const gsmAlphabet: ReadonlySet<string> = new Set(
  '@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿' +
    'abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€',
);
export function isGsm(text: string): boolean {
  for (const one of text) if (!gsmAlphabet.has(one)) return false;
  return true;
}

/** Whether the text goes whole into so many segments. */
export function fitsSms(text: string, segments: number): boolean {
  return takes(asSms(text), segments);
}

function takes(sms: string, segments: number): boolean {
  const { alone, joined } = isGsm(sms) ? room.gsm : room.ucs;
  // What is far too long need not be counted, which takes milliseconds.
  const most = Math.min(smsCharactersMax, Math.max(alone, joined * segments));
  return sms.length <= most && segmentsOf(sms) <= segments;
}
/** Characters in a message of one segment, and in each of several, which say which one they are. */
const room = { gsm: { alone: 160, joined: 153 }, ucs: { alone: 70, joined: 67 } } as const;

const ellipsis = '…';
const links = /https?:\/\/\S+/giu;
const linkAtEnd = /https?:\/\/\S*$/iu;

/**
 * The text as it goes to Twilio, in so many segments. What is too long is cut before its last link, with an ellipsis,
 * and the link stays whole, even where it alone takes more segments.
 */
export function shortenedSms(text: string, segments: number): string {
  const whole = asSms(text);
  if (takes(whole, segments)) return whole;
  const link = [...text.matchAll(links)].findLast(([found]) => found.length <= smsCharactersMax);
  if (link === undefined) return cutBefore(text, '', segments);
  const [words] = link;
  const before = text.slice(0, link.index);
  // What stands behind the link may be the short code by which it can be answered.
  const tail = text.slice(link.index);
  if (takes(asSms(`${ellipsis} ${tail}`), segments)) return cutBefore(before, tail, segments);
  if (takes(asSms(`${ellipsis} ${words}`), segments)) return cutBefore(before, words, segments);
  return asSms(words);
}

/** As much of `head` as there is room for before `tail`: no text gets shorter by more of it. */
function cutBefore(head: string, tail: string, segments: number): string {
  const glyphs = [...graphemes.segment(head.trimEnd().slice(0, smsCharactersMax))].map((one) => one.segment);
  const joined = (count: number): string => {
    const kept = glyphs.slice(0, count).join('');
    const inWord = /^\S/u.test(glyphs[count] ?? '');
    const words = (inWord ? kept.replace(linkAtEnd, '') : kept).trimEnd();
    // A dot that touches a link is taken for a part of it.
    const end = linkAtEnd.test(words) ? ` ${ellipsis}` : ellipsis;
    return asSms(`${words}${end}${tail === '' ? '' : ` ${tail}`}`);
  };
  let fits = 0;
  let tooMany = glyphs.length + 1;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (takes(joined(middle), segments)) fits = middle;
    else tooMany = middle;
  }
  return joined(fits);
}
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
