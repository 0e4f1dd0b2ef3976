/**
 * What a template can say: the content of a message as plain values. All of
 * them are always there, so that a name that is not is a typing mistake; what
 * an alert does not have is null or empty. docs/messages.md lists them.
 */
import { type Instant, rfc3339 } from '../../time.ts';
import type { RenderContext, Words } from '../core/message.ts';
import {
  type Content,
  eventWords,
  headlineOf,
  type Item,
  isUrgent,
  timeWords,
} from '../core/message-content.ts';
import { detailHtmlMax, detailTextMax } from '../core/message-mail.ts';
import { cut, detailAsText, tamedHtml } from '../core/message-text.ts';

/** HTML that somebody made safe: the one value that goes into HTML as it is. */
export class SafeHtml {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
  toString(): string {
    return this.html;
  }
}

export type Variables = Readonly<Record<string, unknown>>;

/** @param words those of the channel itself, for templates that only add to them. */
export function variablesOf(content: Content, words: Words, context: RenderContext): Variables {
  const { items, event, title, total, story, limit, asks, urgent, link } = content;
  const { person, channel, now, baseUrl } = context;
  const alerts = items.map((item) => alertOf(item, context));
  const [first] = items;
  const isList = event === 'digest' || event === 'summary';
  return {
    event,
    channel,
    title,
    text: words.text,
    headline: isList || first === undefined ? title : headlineOf(first),
    level: items.some(({ level }) => level === 'urgent') ? 'urgent' : (first?.level ?? 'normal'),
    urgent,
    asks,
    person: { id: person.id, name: person.name, timezone: person.timezone },
    // A message about several has no alert of its own: a template that showed the first would drop the others.
    ...(isList ? {} : { alert: alerts[0] }),
    alerts,
    total,
    more: total - items.length,
    story: story.join(' '),
    limit: limit.join(' '),
    note: (isList ? undefined : first?.note) ?? '',
    by: (isList ? undefined : first?.by) ?? null,
    code: (isList ? undefined : first?.code) ?? null,
    link,
    detail_text: cut(detailAsText(content.detailHtml), detailTextMax),
    detail_html: safeDetailOf(content.detailHtml),
    now: rfc3339(now),
    base_url: baseUrl,
  };
}

/** Empty where there is nothing, so that a template can ask. */
function safeDetailOf(detailHtml: string): SafeHtml | '' {
  if (detailHtml.trim() === '') return '';
  if (detailHtml.length <= detailHtmlMax) return new SafeHtml(tamedHtml(detailHtml));
  const text = cut(detailAsText(detailHtml), detailTextMax);
  return new SafeHtml(`<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`);
}

function alertOf(item: Item, context: RenderContext): Variables {
  const words = (at: Instant | null): string | null => (at === null ? null : timeWords(at, context));
  const time = (at: Instant | null): string | null => (at === null ? null : rfc3339(at));
  return {
    event: item.event,
    what: eventWords(item, context.now),
    level: item.level,
    urgent: isUrgent(item),
    asks: item.asks,
    key: item.alert,
    id: item.alertId,
    source: item.source,
    subject: item.subject,
    summary: item.summary,
    code: item.code,
    link: item.link,
    page: `${context.baseUrl}/alerts/${item.alert}`,
    raised_at: time(item.raisedAt),
    raised: words(item.raisedAt),
    at: time(item.at),
    happened: words(item.at),
    by: item.by,
    note: item.note,
    acknowledged_until: time(item.acknowledgedUntil),
    until: words(item.acknowledgedUntil),
  };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
