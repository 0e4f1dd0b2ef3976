/**
 * Alert updates from what is raised: which alerts, under which ids, in how many
 * datagrams. Pure; send.ts sends them.
 *
 * A station knows an alert by its source and its id. The source is the probe,
 * so the id must tell the targets apart: it is the verdict and the address,
 * such as `loss 198.51.100.7`. The address and not the name, because a name may
 * lead to several, each with a path of its own; always, because a name that
 * gets its second address must not give the first one's alerts other ids. The
 * name is the alert's subject. That a name has no address at all is told under
 * the name itself: `unresolved www.example.net`.
 *
 * A `replace` update clears what it does not list, so it must be one datagram.
 * When all that is raised does not fit into one with its texts, these go ahead
 * in updates of their own, and the `replace` that follows holds the bare ids: a
 * text that is absent keeps the old one. Where even those do not fit, there is
 * no `replace`: what was cleared lately is then cleared again one by one.
 */
import { type Instant, seconds } from '../time.ts';
import { type AlertUpdate, datagramMax, encode, type UpdateAlert } from '../wire/update.ts';
import type { VerdictChange } from './core/judge.ts';
import type { Address } from './core/record.ts';
import { withNames } from './core/words.ts';
import type { Target } from './target.ts';
import type { NameChange } from './unresolved.ts';

/**
 * In bytes. Updates are kept to what a network carries in few pieces, for a
 * datagram is lost with any one of them; only what must be whole may be larger.
 */
export const packMax = 8_000;
/** In bytes. When more than this is to be said at once, a network is down, and details would drown it: they are left out. */
export const detailsMax = 512 * 1024;
export const heartbeatId = 'heartbeat';
/** How long a station waits for the next heartbeat: five missed in a row. */
export const raiseAfter = seconds(310);

/** A verdict as the station is to know it. */
export type Standing = {
  readonly target: Pick<Target, 'word' | 'labels'>;
  /** Null: it is about the name. */
  readonly address: Address | null;
  readonly change: VerdictChange | NameChange;
};

export const alertId = ({ target, address, change }: Standing): string =>
  `${change.verdict} ${address ?? target.word.toLowerCase()}`;

const wholeSeconds = (at: Instant): bigint => BigInt(Math.max(0, Math.floor(at / 1000)));

/** The name of an address, as far as it is known. */
export type NameOf = (address: Address) => string | null;

/**
 * One verdict with all its texts. Its time is no later than `now`, as it would be after the clock was set back: a
 * station takes what is still to come for a plan, and would clear until then what is raised.
 */
function alertOf(standing: Standing, { now, nameOf }: Pick<Said, 'now' | 'nameOf'>): UpdateAlert {
  const { target, change } = standing;
  const at = wholeSeconds(change.at > now ? now : change.at);
  const cleared = change.state === 'cleared';
  const alert: UpdateAlert = {
    id: alertId(standing),
    raiseTime: cleared ? 0n : at,
    clearTime: cleared ? at : 0n,
    subject: target.word,
    summary: change.summary,
    detail:
      cleared && change.detailHtml === ''
        ? ''
        : `${withNames(change.detailHtml, nameOf)}${labelsHtml(target.labels)}`,
    importance: 0,
    suppressUntil: 0n,
  };
  // A table of hops never comes near it; what does is left out rather than the whole alert.
  return sizeOf([alert]) > datagramMax - roomForSource ? { ...alert, detail: '' } : alert;
}

const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function labelsHtml(labels: Target['labels']): string {
  const list = Object.entries(labels).map(([name, value]) => `${name}: ${value}`);
  const text = asHtml(list.join(', '));
  return text === '' ? '' : `<p>${text}</p>`;
}

const asHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => escaped[character] ?? '');

const bare = (alert: UpdateAlert): UpdateAlert => ({ ...alert, subject: '', summary: '', detail: '' });

export type Said = {
  readonly source: string;
  readonly now: Instant;
  readonly newId: () => bigint;
  readonly nameOf: NameOf;
};

function update({ source, now, newId }: Said, alerts: readonly UpdateAlert[], replace: boolean): Uint8Array {
  const whole: AlertUpdate = {
    transmissionId: newId(),
    source,
    replace,
    alerts,
    signature: new Uint8Array(),
    transmissionTime: wholeSeconds(now),
  };
  return encode(whole);
}

/** A source has 512 characters at most; the rest is what an update has around its alerts. */
const roomForSource = 2_200;

const sizeOf = (alerts: readonly UpdateAlert[]): number =>
  encode({
    transmissionId: 1n,
    source: '',
    replace: false,
    alerts,
    signature: new Uint8Array(),
    transmissionTime: 0n,
  }).length;

/** Changes, in as few updates as `packMax` allows. */
export function changeUpdates(said: Said, changes: readonly Standing[]): readonly Uint8Array[] {
  return packed(changes.map((one) => alertOf(one, said))).map((alerts) => update(said, alerts, false));
}

function packed(whole: readonly UpdateAlert[]): readonly (readonly UpdateAlert[])[] {
  const details = whole.reduce((sum, { detail }) => sum + detail.length, 0);
  const alerts = details > detailsMax ? whole.map((alert) => ({ ...alert, detail: '' })) : whole;
  const packs: UpdateAlert[][] = [];
  let room = 0;
  for (const alert of alerts) {
    const size = sizeOf([alert]);
    const last = packs.at(-1);
    if (last === undefined || size > room) {
      packs.push([alert]);
      room = packMax - size;
    } else {
      last.push(alert);
      room -= size;
    }
  }
  return packs;
}

/**
 * All that is raised, and nothing else is.
 * @param cleared what was cleared lately, for where there is no `replace`.
 */
export function fullUpdates(
  said: Said,
  raised: readonly Standing[],
  cleared: readonly Standing[],
): readonly Uint8Array[] {
  const alerts = raised.map((one) => alertOf(one, said));
  const room = datagramMax - roomForSource;
  if (sizeOf(alerts) <= room) return [update(said, alerts, true)];
  const texts = packed(alerts).map((pack) => update(said, pack, false));
  const ids = alerts.map(bare);
  if (sizeOf(ids) <= room) return [...texts, update(said, ids, true)];
  return [...texts, ...changeUpdates(said, cleared)];
}

/** For a destination that hears no more of this probe: nothing is raised there now, nor by its silence later. */
export function farewellUpdate(said: Said): Uint8Array {
  const now = wholeSeconds(said.now);
  const summary = `probe ${said.source} does not report here any more`;
  return update(said, [{ ...heartbeatAlert(said, now), raiseTime: 0n, summary }], true);
}

/** Cleared now, raised later unless heard from again: so that a dead probe raises itself. */
export function heartbeatUpdate(said: Said): Uint8Array {
  return update(said, [heartbeatAlert(said, wholeSeconds(said.now))], false);
}

function heartbeatAlert(said: Said, now: bigint): UpdateAlert {
  return {
    id: heartbeatId,
    raiseTime: now + BigInt(raiseAfter / 1000),
    clearTime: now,
    subject: '',
    summary: `probe ${said.source} has not been heard from`,
    detail: `The probe ${asHtml(said.source)} says every minute that it is alive, and has stopped to. What it watched is not watched.`,
    importance: 0,
    suppressUntil: 0n,
  };
}
