/**
 * Rows <-> what the rest of the station knows. What a row holds was written by
 * this file, under the schema's own checks, so it is read back without a second
 * look; a row that breaks this is a bug and throws.
 */
import type { Duration, Instant } from '../../time.ts';
import type {
  Alert,
  AlertKey,
  Change,
  HistoryEntry,
  Level,
  Muted,
  MutedKind,
  NotificationKind,
  PersonId,
  Phase,
  Reminder,
  RuleId,
  State,
} from '../core/alert.ts';
import type { NotificationFacts, OwedMessage } from '../core/notification.ts';
import type { InboxMessage, MessageId, MessageStatus, StoredHistory } from './store.ts';

/** What every repeat moves, apart from the rest of the alert. */
export type Moved = {
  readonly heardAt: Instant;
  readonly willRaiseAt: Instant | null;
  readonly willClearAt: Instant | null;
};

/** A row of `alerts`. */
export type WideRow = {
  key: AlertKey;
  source: string;
  id: string;
  subject: string;
  summary: string;
  importance: number;
  phase: State;
  since: Instant;
  raised_since: Instant | null;
  acknowledged_by: string | null;
  acknowledged_until: Instant | null;
  note: string | null;
  suppress_until: Instant | null;
  muted_kind: MutedKind | null;
  muted_by: string | null;
  muted_why: string | null;
  muted_since: Instant | null;
  muted_until: Instant | null;
  held_since: Instant | null;
  inhibits: string;
  concerns: string;
  episode: number;
  announced: State;
  announced_episode: number;
  told: string;
  group_name: string | null;
  level: Level | null;
  reminders: string;
  first_seen_at: Instant;
  changed_at: Instant;
  wake_at: Instant | null;
};

/** A row of `heard`. */
export type HeardRow = {
  heard_at: Instant;
  will_raise_at: Instant | null;
  will_clear_at: Instant | null;
};

export type AlertRow = WideRow & HeardRow & { detail: string | null };

/**
 * Gives an AlertRow for each alert; conditions on `a` follow it. For pages: one statement sees one moment.
 * Not for single alerts on the hot path: SQLite plans a join anew for each set of parameters.
 */
export const selectAlerts = `SELECT a.*, d.detail, h.heard_at, h.will_raise_at, h.will_clear_at
  FROM alerts a JOIN heard h ON h.key = a.key LEFT JOIN alert_details d ON d.key = a.key`;

/** The columns that no index covers, and those that one does; `alertValues` gives values in this order. */
const plainColumns = [
  ...['subject', 'summary', 'importance', 'since', 'raised_since', 'acknowledged_by', 'acknowledged_until'],
  ...[
    'note',
    'suppress_until',
    'muted_why',
    'muted_since',
    'muted_until',
    'held_since',
    'inhibits',
    'concerns',
  ],
  ...['episode', 'announced', 'announced_episode', 'told', 'group_name', 'level', 'reminders'],
] as const;
const indexedColumns = ['phase', 'changed_at', 'wake_at', 'muted_kind', 'muted_by'] as const;
const settings = (columns: readonly string[]): string => columns.map((name) => `${name} = ?`).join(', ');

const insertColumns = [...plainColumns, ...indexedColumns, 'key', 'source', 'id', 'first_seen_at'];
export const insertAlert = `INSERT INTO alerts (${insertColumns.join(', ')})
  VALUES (${insertColumns.map(() => '?').join(', ')})`;
export const updatePlain = `UPDATE alerts SET ${settings(plainColumns)} WHERE key = ?`;
export const updateAll = `UPDATE alerts SET ${settings([...plainColumns, ...indexedColumns])} WHERE key = ?`;

type Value = string | number | null;

const json = (list: readonly unknown[]): string => (list.length === 0 ? '[]' : JSON.stringify(list));
function parsed(text: string): unknown {
  return JSON.parse(text);
}

export function plainValues(alert: Alert): Value[] {
  const { phase, muted } = alert;
  const acknowledged = phase.kind === 'acknowledged' ? phase : null;
  return [
    ...[alert.subject, alert.summary, alert.importance, phase.since, acknowledged?.raisedSince ?? null],
    ...[acknowledged?.by ?? null, acknowledged?.until ?? null, acknowledged?.note ?? null],
    ...[alert.suppressUntil, muted?.why ?? null, muted?.since ?? null, muted?.until ?? null],
    ...[
      alert.heldSince,
      json(alert.inhibits),
      json(alert.concerns),
      alert.episode,
      alert.announced.kind,
      alert.announced.episode,
    ],
    ...[json(alert.told), alert.group, alert.level, json(alert.reminders)],
  ];
}

export const indexedValues = (alert: Alert): Value[] => [
  ...[alert.phase.kind, alert.changedAt, alert.wakeAt],
  ...[alert.muted?.kind ?? null, alert.muted?.by ?? null],
];

function bug(row: WideRow): never {
  throw new Error(`alert ${row.key}: an acknowledgement or a mute without its parts`);
}

