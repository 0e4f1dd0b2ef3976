/**
 * The store: where alerts, history, the outbox and accounts live. The interface
 * is asynchronous and scoped to a transaction, so that PostgreSQL fits behind it
 * beside SQLite; a transaction costs one fsync, so callers bring batches.
 *
 * It keeps, it does not judge: what an update means is the core's business.
 * No SQL outside this folder.
 */
import type { Duration, Instant } from '../../time.ts';
import type {
  Alert,
  AlertKey,
  HistoryEntry,
  Level,
  NotificationKind,
  PersonId,
  State,
} from '../core/alert.ts';
import type { NotificationFacts, Obsolete, OwedMessage } from '../core/notification.ts';

export type AlertName = { readonly source: string; readonly id: string };
/** One text for a (source, id), to use in maps; the length keeps `a` + `bc` and `ab` + `c` apart, whatever they hold. */
export const nameKey = (name: AlertName): string => `${name.source.length} ${name.source}${name.id}`;

/** One alert after a decision. The store works out the cheapest way to keep the difference. */
export type SavedAlert = { readonly before: Alert | null; readonly after: Alert };

export type { NotificationFacts, OwedMessage };

export type MessageId = number & { readonly brand: 'MessageId' };
export type MessageStatus = 'pending' | 'leased' | 'delivered' | 'failed' | 'obsolete';

export type LeasedMessage = OwedMessage & {
  readonly id: MessageId;
  /** How often it was tried before this lease. */
  readonly attempts: number;
  /** The alert's detail as it is now: too large to keep with each message. */
  readonly detail: string;
};

/** `followed`: the same person is owed a newer message of the same alert on the same channel. */
export type UnsettledMessage = OwedMessage & { readonly attempts: number; readonly followed: boolean };

/** What became of a lease. */
export type Settlement =
  | {
      readonly id: MessageId;
      readonly kind: 'delivered';
      readonly at: Instant;
      readonly title: string;
      readonly text: string;
      readonly why: string;
    }
  | {
      readonly id: MessageId;
      readonly kind: 'retry';
      readonly at: Instant;
      readonly notBefore: Instant;
      readonly why: string;
    }
  | { readonly id: MessageId; readonly kind: 'failed'; readonly at: Instant; readonly why: string }
  | { readonly id: MessageId; readonly kind: 'obsolete'; readonly at: Instant; readonly why: string };

export type TransmissionName = { readonly source: string; readonly id: bigint };

export interface Transaction {
  /** For each, in order: true the first time it is seen (a copy within the same call included). Remembered for `transmissionMemory`. */
  takeTransmissions(names: readonly TransmissionName[], at: Instant): Promise<readonly boolean[]>;

  /** Those that exist, by `nameKey`. */
  loadNamed(names: readonly AlertName[]): Promise<Map<string, Alert>>;
  loadKeyed(keys: readonly AlertKey[]): Promise<readonly Alert[]>;
  /** All raised or acknowledged alerts of these sources. */
  loadRaisedOf(sources: readonly string[]): Promise<readonly Alert[]>;
  /** Alerts whose wakeAt <= now, the earliest first. */
  loadDue(now: Instant, limit: number): Promise<readonly Alert[]>;
  /** Keys for new alerts, never given out twice (unless the transaction is rolled back). */
  newKeys(count: number): Promise<readonly AlertKey[]>;
  save(alerts: readonly SavedAlert[]): Promise<void>;
  /** Sets wakeAt to at most `now` for each raised or acknowledged alert: a new policy may owe something else. */
  wakeRaised(now: Instant): Promise<void>;

  appendHistory(entries: readonly HistoryEntry[]): Promise<void>;

  /** A key and channel that is there already is left alone. */
  enqueue(messages: readonly OwedMessage[]): Promise<void>;
  /** Marks what an `Obsolete` names so, leased messages excepted; returns them with the reason. */
  makeObsolete(
    what: readonly Obsolete[],
    at: Instant,
  ): Promise<readonly { readonly message: OwedMessage; readonly why: string }[]>;
  /**
   * Takes pending messages that may be sent now (and leases that ran out), urgent first, then those that
   * could be sent for the longest. A lease counts as a try from its beginning.
   */
  lease(
    now: Instant,
    lease: Duration,
    limit: number,
    excludeChannels: readonly string[],
  ): Promise<readonly LeasedMessage[]>;
  /** Ends every lease: at the start, those of a station that died. What they held is sent at once. */
  releaseLeases(): Promise<void>;
  /** Lets every message that waits for a later time be tried now. */
  hurry(now: Instant): Promise<void>;
  /** The message of a lease, to judge its receipt by; null if it is unknown or settled already. */
  loadMessage(id: MessageId): Promise<UnsettledMessage | null>;
  /** What is settled already, or unknown, is left as it is. */
  settle(settlements: readonly Settlement[]): Promise<void>;

  /** Names and keys of small lasting facts of the station itself, e.g. `started_at`. */
  getFact(name: string): Promise<string | null>;
  setFact(name: string, value: string): Promise<void>;
}

