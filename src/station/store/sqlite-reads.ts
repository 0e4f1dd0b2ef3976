/**
 * What pages read, over a connection that cannot write, for the web's own thread.
 * Each answer is one short statement or a few, so that no page holds back a
 * checkpoint for long.
 */
import { Buffer } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../../time.ts';
import { type Alert, type AlertKey, type PersonId, type State, states } from '../core/alert.ts';
import { openForReading } from './database.ts';
import { guarded } from './errors.ts';
import {
  type AlertRow,
  type HistoryRow,
  historyOf,
  inboxMessageOf,
  type MessageRow,
  selectAlerts,
  wholeAlertOf,
} from './rows.ts';
import { accountReads } from './sqlite-accounts.ts';
import { silenceReads } from './sqlite-silences.ts';
import type {
  AlertPage,
  InboxMessage,
  MessageId,
  MessageStatus,
  Reads,
  StateCounts,
  StoredHistory,
  StoredSilence,
} from './store.ts';

/** The last alert of a page: the next page begins below it. */
type Place = { readonly changedAt: number; readonly key: number };

/** Above all instants and keys. */
const top: Place = { changedAt: Number.MAX_SAFE_INTEGER, key: Number.MAX_SAFE_INTEGER };

const encoded = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
const decoded = (cursor: string): string =>
  /^[\w-]{1,64}$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('utf8') : '';

const cursorOf = (alert: Alert): string => encoded(`${alert.changedAt}.${alert.key}`);

function placeOf(cursor: string | null): Place | null {
  return cursor === null ? top : placeIn(decoded(cursor));
}

function placeIn(text: string): Place | null {
  const [, changedAt, key] = /^(-?\d{1,16})\.(\d{1,16})$/.exec(text) ?? [];
  return changedAt === undefined || key === undefined
    ? null
    : { changedAt: Number(changedAt), key: Number(key) };
}

/** The two runs of a list with the urgent first, by the letter of their cursors. */
type Run = 'u' | 'o';
const runOf = (alert: Alert): Run => (alert.level === 'urgent' ? 'u' : 'o');
const runCursorOf = (alert: Alert): string => encoded(`${runOf(alert)}${alert.changedAt}.${alert.key}`);

function runPlaceOf(cursor: string | null): { readonly run: Run; readonly place: Place } | null {
  if (cursor === null) return { run: 'u', place: top };
  const text = decoded(cursor);
  const run = text.startsWith('u') ? 'u' : text.startsWith('o') ? 'o' : null;
  const place = run === null ? null : placeIn(text.slice(1));
  return run === null || place === null ? null : { run, place };
}

/** @throws StoreError where the database cannot be opened; the station makes it before. */
export function openReads(options: { readonly folder: string }): Reads {
  return new SqliteReads(openForReading(options.folder));
}

class SqliteReads implements Reads {
  readonly accounts: Reads['accounts'];
  readonly #db: Database;
  readonly #page: Statement<[State, number, number, number], AlertRow>;
  /** As `#page`, of one run. */
  readonly #run: Readonly<Record<Run, Statement<[State, number, number, number], AlertRow>>>;
  readonly #alert: Statement<[AlertKey], AlertRow>;
  readonly #history: Statement<[AlertKey, number], HistoryRow>;
  readonly #historyAfter: Statement<[number, number], HistoryRow>;
  readonly #lastSeq: Statement<[], number>;
  readonly #tally: Statement<[string], number>;
  readonly #inbox: Statement<[number, number], MessageRow>;
  readonly #inboxOf: Statement<[PersonId, number, number], MessageRow>;
  readonly #messagesOf: Statement<[AlertKey, number], MessageRow>;
  readonly #message: Statement<[MessageId], MessageRow>;
  readonly #code: Statement<[AlertKey], number>;
  readonly #silences: ReturnType<typeof silenceReads>;

