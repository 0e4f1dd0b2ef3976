/**
 * Short codes of alerts, by which a person names one in a reply: `ack 12`. They
 * go round in a circle, so that a code that was given up is not given out again
 * for as long as possible, and an alert keeps its own, over all its episodes,
 * until the circle comes round to it and finds it cleared.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { AlertKey } from '../core/alert.ts';

/** The circle is as short as these, and so much wider than the number of alerts that stand. */
const circles = [999, 9_999, 99_999, 999_999, 9_999_999];
const roomFactor = 2;
const lastFact = 'last_code';

export class Codes {
  readonly #codeOf: Statement<[AlertKey], number>;
  readonly #alertOf: Statement<[number], AlertKey>;
  readonly #stands: Statement<[AlertKey], number>;
  readonly #standing: Statement<[], number>;
  readonly #put: Statement<[number, AlertKey]>;
  readonly #last: Statement<[], string>;
  readonly #setLast: Statement<[string]>;

  constructor(db: Database) {
    this.#codeOf = db.prepare<[AlertKey], number>('SELECT code FROM codes WHERE alert = ?').pluck();
    this.#alertOf = db.prepare<[number], AlertKey>('SELECT alert FROM codes WHERE code = ?').pluck();
    this.#stands = db
      .prepare<[AlertKey], number>(`SELECT 1 FROM alerts WHERE key = ? AND phase <> 'cleared'`)
      .pluck();
    this.#standing = db
      .prepare<[], number>(
        `SELECT sum(count) FROM tallies WHERE name IN ('alerts/raised', 'alerts/acknowledged')`,
      )
      .pluck();
    this.#put = db.prepare('INSERT OR REPLACE INTO codes (code, alert) VALUES (?, ?)');
    this.#last = db.prepare<[], string>(`SELECT value FROM facts WHERE name = '${lastFact}'`).pluck();
    this.#setLast = db.prepare(`INSERT OR REPLACE INTO facts (name, value) VALUES ('${lastFact}', ?)`);
  }

  of(alert: AlertKey): number | null {
    return this.#codeOf.get(alert) ?? null;
  }

  /** See `Transaction.loadCode`. */
  alert(code: number): AlertKey | null {
    return this.#alertOf.get(code) ?? null;
  }

  /** Gives the alert a code if it has none. */
  ensure(alert: AlertKey): void {
    if (this.#codeOf.get(alert) !== undefined) return;
    const room = roomFactor * (this.#standing.get() ?? 0);
    const circle = circles.find((size) => size >= room) ?? circles.at(-1) ?? 1;
    let code = Number(this.#last.get() ?? 0);
    for (let tries = 0; tries < circle; tries++) {
      code = code >= circle ? 1 : code + 1;
      const holder = this.#alertOf.get(code);
      if (holder !== undefined && this.#stands.get(holder) !== undefined) continue;
      this.#put.run(code, alert);
      this.#setLast.run(String(code));
      return;
    }
  }
}
