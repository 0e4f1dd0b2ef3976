/**
 * The words of a message: for somebody woken at three in the morning, so what
 * is wrong comes first, then since when by their own clock, then the one thing
 * to do about it.
 *
 * What senders wrote goes in as text and never as markup, control characters
 * or a second line of a header; the detail is HTML that the caller sanitised.
 */
import { html, raw } from 'hono/html';
import { type Instant, rfc3339, since } from '../../time.ts';
import type { AlertKey, Level, NotificationKind } from './alert.ts';
import { cut, detailAsText, oneLine, tamedHtml, wrap } from './message-text.ts';
import type { NotificationFacts, OwedMessage } from './notification.ts';
import type { Person } from './policy.ts';
import { clockTime, lengthOfTime } from './words.ts';

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
  /** The same for all messages about one alert, and for no others. */
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

/** In characters each. A lock screen shows some 60 of a title, a mail program some 120. */
export const titleMax = 160;
export const subjectMax = 200;
export const summaryMax = 1024;
export const nameMax = 200;
export const noteMax = 1000;
/** What of the detail goes into plain text. */
export const detailTextMax = 4000;
/** A longer detail goes in as plain text, cut: markup cannot be cut, and mail programs fold what is over 100 KB. */
export const detailHtmlMax = 65_536;

/** One message for all that is to be said. */
export function renderMessage(say: ToSay, context: RenderContext): Message {
  const owed = owedIn(say);
  const [first] = owed;
  if (first === undefined) throw new Error('nothing to say');
  const parts = partsOf(first, context);
  const covers = owed.map(idempotencyKeyOf);
  return {
    idempotencyKey: covers.length === 1 ? (covers[0] ?? '') : covers.join(' '),
    covers,
    title: parts.title,
    text: textOf(parts),
    html: htmlOf(parts),
    urgent: first.level === 'urgent' && parts.toDo,
    link: parts.link,
    thread: `${first.alert}`,
    data: {
      event: say.kind === 'one' ? first.kind : say.kind,
      person: context.person.id,
      title: parts.title,
      alerts: owed.map((one) => dataOf(one, context)),
      total: say.kind === 'summary' ? say.total : owed.length,
    },
  };
}

// With the due time, so that a station begun anew, whose keys start over, does not repeat those of old messages.
export const idempotencyKeyOf = (owed: Pick<OwedMessage, 'key' | 'channel' | 'dueAt'>): string =>
  `${owed.key}#${owed.channel}@${rfc3339(owed.dueAt)}`;

function dataOf(owed: ToRender, { baseUrl }: RenderContext): AlertData {
  const { facts } = owed;
  const time = (at: Instant | null): string | null => (at === null ? null : rfc3339(at));
  return {
    event: owed.kind,
    key: owed.alert,
    code: owed.code,
    source: facts.source,
    id: facts.alertId,
    subject: facts.subject,
    summary: facts.summary,
    level: owed.level,
    raised_at: time(facts.raisedAt),
    at: rfc3339(facts.at),
    by: facts.by,
    acknowledged_until: time(facts.acknowledgedUntil),
    note: facts.note,
    link: `${baseUrl}/alerts/${owed.alert}`,
  };
}

type Parts = {
  readonly title: string;
  /** What is wrong: `db1: disk is 97% full`. */
  readonly headline: string;
  /** How it stands, in sentences. */
  readonly story: readonly string[];
  readonly limit: readonly string[];
  readonly note: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Somebody is to do something about it. */
  readonly toDo: boolean;
  readonly urgent: boolean;
  readonly link: string;
  readonly detailHtml: string;
};

function partsOf(owed: ToRender, context: RenderContext): Parts {
  const facts = cleaned(owed.facts);
  const toDo = owed.kind !== 'acknowledged' && owed.kind !== 'cleared' && owed.kind !== 'test';
  const urgent = owed.level === 'urgent';
  const headline = facts.subject === '' ? facts.summary : `${facts.subject}: ${facts.summary}`;
  const heading = headingOf(owed.kind, facts, context.now);
  return {
    title: cut(`${urgent && toDo ? `URGENT ${heading}` : capital(heading)}: ${headline}`, titleMax),
    headline,
    story: storyOf(owed.kind, facts, context),
    limit: limitWords(context.limit, context),
    note: owed.kind === 'acknowledged' ? facts.note : '',
    labels: [
      ['Source', facts.source],
      ['Alert', facts.alertId],
      ['Level', owed.level],
    ],
    toDo,
    urgent,
    link: `${context.baseUrl}/alerts/${owed.alert}`,
    detailHtml: owed.detailHtml,
  };
}

/** One line each, bounded, with something to read where a sender left it empty. */
function cleaned(facts: NotificationFacts): NotificationFacts {
  const alertId = cut(oneLine(facts.alertId), nameMax);
  const source = cut(oneLine(facts.source), nameMax);
  return {
    ...facts,
    alertId,
    source,
    subject: cut(oneLine(facts.subject), subjectMax) || source,
    summary: cut(oneLine(facts.summary), summaryMax) || alertId,
    by: facts.by === null ? null : cut(oneLine(facts.by), nameMax),
    note: cut(oneLine(facts.note), noteMax),
  };
}

