/** What happened to an alert, and what became of its messages, in sentences. */
import { html } from 'hono/html';
import {
  type Change,
  type NotificationKind,
  type ReceiptOutcome,
  unreachable,
} from '../../station/core/alert.ts';
import type { InboxMessage, StoredHistory } from '../../station/store/store.ts';
import { mutedWords, unmutedWords } from './muted.ts';
import { type Html, nothing, time, type View } from './words.ts';

/** The news of an alert, newest first; what is no news to a person is folded away. */
export function historyList(entries: readonly StoredHistory[], view: View): Html {
  if (entries.length === 0) return html`<p class="quiet">Nothing yet.</p>`;
  const news = entries.filter((entry) => !entry.quiet);
  const quiet = entries.filter((entry) => entry.quiet);
  return html`<ol class="history" reversed>${news.map((entry) => line(entry, view))}</ol>
${
  quiet.length === 0
    ? nothing
    : html`<details id="quiet"><summary>${quiet.length} quiet ${quiet.length === 1 ? 'entry' : 'entries'}: first seen, texts, plans, why nobody was told, receipts</summary><ol class="history" reversed>${quiet.map((entry) => line(entry, view))}</ol></details>`
}`;
}

function line(entry: StoredHistory, view: View): Html {
  return html`<li>${time(entry.at, view)} <span>${sentence(entry.change, entry.by, view)}</span></li>
`;
}

const by = (who: string | null): Html => (who === null ? nothing : html` by <b>${who}</b>`);
const quoted = (text: string): Html => (text === '' ? nothing : html`: <q>${text}</q>`);

function sentence(change: Change, who: string | null, view: View): Html {
  switch (change.kind) {
    case 'first-seen':
      return html`first seen: <q>${change.subject}</q> <q>${change.summary}</q>`;
    case 'raised':
      return html`<b>raised</b>${by(who)}${change.cause === 'planned' ? ', as planned: not heard from in time' : ''}`;
    case 're-raised':
      return html`<b>raised again</b>${by(who)}, ${change.cause === 'lapsed' ? 'the acknowledgement ran out' : 'the acknowledgement was taken back'}`;
    case 'acknowledged':
      return html`<b>acknowledged</b>${by(who)} until ${time(change.until, view)}${quoted(change.note)}`;
    case 'cleared':
      return html`<b>cleared</b>${by(who)}${clearCauses[change.cause]}`;
    case 'suppressed':
      return html`suppressed${by(who)} until ${time(change.until, view)}`;
    case 'muted':
      return html`<b>nobody is told</b>: ${mutedWords(change, view)}`;
    case 'unmuted':
      return html`${unmutedWords[change.by]}`;
    case 'texts':
      return html`now reads <q>${change.subject}</q> <q>${change.summary}</q>, importance ${change.importance}${change.detail !== null ? ', new detail' : ''}`;
    case 'planned':
      return planned(change, view);
    case 'note':
      return html`note${by(who)}${quoted(change.text)}`;
    case 'told':
      return html`told <b>${change.person}</b> (${kindWords[change.of]}) by ${change.channels.length === 0 ? 'no channel' : change.channels.join(', ')}`;
    case 'not-told':
      return html`did not tell <b>${change.person}</b> (${kindWords[change.of]}): ${change.why}`;
    case 'receipt':
      return html`${change.channel} to <b>${change.person}</b> (${kindWords[change.of]}): ${receiptWords[change.outcome]}${change.why === '' ? '' : `: ${change.why}`}`;
    default:
      return unreachable(change);
  }
}

const clearCauses: Readonly<Record<'update' | 'planned' | 'replace' | 'by-hand', string>> = {
  update: '',
  planned: ', as planned',
  replace: ': its source no longer lists it',
  'by-hand': ', by hand',
};

const receiptWords: Readonly<Record<ReceiptOutcome, string>> = {
  delivered: 'delivered',
  'will-retry': 'will be tried again',
  failed: 'failed',
  obsolete: 'not sent, no longer needed',
  'held-back': 'held back',
  'moved-on': 'not by this, the next channel takes over',
  accepted: 'taken by the provider',
  sent: 'passed on by the provider',
  gathered: 'waits for a summary',
  waits: 'waits for its provider',
  overdue: 'not arrived, others are told',
};

export const kindWords: Readonly<Record<NotificationKind, string>> = {
  raised: 'raised',
  're-raised': 'raised again',
  acknowledged: 'acknowledged',
  cleared: 'cleared',
  reminder: 'reminder',
  test: 'test',
};

function planned(change: Extract<Change, { kind: 'planned' }>, view: View): Html {
  const { willRaiseAt, willClearAt } = change;
  if (willRaiseAt === null && willClearAt === null) return html`plans dropped`;
  const raise = willRaiseAt === null ? nothing : html` to raise at ${time(willRaiseAt, view)}`;
  const clear = willClearAt === null ? nothing : html` to clear at ${time(willClearAt, view)}`;
  return html`planned${raise}${clear}`;
}

/** "delivered 03:01", "will be tried again: …". */
export function statusWords(message: InboxMessage, view: View): Html {
  // Of a message in the inbox there is nothing to say: here it is.
  const why = message.why === '' || message.channel === 'inbox' ? '' : `: ${message.why}`;
  const at = message.settledAt === null ? nothing : html` ${time(message.settledAt, view)}`;
  switch (message.status) {
    case 'pending':
      return message.why === ''
        ? html`<span class="state wait">will be sent</span> ${time(message.dueAt, view)}`
        : html`<span class="state wait">will be tried again</span>${why}`;
    case 'leased':
      return html`<span class="state wait">being sent</span>`;
    case 'accepted':
      return html`<span class="state wait">with the provider</span>${why}`;
    case 'delivered':
      return html`<span class="state good">delivered</span>${at}${why}`;
    case 'failed':
      return html`<span class="state bad">failed</span>${at}${why}`;
    case 'obsolete':
      return html`<span class="state">not sent</span>${why === '' ? ', no longer needed' : why}`;
    default:
      return unreachable(message.status);
  }
}
