/**
 * The alert: what the station knows of one (source, id), and the entries of its
 * history. Types only, so that core, store and web share one picture. States
 * that make no sense cannot be written down: an acknowledgement always has an
 * end, a cleared alert never has an acknowledger.
 */
import type { Instant } from '../../time.ts';

/** The station's own key of an alert: a positive integer, used in addresses of pages and never reused. */
export type AlertKey = number & { readonly brand: 'AlertKey' };

/** The name of a person in the policy, which is also the name with which they log in. */
export type PersonId = string & { readonly brand: 'PersonId' };

/** What identifies a notify rule across reloads: its group and name, or a hash of its content; never its position. */
export type RuleId = string & { readonly brand: 'RuleId' };

export const levels = ['low', 'normal', 'urgent'] as const;
export type Level = (typeof levels)[number];

export type Phase =
  | { readonly kind: 'cleared'; readonly since: Instant }
  | { readonly kind: 'raised'; readonly since: Instant }
  | {
      readonly kind: 'acknowledged';
      /** When the episode began: the acknowledgement does not change since when it is raised. */
      readonly raisedSince: Instant;
      readonly since: Instant;
      readonly by: string;
      readonly until: Instant;
      readonly note: string;
    };

export const states = ['raised', 'acknowledged', 'cleared'] as const;
export type State = Phase['kind'];

/** Where a notify rule stands in this episode. */
export type Reminder = {
  readonly rule: RuleId;
  /** What the rule meant when `due` was worked out: see `Rule.meaning`. */
  readonly meaning: string;
  /** When it is due next; null when it has nothing more to say in this episode. */
  readonly due: Instant | null;
  /** When `due` was worked out. */
  readonly setAt: Instant;
  /** `added`: by a later policy, so that it has yet to tell those whom nobody told. */
  readonly said: 'nothing' | 'added' | 'something';
};

/** Why nobody is told just now of what there is to tell. */
export const mutedKinds = ['suppressed', 'silenced', 'inhibited', 'settling', 'naming'] as const;
export type MutedKind = (typeof mutedKinds)[number];

export type Muted = {
  /**
   * `settling`: its group holds new alerts back for a while. `naming`: the addresses of its subject, on which its
   * group depends, are being looked up.
   */
  readonly kind: MutedKind;
  /** The silence's id, or the token by which it is inhibited; empty otherwise. */
  readonly by: string;
  /** For people: the silence's reason, or the alert that inhibits it. */
  readonly why: string;
  readonly since: Instant;
  /** Null: until something else happens, such as the other alert's clear. */
  readonly until: Instant | null;
};

/** The last state that people were told of: what is owed when a suppression ends is what differs from it. */
export type Announced = { readonly kind: State; readonly episode: number };

export type Alert = {
  readonly key: AlertKey;
  /** At most 512 characters. */
  readonly source: string;
  /** The sender's own id of the alert, at most 256 characters. */
  readonly id: string;
  readonly subject: string;
  readonly summary: string;
  /** As it was sent, HTML and all: whatever shows it sanitises it first. */
  readonly detail: string;
  readonly importance: number;
  readonly phase: Phase;
  readonly willRaiseAt: Instant | null;
  readonly willClearAt: Instant | null;
  readonly suppressUntil: Instant | null;
  /** Why there is something to tell that nobody is told of just now; null where people are told. */
  readonly muted: Muted | null;
  /** When it was first raised, of the raises that nobody was told of yet because its group holds it back. */
  readonly heldSince: Instant | null;
  /** By what it inhibits others while it is raised: see `inhibitToken`. */
  readonly inhibits: readonly string[];
  /** Of the station's own alerts: who is to be told of a raise whatever the rules say. */
  readonly concerns: readonly PersonId[];
  /** Counts the episodes: 0 before the first raise. */
  readonly episode: number;
  readonly announced: Announced;
  /** Who was told of this episode, or acted on it. */
  readonly told: readonly PersonId[];
  /** The group and level as last judged; null until a policy has judged it. */
  readonly group: string | null;
  readonly level: Level | null;
  readonly reminders: readonly Reminder[];
  readonly firstSeenAt: Instant;
  /** When its source last mentioned it. */
  readonly heardAt: Instant;
  /** When its phase, texts or suppression last changed. */
  readonly changedAt: Instant;
  /** A lower bound of when something is due; null when nothing ever will be by itself. */
  readonly wakeAt: Instant | null;
};

