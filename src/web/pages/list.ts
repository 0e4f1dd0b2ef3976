/** The list of alerts in one state, to look at, and to acknowledge several at once. */
import { html, raw } from 'hono/html';
import { type Alert, isSuppressed, raisedAt, type State, states } from '../../station/core/alert.ts';
import type { StateCounts } from '../../station/store/store.ts';
import { acknowledgeFields } from './acknowledge-fields.ts';
import { csrfInput, type Frame, type Page } from './layout.ts';
import { age, type Html, levelMark, levelOf, nothing, time } from './words.ts';

export type ListView = {
  readonly state: State;
  readonly alerts: readonly Alert[];
  readonly counts: StateCounts;
  readonly next: string | null;
  readonly first: boolean;
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
  const tabs = states.map((state) => {
    const current = state === view.state ? raw(' aria-current="page"') : '';
    return html`<a href="${addressOf(state, null)}"${current}><span class="wide">${stateNames[state]}</span><span class="slim" aria-hidden="true">${short[state]}</span> <b>${view.counts[state]}</b></a>`;
  });
  const rows = view.alerts.map((alert) => row(alert, frame, view.state !== 'cleared'));
  const list = rows.length === 0 ? empty(view.state) : html`<ul class="alerts">${rows}</ul>`;
  const actions =
    view.state === 'cleared' || rows.length === 0 ? nothing : acknowledgeBar(view.state === 'acknowledged');
  const main = html`<h1 class="sr">${stateNames[view.state]} alerts</h1>
<nav class="tabs" aria-label="States">${tabs}</nav>
<form method="post" action="/acknowledge" id="list" data-keep>${csrfInput(frame.csrf)}<input type="hidden" name="back" value="${view.state}">${list}${pager(view)}${actions}</form>`;
  return {
    title: view.state === 'raised' ? '' : stateNames[view.state],
    tab: 'alerts',
    main,
    follows: 'everything',
  };
}

function row(alert: Alert, frame: Frame, selectable: boolean): Html {
  const level = levelOf(alert);
  const summary = alert.summary === '' ? alert.id : alert.summary;
  const pick = selectable
    ? html`<label class="pick"><input type="checkbox" name="alert" value="${alert.key}" aria-label="Select ${alert.subject}"></label>`
    : nothing;
  const suppressed = isSuppressed(alert, frame.now) ? html` <span class="tag">suppressed</span>` : nothing;
  return html`<li class="${level}">${pick}<a href="/alerts/${alert.key}"${alert.phase.kind === 'acknowledged' ? nothing : raw(' class="brief"')}><span class="line">${levelMark(level)} <b>${alert.subject}</b></span><span class="sum">${summary}</span><span class="meta">${standing(alert, frame)}${suppressed}</span></a></li>
`;
}

function standing(alert: Alert, frame: Frame): Html {
  const { phase } = alert;
  if (phase.kind === 'acknowledged') {
    return html`${phase.by}, until ${time(phase.until, frame)} · raised ${age(phase.raisedSince, frame)}`;
  }
  return age(raisedAt(alert) ?? phase.since, frame);
}

function empty(state: State): Html {
  const words: Readonly<Record<State, string>> = {
    raised: 'Nothing is raised that nobody has acknowledged.',
    acknowledged: 'Nothing is acknowledged.',
    cleared: 'No alert has been cleared yet.',
  };
  return html`<p class="empty">${words[state]}</p>`;
}

function acknowledgeBar(again: boolean): Html {
  return html`<div class="bar chosen">${acknowledgeFields(null)}
<button class="primary">${again ? 'Acknowledge selected again' : 'Acknowledge selected'}</button></div>`;
}

function pager(view: ListView): Html {
  if (view.first && view.next === null) return nothing;
  const first = view.first
    ? nothing
    : html`<a class="button" href="${addressOf(view.state, null)}">Newest</a>`;
  const next =
    view.next === null
      ? nothing
      : html`<a class="button" href="${addressOf(view.state, view.next)}">Older</a>`;
  return html`<p class="pager">${first}${next}<span class="quiet">Newest change first.</span></p>`;
}

function addressOf(state: State, cursor: string | null): string {
  const query = new URLSearchParams();
  if (state !== 'raised') query.set('state', state);
  if (cursor !== null) query.set('cursor', cursor);
  return query.size === 0 ? '/' : `/?${query}`;
}
