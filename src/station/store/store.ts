/**
 * The store: where alerts, history, the outbox and accounts live. The interface
 * is asynchronous and scoped to a transaction, so that PostgreSQL fits behind it
 * beside SQLite; a transaction costs one fsync, so callers bring batches.
 *
 * It keeps, it does not judge: what an update means is the core's business.
 * No SQL outside this folder.
 */
import type { Instant } from '../../time.ts';
import type {
  Alert,
  AlertKey,
  HistoryEntry,
  Level,
  MutedKind,
  NotificationKind,
  PersonId,
  State,
} from '../core/alert.ts';
import type { Inhibitor } from '../core/mute.ts';
import type { Obsolete, OwedMessage } from '../core/notification.ts';

export type AlertName = { readonly source: string; readonly id: string };
/** One text for a (source, id), to use in maps; the length keeps `a` + `bc` and `ab` + `c` apart, whatever they hold. */
export const nameKey = (name: AlertName): string => `${name.source.length} ${name.source}${name.id}`;

/** One alert after a decision. The store works out the cheapest way to keep the difference. */
export type SavedAlert = { readonly before: Alert | null; readonly after: Alert };

export type { Inhibitor, OwedMessage };

export type MessageId = number & { readonly brand: 'MessageId' };
/** `accepted`: the provider has it, and has not said yet that it arrived. */
export type MessageStatus = 'pending' | 'leased' | 'accepted' | 'delivered' | 'failed' | 'obsolete';
/** In what several messages went out as one. */
export type SentIn = 'digest' | 'summary';

/** A message that may be sent now. */
export type WaitingMessage = Pick<OwedMessage, 'alert' | 'person' | 'channel' | 'kind' | 'level'> & {
  readonly id: MessageId;
  readonly sendAt: Instant;
};

/**
 * When the last message, and the last summary, to a person on a channel began to be sent; null: none. `isRetried`:
 * one is under way that could not be sent before.
 */
export type LastSent = {
  readonly at: Instant | null;
  readonly summaryAt: Instant | null;
  readonly isRetried: boolean;
};

/**
 * How a message stands on one channel; `why`: what was last said of it. `hopeful`: it may still arrive, and has not
 * been waited for too long yet. `sent`: the provider has taken it, whatever became of it.
 */
export type Fate = {
  readonly id: MessageId;
  readonly channel: string;
  readonly status: MessageStatus;
  readonly hopeful: boolean;
  readonly sent: boolean;
  readonly why: string;
};

/** A message that has not arrived in time. */
export type WatchedMessage = {
  readonly id: MessageId;
  readonly status: MessageStatus;
  readonly channel: string;
  readonly reference: string | null;
  /** Whether the person has another channel to move on to. */
  readonly hasNext: boolean;
};

export type LeasedMessage = OwedMessage & {
  readonly id: MessageId;
  /** How often it was tried before this lease. */
  readonly attempts: number;
  /** The alert's detail as it is now: too large to keep with each message. */
  readonly detail: string;
  /** See `Transaction.loadCode`. */
  readonly code: number | null;
};

/**
 * `followed`: the same person is owed a newer message of the same alert on the same channel. `held`: it was held back
 * before. `why`: what was last said of it. `watchAt`: when something is to be done about it if it has not arrived.
 * `overdueAfter` is null, too, once it was said that it is overdue.
 */
export type UnsettledMessage = OwedMessage & {
  readonly attempts: number;
  readonly followed: boolean;
  readonly held: boolean;
  readonly status: MessageStatus;
  readonly sentAt: Instant | null;
  readonly watchAt: Instant | null;
  readonly why: string;
};

