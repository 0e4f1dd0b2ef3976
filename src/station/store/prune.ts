/**
 * Drops what is older than its time to keep, in small steps, each a transaction
 * of the caller's. Looks only at the heads of tables and at what an index finds,
 * and remembers in memory how far a round came.
 */
import type { Database, Statement } from 'better-sqlite3';
import { type Duration, days, type Instant, minus } from '../../time.ts';
import type { AlertKey } from '../core/alert.ts';
import type { AlertName } from './store.ts';

/** History, messages that were settled, and silences that ended. */
export const historyKept: Duration = days(400);
/** Alerts that are cleared, planned for nothing and mentioned by nobody. */
export const silentAlertsKept: Duration = days(400);

/** Before all instants and keys. */
const start = -1;

type Candidate = AlertName & {
  key: AlertKey;
  changed_at: Instant;
  heard_at: Instant;
  wake_at: Instant | null;
  /** Whether a plan, or an entry or message that is still kept, holds it. */
  held: number;
};

/** One kind of row that is dropped by age, from the head of its table on. */
type Aged = { readonly expired: Statement<[number, Instant], number>; readonly drop: Statement<[number]> };

export class Pruner {
  readonly #aged: readonly Aged[];
  readonly #accounts: readonly Statement<[Instant, number]>[];
  readonly #silences: Statement<[Instant, number]>;
  readonly #candidates: Statement<[Instant, AlertKey, Instant, number], Candidate>;
  readonly #dropAlert: Statement<[AlertKey]>;
  #place: { readonly changedAt: Instant; readonly key: AlertKey } | null = null;

  constructor(db: Database) {
    // Of the first rows only: a few that were dated wrongly must neither stop this nor be searched for.
    const aged = (table: string, id: string, at: string): Aged => ({
      expired: db
        .prepare<[number, Instant], number>(
          `SELECT ${id} FROM (SELECT ${id}, ${at} FROM ${table} ORDER BY ${id} LIMIT ?) WHERE ${at} < ?`,
        )
        .pluck(),
      drop: db.prepare(`DELETE FROM ${table} WHERE ${id} = ?`),
    });
    this.#aged = [aged('history', 'seq', 'at'), aged('outbox', 'id', 'settled_at')];
    const expired = (table: string, key: string): Statement<[Instant, number]> =>
      db.prepare(
        `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE expires_at <= ? LIMIT ?)`,
      );
    this.#accounts = [expired('sessions', 'id'), expired('login_links', 'hash')];
    this.#silences = db.prepare(
      `DELETE FROM silences WHERE id IN
         (SELECT id FROM silences INDEXED BY silences_end WHERE coalesce(ended_at, until) < ? LIMIT ?)`,
    );
    this.#candidates = db.prepare(
      `SELECT a.key, a.source, a.id, a.changed_at, a.wake_at, h.heard_at,
         (h.will_raise_at IS NOT NULL OR h.will_clear_at IS NOT NULL
           OR EXISTS (SELECT 1 FROM history WHERE alert = a.key)
           OR EXISTS (SELECT 1 FROM outbox WHERE alert = a.key)) AS held
       FROM alerts a JOIN heard h ON h.key = a.key
       WHERE a.phase = 'cleared' AND (a.changed_at, a.key) > (?, ?) AND a.changed_at < ?
       ORDER BY a.changed_at, a.key LIMIT ?`,
    );
    this.#dropAlert = db.prepare('DELETE FROM alerts WHERE key = ?');
  }

  /**
   * One step, of at most about `limit` rows of each kind.
   * @param isMoved whether repeats moved an alert of late, beside what the tables say.
   * @returns the alerts that were dropped, and whether more may be left.
   */
  step(
    now: Instant,
    limit: number,
    isMoved: (key: AlertKey) => boolean,
  ): { readonly dropped: readonly AlertName[]; readonly more: boolean } {
    let more = false;
    for (const { expired, drop } of this.#aged) {
      const rows = expired.all(limit, minus(now, historyKept));
      for (const row of rows) drop.run(row);
      more ||= rows.length > 0;
    }
    for (const statement of this.#accounts) more = statement.run(now, limit).changes === limit || more;
    more = this.#silences.run(minus(now, historyKept), limit).changes === limit || more;
    const { dropped, ended } = this.#alerts(now, limit, isMoved);
    return { dropped, more: more || !ended };
  }

  #alerts(
    now: Instant,
    limit: number,
    isMoved: (key: AlertKey) => boolean,
  ): { readonly dropped: readonly AlertName[]; readonly ended: boolean } {
    const oldest = minus(now, silentAlertsKept);
    const { changedAt, key } = this.#place ?? { changedAt: start as Instant, key: start as AlertKey };
    const candidates = this.#candidates.all(changedAt, key, oldest, limit);
    const dropped = candidates.filter(
      (alert) => alert.heard_at < oldest && alert.wake_at === null && alert.held === 0 && !isMoved(alert.key),
    );
    for (const alert of dropped) this.#dropAlert.run(alert.key);
    const last = candidates.at(-1);
    const ended = candidates.length < limit || last === undefined;
    this.#place = ended ? null : { changedAt: last.changed_at, key: last.key };
    return { dropped, ended };
  }
}
