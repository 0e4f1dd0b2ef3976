/** A message of the outbox as the judges follow it, from the moment it is owed until nothing more can be said of it. */
import type { AlertKey } from '../../src/station/core/alert.ts';
import type { Level } from './policies.ts';
import type { Call } from './providers.ts';
import type { NaivePolicy } from './rules.ts';

export type Row = {
  readonly id: number;
  readonly key: string;
  readonly channel: string;
  readonly alert: AlertKey;
  readonly episode: number;
  readonly kind: string;
  readonly person: string;
  readonly level: Level;
  readonly status: string;
  readonly reference: string | null;
  readonly settled_at: number | null;
  readonly why: string;
};

export const rowColumns =
  'id, key, channel, alert, episode, kind, person, level, status, reference, settled_at, why';

export type Followed = {
  row: Row;
  readonly alert: string;
  /** Alert, person and channel: what they get keeps its order. */
  readonly lane: string;
  /** What the station's clock showed when it was owed here. */
  owedAt: number;
  /** Whether history says that it is owed, or that it goes on from another channel. */
  explained: boolean;
  readonly calls: Call[];
  /** Whether something on record says why it is late. */
  excused: boolean;
  /** Whether a limit or a summary kept it back. */
  keptBack: boolean;
  movedOn: boolean;
  reported: boolean;
  /** What history says of it so far. */
  state: 'waits' | 'accepted' | 'delivered' | 'failed' | 'obsolete';
  /** The person's channels after this one. */
  left: readonly string[];
  /** How long it is waited for, and from when on; null: for as long as it takes. */
  patience: number | null;
  waitedFrom: number;
  /** When history said that it is overdue. */
  overdueAt: number | null;
  /** When history said that it has arrived. */
  arrivedAt: number | null;
  /** When it no longer waited to be sent. */
  goneAt: number | null;
  /** When something happened to its alert by which it says nothing of use any more. */
  overtakenAt: number | null;
};

export function followed(row: Row, alert: string): Followed {
  return {
    row,
    alert,
    lane: laneOf(row.alert, row.person, row.channel),
    owedAt: 0,
    explained: false,
    calls: [],
    excused: false,
    keptBack: false,
    movedOn: false,
    reported: false,
    state: 'waits',
    left: [],
    patience: null,
    waitedFrom: 0,
    overdueAt: null,
    arrivedAt: null,
    goneAt: null,
    overtakenAt: null,
  };
}

export const laneOf = (alert: AlertKey, person: string, channel: string): string =>
  `${alert} ${person} ${channel}`;

/** History says that it is owed on this channel, with these to follow. */
export function owe(message: Followed, left: readonly string[], policy: NaivePolicy, at: number): void {
  const { person, level, channel } = message.row;
  message.explained = true;
  message.owedAt = at;
  message.waitedFrom = at;
  message.left = left;
  const all = channel === 'inbox' && left.length === 0;
  message.patience = left.length > 0 ? policy.wait(person, level) : all ? null : policy.unreachableAfter;
}

/** Whether a message says nothing of use any more, now that its alert is in that phase of that episode. */
export function isOvertaken({ kind, episode }: Row, phase: string, current: number): boolean {
  if (episode !== current) return true;
  if (kind === 'acknowledged' || kind === 'cleared') return phase !== kind;
  return phase !== 'raised';
}
