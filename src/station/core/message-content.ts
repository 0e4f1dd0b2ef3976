/**
 * What a message tells, before a channel puts it into its words: each alert
 * that it is about (`Item`), the title, how things stand in sentences, and what
 * there is to do. What senders wrote is made harmless here, once, for every
 * channel and every template.
 */
import { type Instant, minutes, since } from '../../time.ts';
import type { AlertKey, Level, NotificationKind } from './alert.ts';
import type { LimitNote, MessageData, RenderContext, Standing, ToRender, ToSay } from './message.ts';
import { digestTitle, summaryTitle } from './message-several.ts';
import { cut, oneLine } from './message-text.ts';
import { clockTime, lengthOfTime } from './words.ts';

/** In characters each. A lock screen shows some 60 of a title, a mail program some 120. */
export const titleMax = 160;
export const subjectMax = 200;
export const summaryMax = 1024;
export const nameMax = 200;
export const noteMax = 1000;
/** So many alerts are listed in one message; how many there are besides is said. */
export const listedMax = 500;

/** One alert in a message: what is known of it, on one line each and bounded. */
export type Item = {
  readonly alert: AlertKey;
  readonly event: NotificationKind;
  readonly level: Level;
  /** Somebody is to do something about it. */
  readonly asks: boolean;
  readonly source: string;
  readonly alertId: string;
  readonly subject: string;
  readonly summary: string;
  readonly raisedAt: Instant | null;
  readonly at: Instant;
  readonly by: string | null;
  readonly acknowledgedUntil: Instant | null;
  readonly note: string;
  readonly code: number | null;
  /** Where it can be acknowledged, if it asks for that; else its page. */
  readonly link: string;
};

export type Content = {
  readonly event: MessageData['event'];
  readonly title: string;
  /** What it is about, urgent ones first; one for an event of one alert. */
  readonly items: readonly Item[];
  /** How many there are, those included that are not listed. */
  readonly total: number;
  /** How it stands, in sentences. */
  readonly story: readonly string[];
  /** What the person's limit does to this message and the next ones, in sentences. */
  readonly limit: readonly string[];
  readonly asks: boolean;
  readonly urgent: boolean;
  readonly link: string;
  /** Sanitised; empty where there is none, and for several alerts. */
  readonly detailHtml: string;
};

export function contentOf(say: ToSay, context: RenderContext): Content {
  const limit = limitWords(context.limit, context);
  if (say.kind === 'one') return { ...contentOfOne(say.message, context), limit };
  const list = `${context.baseUrl}/`;
  const several = { story: [], limit, link: list, detailHtml: '' };
  if (say.kind === 'digest') {
    const items = urgentFirst(say.messages.map((owed) => itemOf(owed, context)));
    return {
      ...several,
      event: 'digest',
      title: digestTitle(items),
      items: items.slice(0, listedMax),
      total: items.length,
      asks: items.some(({ asks }) => asks),
      urgent: items.some(isUrgent),
    };
  }
  const items = urgentFirst(say.standing.map((one) => standingItem(one, context)));
  const total = Math.max(say.total, items.length);
  return {
    ...several,
    event: 'summary',
    title: summaryTitle(items, total),
    items: items.slice(0, listedMax),
    total,
    asks: true,
    // By the reminders whose place it takes: what is urgent besides has been told urgently.
    urgent: say.messages.some(({ level }) => level === 'urgent'),
  };
}

function contentOfOne(owed: ToRender, context: RenderContext): Omit<Content, 'limit'> {
  const item = itemOf(owed, context);
  return {
    event: owed.kind,
    title: titleOf(item, context),
    items: [item],
    total: 1,
    story: storyOf(item, context),
    asks: item.asks,
    urgent: isUrgent(item),
    link: item.link,
    detailHtml: owed.detailHtml,
  };
}

/** What is said of one alert keeps its order, also where its level changed meanwhile. */
function urgentFirst(items: readonly Item[]): readonly Item[] {
  const urgent = new Set(items.filter(({ level }) => level === 'urgent').map(({ alert }) => alert));
  return [
    ...items.filter(({ alert }) => urgent.has(alert)),
    ...items.filter(({ alert }) => !urgent.has(alert)),
  ];
}

/** Whether somebody is to act at once. */
export const isUrgent = (item: Pick<Item, 'asks' | 'level'>): boolean => item.asks && item.level === 'urgent';

const asksToAct = (kind: NotificationKind): boolean =>
  kind === 'raised' || kind === 're-raised' || kind === 'reminder';

// ---------------------------------------------------------------- an alert

/** One line each, bounded, with something to read where a sender left it empty. */
function itemOf(owed: ToRender, context: RenderContext): Item {
  const { facts, kind, level, alert, code } = owed;
  const asks = asksToAct(kind);
  return {
    ...namesOf(facts),
    alert,
    event: kind,
    level,
    asks,
    raisedAt: facts.raisedAt,
    at: facts.at,
    by: facts.by === null ? null : cut(oneLine(facts.by), nameMax),
    acknowledgedUntil: facts.acknowledgedUntil,
    note: cut(oneLine(facts.note), noteMax),
    code,
    link: kind === 'test' ? `${context.baseUrl}/` : linkOf(alert, asks, context),
  };
}

