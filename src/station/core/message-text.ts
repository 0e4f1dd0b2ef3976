/**
 * Making text from outside harmless and readable: one line, no control
 * characters, nothing that turns the reading direction, never cut inside a
 * character, wrapped for a plain-text mail.
 */

/** Characters that show nothing but change how the rest is read: directions, zero widths, the byte order mark. */
const invisible = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
const wrapColumn = 72;

/** On one line: line ends and other control characters become one space, and no header can be smuggled in. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(invisible, '')
    .replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
}

/** As `oneLine` for a text of several lines, with no more than one empty line between two, and none at either end. */
export function someLines(text: string): string {
  return text
    .toWellFormed()
    .replace(invisible, '')
    .replace(/\r\n?|[\u2028\u2029]/gu, '\n')
    .replace(/[\p{Cc}--[\n\t]]/gv, '')
    .replace(/[^\S\n]+$/gmu, '')
    .replace(/\n{3,}/gu, '\n\n')
    .trim();
}

/**
 * Sanitised HTML without control characters and what turns the reading direction. They are replaced, not
 * dropped: dropping one could join what stands around it into something that the sanitiser never saw.
 */
export function tamedHtml(detailHtml: string): string {
  return detailHtml.toWellFormed().replace(/[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\n\r\t]]/gv, '\ufffd');
}

/** At most `max` characters, the last an ellipsis if something was cut. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const characters = [...text.slice(0, 2 * max + 2)];
  return characters.length <= max && text.length <= 2 * max + 2
    ? text
    : `${characters
        .slice(0, max - 1)
        .join('')
        .trimEnd()}…`;
}

/** As `cut`, in the characters of every phone: a single `…` would halve the room of an SMS. */
export function cutPlainly(text: string, max: number): string {
  const short = cut(text, max);
  return short === text ? text : `${short.slice(0, -1)}...`;
}

/** Breaks lines at spaces; a word longer than a line stays whole, since it may be an address. */
export function wrap(line: string): string {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > wrapColumn) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].join('\n');
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};
const blocks =
  /<\/?(?:address|article|blockquote|dd|div|dl|dt|figure|h[1-6]|hr|li|ol|p|pre|section|table|tr|ul)\b[^<>]*>/giu;

/** The words of sanitised HTML, one line a block; not for HTML that nobody sanitised. */
export function detailAsText(detailHtml: string): string {
  return detailHtml
    .replace(/<br\b[^<>]*>/giu, '\n')
    .replace(/<\/(?:td|th)>/giu, ' ')
    .replace(blocks, '\n')
    .replace(/<[^<>]*>/gu, '')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/giu, decodeEntity)
    .toWellFormed()
    .replace(invisible, '')
    .replace(/\r\n?/gu, '\n')
    .replace(/[\p{Cc}--[\n\t]]/gv, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/gu, '\n\n')
    .trim();
}

function decodeEntity(
  written: string,
  decimal: string | undefined,
  hex: string | undefined,
  name: string | undefined,
): string {
  if (name !== undefined) return entities[name.toLowerCase()] ?? written;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  const isScalar = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isScalar ? String.fromCodePoint(code) : '';
}
