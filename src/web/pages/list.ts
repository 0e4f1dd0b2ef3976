/** The list of alerts in one state, to look at, and to acknowledge several at once. */
import { html, raw } from 'hono/html';
import { type Alert, type AlertKey, raisedAt, type State, states } from '../../station/core/alert.ts';
import type { StateCounts } from '../../station/store/store.ts';
import type { Typed } from '../flash.ts';
import { acknowledgeFields } from './acknowledge-fields.ts';
import { csrfInput, type Frame, type Page } from './layout.ts';
import { mutedTag } from './muted.ts';
import { age, type Html, levelMark, levelOf, nameOf, nothing, time } from './words.ts';

export type ListView = {
  readonly state: State;
  readonly alerts: readonly Alert[];
  readonly counts: StateCounts;
  /** By which people name an alert in a reply, and on the telephone. */
  readonly codes: ReadonlyMap<AlertKey, number>;
  readonly next: string | null;
  readonly first: boolean;
  /** Where this page begins; null for the first. */
  readonly cursor: string | null;
};

const short: Readonly<Record<State, string>> = {
  raised: 'Raised',
  acknowledged: 'Ack’d',
  cleared: 'Cleared',
};
const stateNames: Readonly<Record<State, string>> = {
  raised: 'Raised',
  acknowledged: 'Acknowledged',
  cleared: 'Cleared',
};

export function listPage(frame: Frame, view: ListView): Page {
  const urgent = urgentWords(view);
  const tabs = states.map((state) => {
    const current = state === view.state ? raw(' aria-current="page"') : '';
    const more = state === view.state ? urgent : '';
    const said = `${stateNames[state]}, ${view.counts[state]}${more === '' ? '' : `, ${more}`}`;
    return html`<a href="${addressOf(state, null)}"${current} aria-label="${said}"><span class="wide">${stateNames[state]}</span><span class="slim">${short[state]}</span> <b>${view.counts[state]}</b>${more === '' ? nothing : html` <span class="level urgent">${more.split(' ')[0]}<span class="wide"> urgent</span></span>`}</a>`;
  });
  const selectable = view.state !== 'cleared';
  const rows = view.alerts.map((alert) => row(alert, frame, view.codes.get(alert.key) ?? null, selectable));
  const list =
    rows.length === 0
      ? empty(view.state)
      : html`${selectable ? selectAll : nothing}<ul class="alerts">${rows}</ul>`;
  const actions =
    !selectable || rows.length === 0
      ? nothing
      : acknowledgeBar(view.state === 'acknowledged', frame.flash?.typed ?? null);
  const main = html`<h1 class="sr">${stateNames[view.state]} alerts</h1>
<nav class="tabs" aria-label="States">${tabs}</nav>
<form method="post" action="/acknowledge" id="list" data-keep>${csrfInput(frame.csrf)}<input type="hidden" name="back" value="${view.state}"><input type="hidden" name="cursor" value="${view.cursor ?? ''}">${list}${pager(view)}${actions}</form>`;
  return {
    title: view.state === 'raised' ? urgent : stateNames[view.state],
    tab: 'alerts',
    main,
    follows: 'everything',
  };
}

/** Of what is raised; only the first page has the urgent ones. */
function urgentWords(view: ListView): string {
  if (view.state !== 'raised' || !view.first) return '';
  const count = view.alerts.filter((alert) => levelOf(alert) === 'urgent').length;
  const more = view.next !== null && count === view.alerts.length ? '+' : '';
  return count === 0 ? '' : `${count}${more} urgent`;
}

function row(alert: Alert, frame: Frame, code: number | null, selectable: boolean): Html {
  const level = levelOf(alert);
  const name = nameOf(alert);
  const summary = alert.summary === '' ? alert.id : alert.summary;
  const ticked = frame.flash?.typed?.alerts.has(String(alert.key)) === true ? raw(' checked') : nothing;
  const pick = selectable
    ? html`<label class="pick"><input type="checkbox" name="alert" value="${alert.key}"${ticked} aria-labelledby="a${alert.key}"></label>`
    : nothing;
  const word = mutedTag(alert, frame.now);
  const muted =
    word === null ? nothing : html`<span class="tag">${word}<span class="sr">: nobody is told</span></span> `;
  return html`<li class="${level}">${pick}<a id="a${alert.key}" href="/alerts/${alert.key}"${alert.phase.kind === 'acknowledged' ? nothing : raw(' class="brief"')}><span class="line">${levelMark(level)} <b>${name}</b></span><span class="sum">${muted}${summary}</span><span class="meta">${standing(alert, frame)}${code === null ? '' : ` · #${code}`}</span></a></li>
`;
}

function standing(alert: Alert, frame: Frame): Html {
  const { phase } = alert;
  if (phase.kind === 'acknowledged') {
    return html`${phase.by}, until ${time(phase.until, frame)} · raised ${age(phase.raisedSince, frame)}`;
  }
  return age(raisedAt(alert) ?? phase.since, frame);
}

/** Shown where there are scripts: by itself it does nothing, and it is not sent. */
const selectAll = html`<label class="all"><input type="checkbox" id="all" data-all> Select this page</label>`;

function empty(state: State): Html {
  const words: Readonly<Record<State, string>> = {
    raised: 'Nothing is raised that nobody has acknowledged.',
    acknowledged: 'Nothing is acknowledged.',
    cleared: 'No alert has been cleared yet.',
  };
  return html`<p class="empty">${words[state]}</p>`;
}

function acknowledgeBar(again: boolean, typed: Typed | null): Html {
  const counted = again ? 'Acknowledge # again' : 'Acknowledge #';
  return html`<div class="bar chosen">${acknowledgeFields(null, typed)}
<button class="primary" data-chosen="${counted}">${counted.replace('#', 'selected')}</button></div>`;
}

function pager(view: ListView): Html {
  if (view.first && view.next === null) return nothing;
  const first = view.first
    ? nothing
    : html`<a class="button" href="${addressOf(view.state, null)}">First page</a>`;
  const next =
    view.next === null
      ? nothing
      : html`<a class="button" href="${addressOf(view.state, view.next)}">Next page</a>`;
  return html`<p class="pager">${first}${next}<span class="quiet">${view.state === 'cleared' ? 'Newest change first.' : 'Urgent ones first, then by the newest change.'}</span></p>`;
}

/** The address of a page of the list. */
export function addressOf(state: State, cursor: string | null): string {
  const query = new URLSearchParams();
  if (state !== 'raised') query.set('state', state);
  if (cursor !== null) query.set('cursor', cursor);
  return query.size === 0 ? '/' : `/?${query}`;
}