function standingItem(standing: Standing, context: RenderContext): Item {
  const { alert, level, code, raisedAt } = standing;
  return {
    ...namesOf(standing),
    alert,
    event: 'reminder',
    level,
    asks: true,
    raisedAt,
    at: raisedAt,
    by: null,
    acknowledgedUntil: null,
    note: '',
    code,
    link: linkOf(alert, true, context),
  };
}

type Named = Pick<Item, 'source' | 'alertId' | 'subject' | 'summary'>;

function namesOf(written: Named): Named {
  const alertId = cut(oneLine(written.alertId), nameMax);
  const source = cut(oneLine(written.source), nameMax);
  return {
    alertId,
    source,
    subject: cut(oneLine(written.subject), subjectMax) || source,
    summary: cut(oneLine(written.summary), summaryMax) || alertId,
  };
}

const linkOf = (alert: AlertKey, asks: boolean, { ackLink, baseUrl }: RenderContext): string =>
  asks && ackLink !== null ? ackLink(alert) : `${baseUrl}/alerts/${alert}`;

// ---------------------------------------------------------------- its words

/** What is wrong: `db1: disk is 97% full`. */
export const headlineOf = (item: Item): string =>
  item.event === 'test' ? testWords(item) : `${item.subject}: ${item.summary}`;

/** What happened, with the level where somebody is to act at once: `URGENT raised again`. */
export function eventWords(item: Item, now: Instant): string {
  const heading = headingOf(item, now);
  return isUrgent(item) ? `URGENT ${heading}` : capital(heading);
}

export function titleOf(item: Item, { now }: Pick<RenderContext, 'now'>): string {
  if (item.event === 'test') return 'Test message from Mauve';
  return cut(`${eventWords(item, now)}: ${headlineOf(item)}`, titleMax);
}

const testWords = ({ by }: Item): string =>
  `This is a test message from Mauve${by === null ? '' : `, asked for by ${by}`}: nothing is wrong`;

function headingOf(item: Item, now: Instant): string {
  const { by } = item;
  switch (item.event) {
    case 'raised':
      return 'raised';
    case 're-raised':
      return 'raised again';
    case 'acknowledged':
      return by === null ? 'acknowledged' : `acknowledged by ${by}`;
    case 'cleared':
      return by === null ? 'cleared' : `cleared by ${by}`;
    case 'test':
      return 'test';
    case 'reminder':
      return `still raised, ${lengthOfTime(since(item.raisedAt ?? item.at, now))}`;
    default:
      return item.event satisfies never;
  }
}

function storyOf(item: Item, context: RenderContext): readonly string[] {
  const when = (at: Instant): string => clockTime(at, context.now, context.person.timezone);
  const raisedAt = item.raisedAt ?? item.at;
  const by = item.by === null ? '' : ` by ${item.by}`;
  switch (item.event) {
    case 'raised':
      return [`Raised at ${when(raisedAt)}.`];
    case 're-raised': {
      const takenBack = item.by === null ? [] : [`${item.by} took the acknowledgement back.`];
      return [`Raised again at ${when(raisedAt)}.`, ...takenBack];
    }
    case 'acknowledged': {
      const until = item.acknowledgedUntil;
      const end = until === null ? '' : ` until ${when(until)}`;
      return [`Acknowledged${by}${end}; no reminders meanwhile.`, `Raised at ${when(raisedAt)}.`];
    }
    case 'cleared': {
      const lasted = lengthOfTime(since(raisedAt, item.at));
      const before = item.raisedAt === null ? [] : [`It was raised at ${when(raisedAt)}, for ${lasted}.`];
      return [`Cleared${by} at ${when(item.at)}.`, ...before];
    }
    case 'test':
      return ['There is nothing to do.'];
    case 'reminder': {
      const lasts = lengthOfTime(since(raisedAt, context.now));
      return [`Still raised, since ${when(raisedAt)} (${lasts}); nobody has acknowledged it.`];
    }
    default:
      return item.event satisfies never;
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

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** By context and minute: a list of hundreds tells mostly the same few minutes, and each takes a zone's arithmetic. */
const toldTimes = new WeakMap<RenderContext, Map<number, string>>();

/** As `clockTime`, by the clock of whoever reads it. */
export function timeWords(at: Instant, context: RenderContext): string {
  const times = toldTimes.get(context) ?? new Map<number, string>();
  toldTimes.set(context, times);
  const minute = Math.floor(at / minutes(1));
  const told = times.get(minute) ?? clockTime(at, context.now, context.person.timezone);
  times.set(minute, told);
  return told;
}

/** `03:01`, `03:01 yesterday`: where a line is short, today goes without saying. */
export const briefTime = (at: Instant, context: RenderContext): string =>
  timeWords(at, context).replace(/ today\b/, '');
