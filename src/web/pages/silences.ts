/** The silences: those in force, with a button to end each; those that recur; and the last that ended. */
import { html } from 'hono/html';
import type { PolicySummary } from '../../station/door.ts';
import type { StoredSilence } from '../../station/store/store.ts';
import type { Instant } from '../../time.ts';
import { csrfInput, type Frame, type Page } from './layout.ts';
import { matchWords } from './match-words.ts';
import { type Html, nothing, time, timeAndDistance } from './words.ts';

export type SilencesView = {
  readonly silences: readonly StoredSilence[];
  readonly recurring: PolicySummary['silences'];
  /** The policy's own, in which it says when they recur. */
  readonly timezone: string;
};

export const inForce = (silence: StoredSilence, now: Instant): boolean =>
  silence.ended === null && silence.until > now;

export function silencesPage(frame: Frame, view: SilencesView): Page {
  const present = view.silences.filter((silence) => inForce(silence, frame.now));
  const past = view.silences.filter((silence) => !inForce(silence, frame.now));
  const main = html`<h1>Silences</h1>
<p class="quiet">Alerts that match are shown, but nobody is told of them. To make one, open an alert and choose <b>Silence alerts like this</b>.</p>
<section><h2>In force</h2>${list(
    present.map((silence) => row(silence, frame)),
    'None: people are told as the policy says.',
  )}</section>
${view.recurring.length === 0 ? nothing : html`<section><h2>In the policy${zoneWords(view, frame)}</h2>${list(view.recurring.map(recurringRow), '')}</section>`}
${
  past.length === 0
    ? nothing
    : html`<section><h2>Ended</h2>${list(
        past.map((silence) => pastRow(silence, frame)),
        '',
      )}</section>`
}`;
  return { title: 'Silences', tab: 'silences', main, follows: 'everything' };
}

const list = (rows: readonly Html[], empty: string): Html =>
  rows.length === 0 ? html`<p class="quiet">${empty}</p>` : html`<ul class="silences">${rows}</ul>`;

/** What is kept is JSON that the station wrote. */
const matchOf = (silence: StoredSilence): Html => matchWords(JSON.parse(silence.match));

function row(silence: StoredSilence, frame: Frame): Html {
  const from = silence.from > frame.now ? html`from ${time(silence.from, frame)} ` : nothing;
  const about = `m${silence.id}`;
  return html`<li><div><p id="${about}">${matchOf(silence)}</p>
<p class="meta">${from}until ${timeAndDistance(silence.until, frame)}, made by <b>${silence.author}</b> at ${time(silence.from, frame)}: <q>${silence.reason}</q></p></div>
<form method="post" action="/silences/${silence.id}/end">${csrfInput(frame.csrf)}<button aria-describedby="${about}">End it</button></form></li>
`;
}

function pastRow(silence: StoredSilence, frame: Frame): Html {
  const end =
    silence.ended === null
      ? html`ran out ${timeAndDistance(silence.until, frame)}`
      : html`ended by <b>${silence.ended.by}</b> ${timeAndDistance(silence.ended.at, frame)}`;
  return html`<li><div><p>${matchOf(silence)}</p>
<p class="meta">${end}; made by <b>${silence.author}</b> at ${time(silence.from, frame)}: <q>${silence.reason}</q></p></div></li>
`;
}

/** The foot of the page names the reader's zone; these hours are the policy's. */
const zoneWords = ({ timezone }: SilencesView, frame: Frame): Html =>
  timezone === frame.timezone
    ? nothing
    : html` <span class="quiet">hours of ${timezone}, where no other zone is named</span>`;

function recurringRow({ name, reason, when }: SilencesView['recurring'][number]): Html {
  return html`<li><div><p><b>${name}</b>: ${when}</p>${reason === '' ? nothing : html`<p class="meta"><q>${reason}</q></p>`}</div></li>
`;
}
