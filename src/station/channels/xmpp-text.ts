/**
 * Texts on their way into and out of XMPP: what XML cannot hold is taken out
 * (one such character would end the connection for everybody), and nothing is
 * longer than servers take.
 */
import { createHash } from 'node:crypto';

/** In bytes as they go out, escaped for XML. Servers take stanzas of 64 KB and more, and end the stream over a longer one. */
export const textMax = 32 * 1024;
/** In characters, of what people write to the station. */
export const heardMax = 4096;
const ellipsis = '…';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Without what XML 1.0 has no way to write. */
export const legal = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').toWellFormed().replace(illegal, '');

const escaped: Readonly<Record<string, number>> = {
  '&': '&amp;'.length,
  '<': '&lt;'.length,
  '>': '&gt;'.length,
};
const sizeOf = (character: string): number => escaped[character] ?? Buffer.byteLength(character);

/** In bytes, as a stanza has it. */
export function writtenSize(text: string): number {
  let size = Buffer.byteLength(text);
  for (const [character] of text.matchAll(/[&<>]/g)) size += sizeOf(character) - 1;
  return size;
}

export const fits = (text: string): boolean => writtenSize(legal(text)) <= textMax;

/** Short enough and legal. A link that the cut would lose stands at the end again. @param link may be empty. */
export function shortened(text: string, link: string): string {
  const clean = legal(text);
  if (writtenSize(clean) <= textMax) return clean;
  const end = `${ellipsis}\n${legal(link)}`.trimEnd();
  const start = cutTo(clean, textMax - writtenSize(end));
  return link !== '' && start.includes(link) ? `${start}${ellipsis}` : `${start}${end}`;
}

/** At a character. @param max as `writtenSize` counts. */
function cutTo(text: string, max: number): string {
  let size = 0;
  let end = 0;
  for (const character of text) {
    size += sizeOf(character);
    if (size > max) break;
    end += character.length;
  }
  return text.slice(0, end).trimEnd();
}

/** What somebody wrote, bounded. */
export const cutHeard = (text: string): string => text.trim().slice(0, heardMax).toWellFormed();

const hash = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

const idStart = 'mauve-';

/**
 * The id of a message: the same for each attempt at it, so that clients show it once. Its end tells to whom it went,
 * so that a bounce long after can be told from somebody else's invention.
 */
export const stanzaId = (key: string, to: string): string => `${idStart}${hash(key, 32)}-${hash(to, 12)}`;

/** Whether a message with this id went to that bare address. */
export const wasSentTo = (id: string, to: string): boolean => ours(id) && id.endsWith(`-${hash(to, 12)}`);

/** Whether a station wrote it: this one or another. */
export const ours = (id: string): boolean => id.startsWith(idStart);

/** For answers, which nobody counts. */
export const answerId = (random: string): string => `${idStart}answer-${random}`;
