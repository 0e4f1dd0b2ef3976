/**
 * A decision in the making: one alert as it was, as it becomes, and what that
 * entails. The transitions of the phase live here, each written once, because
 * an update, a plan that fires and a person all raise and clear alike.
 */
import { type Instant, minus, seconds } from '../../time.ts';
import {
  type Alert,
  type Change,
  type HistoryEntry,
  type NotificationKind,
  type PersonId,
  raisedAt,
} from './alert.ts';
import type { HostNames } from './match.ts';
import type { Inhibitor } from './mute.ts';
import type { Obsolete, OwedMessage } from './notification.ts';
import type { Policy, Silence } from './policy.ts';

/** What a decision may look at besides the alert and the event. */
export type Context = {
  readonly now: Instant;
  readonly policy: Policy;
  /**
   * The station's start, and the end of its initial sleep: what was recorded before the start and falls due
   * before that end waits until then, so that senders can be heard first.
   */
  readonly startedAt: Instant;
  readonly sleepsUntil: Instant;
  /** Those that people made, in force now or later. */
  readonly silences: readonly Silence[];
  readonly names: HostNames;
  /**
   * All that stand are being looked at again, in steps: until the last of them was, by what they inhibit others is
   * not known, and nobody is told that an inhibition is over.
   */
  readonly waking?: boolean;
  /**
   * A raised alert, other than that one and not itself inhibited by it, that inhibits by this token; null where there
   * is none. So two rules that mute each other's alerts leave one of them to be told.
   */
  readonly inhibitor: (token: string, of: Pick<Alert, 'key' | 'inhibits'>) => Inhibitor | null;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type Draft = {
  readonly before: Alert | null;
  readonly alert: Mutable<Alert>;
  readonly context: Context;
  /** Who does it, for the history; null for sources and the station itself. */
  readonly by: string | null;
  readonly history: HistoryEntry[];
  readonly messages: OwedMessage[];
  readonly obsolete: Obsolete[];
  /** When the episode that ended in this decision had begun. */
  endedEpisode: Instant | null;
  /** Since when the alert had been cleared that was raised in this decision. */
  clearedBefore: Instant | null;
};

/** An untried message younger than this is sent even if it has been overtaken. */
export const freshFor = seconds(30);

export function draft(before: Alert | null, alert: Alert, context: Context, by: string | null): Draft {
  return {
    before,
    alert: { ...alert },
    context,
    by,
    history: [],
    messages: [],
    obsolete: [],
    endedEpisode: null,
    clearedBefore: null,
  };
}

const loud: ReadonlySet<Change['kind']> = new Set([
  'raised',
  're-raised',
  'acknowledged',
  'cleared',
  'suppressed',
  'note',
]);

export function record(d: Draft, change: Change): void {
  d.history.push({ alert: d.alert.key, at: d.context.now, quiet: !isNews(change), by: d.by, change });
}

/** What somebody else did to silence an alert is news; that it waits for a moment is not. */
function isNews(change: Change): boolean {
  if (change.kind === 'muted' || change.kind === 'unmuted') {
    return change.by === 'silenced' || change.by === 'inhibited';
  }
  return loud.has(change.kind);
}

/** Nothing changes for an alert that is raised already: its episode and `raised_at` stand. */
export function raise(d: Draft, at: Instant, cause: 'update' | 'planned'): void {
  if (d.alert.phase.kind !== 'cleared') return;
  overtake(d, ['acknowledged', 'cleared'], 'raised again before it could be sent');
  d.clearedBefore = d.alert.phase.since;
  beginEpisode(d, at);
  record(d, { kind: 'raised', cause, episode: d.alert.episode, raisedAt: at });
}

export function reRaise(d: Draft, at: Instant, cause: 'lapsed' | 'taken-back'): void {
  if (d.alert.phase.kind !== 'acknowledged') return;
  overtake(d, ['acknowledged'], 'the acknowledgement ended');
  beginEpisode(d, at);
  record(d, { kind: 're-raised', cause, episode: d.alert.episode });
}

function beginEpisode(d: Draft, at: Instant): void {
  d.alert.phase = { kind: 'raised', since: at };
  d.alert.episode += 1;
  d.alert.reminders = [];
  d.alert.changedAt = d.context.now;
}

export function acknowledge(d: Draft, by: string, until: Instant, note: string): void {
  const raisedSince = raisedAt(d.alert);
  if (raisedSince === null) return;
  d.alert.phase = { kind: 'acknowledged', raisedSince, since: d.context.now, by, until, note };
  d.alert.reminders = [];
  d.alert.changedAt = d.context.now;
  involve(d, by);
  overtake(d, ['raised', 're-raised', 'reminder'], 'acknowledged before it could be sent');
  record(d, { kind: 'acknowledged', until, note });
}

export function clear(d: Draft, at: Instant, cause: 'update' | 'planned' | 'replace' | 'by-hand'): void {
  const raisedSince = raisedAt(d.alert);
  if (raisedSince === null) return;
  d.endedEpisode = raisedSince;
  d.alert.phase = { kind: 'cleared', since: at };
  d.alert.reminders = [];
  d.alert.changedAt = d.context.now;
  if (d.by !== null) involve(d, d.by);
  overtake(d, ['raised', 're-raised', 'reminder', 'acknowledged'], 'cleared before it could be sent');
  record(d, { kind: 'cleared', cause, clearedAt: at });
}

/** Whoever acted hears how it ends, if the policy knows them. */
export function involve(d: Draft, name: string): void {
  const person = name as PersonId;
  if (d.context.policy.people.has(person) && !d.alert.told.includes(person)) {
    d.alert.told = [...d.alert.told, person];
  }
}

function overtake(d: Draft, kinds: readonly NotificationKind[], why: string): void {
  d.obsolete.push({
    alert: d.alert.key,
    kinds,
    people: null,
    dueBefore: minus(d.context.now, freshFor),
    why,
  });
}

/** When something that was recorded at `recordedAt` is due in fact: see `Context.sleepsUntil`. */
export function dueInFact(due: Instant, recordedAt: Instant, context: Context): Instant {
  return recordedAt < context.startedAt && due < context.sleepsUntil ? context.sleepsUntil : due;
}
