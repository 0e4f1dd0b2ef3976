/**
 * The silences that people made. What one matches is kept as it was written: only
 * the policy's language knows what it means. Those of past years stay for the
 * record, so what stands is found by an index of its own.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../../time.ts';
import type { SilenceId, StoredSilence } from './store.ts';

type SilenceRow = {
  id: SilenceId;
  match: string;
  starts_at: Instant;
  until: Instant;
  author: string;
  reason: string;
  ended_at: Instant | null;
  ended_by: string | null;
};

const silenceOf = (row: SilenceRow): StoredSilence => ({
  id: row.id,
  match: row.match,
  from: row.starts_at,
  until: row.until,
  author: row.author,
  reason: row.reason,
  ended: row.ended_at === null || row.ended_by === null ? null : { at: row.ended_at, by: row.ended_by },
});

/** In force, or to come. */
const standing = `SELECT * FROM silences INDEXED BY silences_standing
  WHERE ended_at IS NULL AND until > ? ORDER BY until, id`;

export class Silences {
  readonly #add: Statement<unknown[]>;
  readonly #end: Statement<[Instant, string, SilenceId, Instant]>;
  readonly #one: Statement<[SilenceId], SilenceRow>;
  readonly #standing: Statement<[Instant], SilenceRow>;

  constructor(db: Database) {
    this.#add = db.prepare(
      'INSERT INTO silences (match, starts_at, until, author, reason) VALUES (?, ?, ?, ?, ?)',
    );
    this.#end = db.prepare(
      'UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL AND until > ?',
    );
    this.#one = db.prepare('SELECT * FROM silences WHERE id = ?');
    this.#standing = db.prepare(standing);
  }

  add({ match, from, until, author, reason }: Omit<StoredSilence, 'id' | 'ended'>): SilenceId {
    return Number(this.#add.run(match, from, until, author, reason).lastInsertRowid) as SilenceId;
  }

  end(id: SilenceId, at: Instant, by: string): boolean {
    return this.#end.run(at, by, id, at).changes > 0;
  }

  one(id: SilenceId): StoredSilence | null {
    const row = this.#one.get(id);
    return row === undefined ? null : silenceOf(row);
  }

  standing(now: Instant): readonly StoredSilence[] {
    return this.#standing.all(now).map(silenceOf);
  }
}

/** As `Reads.silences`. */
export function silenceReads(db: Database): (now: Instant, limit: number) => readonly StoredSilence[] {
  const stand = db.prepare<[Instant, number], SilenceRow>(`${standing} LIMIT ?`);
  const ended = db.prepare<[Instant, number], SilenceRow>(
    `SELECT * FROM silences INDEXED BY silences_end WHERE ended_at IS NOT NULL OR until <= ?
     ORDER BY coalesce(ended_at, until) DESC, id DESC LIMIT ?`,
  );
  return (now, limit) => {
    const first = stand.all(now, limit);
    return [...first, ...ended.all(now, limit - first.length)].map(silenceOf);
  };
}
