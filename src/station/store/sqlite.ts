/**
 * The store on SQLite: one station, one file, nothing to set up. Only the
 * station's thread writes alerts; mauvectl may write accounts beside it.
 *
 * Whatever a transaction puts into memory (cache, overlay, keys, transmissions)
 * counts for others only once it has committed, and is gone when it rolls back:
 * after a full disk the store goes on from what is on the disk.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../../time.ts';
import type { AlertKey, HistoryEntry, MutedKind, PersonId } from '../core/alert.ts';
import type { Obsolete } from '../core/notification.ts';
import { openDatabase } from './database.ts';
import { StoreError, storeError } from './errors.ts';
import { Journal } from './journal.ts';
import { Pruner } from './prune.ts';
import { type CacheLimits, cacheLimits } from './recent.ts';
import { historyValues } from './rows.ts';
import { sqliteAccounts } from './sqlite-accounts.ts';
import { AlertTable } from './sqlite-alerts.ts';
import { Names } from './sqlite-names.ts';
import { Outbox } from './sqlite-outbox.ts';
import { Sent } from './sqlite-sent.ts';
import { Silences } from './sqlite-silences.ts';
import type {
  Accounts,
  AlertName,
  FoundName,
  MessageId,
  OwedMessage,
  SavedAlert,
  SentIn,
  Settlement,
  SilenceId,
  Store,
  StoredSilence,
  Transaction,
  TransmissionName,
} from './store.ts';
import { TransmissionTable } from './transmission-table.ts';

export type SqliteOptions = {
  /** The data folder; created where it is missing. */
  readonly folder: string;
  /** How much of the alerts to keep in memory. */
  readonly cache?: CacheLimits;
};

/**
 * Opens the store of a data folder, brought up to date. Takes no lock: see lockDataFolder.
 * @throws StoreError where the folder or the database cannot be used.
 */
export function openSqlite(options: SqliteOptions): Store {
  const db = openDatabase(options.folder);
  try {
    return new SqliteStore(db, options.cache ?? cacheLimits);
  } catch (error) {
    db.close();
    throw storeError(db.name, error);
  }
}

/** At close, alerts folded in one transaction. */
const foldAtClose = 10_000;

/** What a transaction works with; each keeps a draft of what it has in memory. */
type Parts = {
  readonly journal: Journal;
  readonly alerts: AlertTable;
  readonly transmissions: TransmissionTable;
  readonly outbox: Outbox;
  readonly sent: Sent;
  readonly silences: Silences;
  readonly names: Names;
  readonly addHistory: Statement<unknown[]>;
  readonly getFact: Statement<[string], string>;
  readonly setFact: Statement<[string, string]>;
};

