/**
 * Which raised alerts nobody has acknowledged, by who was told of them: the
 * other way round from `alerts.told`, and written with it, so that what somebody
 * may acknowledge in a word is found without a look at all that are raised.
 */
import type { Database, Statement } from 'better-sqlite3';
import { type Alert, type AlertKey, type Level, levels, type PersonId } from '../core/alert.ts';

/** Urgent first: the last of the levels is 0. */
export const urgencyOf = (level: Level): number => levels.length - 1 - levels.indexOf(level);

type Open = { readonly people: readonly PersonId[]; readonly urgency: number };

const nobody: Open = { people: [], urgency: 0 };

const openOf = (alert: Alert | null): Open =>
  alert === null || alert.phase.kind !== 'raised'
    ? nobody
    : { people: alert.told, urgency: urgencyOf(alert.level ?? levels[0]) };

export class OpenAlerts {
  readonly #add: Statement<[PersonId, number, AlertKey]>;
  readonly #remove: Statement<[PersonId, number, AlertKey]>;
  readonly #of: Statement<[PersonId, number], AlertKey>;
  readonly #count: Statement<[PersonId, number], number>;

  constructor(db: Database) {
    this.#add = db.prepare('INSERT OR IGNORE INTO open_alerts (person, urgency, alert) VALUES (?, ?, ?)');
    this.#remove = db.prepare('DELETE FROM open_alerts WHERE person = ? AND urgency = ? AND alert = ?');
    this.#of = db
      .prepare<[PersonId, number], AlertKey>(
        'SELECT alert FROM open_alerts WHERE person = ? ORDER BY urgency, alert DESC LIMIT ?',
      )
      .pluck();
    this.#count = db
      .prepare<[PersonId, number], number>(
        'SELECT count(*) FROM (SELECT 1 FROM open_alerts WHERE person = ? LIMIT ?)',
      )
      .pluck();
  }

  /** Writes only what differs. */
  save(before: Alert | null, after: Alert): void {
    const old = openOf(before);
    const now = openOf(after);
    if (old.people === now.people && old.urgency === now.urgency) return;
    const moved = old.urgency !== now.urgency;
    for (const person of old.people) {
      if (moved || !now.people.includes(person)) this.#remove.run(person, old.urgency, after.key);
    }
    for (const person of now.people) {
      if (moved || !old.people.includes(person)) this.#add.run(person, now.urgency, after.key);
    }
  }

  /** See `Transaction.loadOpenOf`. */
  of(person: PersonId, limit: number): readonly AlertKey[] {
    return this.#of.all(person, limit);
  }

  /** See `Transaction.countOpenOf`. */
  count(person: PersonId, most: number): number {
    return this.#count.get(person, most) ?? 0;
  }
}
