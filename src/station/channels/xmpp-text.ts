/**
 * Texts on their way into and out of XMPP: what XML cannot hold is taken out
 * (one such character would end the connection for everybody), and nothing is
 * longer than servers take.
 */
import { createHash } from 'node:crypto';

/** In bytes of UTF-8. Servers take stanzas of 64 KB and more; escaped for XML, a text can grow. */
export const textMax = 32 * 1024;
/** In characters, of what people write to the station. */
export const heardMax = 4096;
const ellipsis = '…';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Without what XML 1.0 has no way to write. */
export const legal = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').toWellFormed().replace(illegal, '');

export const fits = (text: string): boolean => Buffer.byteLength(legal(text)) <= textMax;

/** Short enough and legal. A link that the cut would lose stands at the end again. @param link may be empty. */
export function shortened(text: string, link: string): string {
  const clean = legal(text);
  if (Buffer.byteLength(clean) <= textMax) return clean;
  const end = `${ellipsis}\n${legal(link)}`.trimEnd();
  const start = cutBytes(clean, textMax - Buffer.byteLength(end));
  return link !== '' && start.includes(link) ? `${start}${ellipsis}` : `${start}${end}`;
}

/** At a character. */
function cutBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  let end = Math.max(0, Math.min(max, bytes.length));
  // A byte 10xxxxxx goes on with a character that began before it.
  while (end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end).trimEnd();
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
