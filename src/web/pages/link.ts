/**
 * What the link of a message shows: one alert, and one big button within the
 * thumb's reach. It needs no login and no script, and says nothing that the
 * message did not, but for how the alert stands now.
 */
import { html } from 'hono/html';
import type { Alert } from '../../station/core/alert.ts';
import { type Duration, formatDuration, plus } from '../../time.ts';
import { lengthWords } from '../length.ts';
import type { LinkProblem } from '../links.ts';
import { detail, phaseWord } from './alert.ts';
import { bare, type Frame } from './layout.ts';
import { mutedTag } from './muted.ts';
import {
  codeMark,
  type Html,
  levelMark,
  levelOf,
  nameOf,
  nothing,
  time,
  timeAndDistance,
  type View,
} from './words.ts';

export type LinkView = {
  readonly alert: Alert;
  readonly code: number | null;
  /** In whose name the button acts. */
  readonly person: string;
  /** Who acknowledged it, where somebody did. */
  readonly by: string;
  readonly view: View;
  /** Of this page. */
  readonly address: string;
  /** How long an acknowledgement lasts when nobody says. */
  readonly usual: Duration;
  readonly others: readonly Duration[];
  /** What was wrong with the form. */
  readonly problem: string | null;
};

export function linkPage(asset: Frame['asset'], shown: LinkView): Html {
  const { alert, view, problem } = shown;
  const tag = mutedTag(alert, view.now);
  return bare(
    asset,
    nameOf(alert),
    html`${problem === null ? nothing : html`<p class="notice bad" role="alert">${problem}</p>`}${standing(shown)}<article class="alert ${levelOf(alert)}">
<p class="line">${levelMark(levelOf(alert))} ${phaseWord(alert)}${tag === null ? nothing : html` <span class="tag">${tag}</span>`}${codeMark(shown.code)}</p>
<h1>${nameOf(alert)}</h1>
${alert.summary === '' ? nothing : html`<p class="lead">${alert.summary}</p>`}
${since(alert, view)}
${detail(alert.detail)}</article>
<p class="quiet">As of ${time(view.now, view)}, times of ${view.timezone}. <a href="/alerts/${alert.key}">The whole alert</a>, with its history, after logging in.</p>
${button(shown)}`,
  );
}

function since({ phase }: Alert, view: View): Html {
  switch (phase.kind) {
    case 'raised':
      return html`<p>Raised ${timeAndDistance(phase.since, view)}; nobody has acknowledged it.</p>`;
    case 'acknowledged':
      return html`<p>Raised ${timeAndDistance(phase.raisedSince, view)}.</p>`;
    case 'cleared':
      return html`<p>Cleared ${timeAndDistance(phase.since, view)}.</p>`;
    default:
      return phase satisfies never;
  }
}

/** What there is to know first, where there is nothing to do. */
function standing({ alert: { phase }, by, view }: LinkView): Html {
  if (phase.kind === 'cleared') {
    return html`<p class="notice good" role="status"><b>Cleared.</b> There is nothing to do.</p>`;
  }
  if (phase.kind !== 'acknowledged') return nothing;
  const note = phase.note === '' ? nothing : html` <q>${phase.note}</q>`;
  return html`<p class="notice good" role="status"><b>Acknowledged by ${by} until ${timeAndDistance(phase.until, view)}.</b> Nobody is reminded of it meanwhile.${note}</p>`;
}

function button({ alert, address, person, usual, others, view }: LinkView): Html {
  if (alert.phase.kind !== 'raised') return nothing;
  const options = others.map(
    (length) =>
      html`<option value="${formatDuration(length)}">${lengthWords({ for: length })}, until ${time(plus(view.now, length), view)}</option>`,
  );
  const longer =
    options.length === 0
      ? nothing
      : html`<details><summary>Another length</summary><form method="post" action="${address}" class="for"><select name="for" aria-label="For how long">${options}</select><button>Acknowledge</button></form></details>`;
  return html`<div class="bar one"><form method="post" action="${address}"><button class="primary big">Acknowledge for ${lengthWords({ for: usual })}</button></form>
<p class="quiet">as ${person}, until ${time(plus(view.now, usual), view)}</p>${longer}</div>`;
}

type Words = { readonly title: string; readonly text: string };

const problemWords: Readonly<Record<LinkProblem, Words>> = {
  bad: {
    title: 'This link is not whole',
    text: 'It may have been cut or changed on its way. Open the message again and use its link as it is; or log in.',
  },
  expired: {
    title: 'This link is too old',
    text: 'A link in a message works for a week. Nothing was done. After logging in you can act on the alert all the same.',
  },
  'no-such-person': {
    title: 'This link no longer works',
    text: 'Whoever it was sent to is no longer in the policy. Nothing was done.',
  },
  'no-alert': {
    title: 'This alert is gone',
    text: 'It was cleared, and has been dropped since. There is nothing to do.',
  },
  'too-many': {
    title: 'Too many bad links',
    text: 'So many broken links came from your network that the station reads no more of them for a minute. Please try again, or log in.',
  },
  'no-answer': {
    title: 'The station does not answer',
    text: 'Nothing was done. Please try again in a moment.',
  },
  'not-recorded': {
    title: 'This was NOT recorded',
    text: 'The station cannot write just now, or did not say in time whether it did. Look again before you rely on it.',
  },
};

type Ways = { readonly alert: number | null; readonly again?: string };

export function linkProblemPage(asset: Frame['asset'], problem: LinkProblem, { alert, again }: Ways): Html {
  const { title, text } = problemWords[problem];
  const next = alert === null ? '/login' : `/login?next=${encodeURIComponent(`/alerts/${alert}`)}`;
  return bare(
    asset,
    title,
    html`<h1>${title}</h1><p>${text}</p>
<p class="acts">${again === undefined ? nothing : html`<a class="button primary" href="${again}">Look again</a>`}<a class="button${again === undefined ? ' primary' : ''}" href="${next}">Log in</a></p>`,
  );
}
