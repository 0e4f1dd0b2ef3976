/**
 * A message: what is to be said (`ToSay`), and how it goes out (`Message`), with
 * the words that a channel has unless the policy brings templates of its own.
 * What it tells is in message-content.ts, how each channel puts it in
 * message-mail.ts, message-chat.ts and message-sms.ts.
 *
 * The words are for somebody woken at three in the morning, so what is wrong
 * comes first, then since when by their own clock, then the one thing to do
 * about it. What senders wrote goes in as text and never as markup, control
 * characters or a second line of a header; the detail is HTML that the caller
 * sanitised.
 */
import { type Instant, rfc3339 } from '../../time.ts';
import type { AlertKey, Level, NotificationKind } from './alert.ts';
import { chatText } from './message-chat.ts';
import { type Content, contentOf, type Item } from './message-content.ts';
import { shortHash } from './message-hash.ts';
import { mailHtml, mailText } from './message-mail.ts';
import { lineOf, smsText } from './message-sms.ts';
import type { OwedMessage } from './notification.ts';
import type { Person } from './policy.ts';

/** What a message says of its receiver's limit. */
export type LimitNote = {
  /** How many messages were held back since the last one that went out. */
  readonly heldBack: number;
  /** With this message the limit is reached: others are held back until then. */
  readonly until: Instant | null;
};

/** A message owed, with what is looked up when it is about to go. */
export type ToRender = OwedMessage & {
  /** The alert's detail as it is now, sanitised by the caller. */
  readonly detailHtml: string;
  /** By which a person can name the alert in a reply: see `Transaction.loadCode`. */
  readonly code: number | null;
};

/** An alert that stands unacknowledged, for a summary. */
export type Standing = {
  readonly alert: AlertKey;
  readonly code: number | null;
  readonly source: string;
  readonly alertId: string;
  readonly subject: string;
  readonly summary: string;
  readonly level: Level;
  readonly raisedAt: Instant;
};

/** What goes out as one message to one person on one channel. */
export type ToSay =
  | { readonly kind: 'one'; readonly message: ToRender }
  /** Several, which were owed within a short while: at least two, urgent ones first. */
  | { readonly kind: 'digest'; readonly messages: readonly ToRender[] }
  /**
   * In place of single reminders: what stands unacknowledged, urgent ones first. `messages` are the reminders whose
   * place it takes, at least one; `total` may be more than `standing` lists.
   */
  | {
      readonly kind: 'summary';
      readonly messages: readonly ToRender[];
      readonly standing: readonly Standing[];
      readonly total: number;
    };

export const owedIn = (say: ToSay): readonly ToRender[] =>
  say.kind === 'one' ? [say.message] : say.messages;

/** One alert in a message, for programs. Times are RFC 3339 in UTC. */
export type AlertData = {
  readonly event: NotificationKind;
  readonly key: number;
  readonly code: number | null;
  readonly source: string;
  readonly id: string;
  readonly subject: string;
  readonly summary: string;
  readonly level: Level;
  readonly raised_at: string | null;
  readonly at: string;
  readonly by: string | null;
  readonly acknowledged_until: string | null;
  readonly note: string;
  readonly link: string;
};

/** A message, for programs. */
export type MessageData = {
  readonly event: NotificationKind | 'digest' | 'summary';
  readonly person: string;
  readonly title: string;
  readonly alerts: readonly AlertData[];
  /** How many alerts it is about, those that it does not list included. */
  readonly total: number;
};

/** A message, rendered for one channel. */
export type Message = {
  /** The same for each attempt at the same message, so that a provider can tell a retry from a second message. */
  readonly idempotencyKey: string;
  /** Of each message owed that it says: as `idempotencyKey` would be if it went alone. */
  readonly covers: readonly string[];
  readonly title: string;
  /** As this channel shows it: a mail's plain text, the whole of an SMS, a chat message, the body for a webhook. */
  readonly text: string;
  /** For mail only; empty for other channels. */
  readonly html: string;
  readonly urgent: boolean;
  /** The address that it shows: the page on which the alert can be acknowledged, or where alerts are listed. */
  readonly link: string;
  /**
   * The same for all messages about one alert, and for no others; one that says several has its own, and all
   * summaries for one person share theirs.
   */
  readonly thread: string;
  readonly data: MessageData;
};

