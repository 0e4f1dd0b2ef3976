/** Why nobody is told of an alert just now, in words for somebody half asleep. */
import { html } from 'hono/html';
import {
  type Alert,
  isSuppressed,
  type Muted,
  type MutedKind,
  unreachable,
} from '../../station/core/alert.ts';
import type { StoredSilence } from '../../station/store/store.ts';
import type { Instant } from '../../time.ts';
import { csrfInput, type Frame } from './layout.ts';
import { type Html, nothing, time, timeAndDistance, type View } from './words.ts';

type Why = { readonly by: MutedKind; readonly why: string; readonly until: Instant | null };

/** "silenced until 05:10: the disks are being changed". @param who a person, or the policy. */
export function mutedWords({ by, why, until }: Why, view: View, who: Html = nothing): Html {
  const end = until === null ? nothing : html` until ${timeAndDistance(until, view)}`;
  switch (by) {
    case 'suppressed':
      return html`suppressed${end}`;
    case 'silenced':
      return html`silenced${who}${end}${why === '' ? nothing : html`: <q>${why}</q>`}`;
    case 'inhibited':
      return html`${why}`;
    case 'settling':
      return html`held back${end}, as new alerts of the group <q>${why}</q> must last before anybody is told`;
    case 'naming':
      return html`the addresses of its host are being looked up${until === null ? nothing : html`, ${time(until, view)} at the latest`}`;
    default:
      return unreachable(by);
  }
}

export const unmutedWords: Readonly<Record<MutedKind, string>> = {
  suppressed: 'no longer suppressed',
  silenced: 'no longer silenced',
  inhibited: 'no longer kept quiet by another alert',
  settling: 'no longer held back',
  naming: 'no longer waiting for the addresses of its host',
};

/** What an alert is muted by, where a person should see it in a list; null where people are told. */
export function mutedTag(alert: Alert, now: Instant): string | null {
  const kind = alert.muted?.kind;
  if (kind === 'silenced' || kind === 'inhibited') return kind;
  return isSuppressed(alert, now) ? 'suppressed' : null;
}

/**
 * At the top of an alert's page: that nobody is told, until when, and why.
 * @param silence the one that a person made, where that is why.
 */
export function mutedBanner(alert: Alert, silence: StoredSilence | null, frame: Frame): Html {
  const { muted } = alert;
  if (muted === null) return nothing;
  const back = html`<input type="hidden" name="alert" value="${alert.key}">`;
  const end =
    silence === null
      ? nothing
      : html`<form method="post" action="/silences/${silence.id}/end">${csrfInput(frame.csrf)}${back}<button>End this silence</button></form>`;
  const why = { by: muted.kind, why: muted.why, until: muted.until };
  return html`<div class="notice muted" id="muted"><p><b>Nobody is told of it:</b> ${mutedWords(why, frame, silencedBy(muted, silence))}.${muted.kind === 'inhibited' ? ' If this still stands when that clears, people are told then.' : ''}</p>${end}</div>
`;
}

function silencedBy(muted: Muted, silence: StoredSilence | null): Html {
  if (muted.kind !== 'silenced') return nothing;
  return silence === null ? html` by the policy (${muted.by})` : html` by <b>${silence.author}</b>`;
}
