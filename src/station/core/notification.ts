/**
 * Messages: what is owed to whom, as the core says it and the outbox keeps it.
 */
import type { Duration, Instant } from '../../time.ts';
import type { AlertKey, Level, NotificationKind, PersonId, RuleId } from './alert.ts';

/** What is known of the alert when the message was owed, so that the message tells what was true then. */
export type NotificationFacts = {
  readonly source: string;
  readonly subject: string;
  readonly summary: string;
  readonly alertId: string;
  readonly raisedAt: Instant | null;
  /** When what it tells of happened. */
  readonly at: Instant;
  /** Who acknowledged or cleared it by hand, if somebody did. */
  readonly by: string | null;
  readonly acknowledgedUntil: Instant | null;
  readonly note: string;
};

/** One message owed to one person on one channel. `key` + `channel` is unique for ever. */
export type OwedMessage = {
  /** `alert/episode/event/person`, or `alert/episode/rule/due instant/person` for a reminder. */
  readonly key: string;
  readonly alert: AlertKey;
  readonly episode: number;
  readonly kind: NotificationKind;
  readonly rule: RuleId | null;
  readonly person: PersonId;
  readonly channel: string;
  /** The channels to move on to, in order, when this one fails or cannot send it within `wait`. */
  readonly next: { readonly channels: readonly string[]; readonly wait: Duration } | null;
  readonly level: Level;
  readonly dueAt: Instant;
  /** When it has not arrived for so long, others are told; null: it arrives as soon as it is there. */
  readonly overdueAfter: Duration | null;
  readonly facts: NotificationFacts;
};

/** Messages of an alert that no longer help anybody: what was owed has been overtaken. */
export type Obsolete = {
  readonly alert: AlertKey;
  readonly kinds: readonly NotificationKind[];
  /** Whose; null: everybody's. */
  readonly people: readonly PersonId[] | null;
  /**
   * Only messages tried in vain or held back already, or due before this: a fresh one is still sent, so that a short
   * flap is seen whole.
   */
  readonly dueBefore: Instant;
  readonly why: string;
};