class SqliteStore implements Store {
  readonly accounts: Accounts;
  readonly #db: Database;
  readonly #parts: Parts;
  readonly #pruner: Pruner;
  readonly #begin: Statement<[]>;
  readonly #commit: Statement<[]>;
  readonly #rollback: Statement<[]>;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(db: Database, cache: CacheLimits) {
    this.#db = db;
    const journal = new Journal(db);
    this.#parts = {
      journal,
      alerts: new AlertTable(db, journal, cache),
      transmissions: new TransmissionTable(db),
      outbox: new Outbox(db),
      sent: new Sent(db),
      silences: new Silences(db),
      names: new Names(db),
      addHistory: db.prepare(
        'INSERT INTO history (alert, at, quiet, by, kind, data) VALUES (?, ?, ?, ?, ?, ?)',
      ),
      getFact: db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck(),
      setFact: db.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)'),
    };
    this.#pruner = new Pruner(db);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
    this.accounts = sqliteAccounts(db, (work) => this.#turn(async () => work()));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#turn(async () => {
      const tx = new SqliteTransaction(this.#parts, this.#db.name);
      this.#begin.run();
      try {
        const result = await work(tx);
        tx.end();
        this.#parts.journal.append();
        this.#commit.run();
        this.#remember();
        return result;
      } catch (error) {
        tx.fail(error);
        this.#undo();
        throw error;
      }
    });
  }

  nextWake(): Promise<Instant | null> {
    return this.#turn(async () => this.#parts.alerts.nextWake());
  }

  nextSend(excludeChannels: readonly string[]): Promise<Instant | null> {
    return this.#turn(async () => this.#parts.outbox.queue.nextSend(excludeChannels));
  }

  nextWatch(): Promise<Instant | null> {
    return this.#turn(async () => this.#parts.outbox.nextWatch());
  }

  fold(now: Instant, limit: number): Promise<boolean> {
    return this.#turn(async () => {
      const { journal, transmissions } = this.#parts;
      const { folded, trimming } = this.#write(() => ({
        folded: journal.fold(now, limit, false),
        trimming: transmissions.trim(now),
      }));
      const folding = folded?.() ?? false;
      return folding || trimming;
    });
  }

  prune(now: Instant, limit: number): Promise<boolean> {
    return this.#turn(async () => {
      const { journal, alerts } = this.#parts;
      const { dropped, more } = this.#write(() =>
        this.#pruner.step(now, limit, (key) => journal.moved(key) !== undefined),
      );
      for (const name of dropped) alerts.forget(name);
      return more;
    });
  }

  async close(): Promise<void> {
    await this.#turn(async () => {
      try {
        // The time only matters for what may wait, and nothing may now.
        const fold = () => this.#parts.journal.fold(0 as Instant, foldAtClose, true);
        while (this.#write(fold)?.() ?? false);
        this.#db.pragma('wal_checkpoint(TRUNCATE)');
      } catch (error) {
        // What could not be folded, on a full disk perhaps, is in the journal: the next start reads it.
        if (!(storeError(this.#db.name, error) instanceof StoreError)) throw error;
      } finally {
        this.#db.close();
      }
    });
  }

  /** Runs one piece of work after the other: an `await` in a transaction must not let another one in. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      if (!this.#db.open) throw new StoreError('closed', `${this.#db.name}: the store is closed`);
      try {
        return await work();
      } catch (error) {
        throw storeError(this.#db.name, error);
      }
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** A transaction of the store's own, which changes nothing in memory before it has committed. */
  #write<T>(work: () => T): T {
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      this.#undo();
      throw error;
    }
  }

  #remember(): void {
    this.#parts.journal.commit();
    this.#parts.alerts.commit();
    this.#parts.transmissions.commit();
  }

  #undo(): void {
    this.#parts.journal.rollback();
    this.#parts.alerts.rollback();
    this.#parts.transmissions.rollback();
    // SQLite has rolled back by itself where the disk was full.
    if (this.#db.inTransaction) this.#rollback.run();
  }
}

class SqliteTransaction implements Transaction {
  readonly #parts: Parts;
  readonly #file: string;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;

  constructor(parts: Parts, file: string) {
    this.#parts = parts;
    this.#file = file;
  }