export interface Store {
  /** Runs `work` in a transaction: commits when it resolves, rolls back when it rejects. One at a time. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The earliest wakeAt of all alerts. */
  nextWake(): Promise<Instant | null>;
  /** When the next message can be sent (a lease that ends counts); null when none is owed. */
  nextSend(excludeChannels: readonly string[]): Promise<Instant | null>;
  /**
   * Folds what repeats moved into the tables, at most `limit` alerts at a time, and drops what the hot path
   * appended and nobody needs any more; false when nothing is left for now. Call it every second or so when idle:
   * pages do not see a repeat's `heardAt` and plans before. Where many alerts repeat, it waits for more of them.
   */
  fold(now: Instant, limit: number): Promise<boolean>;
  /** Drops what is older than its time to keep, a little at a time; false when nothing is left. */
  prune(now: Instant, limit: number): Promise<boolean>;
  readonly accounts: Accounts;
  /** Folds all, checkpoints and closes; on a full disk it only closes, and the next start reads what was not folded. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- accounts

export type User = {
  readonly name: string;
  /** `scrypt$…`, or null for one who can only log in by a link. */
  readonly passwordHash: string | null;
  readonly createdAt: Instant;
};
export type Token = {
  readonly name: string;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | null;
};

/** People and scripts that may use the web page and the API. Each call is a short transaction of its own. */
export interface Accounts {
  /** @returns false when the name is taken. */
  addUser(name: string, passwordHash: string | null, now: Instant): Promise<boolean>;
  /** Also ends that user's sessions when the password changes. @returns false when there is none of that name. */
  setPassword(name: string, passwordHash: string): Promise<boolean>;
  removeUser(name: string): Promise<boolean>;
  findUser(name: string): Promise<User | null>;
  listUsers(): Promise<readonly User[]>;

  /** @param hash SHA-256 of the token, hex. */
  addToken(name: string, hash: string, now: Instant): Promise<boolean>;
  removeToken(name: string): Promise<boolean>;
  findToken(hash: string): Promise<Token | null>;
  listTokens(): Promise<readonly Token[]>;
  /** Keeps when a token was last used, to the hour: most calls write nothing. */
  noteTokenUse(name: string, now: Instant): Promise<void>;

  /** A link that logs in once. @param hash SHA-256 of its secret. @returns false when there is no such user. */
  addLoginLink(hash: string, user: string, expiresAt: Instant): Promise<boolean>;
  /** Consumes it. @returns the user's name; null when unknown, used or expired. */
  useLoginLink(hash: string, now: Instant): Promise<string | null>;

  /** A session that has ended stays so, and so does one whose user is gone, though a late request saves it again. */
  saveSession(id: string, user: string | null, data: string, expiresAt: Instant): Promise<void>;
  loadSession(id: string, now: Instant): Promise<string | null>;
  removeSession(id: string): Promise<void>;
}

// ---------------------------------------------------------------- reads, for pages

export type AlertPage = { readonly alerts: readonly Alert[]; readonly next: string | null };
export type StoredHistory = HistoryEntry & { readonly seq: number };
export type StateCounts = Readonly<Record<State, number>>;

/** A message as its receiver sees it, and what became of it. */
export type InboxMessage = {
  readonly id: MessageId;
  readonly alert: AlertKey;
  readonly person: PersonId;
  readonly channel: string;
  readonly kind: NotificationKind;
  readonly level: Level;
  readonly status: MessageStatus;
  readonly dueAt: Instant;
  readonly settledAt: Instant | null;
  readonly title: string;
  readonly text: string;
  readonly why: string;
};

/**
 * What pages read, through a connection of its own that never writes. Cursors are opaque texts.
 * A repeat's `heardAt` and the times of its plans show once they are folded; whatever else changed, at once.
 */
export interface Reads {
  /** Newest change first (changedAt, then key). Null when the cursor is not one that this gave out. */
  alerts(query: {
    readonly state: State | null;
    readonly limit: number;
    readonly cursor: string | null;
  }): Promise<AlertPage | null>;
  /** For people: all urgent ones before all others, each newest change first. Its cursors are its own; null as above. */
  urgentFirst(query: {
    readonly state: State;
    readonly limit: number;
    readonly cursor: string | null;
  }): Promise<AlertPage | null>;
  alert(key: AlertKey): Promise<Alert | null>;
  /** Newest first. */
  history(key: AlertKey, limit: number): Promise<readonly StoredHistory[]>;
  /** All entries after that sequence number, in order. */
  historyAfter(seq: number, limit: number): Promise<readonly StoredHistory[]>;
  lastSeq(): Promise<number>;
  counts(): Promise<StateCounts>;
  /** Newest first; all people where person is null. */
  inbox(query: {
    readonly person: PersonId | null;
    readonly limit: number;
    readonly before: MessageId | null;
  }): Promise<readonly InboxMessage[]>;
  /** Newest first. */
  messagesOf(key: AlertKey, limit: number): Promise<readonly InboxMessage[]>;
  outboxCounts(): Promise<Readonly<Record<MessageStatus, number>>>;
  readonly accounts: Pick<Accounts, 'findUser' | 'listUsers' | 'findToken' | 'loadSession'>;
  close(): Promise<void>;
}