/** What became of a lease. */
export type Settlement =
  /** Tried again from `until` on, without counting as a try. */
  | {
      readonly id: MessageId;
      readonly kind: 'held-back';
      readonly at: Instant;
      readonly until: Instant;
      readonly why: string;
    }
  /** Given up here: owed on the next channel of its `next`, from now on. */
  | { readonly id: MessageId; readonly kind: 'moved-on'; readonly at: Instant; readonly why: string }
  | {
      readonly id: MessageId;
      readonly kind: 'delivered';
      readonly at: Instant;
      readonly title: string;
      readonly text: string;
      readonly why: string;
      readonly reference?: string;
    }
  /** The provider has it. `ask`: when it is looked at where it would not be otherwise, since it is overdue already. */
  | {
      readonly id: MessageId;
      readonly kind: 'accepted';
      readonly ask: Instant;
      readonly at: Instant;
      readonly title: string;
      readonly text: string;
      readonly why: string;
      readonly reference: string;
    }
  /** What was accepted has arrived. */
  | { readonly id: MessageId; readonly kind: 'confirmed'; readonly at: Instant; readonly why: string }
  /** Nothing changes but what is said of it. */
  | { readonly id: MessageId; readonly kind: 'noted'; readonly at: Instant; readonly why: string }
  /** It may not be sent yet, because its provider does not work. */
  | { readonly id: MessageId; readonly kind: 'waits'; readonly at: Instant; readonly why: string }
  /** It is owed on the next channel as well, from now on; here it is still on its way, for as long as one that has no next. */
  | { readonly id: MessageId; readonly kind: 'passed-on'; readonly at: Instant; readonly why: string }
  /** It has not arrived in time, and is not watched any more. */
  | { readonly id: MessageId; readonly kind: 'overdue'; readonly at: Instant; readonly why: string }
  /** It is looked at again then. */
  | {
      readonly id: MessageId;
      readonly kind: 'watched';
      readonly at: Instant;
      readonly until: Instant;
      readonly why: string;
    }
  /** As `held-back`, but not by a limit. */
  | {
      readonly id: MessageId;
      readonly kind: 'gathered';
      readonly at: Instant;
      readonly until: Instant;
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

export type SilenceId = number & { readonly brand: 'SilenceId' };

/** A silence that a person made. */
export type StoredSilence = {
  readonly id: SilenceId;
  /** As it was written, in JSON: the policy's language says what it means. */
  readonly match: string;
  readonly from: Instant;
  readonly until: Instant;
  readonly author: string;
  readonly reason: string;
  /** Ended by hand before its time. */
  readonly ended: { readonly at: Instant; readonly by: string } | null;
};

/** The addresses of a host as last looked up; none where it has none. */
export type FoundName = {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly at: Instant;
};

/** A message that a person was sent, on whatever channels, as their limit counts it. */
export type SentMessage = {
  readonly key: string;
  readonly at: Instant;
  /** When the lease that sent it began. */
  readonly begunAt: Instant;
  readonly level: Level;
};

export type TransmissionName = { readonly source: string; readonly id: bigint };

export interface Transaction {
  /** For each, in order: true the first time it is seen (a copy within the same call included). Remembered for `transmissionMemory`. */
  takeTransmissions(names: readonly TransmissionName[], at: Instant): Promise<readonly boolean[]>;

  /** Those that exist, by `nameKey`. */
  loadNamed(names: readonly AlertName[]): Promise<Map<string, Alert>>;
  loadKeyed(keys: readonly AlertKey[]): Promise<readonly Alert[]>;
  /** All raised or acknowledged alerts of these sources. */
  loadRaisedOf(sources: readonly string[]): Promise<readonly Alert[]>;
  /** Raised alerts of which this person was told, and that nobody has acknowledged: urgent first, then the newest. */
  loadOpenOf(person: PersonId, limit: number): Promise<readonly Alert[]>;
  /** How many of these there are; `most` stands for that many or more. */
  countOpenOf(person: PersonId, most: number): Promise<number>;
  /**
   * The alert that has this short code. An alert has one from the first message about it until, cleared, it loses it to
   * another.
   */
  loadCode(code: number): Promise<AlertKey | null>;
  /** Those that have one. */
  codesOf(alerts: readonly AlertKey[]): Promise<ReadonlyMap<AlertKey, number>>;
  /** Alerts whose wakeAt <= now, the earliest first. */
  loadDue(now: Instant, limit: number): Promise<readonly Alert[]>;
  /** Keys for new alerts, never given out twice (unless the transaction is rolled back). */
  newKeys(count: number): Promise<readonly AlertKey[]>;
  save(alerts: readonly SavedAlert[]): Promise<void>;
  /**
   * Sets wakeAt to at most `now` for alerts that are raised, acknowledged or muted: a new policy may owe something
   * else. At most `limit` of them, in the order of their keys, those beyond `after`; `kind`: only those muted so.
   * @returns the last key, where more may follow.
   */
  wakeRaised(now: Instant, after: AlertKey | null, limit: number, kind?: MutedKind): Promise<AlertKey | null>;

  /**
   * Sets wakeAt to at most `now` for the alerts that are muted like this; `by`: only by these, null: by whatever. At
   * most `limit` of them. Call it and `wakeRaised` after `save`.
   * @returns false where there may be more.
   */
  wakeMuted(kind: MutedKind, by: readonly string[] | null, now: Instant, limit: number): Promise<boolean>;
  /**
   * Which raised alerts inhibit by these tokens, as saved so far; a token that nobody has is left out. At most
   * `inhibitorsMax` a token, those with the lowest keys.
   */
  loadInhibitors(tokens: readonly string[]): Promise<ReadonlyMap<string, readonly Inhibitor[]>>;

  addSilence(silence: Omit<StoredSilence, 'id' | 'ended'>): Promise<SilenceId>;
  /** @returns false where there is none, or it has ended. */
  endSilence(id: SilenceId, at: Instant, by: string): Promise<boolean>;
  loadSilence(id: SilenceId): Promise<StoredSilence | null>;
  /** Those that are in force at `now` or will be. */
  loadSilences(now: Instant): Promise<readonly StoredSilence[]>;

  /** Keeps the addresses found; those of before are replaced. */
  saveNames(found: readonly FoundName[]): Promise<void>;
  loadNames(): Promise<readonly FoundName[]>;
  /** Drops what was looked up before that. */
  dropNames(before: Instant): Promise<void>;

  appendHistory(entries: readonly HistoryEntry[]): Promise<void>;

  /** A key and channel that is there already is left alone. @param at when they are owed: nothing is late before. */
  enqueue(messages: readonly OwedMessage[], at: Instant): Promise<void>;
  /** Marks what an `Obsolete` names so, leased messages excepted; returns them with the reason. */
  makeObsolete(
    what: readonly Obsolete[],
    at: Instant,
  ): Promise<readonly { readonly message: OwedMessage; readonly why: string }[]>;
  /** Messages that may be sent now (leases that ran out, too), urgent first, then those that could be for the longest. */
  waiting(
    now: Instant,
    limit: number,
    excludeChannels: readonly string[],
  ): Promise<readonly WaitingMessage[]>;
  /**
   * Messages on this channel that could move on to another one: those that may be sent now, or were tried and wait.
   * At most `limit`.
   */
  movable(channel: string, now: Instant, limit: number): Promise<readonly MessageId[]>;
  /** Messages on this channel that may be sent now, go by no other, and of which `why` is not what was last said. */
  unsaid(channel: string, why: string, now: Instant, limit: number): Promise<readonly MessageId[]>;
  /** Those of one person on one channel that may be sent now, urgent first, then in the order in which they were owed. */
  waitingFor(
    person: PersonId,
    channel: string,
    now: Instant,
    limit: number,
  ): Promise<readonly WaitingMessage[]>;
  /**
   * Leases these until `end`; what has to wait for another one that is not among them is passed over. A lease counts as
   * a try from its beginning.
   * @param sentIn as what they go out together; null: each by itself.
   */
  take(
    ids: readonly MessageId[],
    now: Instant,
    end: Instant,
    sentIn: SentIn | null,
  ): Promise<readonly LeasedMessage[]>;
  /** These may not be sent before `until`. @param patiently nor are they waited for before. */
  postpone(ids: readonly MessageId[], until: Instant, patiently: boolean): Promise<void>;
  /** What was last sent after `after`, or is under way; what a clock that was set back since says was later is left out. */
  lastSent(person: PersonId, channel: string, after: Instant, now: Instant): Promise<LastSent>;
  /**
   * The messages last sent to a person, the inbox aside, newest first: each key once, at the time it was first
   * delivered; what is under way counts as sent at its lease. At most `limit`.
   * @param except messages under way that do not count: those of the same lease that have not been judged yet.
   * @param by what was sent later is left out: by a clock that was set back since.
   */
  sentTo(
    person: PersonId,
    limit: number,
    except?: readonly MessageId[],
    by?: Instant,
  ): Promise<readonly SentMessage[]>;
  /**
   * How many messages were held back from a person at or after `since`, whatever became of them: each key once, by
   * when it was held back last.
   */
  heldBack(person: PersonId, since: Instant): Promise<number>;
  /**
   * Ends every lease: at the start, those of a station that died. What they held is sent at once, and nothing is late yet.
   * @returns what they held, in the order in which it was owed.
   */
  releaseLeases(now: Instant): Promise<readonly OwedMessage[]>;
  /** Lets the messages of a channel that were tried and wait for their next try be tried now: its provider works again. */
  hurryTried(channel: string, now: Instant): Promise<void>;
  /** Lets every message that waits for a later time be tried now. */
  hurry(now: Instant): Promise<void>;
  /** The message that a receipt is about; null if it is unknown, or settled so that nothing can change it. */
  loadMessage(id: MessageId): Promise<UnsettledMessage | null>;
  /** The messages that a provider took under this reference. */
  loadReported(channel: string, reference: string): Promise<readonly MessageId[]>;
  /** Those that have not arrived by the time at which they should have; they are given out again at `again`. */
  loadWatched(now: Instant, limit: number, again: Instant): Promise<readonly WatchedMessage[]>;
  /** How the same message stands on all channels on which it is owed. */
  loadFates(key: string): Promise<readonly Fate[]>;
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
  /** When the next message is to be looked at because it has not arrived. */
  nextWatch(): Promise<Instant | null>;
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
  /** Those that people made: in force or to come first, by their end; then those that ended, newest first. */
  silences(now: Instant, limit: number): Promise<readonly StoredSilence[]>;
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
  message(id: MessageId): Promise<InboxMessage | null>;
  /** The short codes of those that have one: see `Transaction.loadCode`. */
  codes(alerts: readonly AlertKey[]): Promise<ReadonlyMap<AlertKey, number>>;
  outboxCounts(): Promise<Readonly<Record<MessageStatus, number>>>;
  readonly accounts: Pick<Accounts, 'findUser' | 'listUsers' | 'findToken' | 'loadSession'>;
  close(): Promise<void>;
}
