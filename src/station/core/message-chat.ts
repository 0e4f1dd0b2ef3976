/**
 * A message in a chat: a few lines, the link on a line of its own so that every
 * client makes it one to tap, and the words with which to answer.
 */
import type { RenderContext } from './message.ts';
import { type Content, eventWords, headlineOf, type Item } from './message-content.ts';
import { withLongestStart, withMost } from './message-fit.ts';
import { exampleCode } from './message-several.ts';
import { smsText } from './message-sms.ts';
import { cut } from './message-text.ts';

/** So many alerts are listed in a chat; beyond that nobody reads, and the link has them all. */
export const chatListMax = 20;
/** In characters, of each of them. */
const chatLineMax = 200;

export function chatText(content: Content, context: RenderContext): string {
  const fits = context.fits ?? (() => true);
  const [item] = content.items;
  if (content.event !== 'digest' && content.event !== 'summary' && item !== undefined) {
    const text = withLongestStart(
      item.summary,
      (summary) => oneText({ ...item, summary }, content, context),
      fits,
    );
    return text ?? smsText(content, context);
  }
  const most = Math.min(content.items.length, chatListMax);
  return withMost(most, (listed) => listText(content, context, listed), fits) ?? smsText(content, context);
}

function oneText(item: Item, content: Content, context: RenderContext): string {
  const what =
    item.event === 'test'
      ? `${headlineOf(item)}.`
      : `${eventWords(item, context.now)}: ${item.summary === '' ? item.subject : headlineOf(item)}`;
  const note = item.note === '' ? [] : [`Note: ${item.note}`];
  const { code } = item;
  const reply = item.asks && code !== null ? [`Answer "ack ${code}" or "ack ${code} 2h".`] : [];
  return [what, content.story.join(' '), ...note, item.link, ...reply, ...content.limit].join('\n');
}

function listText(content: Content, context: RenderContext, listed: number): string {
  const { items, total, title, limit, link } = content;
  const lines = items.slice(0, listed).flatMap((item) => {
    const code = item.code === null ? '' : ` (${item.code})`;
    return [
      `- ${eventWords(item, context.now)}: ${cut(headlineOf(item), chatLineMax)}${code}`,
      `  ${item.link}`,
    ];
  });
  const left = total - listed;
  const more = left === 0 || listed === 0 ? [] : [`+${left} more`];
  return [title, ...lines, ...more, `All: ${link}`, ...replyOf(content), ...limit].join('\n');
}

function replyOf({ event, items }: Content): readonly string[] {
  const example = exampleCode(items, items.length);
  const all = event === 'summary' ? 'Answer "ack all"' : '';
  if (example === null) return all === '' ? [] : [`${all}.`];
  const one = `"ack ${example}" or "ack ${example} 2h"`;
  return [all === '' ? `Answer ${one}.` : `${all}, ${one}.`];
}
