/** The inbox: the messages a person got, or would have got, and what became of them. */
import { html, raw } from 'hono/html';
import type { Alert, AlertKey } from '../../station/core/alert.ts';
import type { InboxMessage, MessageId } from '../../station/store/store.ts';
import { kindWords, statusWords } from './history.ts';
import type { Frame, Page } from './layout.ts';
import { age, type Html, levelMark, nameOf, nothing } from './words.ts';

export type InboxView = {
  readonly all: boolean;
  readonly messages: readonly InboxMessage[];
  /** For the words of messages that are not sent yet. */
  readonly alerts: ReadonlyMap<AlertKey, Alert>;
  readonly before: MessageId | null;
};

export function inboxPage(frame: Frame, view: InboxView): Page {
  const tab = (href: string, text: string, current: boolean): Html =>
    html`<a href="${href}"${current ? raw(' aria-current="page"') : ''}>${text}</a>`;
  const rows = view.messages.map((message) => row(message, frame, view));
  const older =
    view.before === null
      ? nothing
      : html`<p class="pager"><a class="button" href="/inbox?${view.all ? 'all=1&' : ''}before=${view.before}">Older</a></p>`;
  const main = html`<h1 class="sr">Inbox</h1>
<nav class="tabs" aria-label="Whose">${tab('/inbox', 'Mine', !view.all)}${tab('/inbox?all=1', 'Everybody’s', view.all)}</nav>
${rows.length === 0 ? html`<p class="empty">${view.all ? 'Nobody was told of anything yet.' : `Nothing for ${frame.user} yet.`}</p>` : html`<ul class="alerts">${rows}</ul>`}${older}`;
  return { title: 'Inbox', tab: 'inbox', main, follows: 'everything' };
}

function row(message: InboxMessage, frame: Frame, view: InboxView): Html {
  const alert = view.alerts.get(message.alert);
  const subject = alert === undefined ? `alert ${message.alert}` : nameOf(alert);
  // The level is said before it, and the text begins with what the title says already.
  const title =
    message.title === ''
      ? `${kindWords[message.kind]}: ${subject}`
      : message.title.replace(/^URGENT (\p{L})/u, (_all, first: string) => first.toUpperCase());
  const text = message.text === '' ? (alert?.summary ?? '') : withoutHeadline(message);
  return html`<li class="${message.level}"><a href="/alerts/${message.alert}"><span class="line">${levelMark(message.level)} <b>${title}</b></span><span class="sum text">${text}</span><span class="meta">${age(message.dueAt, frame)} · ${view.all ? html`${message.person} · ` : nothing}${message.channel} · ${statusWords(message, frame)}</span></a></li>
`;
}

/** What the text says beyond the title. */
function withoutHeadline({ title, text }: InboxMessage): string {
  const headline = title.slice(title.indexOf(': ') + 2);
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.startsWith(`${headline} `) ? flat.slice(headline.length + 1) : text;
}