export type RenderContext = {
  readonly person: Pick<Person, 'id' | 'name' | 'timezone'>;
  /** The name of the channel by which it goes. */
  readonly channel: string;
  /** Whether a text is short enough for that channel; null: any is. */
  readonly fits: ((text: string) => boolean) | null;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** The address on which this person can acknowledge an alert without logging in; null: there is none. */
  readonly ackLink: ((alert: AlertKey) => string) | null;
  readonly now: Instant;
  readonly limit: LimitNote | null;
};

/** What a channel shows of a message. */
export type Words = Pick<Message, 'title' | 'text' | 'html'>;

/** One message for all that is to be said, in the words of its channel. */
export function renderMessage(say: ToSay, context: RenderContext): Message {
  const content = contentOf(say, context);
  return messageOf(say, content, wordsOf(say, content, context), context);
}

/** The words in which a channel says it where nobody wrote others. */
export function wordsOf(say: ToSay, content: Content, context: RenderContext): Words {
  const { title } = content;
  switch (context.channel) {
    case 'sms':
      return { title, text: smsText(content, context), html: '' };
    case 'xmpp':
      return { title, text: chatText(content, context), html: '' };
    case 'webhook':
      return { title, text: webhookBody(say, content, context), html: '' };
    case 'email':
      return { title, text: mailText(content, context), html: mailHtml(content, context) };
    default:
      // A channel that nobody knows here shows text; where it has little room, as much as an SMS.
      return { title, text: fitting(mailText(content, context), content, context), html: '' };
  }
}

const fitting = (text: string, content: Content, context: RenderContext): string =>
  context.fits === null || context.fits(text) ? text : smsText(content, context);

/** The message that says it in these words. */
export function messageOf(say: ToSay, content: Content, words: Words, context: RenderContext): Message {
  const covers = owedIn(say).map(idempotencyKeyOf);
  return {
    idempotencyKey: keyOf(covers, content, context),
    covers,
    ...words,
    urgent: content.urgent,
    link: content.link,
    thread: threadOf(covers, content, context),
    data: dataOf(words.title, content, context),
  };
}

// With the due time, so that a station begun anew, whose keys start over, does not repeat those of old messages.
export const idempotencyKeyOf = (owed: Pick<OwedMessage, 'key' | 'channel' | 'dueAt'>): string =>
  `${owed.key}#${owed.channel}@${rfc3339(owed.dueAt)}`;

/** Short enough for a header, however many messages it stands for. */
function keyOf(covers: readonly string[], content: Content, { channel }: RenderContext): string {
  const [only] = covers;
  return only !== undefined && covers.length === 1
    ? only
    : `${content.event}/${shortHash(covers.join('\n'))}#${channel}`;
}

function threadOf(covers: readonly string[], { event, items }: Content, { person }: RenderContext): string {
  if (event === 'digest') return `digest/${shortHash(covers.join('\n'))}`;
  if (event === 'summary') return `summary/${shortHash(person.id)}`;
  return `${items[0]?.alert ?? ''}`;
}

/** What a webhook posts: everything that a program may want to know, and a line for people. */
function webhookBody(say: ToSay, content: Content, context: RenderContext): string {
  const { idempotencyKey, urgent, link, data } = messageOf(
    say,
    content,
    { title: content.title, text: '', html: '' },
    context,
  );
  const { event, person, title, total, alerts } = data;
  const text = lineOf(content, context);
  return JSON.stringify({ id: idempotencyKey, event, person, title, text, link, urgent, total, alerts });
}

function dataOf(title: string, content: Content, { person }: RenderContext): MessageData {
  const { event, items, total } = content;
  return { event, person: person.id, title, alerts: items.map(alertData), total };
}

function alertData(item: Item): AlertData {
  const time = (at: Instant | null): string | null => (at === null ? null : rfc3339(at));
  return {
    event: item.event,
    key: item.alert,
    code: item.code,
    source: item.source,
    id: item.alertId,
    subject: item.subject,
    summary: item.summary,
    level: item.level,
    raised_at: time(item.raisedAt),
    at: rfc3339(item.at),
    by: item.by,
    acknowledged_until: time(item.acknowledgedUntil),
    note: item.note,
    link: item.link,
  };
}
