/**
 * The alerts: the wide rows, and a cache of those used of late, so that a repeat
 * needs no look-up. What a transaction changes stays in a draft until it has
 * committed; the cache may be dropped at any time, the journal's overlay may not.
 *
 * A repeat writes neither the wide row nor any index: see journal.ts.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../../time.ts';
import type { Alert, AlertKey, Muted, MutedKind, PersonId, Phase, Reminder } from '../core/alert.ts';
import { Inhibitors } from './inhibitors.ts';
import type { Journal } from './journal.ts';
import { OpenAlerts } from './open-alerts.ts';
import { type CacheLimits, RecentAlerts } from './recent.ts';
import {
  alertOf,
  indexedValues,
  insertAlert,
  plainValues,
  updateAll,
  updatePlain,
  type WideRow,
} from './rows.ts';
import { type AlertName, type Inhibitor, nameKey, type SavedAlert } from './store.ts';

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((text, i) => text === b[i]));

const sameMuted = (a: Muted | null, b: Muted | null): boolean =>
  a === b ||
  (a?.kind === b?.kind &&
    a?.by === b?.by &&
    a?.why === b?.why &&
    a?.since === b?.since &&
    a?.until === b?.until);

const sameReminder = (a: Reminder, b: Reminder | undefined): boolean =>
  a.rule === b?.rule &&
  a.due === b.due &&
  a.setAt === b.setAt &&
  a.meaning === b.meaning &&
  a.said === b.said;

const sameReminders = (a: readonly Reminder[], b: readonly Reminder[]): boolean =>
  a === b || (a.length === b.length && a.every((one, index) => sameReminder(one, b[index])));

function samePhase(a: Phase, b: Phase): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.since !== b.since) return false;
  if (a.kind !== 'acknowledged' || b.kind !== 'acknowledged') return true;
  return a.raisedSince === b.raisedSince && a.by === b.by && a.until === b.until && a.note === b.note;
}

/** Whether the wide rows are the same, `wakeAt` and `detail` aside. */
const sameState = (a: Alert, b: Alert): boolean =>
  samePhase(a.phase, b.phase) &&
  a.changedAt === b.changedAt &&
  a.subject === b.subject &&
  a.summary === b.summary &&
  a.importance === b.importance &&
  a.suppressUntil === b.suppressUntil &&
  a.episode === b.episode &&
  a.announced.kind === b.announced.kind &&
  a.announced.episode === b.announced.episode &&
  a.group === b.group &&
  a.level === b.level &&
  sameMuted(a.muted, b.muted) &&
  a.heldSince === b.heldSince &&
  sameTexts(a.inhibits, b.inhibits) &&
  sameTexts(a.concerns, b.concerns) &&
  sameTexts(a.told, b.told) &&
  sameReminders(a.reminders, b.reminders);

/** Whether pages show the same plans, but for their times. */
const samePlans = (a: Alert, b: Alert): boolean =>
  (a.willRaiseAt === null) === (b.willRaiseAt === null) &&
  (a.willClearAt === null) === (b.willClearAt === null);

const sameMoved = (a: Alert, b: Alert): boolean =>
  a.heardAt === b.heardAt && a.willRaiseAt === b.willRaiseAt && a.willClearAt === b.willClearAt;

type Standing = AlertName & { readonly key: AlertKey; readonly wake_at: Instant | null };

export class AlertTable {
  readonly #journal: Journal;
  readonly #cache: RecentAlerts;
  readonly #inhibitors: Inhibitors;
  readonly #open: OpenAlerts;
  readonly #draft = new Map<string, Alert>();
  #lastKey: number;
  #draftKey: number;
  readonly #byName: Statement<[string, string], WideRow>;
  readonly #byKey: Statement<[AlertKey], WideRow>;
  readonly #raisedOf: Statement<[string], WideRow>;
  readonly #due: Statement<[Instant, number], WideRow>;
  readonly #insert: Statement<unknown[]>;
  readonly #updatePlain: Statement<unknown[]>;
  readonly #updateAll: Statement<unknown[]>;
  readonly #updateWake: Statement<[Instant | null, AlertKey]>;
  readonly #standing: Statement<[{ after: number; kind: MutedKind | null; limit: number }], Standing>;
  readonly #muted: Statement<[{ now: Instant; kind: MutedKind; limit: number }], Standing>;
  readonly #mutedBy: Statement<[{ now: Instant; kind: MutedKind; by: string; limit: number }], Standing>;
  readonly #detail: Statement<[AlertKey], string>;
  readonly #setDetail: Statement<[AlertKey, string]>;
  readonly #dropDetail: Statement<[AlertKey]>;
  readonly #nextWake: Statement<[], Instant | null>;

