/**
 * One alert: what, since when, what comes next, who was told; and the one big
 * button within the thumb's reach. The address is that of the message's link.
 */
import { html, raw } from 'hono/html';
import { type Alert, isSuppressed } from '../../station/core/alert.ts';
import { isPlainDetail, safeDetail } from '../../station/html.ts';
import type { InboxMessage, StoredHistory, StoredSilence } from '../../station/store/store.ts';
import { earliest } from '../../time.ts';
import type { Typed } from '../flash.ts';
import type { Length } from '../length.ts';
import { acknowledgeFields, noteMax } from './acknowledge-fields.ts';
import { type AheadView, aheadSection } from './ahead.ts';
import { historyList, kindWords, statusWords } from './history.ts';
import { csrfInput, type Frame, type Page } from './layout.ts';
import { mutedBanner, mutedTag } from './muted.ts';
import { silenceForm } from './silence-form.ts';
import { codeMark, type Html, levelMark, levelOf, nameOf, nothing, time, timeAndDistance } from './words.ts';

export type AlertView = {
  readonly alert: Alert;
  /** By which people name it in a reply; null where nobody was told yet. */
  readonly code: number | null;
  readonly history: readonly StoredHistory[];
  readonly messages: readonly InboxMessage[];
  /** What stands in the form: what an acknowledgement lasts when nobody says, or what the reader tries out. */
  readonly acknowledgeFor: Length;
  /** The silence that a person made, where that is why nobody is told. */
  readonly silence: StoredSilence | null;
  readonly ahead: AheadView;
  /** By which the form of a new silence is known when it is sent twice. */
  readonly once: string;
};

export function alertPage(frame: Frame, view: AlertView): Page {
  const { alert } = view;
  const tag = mutedTag(alert, frame.now);
  const main = html`<p class="back"><a href="/">‹ To the list</a></p>
${mutedBanner(alert, view.silence, frame)}<article class="alert ${levelOf(alert)}">
<p class="line">${levelMark(levelOf(alert))} ${phaseWord(alert)}${tag === null ? nothing : html` <span class="tag">${tag}</span>`}${codeMark(view.code)}</p>
<h1>${nameOf(alert)}</h1>
${alert.summary === '' ? nothing : html`<p class="lead">${alert.summary}</p>`}
${facts(alert, frame)}${detail(alert.detail)}</article>
${aheadSection(view.ahead, frame, `/alerts/${alert.key}`)}<section><h2>Messages</h2>${messages(view.messages, frame)}</section>
<section><h2>History</h2>${historyList(view.history, frame)}</section>
${otherActs(view, frame)}${mainAct(view, frame)}`;
  return { title: nameOf(alert), tab: null, main, follows: alert.key };
}

export function phaseWord(alert: Alert): Html {
  return html`<b class="phase ${alert.phase.kind}">${alert.phase.kind}</b>`;
}

function facts(alert: Alert, frame: Frame): Html {
  const { phase } = alert;
  const row = (name: string, value: Html | string): Html =>
    html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const since = phase.kind === 'acknowledged' ? phase.raisedSince : phase.since;
  const rows = [row(phase.kind === 'cleared' ? 'Cleared' : 'Raised', timeAndDistance(since, frame))];
  if (phase.kind === 'acknowledged') {
    const note = phase.note === '' ? nothing : html`: <q>${phase.note}</q>`;
    rows.push(row('Acknowledged', html`by <b>${phase.by}</b> ${timeAndDistance(phase.since, frame)}${note}`));
    rows.push(row('Until', timeAndDistance(phase.until, frame)));
  }
  rows.push(...plans(alert, frame, row));
  rows.push(row('Source', alert.source), row('Id', alert.id));
  rows.push(row('Group', alert.group ?? 'not judged by a policy yet'));
  rows.push(
    row('Importance', String(alert.importance)),
    row('Last heard', timeAndDistance(alert.heardAt, frame)),
  );
  return html`<dl class="facts">${rows}</dl>`;
}

function plans(alert: Alert, frame: Frame, row: (name: string, value: Html) => Html): Html[] {
  const rows: Html[] = [];
  const reminder = earliest(...alert.reminders.map(({ due }) => due));
  if (reminder !== null && alert.phase.kind === 'raised' && alert.muted === null) {
    rows.push(row('Next reminder', timeAndDistance(reminder, frame)));
  }
  if (alert.willRaiseAt !== null) {
    rows.push(row('Will raise', html`${timeAndDistance(alert.willRaiseAt, frame)} unless heard from again`));
  }
  if (alert.willClearAt !== null) rows.push(row('Will clear', timeAndDistance(alert.willClearAt, frame)));
  if (alert.suppressUntil !== null && isSuppressed(alert, frame.now)) {
    rows.push(row('Suppressed', html`until ${timeAndDistance(alert.suppressUntil, frame)}: nobody is told`));
  }
  return rows;
}

export function detail(text: string): Html {
  if (text === '') return nothing;
  const plain = isPlainDetail(text) ? ' plain' : '';
  return html`<div class="detail${plain}" tabindex="0" role="region" aria-label="Detail">${raw(safeDetail(text))}</div>`;
}

function messages(all: readonly InboxMessage[], frame: Frame): Html {
  if (all.length === 0) return html`<p class="quiet">Nobody was told of it so far.</p>`;
  const rows = all.map(
    (message) =>
      html`<li>${time(message.dueAt, frame)} <span><b>${message.person}</b> by ${message.channel}, ${kindWords[message.kind]}: ${statusWords(message, frame)}</span></li>
`,
  );
  return html`<ul class="history">${rows}</ul>`;
}

function mainAct(view: AlertView, frame: Frame): Html {
  const { alert } = view;
  if (alert.phase.kind === 'cleared') return nothing;
  const acknowledged = alert.phase.kind === 'acknowledged';
  return html`<form method="post" action="/alerts/${alert.key}/acknowledge" class="bar" id="acknowledge" data-keep>${csrfInput(frame.csrf)}
${acknowledgeFields(view.acknowledgeFor, typedAcknowledgement(frame))}
<button class="primary big">${acknowledged ? 'Acknowledge again' : 'Acknowledge'}</button></form>`;
}

/** What was refused, where it was this form and not that of a note. */
function typedAcknowledgement(frame: Frame): Typed | null {
  const typed = frame.flash?.typed;
  return typed === undefined || typed.unit === '' ? null : typed;
}

function otherActs({ alert, once }: AlertView, frame: Frame): Html {
  const form = (act: string, button: string): Html =>
    html`<form method="post" action="/alerts/${alert.key}/${act}">${csrfInput(frame.csrf)}<button>${button}</button></form>`;
  const takeBack =
    alert.phase.kind === 'acknowledged' ? form('unacknowledge', 'Take back the acknowledgement') : nothing;
  // Asked once more: it cannot be taken back, and lies beside what can.
  const clear =
    alert.phase.kind === 'cleared'
      ? nothing
      : html`<details id="clear"><summary>Clear by hand</summary><p>Only where its source will not do it: this cannot be taken back.</p>${form('clear', 'Clear it now')}</details>`;
  return html`<section><h2>Other acts</h2><div class="acts">${takeBack}${clear}</div>${silenceForm(alert, once, frame)}
<form method="post" action="/alerts/${alert.key}/note" class="stack" id="note" data-keep>${csrfInput(frame.csrf)}<label>Note, for the history <input name="text" value="${frame.flash?.typed?.text ?? ''}" maxlength="${noteMax}" required autocomplete="off"></label><button>Add note</button></form></section>`;
}
