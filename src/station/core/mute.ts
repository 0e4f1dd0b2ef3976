/**
 * Whether anybody is told just now. An alert is muted by its own suppression, a
 * silence, another alert that inhibits it, its group's hold, or a look-up that
 * its group depends on. What there is to tell is not lost: who hears is worked
 * out from how the alert stands when it is no longer muted.
 */
import { earliest, type Instant, plus, seconds, since } from '../../time.ts';
import type { AlertKey, Muted, NotificationKind } from './alert.ts';
import { type Draft, dueInFact, record } from './draft.ts';
import { type HostNames, holds, type Matched } from './match.ts';
import { type Episode, type Group, type Inhibit, inhibitToken, type Silence } from './policy.ts';
import { isOpen, nextChange, openingHorizon } from './schedule.ts';

/** How long a new alert waits for the addresses of its subject, where its group may depend on them. */
export const namingWait = seconds(5);

/** A raised alert that mutes others: enough to name it. */
export type Inhibitor = {
  readonly alert: AlertKey;
  readonly source: string;
  readonly id: string;
  readonly subject: string;
  /** By what it is itself inhibited; null where it is not. */
  readonly mutedBy: string | null;
};

type News = Exclude<NotificationKind, 'reminder' | 'test'> | null;

/**
 * Leaves in the draft why nobody is told now, and records a change of it.
 * @param naming whether an address that its group may depend on is not known yet.
 * @returns whether it is muted.
 */
export function mute(d: Draft, group: Group, news: News, naming: boolean): boolean {
  const { alert, context } = d;
  const before = alert.muted;
  keepHeldSince(d, group, news);
  const muting = news !== null || alert.phase.kind === 'raised' ? mutedBy(d, group, news, naming) : null;
  const found = muting ?? sendersFirst(d, news);
  if (found === null) {
    if (before !== null) record(d, { kind: 'unmuted', by: before.kind });
    alert.muted = null;
    return false;
  }
  const { kind, by, why, until } = found;
  const same = before?.kind === kind && before.by === by;
  if (!same) record(d, { kind: 'muted', by: kind, why, until });
  alert.muted = { ...found, since: same ? before.since : context.now };
  return true;
}

type Found = Omit<Muted, 'since'>;

function mutedBy(d: Draft, group: Group, news: News, naming: boolean): Found | null {
  return (
    suppressed(d) ??
    silenced(d) ??
    inhibited(d) ??
    (news === 'raised' ? ((naming ? namesSought(d) : null) ?? settling(d, group)) : null)
  );
}

/** What was muted before the start, and no longer is, waits until senders could be heard, like all that is due then. */
function sendersFirst({ alert, context }: Draft, news: News): Found | null {
  if (news === null || alert.muted === null) return null;
  const until = dueInFact(context.now, alert.changedAt, context);
  return until > context.now ? { ...alert.muted, until } : null;
}

function suppressed({ alert, context }: Draft): Found | null {
  if (alert.suppressUntil === null) return null;
  const until = dueInFact(alert.suppressUntil, alert.changedAt, context);
  return until > context.now ? { kind: 'suppressed', by: '', why: '', until } : null;
}

function silenced(d: Draft): Found | null {
  const { alert, context } = d;
  for (const silence of [...context.silences, ...context.policy.silences]) {
    const until = silenceEnds(silence, d);
    if (until === null || !holds(silence.match, alert, context.names)) continue;
    return { kind: 'silenced', by: silence.id, why: silence.reason, until };
  }
  return null;
}

/** When a silence that is in force ends; null for one that is not. */
function silenceEnds({ during }: Silence, { context }: Draft): Instant | null {
  const { now } = context;
  if (during.kind === 'once') {
    return during.from <= now && now < during.until ? during.until : null;
  }
  const open = { kind: 'hours', hours: during.hours } as const;
  const episode: Episode = { raisedAt: now };
  if (!isOpen(open, episode, now)) return null;
  return nextChange(open, episode, now, plus(now, openingHorizon)) ?? plus(now, openingHorizon);
}

function inhibited({ alert, context }: Draft): Found | null {
  for (const rule of context.policy.inhibits) {
    if (!mayMute(rule, alert, context.names)) continue;
    const token = inhibitToken(rule, alert);
    const inhibitor = context.inhibitor(token, alert);
    if (inhibitor === null) continue;
    const { id, subject, source } = inhibitor;
    return { kind: 'inhibited', by: token, why: `${id} of ${subject || source} is raised`, until: null };
  }
  const { muted } = alert;
  return context.waking === true && muted?.kind === 'inhibited' ? { ...muted, until: null } : null;
}

/** An alert of the kind that mutes is not muted by the same rule: two of them would silence each other. */
export function mayMute(rule: Inhibit, alert: Matched, names: HostNames): boolean {
  return holds(rule.mutes, alert, names) && !holds(rule.while, alert, names);
}

function namesSought({ alert, context }: Draft): Found | null {
  // From when it began to wait: a sender that keeps changing its texts must not put it off for ever.
  const began = alert.muted?.kind === 'naming' ? alert.muted.since : context.now;
  // It began later than now where the clock was set back: then it has waited long enough.
  const until = began > context.now ? context.now : plus(began, namingWait);
  return until > context.now ? { kind: 'naming', by: '', why: '', until } : null;
}

/** A flapping alert begins to be held with the first raise that nobody was told of. */
function keepHeldSince(d: Draft, group: Group, news: News): void {
  const { alert } = d;
  if (alert.phase.kind === 'cleared' && news === null) return;
  if (news !== 'raised' || group.hold === 0) {
    alert.heldSince = null;
    return;
  }
  const quiet = d.clearedBefore !== null && since(d.clearedBefore, alert.phase.since) >= group.hold;
  if (alert.heldSince === null || quiet) alert.heldSince = alert.phase.since;
}

function settling({ alert, context }: Draft, group: Group): Found | null {
  // Raised later than now: the clock was set back, and nobody can say how long it has stood.
  if (alert.heldSince === null || alert.phase.since > context.now) return null;
  const most = context.policy.settings.holdAtMost[group.level];
  const planned = earliest(plus(alert.phase.since, group.hold), plus(alert.heldSince, most));
  if (planned === null) return null;
  const until = dueInFact(planned, alert.changedAt, context);
  return until > context.now ? { kind: 'settling', by: '', why: group.name, until } : null;
}

/** By what an alert inhibits others as it stands. */
export function inhibitsOf(d: Draft): readonly string[] {
  const { alert, context } = d;
  const { inhibits } = context.policy;
  if (inhibits.length === 0 || alert.phase.kind === 'cleared') return nothing;
  const tokens = inhibits
    .filter((rule) => holds(rule.while, alert, context.names))
    .map((rule) => inhibitToken(rule, alert));
  const same = tokens.length === alert.inhibits.length && tokens.every((one, i) => one === alert.inhibits[i]);
  return same ? alert.inhibits : tokens;
}

const nothing: readonly string[] = [];
