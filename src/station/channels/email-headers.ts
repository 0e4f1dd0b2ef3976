/**
 * A message as a mail: its envelope of headers, by which mail programs put an
 * alert's messages together, robots see that nobody wants their answer, and
 * people can filter.
 *
 * What senders of alerts wrote is text here, bounded and on one line: it never
 * becomes a header of its own, nor something that a mail program decodes.
 */
import { createHash } from 'node:crypto';
import type { SendMailOptions } from 'nodemailer';
import { levels } from '../core/alert.ts';
import type { AlertData } from '../core/message.ts';
import { cut, oneLine } from '../core/message-text.ts';
import type { Message } from './channel.ts';

/** In characters: what of a source, a subject or a name stands in a header. */
export const headerTextMax = 200;
/** In characters of hexadecimal. */
const idLength = 40;

/** @param from the sender, whose domain the message's own names are made with. */
export function mailOf(to: string, message: Message, from: string): SendMailOptions {
  const domain = /@([^\s<>@]+)>?$/.exec(from)?.[1] ?? 'localhost';
  const id = (...parts: readonly string[]): string =>
    `<${hashOf(stationOf(message.link), ...parts)}@${domain}>`;
  // Never sent itself: whichever message of an alert comes first is an answer to it, and so are the others.
  const root = id('thread', message.thread);
  return {
    from,
    to: { name: '', address: to },
    subject: plain(message.title),
    text: message.text,
    ...(message.html === '' ? {} : { html: message.html }),
    messageId: id('message', message.idempotencyKey),
    inReplyTo: root,
    references: root,
    priority: message.urgent ? 'high' : 'normal',
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `Mauve alerts <alerts.${domain}>`,
      ...(message.urgent ? { Priority: 'urgent' } : {}),
      ...filterHeaders(message),
    },
  };
}

const hashOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, idLength);

/** Tells two stations apart that share a sender's address. The rest of a link may differ from try to try. */
const stationOf = (link: string): string => (URL.canParse(link) ? new URL(link).origin : '');

/** For filters: what all alerts of the message have in common, and the highest of their levels. */
function filterHeaders({ data }: Message): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { 'X-Mauve-Event': data.event };
  const add = (name: string, values: readonly (string | number | null)[]): void => {
    const [first = null] = values;
    if (first === null || values.some((value) => value !== first)) return;
    const value = plain(`${first}`);
    if (value !== '') headers[`X-Mauve-${name}`] = value;
  };
  const all = <Key extends keyof AlertData>(key: Key): readonly AlertData[Key][] =>
    data.alerts.map((alert) => alert[key]);
  add('Alert', all('key'));
  add('Code', all('code'));
  add('Source', all('source'));
  add('Id', all('id'));
  add('Subject', all('subject'));
  add('Level', [levels.findLast((level) => all('level').includes(level)) ?? null]);
  add('Alerts', [data.total]);
  return headers;
}

/** `=?` begins an encoded word: what a sender wrote must not be read as one. */
const plain = (text: string): string => cut(oneLine(text), headerTextMax).replaceAll('=?', '= ?');