  constructor(db: Database) {
    this.#db = db;
    this.#page = db.prepare(
      `${selectAlerts} WHERE a.phase = ? AND (a.changed_at, a.key) < (?, ?)
       ORDER BY a.changed_at DESC, a.key DESC LIMIT ?`,
    );
    const run = (condition: string): Statement<[State, number, number, number], AlertRow> =>
      db.prepare(
        `${selectAlerts} WHERE a.phase = ? AND ${condition} AND (a.changed_at, a.key) < (?, ?)
         ORDER BY a.changed_at DESC, a.key DESC LIMIT ?`,
      );
    this.#run = { u: run(`a.level = 'urgent'`), o: run(`a.level IS NOT 'urgent'`) };
    this.#alert = db.prepare(`${selectAlerts} WHERE a.key = ?`);
    this.#history = db.prepare('SELECT * FROM history WHERE alert = ? ORDER BY seq DESC LIMIT ?');
    this.#historyAfter = db.prepare('SELECT * FROM history WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#lastSeq = db.prepare<[], number>(`SELECT seq FROM sqlite_sequence WHERE name = 'history'`).pluck();
    this.#tally = db.prepare<[string], number>('SELECT count FROM tallies WHERE name = ?').pluck();
    this.#inbox = db.prepare('SELECT * FROM outbox WHERE id < ? ORDER BY id DESC LIMIT ?');
    this.#inboxOf = db.prepare('SELECT * FROM outbox WHERE person = ? AND id < ? ORDER BY id DESC LIMIT ?');
    this.#messagesOf = db.prepare('SELECT * FROM outbox WHERE alert = ? ORDER BY id DESC LIMIT ?');
    this.#message = db.prepare('SELECT * FROM outbox WHERE id = ?');
    this.#code = db.prepare<[AlertKey], number>('SELECT code FROM codes WHERE alert = ?').pluck();
    this.#silences = silenceReads(db);
    const accounts = accountReads(db);
    this.accounts = {
      findUser: (name) => this.#do(() => accounts.findUser(name)),
      listUsers: () => this.#do(() => accounts.listUsers()),
      findToken: (hash) => this.#do(() => accounts.findToken(hash)),
      loadSession: (id, now) => this.#do(() => accounts.loadSession(id, now)),
    };
  }

  async #do<T>(work: () => T): Promise<T> {
    return guarded(this.#db.name, work);
  }

  alerts(query: Parameters<Reads['alerts']>[0]): Promise<AlertPage | null> {
    return this.#do(() => {
      const place = placeOf(query.cursor);
      if (place === null) return null;
      const wanted = query.state === null ? states : [query.state];
      const rows = wanted
        .flatMap((state) => this.#page.all(state, place.changedAt, place.key, query.limit + 1))
        .sort((a, b) => b.changed_at - a.changed_at || b.key - a.key);
      const alerts = rows.slice(0, query.limit).map(wholeAlertOf);
      const last = alerts.at(-1);
      return { alerts, next: rows.length > query.limit && last !== undefined ? cursorOf(last) : null };
    });
  }

  urgentFirst({ state, limit, cursor }: Parameters<Reads['urgentFirst']>[0]): Promise<AlertPage | null> {
    return this.#do(() => {
      const begin = runPlaceOf(cursor);
      if (begin === null) return null;
      const { run, place } = begin;
      const rows = this.#run[run].all(state, place.changedAt, place.key, limit + 1);
      if (run === 'u' && rows.length <= limit) {
        rows.push(...this.#run.o.all(state, top.changedAt, top.key, limit + 1 - rows.length));
      }
      const alerts = rows.slice(0, limit).map(wholeAlertOf);
      const last = alerts.at(-1);
      return { alerts, next: rows.length > limit && last !== undefined ? runCursorOf(last) : null };
    });
  }

  alert(key: AlertKey): Promise<Alert | null> {
    return this.#do(() => {
      const row = this.#alert.get(key);
      return row === undefined ? null : wholeAlertOf(row);
    });
  }

  silences(now: Instant, limit: number): Promise<readonly StoredSilence[]> {
    return this.#do(() => this.#silences(now, limit));
  }

  history(key: AlertKey, limit: number): Promise<readonly StoredHistory[]> {
    return this.#do(() => this.#history.all(key, limit).map(historyOf));
  }

  historyAfter(seq: number, limit: number): Promise<readonly StoredHistory[]> {
    return this.#do(() => this.#historyAfter.all(seq, limit).map(historyOf));
  }

  lastSeq(): Promise<number> {
    return this.#do(() => this.#lastSeq.get() ?? 0);
  }

  counts(): Promise<StateCounts> {
    return this.#do(() => ({
      raised: this.#count('alerts/raised'),
      acknowledged: this.#count('alerts/acknowledged'),
      cleared: this.#count('alerts/cleared'),
    }));
  }

  inbox(query: Parameters<Reads['inbox']>[0]): Promise<readonly InboxMessage[]> {
    return this.#do(() => {
      const before = query.before ?? Number.MAX_SAFE_INTEGER;
      const rows =
        query.person === null
          ? this.#inbox.all(before, query.limit)
          : this.#inboxOf.all(query.person, before, query.limit);
      return rows.map(inboxMessageOf);
    });
  }

  messagesOf(key: AlertKey, limit: number): Promise<readonly InboxMessage[]> {
    return this.#do(() => this.#messagesOf.all(key, limit).map(inboxMessageOf));
  }

  message(id: MessageId): Promise<InboxMessage | null> {
    return this.#do(() => {
      const row = this.#message.get(id);
      return row === undefined ? null : inboxMessageOf(row);
    });
  }

  codes(alerts: readonly AlertKey[]): Promise<ReadonlyMap<AlertKey, number>> {
    return this.#do(() => {
      const found = new Map<AlertKey, number>();
      for (const key of alerts) {
        const code = this.#code.get(key);
        if (code !== undefined) found.set(key, code);
      }
      return found;
    });
  }

  outboxCounts(): Promise<Readonly<Record<MessageStatus, number>>> {
    return this.#do(() => ({
      pending: this.#count('outbox/pending'),
      leased: this.#count('outbox/leased'),
      accepted: this.#count('outbox/accepted'),
      delivered: this.#count('outbox/delivered'),
      failed: this.#count('outbox/failed'),
      obsolete: this.#count('outbox/obsolete'),
    }));
  }

  #count(name: string): number {
    return this.#tally.get(name) ?? 0;
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