function headingOf(kind: NotificationKind, facts: NotificationFacts, now: Instant): string {
  switch (kind) {
    case 'raised':
      return 'raised';
    case 're-raised':
      return 'raised again';
    case 'acknowledged':
      return facts.by === null ? 'acknowledged' : `acknowledged by ${facts.by}`;
    case 'cleared':
      return facts.by === null ? 'cleared' : `cleared by ${facts.by}`;
    case 'test':
      return 'test';
    case 'reminder':
      return `still raised, ${lengthOfTime(since(facts.raisedAt ?? facts.at, now))}`;
    default:
      return kind satisfies never;
  }
}

function storyOf(
  kind: NotificationKind,
  facts: NotificationFacts,
  context: RenderContext,
): readonly string[] {
  const when = (at: Instant): string => clockTime(at, context.now, context.person.timezone);
  const raisedAt = facts.raisedAt ?? facts.at;
  const by = facts.by === null ? '' : ` by ${facts.by}`;
  switch (kind) {
    case 'raised':
      return [`Raised at ${when(raisedAt)}.`];
    case 're-raised': {
      const takenBack = facts.by === null ? [] : [`${facts.by} took the acknowledgement back.`];
      return [`Raised again at ${when(raisedAt)}.`, ...takenBack];
    }
    case 'acknowledged': {
      const until = facts.acknowledgedUntil;
      const end = until === null ? '' : ` until ${when(until)}`;
      return [`Acknowledged${by}${end}; no reminders meanwhile.`, `Raised at ${when(raisedAt)}.`];
    }
    case 'cleared': {
      const lasted = lengthOfTime(since(raisedAt, facts.at));
      const before = facts.raisedAt === null ? [] : [`It was raised at ${when(raisedAt)}, for ${lasted}.`];
      return [`Cleared${by} at ${when(facts.at)}.`, ...before];
    }
    case 'test':
      return ['This is a test message: there is nothing to do.'];
    case 'reminder': {
      const lasts = lengthOfTime(since(raisedAt, context.now));
      return [`Still raised, since ${when(raisedAt)} (${lasts}); nobody has acknowledged it.`];
    }
    default:
      return kind satisfies never;
  }
}

function limitWords(limit: LimitNote | null, context: RenderContext): readonly string[] {
  if (limit === null) return [];
  const { heldBack, until } = limit;
  const were = heldBack === 1 ? 'One message was' : `${heldBack} messages were`;
  const before =
    heldBack === 0 ? [] : [`${were} held back before this one: what still stands of them follows.`];
  if (until === null) return before;
  const end = clockTime(until, context.now, context.person.timezone);
  return [...before, `Your limit is reached: further messages are held back until ${end}.`];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function textOf(parts: Parts): string {
  const note = parts.note === '' ? [] : [`Note: ${parts.note}`];
  const detail = cut(detailAsText(parts.detailHtml), detailTextMax);
  return [
    wrap(parts.headline),
    [...parts.story, ...note].map(wrap).join('\n'),
    parts.labels.map(([name, value]) => wrap(`${name}: ${value}`)).join('\n'),
    `${parts.toDo ? 'Acknowledge it here, and the reminders stop:' : 'The alert:'}\n${parts.link}`,
    ...(parts.limit.length === 0 ? [] : [parts.limit.map(wrap).join('\n')]),
    ...(detail === '' ? [] : [`Detail:\n\n${detail}`]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Nothing has a width, and no text a colour of its own: the reader's light or dark scheme decides. */
function htmlOf(parts: Parts): string {
  const accent = parts.toDo ? (parts.urgent ? '#d6303d' : '#c47f00') : '#2e8b57';
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${parts.title}</title>
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;overflow-wrap:anywhere">
<div style="max-width:40em;margin:0 auto">
<h1 style="margin:0 0 12px;padding:2px 0 2px 12px;border-left:6px solid ${accent};font-size:22px;line-height:1.3">${parts.headline}</h1>
${parts.story.map((line) => html`<p style="margin:0 0 8px">${line}</p>\n`)}
${parts.note === '' ? '' : html`<blockquote style="margin:8px 0 16px;padding-left:12px;border-left:3px solid #888">${parts.note}</blockquote>`}
<p style="margin:20px 0"><a href="${parts.link}" style="display:block;padding:14px 16px;border-radius:8px;background:#1a5fb4;color:#ffffff;font-size:18px;font-weight:bold;text-align:center;text-decoration:none">${parts.toDo ? 'Acknowledge' : 'Open the alert'}</a></p>
${parts.limit.map((line) => html`<p style="margin:0 0 8px"><b>${line}</b></p>\n`)}
<p style="margin:0 0 16px;font-size:14px">${parts.labels.map(([name, value]) => html`${name}: <b>${value}</b><br>\n`)}</p>
${detailBlock(parts.detailHtml)}
<p style="margin:16px 0 0;font-size:14px"><a href="${parts.link}">${parts.link}</a></p>
</div>
</body>
</html>
`;
  if (page instanceof Promise) throw new Error('a template without promises made one');
  return page.toString();
}

function detailBlock(detailHtml: string): unknown {
  if (detailHtml.trim() === '') return '';
  const style =
    'margin:0;padding-top:12px;border-top:1px solid #888;overflow-x:auto;overflow-wrap:break-word';
  if (detailHtml.length <= detailHtmlMax)
    return html`<div style="${style}">${raw(tamedHtml(detailHtml))}</div>`;
  const text = cut(detailAsText(detailHtml), detailTextMax);
  return html`<div style="${style};white-space:pre-wrap">${text}</div>`;
}
