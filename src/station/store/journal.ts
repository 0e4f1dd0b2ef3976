/**
 * What a repeat moves: when the alert was heard, and its two plans. It goes into
 * memory, the overlay, which is newer than the table `heard` and is read over it;
 * and at the end of each transaction all that moved in it is appended to
 * `repeats`, as one row. Folding brings the overlay into `heard` in the order of
 * keys, a little at a time, and then drops the rows of `repeats` that it covers. At
 * start, the overlay is rebuilt from those that are left.
 *
 * So what `repeats` says last of an alert must never be older than its row of
 * `heard`: whatever moves an alert that is there already goes into both.
 */
import { Buffer } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';
import { type Duration, type Instant, plus, seconds } from '../../time.ts';
import type { Alert, AlertKey } from '../core/alert.ts';
import { type HeardRow, type Moved, movedOf } from './rows.ts';

/** A small overlay is folded whenever there is time; a large one seldom, so that many repeats share one write. */
const smallOverlay = 1_000;
const foldEvery: Duration = seconds(15);

/** Rows dropped off the head of an append-only table in one step; each may be some pages long. */
export const headRowsAtOnce = 100;

type Values = [Instant, Instant | null, Instant | null];

/** Of each alert in a row of `repeats`: key, heardAt, willRaiseAt, willClearAt; NaN for none. */
const numbersOfMoved = 4;

function pack(moved: ReadonlyMap<AlertKey, Moved>): Buffer {
  const numbers = new Float64Array(moved.size * numbersOfMoved);
  let place = 0;
  for (const [key, { heardAt, willRaiseAt, willClearAt }] of moved) {
    numbers[place] = key;
    numbers[place + 1] = heardAt;
    numbers[place + 2] = willRaiseAt ?? Number.NaN;
    numbers[place + 3] = willClearAt ?? Number.NaN;
    place += numbersOfMoved;
  }
  return Buffer.from(numbers.buffer);
}

function unpack(row: Buffer, into: Map<AlertKey, Moved>): void {
  // A copy: what SQLite gives need not begin where a number may.
  const numbers = new Float64Array(Uint8Array.from(row).buffer);
  const planAt = (place: number): Instant | null => {
    const at = numbers[place] ?? Number.NaN;
    return Number.isNaN(at) ? null : (at as Instant);
  };
  for (let place = 0; place < numbers.length; place += numbersOfMoved) {
    const heardAt = (numbers[place + 1] ?? 0) as Instant;
    into.set((numbers[place] ?? 0) as AlertKey, {
      heardAt,
      willRaiseAt: planAt(place + 2),
      willClearAt: planAt(place + 3),
    });
  }
}

/** One pass over the overlay: these keys, and the rows of `repeats` up to `end`. */
type Round = { readonly keys: Float64Array; next: number; readonly end: number };

export class Journal {
  #overlay = new Map<AlertKey, Moved>();
  #draft = new Map<AlertKey, Moved>();
  #round: Round | null = null;
  #foldedAt: Instant | null = null;
  readonly #heard: Statement<[AlertKey], HeardRow>;
  readonly #append: Statement<[Buffer]>;
  readonly #insertHeard: Statement<[AlertKey, ...Values]>;
  readonly #updateHeard: Statement<[...Values, AlertKey]>;
  readonly #first: Statement<[], number | null>;
  readonly #last: Statement<[], number | null>;
  readonly #drop: Statement<[number]>;

