/**
 * Which raised alerts inhibit others, by the token in which they must agree: the
 * other way round from `alerts.inhibits`, and written with it, so that an alert
 * finds what mutes it without a look at all that are raised.
 *
 * A token may be that of thousands of alerts, where a rule compares no field:
 * only the first few are read. Any one of them is enough to mute.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Alert, AlertKey } from '../core/alert.ts';
import type { Inhibitor } from './store.ts';

/**
 * How many alerts are read of one token, those with the lowest keys: more than one transaction is likely to clear
 * at once, so that one that still inhibits is left among them.
 */
export const inhibitorsMax = 1_000;

type Named = { source: string; id: string; subject: string; mutedBy: string | null };

export class Inhibitors {
  readonly #add: Statement<[string, AlertKey]>;
  readonly #remove: Statement<[string, AlertKey]>;
  readonly #of: Statement<[string, number], AlertKey>;
  readonly #named: Statement<[AlertKey], Named>;

  constructor(db: Database) {
    this.#add = db.prepare('INSERT OR IGNORE INTO inhibitors (token, alert) VALUES (?, ?)');
    this.#remove = db.prepare('DELETE FROM inhibitors WHERE token = ? AND alert = ?');
    this.#of = db
      .prepare<[string, number], AlertKey>(
        'SELECT alert FROM inhibitors WHERE token = ? ORDER BY alert LIMIT ?',
      )
      .pluck();
    this.#named = db.prepare(
      `SELECT source, id, subject, iif(muted_kind = 'inhibited', muted_by, NULL) AS mutedBy FROM alerts WHERE key = ?`,
    );
  }

  /** Writes only what differs. */
  save(before: Pick<Alert, 'inhibits'> | null, after: Pick<Alert, 'key' | 'inhibits'>): void {
    const old = before?.inhibits ?? [];
    if (old === after.inhibits || (old.length === 0 && after.inhibits.length === 0)) return;
    for (const token of old) if (!after.inhibits.includes(token)) this.#remove.run(token, after.key);
    for (const token of after.inhibits) if (!old.includes(token)) this.#add.run(token, after.key);
  }

  load(tokens: readonly string[]): ReadonlyMap<string, readonly Inhibitor[]> {
    const found = new Map<string, readonly Inhibitor[]>();
    for (const token of new Set(tokens)) {
      const inhibitors = this.#of.all(token, inhibitorsMax).flatMap((alert) => {
        const named = this.#named.get(alert);
        return named === undefined ? [] : [{ alert, ...named }];
      });
      if (inhibitors.length > 0) found.set(token, inhibitors);
    }
    return found;
  }
}
