/**
 * The transmissions taken of late, as the database keeps them for the next start:
 * appended, one row for those taken at once, never looked up, and dropped off the
 * head once they are old.
 */
import { Buffer } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';
import { type Instant, minus, plus } from '../../time.ts';
import { headRowsAtOnce } from './journal.ts';
import type { TransmissionName } from './store.ts';
import { NamePacker, nameWords, TransmissionMemory, transmissionMemory } from './transmissions.ts';

export class TransmissionTable {
  readonly #memory = new TransmissionMemory();
  readonly #append: Statement<[Instant, Buffer]>;
  readonly #head: Statement<[number], { seq: number; at: Instant }>;
  readonly #drop: Statement<[number]>;

  constructor(db: Database) {
    this.#append = db.prepare('INSERT INTO transmissions (at, names) VALUES (?, ?)');
    this.#head = db.prepare('SELECT seq, at FROM transmissions ORDER BY seq LIMIT ?');
    this.#drop = db.prepare('DELETE FROM transmissions WHERE seq <= ?');
    this.#load(db);
  }

  /** What was taken long before the last one is as good as forgotten already. */
  #load(db: Database): void {
    const last = db
      .prepare<[], Instant | null>('SELECT at FROM transmissions ORDER BY seq DESC LIMIT 1')
      .pluck();
    const newest = last.get();
    if (newest === undefined || newest === null) return;
    const rows = db.prepare<[Instant], { at: Instant; names: Buffer }>(
      'SELECT at, names FROM transmissions WHERE at >= ? ORDER BY seq',
    );
    for (const { at, names } of rows.iterate(minus(newest, transmissionMemory))) {
      // A copy: what SQLite gives need not begin where a word may.
      const words = new Uint32Array(Uint8Array.from(names).buffer);
      for (let index = 0; index * nameWords < words.length; index++) this.#memory.take(words, index, at);
      this.#memory.commit();
    }
  }

  take(names: readonly TransmissionName[], at: Instant): readonly boolean[] {
    const packer = new NamePacker(names.length);
    let fresh = 0;
    const firsts = names.map((name) => {
      packer.put(fresh, name);
      const isFirst = this.#memory.take(packer.words, fresh, at);
      // A copy's place is taken by the next name.
      if (isFirst) fresh += 1;
      return isFirst;
    });
    const bytes = fresh * nameWords * Uint32Array.BYTES_PER_ELEMENT;
    if (fresh > 0) this.#append.run(at, Buffer.from(packer.words.buffer, 0, bytes));
    return firsts;
  }

  /** Drops some old ones, in a transaction of the caller's. @returns whether more may be left. */
  trim(now: Instant): boolean {
    const oldest = minus(now, transmissionMemory);
    const head = this.#head.all(headRowsAtOnce);
    // One from far ahead was written before the clock was set back, and would stay at the head for ever.
    const ahead = plus(now, transmissionMemory);
    const recent = head.findIndex(({ at }) => at >= oldest && at <= ahead);
    const last = head[(recent === -1 ? head.length : recent) - 1];
    if (last === undefined) return false;
    this.#drop.run(last.seq);
    return recent === -1;
  }

  commit(): void {
    this.#memory.commit();
  }

  rollback(): void {
    this.#memory.rollback();
  }
}