export function raisedAt(alert: Alert): Instant | null {
  switch (alert.phase.kind) {
    case 'raised':
      return alert.phase.since;
    case 'acknowledged':
      return alert.phase.raisedSince;
    case 'cleared':
      return null;
    default:
      return unreachable(alert.phase);
  }
}

export function isSuppressed(alert: Alert, now: Instant): boolean {
  return alert.suppressUntil !== null && alert.suppressUntil > now;
}

/** What a message is about. */
export const notificationKinds = [
  'raised',
  're-raised',
  'acknowledged',
  'cleared',
  'reminder',
  /** Somebody tries whether messages arrive. */
  'test',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];

/** What became of a message so far. */
export type ReceiptOutcome =
  /** The provider has it. */
  | 'accepted'
  /** The provider passed it on. */
  | 'sent'
  | 'delivered'
  | 'will-retry'
  | 'failed'
  | 'obsolete'
  /** By the person's limit. */
  | 'held-back'
  /** For a summary that takes its place. */
  | 'gathered'
  /** Its provider does not work, and is left alone for a while. */
  | 'waits'
  /** The person's next channel takes over. */
  | 'moved-on'
  /** It has not arrived for so long that others are told. */
  | 'overdue';

/** What happened to an alert. `quiet` ones keep the record whole, but are no news to a person. */
export type Change =
  | {
      readonly kind: 'first-seen';
      readonly subject: string;
      readonly summary: string;
      readonly importance: number;
      /** The beginning of it, as far as matching looks: see `detailMatchMax`. */
      readonly detail: string;
    }
  | {
      readonly kind: 'raised';
      readonly cause: 'update' | 'planned';
      readonly episode: number;
      readonly raisedAt: Instant;
    }
  | { readonly kind: 're-raised'; readonly cause: 'lapsed' | 'taken-back'; readonly episode: number }
  | { readonly kind: 'acknowledged'; readonly until: Instant; readonly note: string }
  | {
      readonly kind: 'cleared';
      readonly cause: 'update' | 'planned' | 'replace' | 'by-hand';
      readonly clearedAt: Instant;
    }
  | { readonly kind: 'suppressed'; readonly until: Instant }
  /** There is something to tell, and nobody is told for now. */
  | {
      readonly kind: 'muted';
      readonly by: MutedKind;
      readonly why: string;
      readonly until: Instant | null;
    }
  | { readonly kind: 'unmuted'; readonly by: MutedKind }
  | {
      readonly kind: 'texts';
      readonly subject: string;
      readonly summary: string;
      readonly importance: number;
      /** The beginning of it, as far as matching looks; null where that did not change. */
      readonly detail: string | null;
    }
  | { readonly kind: 'planned'; readonly willRaiseAt: Instant | null; readonly willClearAt: Instant | null }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'told';
      readonly person: PersonId;
      readonly of: NotificationKind;
      /** The rule that named them; null where they hear because they were told before. */
      readonly rule: RuleId | null;
      readonly channels: readonly string[];
    }
  | {
      readonly kind: 'not-told';
      readonly person: PersonId;
      readonly of: NotificationKind;
      readonly why: string;
    }
  | {
      readonly kind: 'receipt';
      readonly person: PersonId;
      readonly channel: string;
      readonly of: NotificationKind;
      readonly outcome: ReceiptOutcome;
      readonly why: string;
    };

export type HistoryEntry = {
  readonly alert: AlertKey;
  readonly at: Instant;
  readonly quiet: boolean;
  /** A person, `token:NAME`, or null where a source or the station itself did it. */
  readonly by: string | null;
  readonly change: Change;
};

/** Proof that a switch over a union left nothing out. */
export function unreachable(never: never): never {
  throw new Error(`unreachable: ${JSON.stringify(never)}`);
}
