/**
 * A message as an SMS, made for a lock screen: how bad, what, where to go and
 * how to answer, in this order and mostly in characters that every phone has.
 * In little room it says less: first what is said besides goes, then the end
 * of the summary, then that of the subject. The link and the code are whole or
 * not there at all, and a list says how many it leaves out.
 */
import { minutes, since } from '../../time.ts';
import type { RenderContext } from './message.ts';
import { briefTime, type Content, headlineOf, type Item, isUrgent } from './message-content.ts';
import { type Fits, withLongestStart, withMost } from './message-fit.ts';
import { exampleCode } from './message-several.ts';
import { cutPlainly } from './message-text.ts';

/** Since when it is raised goes without saying in a message that comes at once. */
const atOnce = minutes(2);
/** In characters: what providers take, in however many segments. Counting those of a longer text would only take long. */
export const smsMax = 1600;
/** How much of an alert a list says, where all of them fit and where they do not, in characters. */
const lineWidths = [160, 60] as const;
const lineWidthLeast = 40;

export function smsText(content: Content, context: RenderContext): string {
  const fits: Fits = (text) => text.length <= smsMax && (context.fits?.(text) ?? true);
  const [item] = content.items;
  return isList(content) || item === undefined
    ? listText(content, context, fits)
    : oneText(item, content, context, fits);
}

const isList = ({ event }: Content): boolean => event === 'digest' || event === 'summary';

/** On one line and without an address: for a program that shows a message to people. */
export function lineOf(content: Content, context: RenderContext): string {
  const [item] = content.items;
  const what =
    isList(content) || item === undefined
      ? content.title
      : `${leadOf(item, context)}${headlineOf(item)}${sinceOf(item, context)}`;
  return content.limit.length === 0 ? what : [`${what}.`, ...content.limit].join(' ');
}

// ---------------------------------------------------------------- one alert

function oneText(item: Item, content: Content, context: RenderContext, fits: Fits): string {
  const reply = item.asks && item.code !== null ? ` ack ${item.code}` : '';
  const note = item.note === '' ? [] : [`"${item.note}"`];
  const extras = [...note, ...shortLimit(content, context)];
  for (let most = extras.length; most > 0; most--) {
    const text = [
      `${leadOf(item, context)}${headlineOf(item)}${sinceOf(item, context)} ${item.link}${reply}`,
      ...extras.slice(0, most),
    ].join('\n');
    if (fits(text)) return text;
  }
  // The code alone is worth more than an address that fits nowhere.
  for (const answer of [`${item.link}${reply}`, item.link, reply.trim()]) {
    const text = shortened(item, answer, context, fits);
    if (text !== null) return text;
  }
  return item.link;
}

/** As much as fits beside the answer; null where that does not even fit alone. */
function shortened(item: Item, answer: string, context: RenderContext, fits: Fits): string | null {
  const lead = leadOf(item, context);
  const time = sinceOf(item, context);
  const { subject } = item;
  const all = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
  if (item.event === 'test') return withLongestStart(headlineOf(item), (words) => all(words, answer), fits);
  const withSummary = (start: string): string =>
    all(`${lead}${start === '' ? subject : `${subject}: ${start}`}${time}`, answer);
  return (
    withLongestStart(item.summary, withSummary, fits) ??
    withLongestStart(subject, (start) => all(start === '' ? '' : `${lead}${start}`, answer), fits)
  );
}

/** What happened, as short as it can be said: `URGENT `, `Still raised: `. */
function leadOf(item: Item, context: RenderContext): string {
  const urgent = isUrgent(item);
  const by = item.by === null ? '' : ` by ${item.by}`;
  switch (item.event) {
    case 'raised':
      return urgent ? 'URGENT ' : 'Raised: ';
    case 're-raised':
      return urgent ? 'URGENT again: ' : 'Raised again: ';
    case 'reminder':
      return urgent ? 'URGENT still: ' : 'Still raised: ';
    case 'acknowledged': {
      const { acknowledgedUntil } = item;
      const until = acknowledgedUntil === null ? '' : ` until ${briefTime(acknowledgedUntil, context)}`;
      return `Acknowledged${by}${until}: `;
    }
    case 'cleared':
      return `Cleared${by}: `;
    case 'test':
      return '';
    default:
      return item.event satisfies never;
  }
}

function sinceOf(item: Item, context: RenderContext): string {
  const { raisedAt, event } = item;
  if (raisedAt === null || event === 'acknowledged' || event === 'test') return '';
  const late = since(raisedAt, context.now) >= atOnce;
  return late || event === 'reminder' ? `, raised ${briefTime(raisedAt, context)}` : '';
}

function shortLimit(content: Content, context: RenderContext): readonly string[] {
  const { limit } = context;
  if (limit === null || content.limit.length === 0) return [];
  const before = limit.heldBack === 0 ? [] : [`${limit.heldBack} held back before.`];
  return limit.until === null
    ? before
    : [...before, `Limit reached until ${briefTime(limit.until, context)}.`];
}

// ---------------------------------------------------------------- several

function listText(content: Content, context: RenderContext, fits: Fits): string {
  const { items, total, title, link } = content;
  const made = (listed: number, width: number, reply: boolean, ...extras: readonly string[]): string => {
    const left = total - listed;
    // A title without any of its alerts has said already how many there are.
    const more = left > 0 && listed > 0 ? [`+${left} more`] : [];
    const lines = items.slice(0, listed).map((item) => lineIn(item, content, context, width));
    const answer = `${link}${reply ? replyOf(content, listed) : ''}`;
    return [title, ...lines, ...more, answer, ...extras].join('\n');
  };
  for (const width of lineWidths) {
    for (const extras of [shortLimit(content, context), []]) {
      const text = made(items.length, width, true, ...extras);
      if (fits(text)) return text;
    }
  }
  for (const reply of [true, false]) {
    const text = withMost(items.length, (listed) => made(listed, lineWidthLeast, reply), fits);
    if (text !== null) return text;
  }
  const short = `${total} alerts`;
  return [`${short} ${link}`, link, title, short].find(fits) ?? link;
}

/** `12 URGENT db1: disk is 97% full` */
function lineIn(item: Item, { event }: Content, context: RenderContext, width: number): string {
  const code = item.code === null ? '' : `${item.code} `;
  const headline = headlineOf(item);
  if (event === 'digest') return `${code}${leadOf(item, context)}${cutPlainly(headline, width)}`;
  const time = item.raisedAt === null ? '' : ` (${briefTime(item.raisedAt, context)})`;
  return `${code}${isUrgent(item) ? 'URGENT ' : ''}${cutPlainly(headline, width)}${time}`;
}

/** How to answer a list: all of it where it stands for all, else one of those that are listed as an example. */
function replyOf({ event, items }: Content, listed: number): string {
  if (event === 'summary') return ' ack all';
  const example = exampleCode(items, listed);
  return example === null ? '' : ` ack ${example}`;
}