function phaseOf(row: WideRow): Phase {
  if (row.phase !== 'acknowledged') return { kind: row.phase, since: row.since };
  return {
    kind: 'acknowledged',
    raisedSince: row.raised_since ?? bug(row),
    since: row.since,
    by: row.acknowledged_by ?? bug(row),
    until: row.acknowledged_until ?? bug(row),
    note: row.note ?? bug(row),
  };
}

function mutedOf(row: WideRow): Muted | null {
  if (row.muted_kind === null) return null;
  return {
    kind: row.muted_kind,
    by: row.muted_by ?? bug(row),
    why: row.muted_why ?? bug(row),
    since: row.muted_since ?? bug(row),
    until: row.muted_until,
  };
}

export const movedOf = (row: HeardRow): Moved => ({
  heardAt: row.heard_at,
  willRaiseAt: row.will_raise_at,
  willClearAt: row.will_clear_at,
});

export const wholeAlertOf = (row: AlertRow): Alert => alertOf(row, movedOf(row), row.detail ?? '');

export function alertOf(row: WideRow, moved: Moved, detail: string): Alert {
  return {
    key: row.key,
    source: row.source,
    id: row.id,
    subject: row.subject,
    summary: row.summary,
    detail,
    importance: row.importance,
    phase: phaseOf(row),
    willRaiseAt: moved.willRaiseAt,
    willClearAt: moved.willClearAt,
    suppressUntil: row.suppress_until,
    muted: mutedOf(row),
    heldSince: row.held_since,
    inhibits: row.inhibits === '[]' ? [] : (parsed(row.inhibits) as string[]),
    concerns: row.concerns === '[]' ? [] : (parsed(row.concerns) as PersonId[]),
    episode: row.episode,
    announced: { kind: row.announced, episode: row.announced_episode },
    told: row.told === '[]' ? [] : (parsed(row.told) as PersonId[]),
    group: row.group_name,
    level: row.level,
    reminders: row.reminders === '[]' ? [] : (parsed(row.reminders) as Reminder[]),
    firstSeenAt: row.first_seen_at,
    heardAt: moved.heardAt,
    changedAt: row.changed_at,
    wakeAt: row.wake_at,
  };
}

// ---------------------------------------------------------------- history and messages

export type HistoryRow = {
  seq: number;
  alert: AlertKey;
  at: Instant;
  quiet: number;
  by: string | null;
  kind: Change['kind'];
  data: string;
};

export function historyValues(entry: HistoryEntry): Value[] {
  const { kind, ...data } = entry.change;
  return [entry.alert, entry.at, entry.quiet ? 1 : 0, entry.by, kind, JSON.stringify(data)];
}

export function historyOf(row: HistoryRow): StoredHistory {
  const change = { kind: row.kind, ...(parsed(row.data) as object) } as Change;
  return { seq: row.seq, alert: row.alert, at: row.at, quiet: row.quiet === 1, by: row.by, change };
}

export type MessageRow = {
  id: MessageId;
  key: string;
  channel: string;
  next: string | null;
  alert: AlertKey;
  episode: number;
  kind: NotificationKind;
  rule: RuleId | null;
  person: PersonId;
  level: Level;
  urgency: number;
  due_at: Instant;
  facts: string;
  status: MessageStatus;
  send_at: Instant | null;
  overdue_after: Duration | null;
  watch_at: Instant | null;
  attempts: number;
  leased_at: Instant | null;
  sent_at: Instant | null;
  reference: string | null;
  held_at: Instant | null;
  settled_at: Instant | null;
  title: string;
  text: string;
  why: string;
};

const factsOf = (row: MessageRow): NotificationFacts => parsed(row.facts) as NotificationFacts;

/** How long it is waited for, from when it can be sent; NULL: for as long as it takes. */
export const patience = `coalesce(json_extract(next, '$.wait'), overdue_after)`;

export const nextOf = (row: MessageRow): OwedMessage['next'] =>
  row.next === null ? null : (parsed(row.next) as OwedMessage['next']);

export const owedOf = (row: MessageRow): OwedMessage => ({
  key: row.key,
  alert: row.alert,
  episode: row.episode,
  kind: row.kind,
  rule: row.rule,
  person: row.person,
  channel: row.channel,
  next: nextOf(row),
  level: row.level,
  dueAt: row.due_at,
  overdueAfter: row.overdue_after,
  facts: factsOf(row),
});

/** A lease counts as a try when it begins, so that a message that ends the process is not tried for ever as new. */
export const triesBefore = (row: MessageRow): number =>
  row.status === 'leased' ? row.attempts - 1 : row.attempts;

export const inboxMessageOf = (row: MessageRow): InboxMessage => ({
  id: row.id,
  alert: row.alert,
  person: row.person,
  channel: row.channel,
  kind: row.kind,
  level: row.level,
  status: row.status,
  dueAt: row.due_at,
  settledAt: row.settled_at,
  title: row.title,
  text: row.text,
  why: row.why,
});