  constructor(db: Database) {
    this.#heard = db.prepare('SELECT heard_at, will_raise_at, will_clear_at FROM heard WHERE key = ?');
    this.#append = db.prepare('INSERT INTO repeats (moved) VALUES (?)');
    this.#insertHeard = db.prepare(
      'INSERT INTO heard (key, heard_at, will_raise_at, will_clear_at) VALUES (?, ?, ?, ?)',
    );
    this.#updateHeard = db.prepare(
      'UPDATE heard SET heard_at = ?, will_raise_at = ?, will_clear_at = ? WHERE key = ?',
    );
    this.#first = db.prepare<[], number | null>('SELECT min(seq) FROM repeats').pluck();
    this.#last = db.prepare<[], number | null>('SELECT max(seq) FROM repeats').pluck();
    this.#drop = db.prepare('DELETE FROM repeats WHERE seq <= ?');
    const rows = db.prepare<[], Buffer>('SELECT moved FROM repeats ORDER BY seq').pluck();
    for (const row of rows.iterate()) unpack(row, this.#overlay);
  }

  /** What is newer than the alert's row in `heard`, if anything is. */
  moved(key: AlertKey): Moved | undefined {
    return this.#draft.get(key) ?? this.#overlay.get(key);
  }

  /** What is newest of an alert that is in the table. */
  read(key: AlertKey): Moved {
    const moved = this.moved(key);
    if (moved !== undefined) return moved;
    const row = this.#heard.get(key);
    if (row === undefined) throw new Error(`alert ${key} was never heard`);
    return movedOf(row);
  }

  /** The first row of a new alert. */
  begin(alert: Alert): void {
    this.#insertHeard.run(alert.key, alert.heardAt, alert.willRaiseAt, alert.willClearAt);
  }

  /** A repeat: memory now, and the journal at the end of the transaction. */
  repeat({ key, heardAt, willRaiseAt, willClearAt }: Alert): void {
    this.#draft.set(key, { heardAt, willRaiseAt, willClearAt });
  }

  /** A change that pages must see at once: the table as well. */
  write(alert: Alert): void {
    this.repeat(alert);
    this.#updateHeard.run(alert.heardAt, alert.willRaiseAt, alert.willClearAt, alert.key);
  }

  /** The last thing in a transaction. */
  append(): void {
    if (this.#draft.size > 0) this.#append.run(pack(this.#draft));
  }

  commit(): void {
    for (const [key, moved] of this.#draft) this.#overlay.set(key, moved);
    this.#draft.clear();
  }

  rollback(): void {
    this.#draft.clear();
  }

  /**
   * Folds at most `limit` alerts, in a transaction of the caller's.
   * @param all also what would otherwise wait for more repeats.
   * @returns what to do once it is committed, which tells whether more is left; null when nothing was to do.
   */
  fold(now: Instant, limit: number, all: boolean): (() => boolean) | null {
    const round = this.#round ?? this.#begin(now, all);
    if (round === null) return null;
    const keys = round.keys.subarray(round.next, round.next + limit);
    for (const number of keys) {
      const key = number as AlertKey;
      const moved = this.#overlay.get(key);
      if (moved !== undefined) {
        this.#updateHeard.run(moved.heardAt, moved.willRaiseAt, moved.willClearAt, key);
      }
    }
    const next = round.next + keys.length;
    const dropped = next < round.keys.length || this.#dropUpTo(round.end);
    const finished = next >= round.keys.length && dropped;
    return () => {
      for (const key of keys) this.#overlay.delete(key as AlertKey);
      if (round.next === 0) this.#foldedAt = now;
      round.next = next;
      this.#round = finished ? null : round;
      return !finished || this.#isDue(now, all);
    };
  }

  #isDue(now: Instant, all: boolean): boolean {
    const waiting = this.#overlay.size;
    if (waiting === 0) return false;
    if (all || waiting <= smallOverlay || this.#foldedAt === null) return true;
    // A clock that was set back must not put the folding off until it has caught up.
    return now >= plus(this.#foldedAt, foldEvery) || now < this.#foldedAt;
  }

  #begin(now: Instant, all: boolean): Round | null {
    if (!this.#isDue(now, all)) return null;
    return { keys: Float64Array.from(this.#overlay.keys()).sort(), next: 0, end: this.#last.get() ?? 0 };
  }

  /** @returns true when none is left. */
  #dropUpTo(end: number): boolean {
    const first = this.#first.get() ?? null;
    if (first === null || first > end) return true;
    const upTo = Math.min(end, first + headRowsAtOnce - 1);
    this.#drop.run(upTo);
    return upTo === end;
  }
}
