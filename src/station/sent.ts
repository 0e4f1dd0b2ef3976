/**
 * What is put on record of a message that was sent: its words as others may read
 * them, and what the channel said of it, as a receipt. A link with which one may
 * act in the receiver's name must never be among the words.
 */
import type { Duration } from '../time.ts';
import type { Message, SendResult } from './channels/channel.ts';
import type { Receipt } from './door.ts';
import type { JudgedGroup } from './limits.ts';

/** Of a message, what the inbox shows. */
export type Kept = Pick<Message, 'title' | 'text'>;

/** What is kept of a message, for pages that all may read: whoever has its links could act in the receiver's name. */
export function keptOf(rendered: Message | null, secret: ReadonlyMap<string, string>): Kept {
  const openly = (text: string): string =>
    text.replace(/https?:\/\/[^\s/]+\/a\/[\w-]+/g, (link) => secret.get(link) ?? link);
  return rendered === null
    ? { title: '', text: '' }
    : { title: openly(rendered.title), text: openly(rendered.text) };
}

/** Of what went out as one, the words are kept once. */
export const restOf = ({ title }: Kept): Kept => ({ title, text: `In one message with others: ${title}\n` });

export function receiptOf(
  { title, text }: Kept,
  result: SendResult,
  by: string,
  why: string,
  after: Duration,
): Receipt {
  switch (result.kind) {
    case 'delivered': {
      const { reference } = result;
      return { kind: 'delivered', by, title, text, why, ...(reference === undefined ? {} : { reference }) };
    }
    case 'accepted':
      return { kind: 'accepted', title, text, why, reference: result.reference };
    case 'failed':
      return { kind: 'failed', why };
    case 'retry':
      return { kind: 'retry', after, why };
    default:
      return result satisfies never;
  }
}

/** That it went out together with others, for the history. */
export function togetherWords({ messages, summary }: JudgedGroup): string {
  if (summary !== null) return ` (in a summary of ${summary.total} alerts)`;
  const others = messages.length - 1;
  return others === 0 ? '' : ` (in one message with ${others} other${others === 1 ? '' : 's'})`;
}