  constructor(db: Database, journal: Journal, limits: CacheLimits) {
    this.#journal = journal;
    this.#cache = new RecentAlerts(limits);
    this.#inhibitors = new Inhibitors(db);
    this.#open = new OpenAlerts(db);
    const keys = db.prepare<[], number>(`SELECT seq FROM sqlite_sequence WHERE name = 'alerts'`).pluck();
    this.#lastKey = keys.get() ?? 0;
    this.#draftKey = this.#lastKey;
    this.#byName = db.prepare(`SELECT * FROM alerts WHERE source = ? AND id = ?`);
    this.#byKey = db.prepare(`SELECT * FROM alerts WHERE key = ?`);
    this.#raisedOf = db.prepare(`SELECT * FROM alerts WHERE source = ? AND phase <> 'cleared' ORDER BY key`);
    this.#due = db.prepare(`SELECT * FROM alerts WHERE wake_at <= ? ORDER BY wake_at, key LIMIT ?`);
    this.#insert = db.prepare(insertAlert);
    this.#updatePlain = db.prepare(updatePlain);
    this.#updateAll = db.prepare(updateAll);
    this.#updateWake = db.prepare('UPDATE alerts SET wake_at = ? WHERE key = ?');
    this.#standing = db.prepare(
      `SELECT key, source, id, wake_at FROM alerts INDEXED BY alerts_standing
       WHERE (phase <> 'cleared' OR muted_kind IS NOT NULL) AND key > @after
         AND (@kind IS NULL OR muted_kind = @kind) ORDER BY key LIMIT @limit`,
    );
    const asleep = (condition: string): string =>
      `SELECT key, source, id, wake_at FROM alerts INDEXED BY alerts_muted
       WHERE muted_kind = @kind ${condition} AND (wake_at IS NULL OR wake_at > @now) LIMIT @limit`;
    this.#muted = db.prepare(asleep(''));
    this.#mutedBy = db.prepare(asleep('AND muted_by = @by'));
    this.#detail = db.prepare<[AlertKey], string>('SELECT detail FROM alert_details WHERE key = ?').pluck();
    this.#setDetail = db.prepare('INSERT OR REPLACE INTO alert_details (key, detail) VALUES (?, ?)');
    this.#dropDetail = db.prepare('DELETE FROM alert_details WHERE key = ?');
    this.#nextWake = db
      .prepare<[], Instant | null>('SELECT min(wake_at) FROM alerts WHERE wake_at IS NOT NULL')
      .pluck();
  }

  loadNamed(names: readonly AlertName[]): Map<string, Alert> {
    const found = new Map<string, Alert>();
    const drafted = this.#draft.size > 0 ? this.#draft : null;
    for (const name of names) {
      const as = nameKey(name);
      const alert = drafted?.get(as) ?? this.#cache.get(as) ?? this.#read(as, name);
      // Under the name that was asked for, even where SQLite's UTF-8 repaired it.
      if (alert !== undefined) found.set(as, alert);
    }
    return found;
  }

  #read(as: string, name: AlertName): Alert | undefined {
    const row = this.#byName.get(name.source, name.id);
    if (row === undefined) return undefined;
    const alert = this.#alertOf(row);
    this.#cache.set(as, alert);
    return alert;
  }

  loadKeyed(keys: readonly AlertKey[]): readonly Alert[] {
    return keys.flatMap((key) => {
      const row = this.#byKey.get(key);
      return row === undefined ? [] : [this.#alertOf(row)];
    });
  }

  loadOpenOf(person: PersonId, limit: number): readonly Alert[] {
    return this.loadKeyed(this.#open.of(person, limit));
  }

  countOpenOf(person: PersonId, most: number): number {
    return this.#open.count(person, most);
  }

  loadRaisedOf(sources: readonly string[]): readonly Alert[] {
    return [...new Set(sources)].flatMap((source) =>
      this.#raisedOf.all(source).map((row) => this.#alertOf(row)),
    );
  }

  loadDue(now: Instant, limit: number): readonly Alert[] {
    return this.#due.all(now, limit).map((row) => this.#alertOf(row));
  }

  nextWake(): Instant | null {
    return this.#nextWake.get() ?? null;
  }

  newKeys(count: number): readonly AlertKey[] {
    const first = this.#draftKey + 1;
    this.#draftKey += count;
    return Array.from({ length: count }, (_, i) => (first + i) as AlertKey);
  }

  save({ before, after }: SavedAlert): void {
    if (before === null) this.#add(after);
    else this.#change(before, after);
    this.#draft.set(nameKey(after), after);
  }

  #add(alert: Alert): void {
    this.#insert.run(
      ...plainValues(alert),
      ...indexedValues(alert),
      alert.key,
      alert.source,
      alert.id,
      alert.firstSeenAt,
    );
    if (alert.detail !== '') this.#setDetail.run(alert.key, alert.detail);
    this.#inhibitors.save(null, alert);
    this.#open.save(null, alert);
    this.#journal.begin(alert);
  }

  #change(before: Alert, after: Alert): void {
    if (sameState(before, after)) {
      if (before.wakeAt !== after.wakeAt) this.#updateWake.run(after.wakeAt, after.key);
    } else {
      this.#changeState(before, after);
    }
    if (before.detail !== after.detail) {
      if (after.detail === '') this.#dropDetail.run(after.key);
      else this.#setDetail.run(after.key, after.detail);
    }
    if (!samePlans(before, after)) this.#journal.write(after);
    else if (!sameMoved(before, after)) this.#journal.repeat(after);
  }

  #changeState(before: Alert, after: Alert): void {
    const indexed =
      before.phase.kind !== after.phase.kind ||
      before.changedAt !== after.changedAt ||
      before.wakeAt !== after.wakeAt ||
      before.muted?.kind !== after.muted?.kind ||
      before.muted?.by !== after.muted?.by;
    if (indexed) this.#updateAll.run(...plainValues(after), ...indexedValues(after), after.key);
    else this.#updatePlain.run(...plainValues(after), after.key);
    this.#inhibitors.save(before, after);
    this.#open.save(before, after);
  }

  loadInhibitors(tokens: readonly string[]): ReadonlyMap<string, readonly Inhibitor[]> {
    return this.#inhibitors.load(tokens);
  }

  wakeRaised(now: Instant, after: AlertKey | null, limit: number, kind: MutedKind | null): AlertKey | null {
    const standing = this.#standing.all({ after: after ?? 0, kind, limit });
    this.#wakeAll(standing, now);
    return standing.length < limit ? null : (standing.at(-1)?.key ?? null);
  }

  wakeMuted(kind: MutedKind, by: readonly string[] | null, now: Instant, limit: number): boolean {
    let left = limit;
    const wake = (muted: readonly Standing[]): void => {
      this.#wakeAll(muted, now);
      left -= muted.length;
    };
    if (by === null) wake(this.#muted.all({ now, kind, limit: left }));
    for (const one of new Set(by)) if (left > 0) wake(this.#mutedBy.all({ now, kind, by: one, limit: left }));
    return left > 0;
  }

  #wakeAll(alerts: readonly Standing[], now: Instant): void {
    for (const { key, source, id, wake_at: wakeAt } of alerts) {
      if (wakeAt !== null && wakeAt <= now) continue;
      this.#updateWake.run(now, key);
      this.#reread({ source, id });
    }
  }

  /** All that is saved is in the tables and the journal: read again, it carries its new wakeAt. */
  #reread(name: AlertName): void {
    this.#draft.delete(nameKey(name));
    this.#cache.delete(nameKey(name));
  }

  /** What was dropped from the table is not to be found in memory either. */
  forget(name: AlertName): void {
    this.#cache.delete(nameKey(name));
  }

  commit(): void {
    for (const [as, alert] of this.#draft) this.#cache.set(as, alert);
    this.#draft.clear();
    this.#lastKey = this.#draftKey;
  }

  rollback(): void {
    this.#draft.clear();
    // What was read may have been written by the same transaction.
    this.#cache.clear();
    this.#draftKey = this.#lastKey;
  }

  #alertOf(row: WideRow): Alert {
    return alertOf(row, this.#journal.read(row.key), this.#detail.get(row.key) ?? '');
  }
}