  /** @throws what went wrong, even where `work` did not mind: half a transaction is never committed. */
  end(): void {
    this.#ended = true;
    if (this.#failure !== null) throw this.#failure.error;
  }

  fail(error: unknown): void {
    this.#ended = true;
    this.#failure ??= { error };
  }

  /** After a failure SQLite may have left the transaction: whatever came next would be kept for good. */
  async #do<T>(work: (parts: Parts) => T): Promise<T> {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#ended) throw new Error('the transaction has ended');
    try {
      return work(this.#parts);
    } catch (error) {
      this.#failure = { error: storeError(this.#file, error) };
      throw this.#failure.error;
    }
  }

  takeTransmissions(names: readonly TransmissionName[], at: Instant) {
    return this.#do(({ transmissions }) => transmissions.take(names, at));
  }

  loadNamed(names: readonly AlertName[]) {
    return this.#do(({ alerts }) => alerts.loadNamed(names));
  }

  loadKeyed(keys: readonly AlertKey[]) {
    return this.#do(({ alerts }) => alerts.loadKeyed(keys));
  }

  loadRaisedOf(sources: readonly string[]) {
    return this.#do(({ alerts }) => alerts.loadRaisedOf(sources));
  }

  loadOpenOf(person: PersonId, limit: number) {
    return this.#do(({ alerts }) => alerts.loadOpenOf(person, limit));
  }

  countOpenOf(person: PersonId, most: number) {
    return this.#do(({ alerts }) => alerts.countOpenOf(person, most));
  }

  loadCode(code: number) {
    return this.#do(({ outbox }) => outbox.codes.alert(code));
  }

  codesOf(keys: readonly AlertKey[]) {
    return this.#do(({ outbox }) => {
      const found = new Map<AlertKey, number>();
      for (const key of keys) {
        const code = outbox.codes.of(key);
        if (code !== null) found.set(key, code);
      }
      return found;
    });
  }

  loadDue(now: Instant, limit: number) {
    return this.#do(({ alerts }) => alerts.loadDue(now, limit));
  }

  newKeys(count: number) {
    return this.#do(({ alerts }) => alerts.newKeys(count));
  }

  save(saved: readonly SavedAlert[]) {
    return this.#do(({ alerts }) => {
      for (const alert of saved) alerts.save(alert);
    });
  }

  wakeRaised(now: Instant, after: AlertKey | null, limit: number, kind?: MutedKind) {
    return this.#do(({ alerts }) => alerts.wakeRaised(now, after, limit, kind ?? null));
  }

  wakeMuted(kind: MutedKind, by: readonly string[] | null, now: Instant, limit: number) {
    return this.#do(({ alerts }) => alerts.wakeMuted(kind, by, now, limit));
  }

  loadInhibitors(tokens: readonly string[]) {
    return this.#do(({ alerts }) => alerts.loadInhibitors(tokens));
  }

  addSilence(silence: Omit<StoredSilence, 'id' | 'ended'>) {
    return this.#do(({ silences }) => silences.add(silence));
  }

  endSilence(id: SilenceId, at: Instant, by: string) {
    return this.#do(({ silences }) => silences.end(id, at, by));
  }

  loadSilence(id: SilenceId) {
    return this.#do(({ silences }) => silences.one(id));
  }

  loadSilences(now: Instant) {
    return this.#do(({ silences }) => silences.standing(now));
  }

  saveNames(found: readonly FoundName[]) {
    return this.#do(({ names }) => names.save(found));
  }

  loadNames() {
    return this.#do(({ names }) => names.all());
  }

  dropNames(before: Instant) {
    return this.#do(({ names }) => names.drop(before));
  }

  appendHistory(entries: readonly HistoryEntry[]) {
    return this.#do(({ addHistory }) => {
      for (const entry of entries) addHistory.run(...historyValues(entry));
    });
  }

  enqueue(messages: readonly OwedMessage[], at: Instant) {
    return this.#do(({ outbox }) => outbox.enqueue(messages, at));
  }

  makeObsolete(what: readonly Obsolete[], at: Instant) {
    return this.#do(({ outbox }) => outbox.makeObsolete(what, at));
  }

  waiting(now: Instant, limit: number, excludeChannels: readonly string[]) {
    return this.#do(({ outbox }) => outbox.queue.waiting(now, limit, excludeChannels));
  }

  movable(channel: string, now: Instant, limit: number) {
    return this.#do(({ outbox }) => outbox.queue.movable(channel, now, limit));
  }

  unsaid(channel: string, why: string, now: Instant, limit: number) {
    return this.#do(({ outbox }) => outbox.queue.unsaid(channel, why, now, limit));
  }

  waitingFor(person: PersonId, channel: string, now: Instant, limit: number) {
    return this.#do(({ outbox }) => outbox.queue.waitingFor(person, channel, now, limit));
  }

  take(ids: readonly MessageId[], now: Instant, end: Instant, sentIn: SentIn | null) {
    return this.#do(({ outbox }) => outbox.queue.take(ids, now, end, sentIn));
  }

  postpone(ids: readonly MessageId[], until: Instant, patiently: boolean) {
    return this.#do(({ outbox }) => outbox.queue.postpone(ids, until, patiently));
  }

  lastSent(person: PersonId, channel: string, after: Instant, now: Instant) {
    return this.#do(({ outbox }) => outbox.queue.lastSent(person, channel, after, now));
  }

  sentTo(person: PersonId, limit: number, except: readonly MessageId[] = [], by?: Instant) {
    return this.#do(({ sent }) => sent.to(person, limit, except, by));
  }

  heldBack(person: PersonId, since: Instant) {
    return this.#do(({ sent }) => sent.heldBack(person, since));
  }

  releaseLeases(now: Instant) {
    return this.#do(({ outbox }) => outbox.releaseLeases(now));
  }

  hurryTried(channel: string, now: Instant) {
    return this.#do(({ outbox }) => outbox.hurryTried(channel, now));
  }

  hurry(now: Instant) {
    return this.#do(({ outbox }) => outbox.hurry(now));
  }

  loadMessage(id: MessageId) {
    return this.#do(({ outbox }) => outbox.load(id));
  }

  loadReported(channel: string, reference: string) {
    return this.#do(({ outbox }) => outbox.reported(channel, reference));
  }

  loadWatched(now: Instant, limit: number, again: Instant) {
    return this.#do(({ outbox }) => outbox.watched(now, limit, again));
  }

  loadFates(key: string) {
    return this.#do(({ outbox }) => outbox.fates(key));
  }

  settle(settlements: readonly Settlement[]) {
    return this.#do(({ outbox }) => outbox.settle(settlements));
  }

  getFact(name: string) {
    return this.#do(({ getFact }) => getFact.get(name) ?? null);
  }

  setFact(name: string, value: string) {
    return this.#do(({ setFact }) => {
      setFact.run(name, value);
    });
  }
}
