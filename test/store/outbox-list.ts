/**
 * The outbox as a plain list: what becomes of each message, written down with no
 * index and no cleverness, for the real one to be compared with.
 */
import type { OwedMessage } from '../../src/station/core/notification.ts';
import type {
  Fate,
  LastSent,
  MessageId,
  MessageStatus,
  SentIn,
  SentMessage,
  Settlement,
  UnsettledMessage,
  WaitingMessage,
  WatchedMessage,
} from '../../src/station/store/store.ts';
import { type Duration, type Instant, milliseconds, plus } from '../../src/time.ts';

export type Row = {
  readonly id: MessageId;
  message: OwedMessage;
  status: MessageStatus;
  /** When it may be taken, or when its lease ends; null: it is not to be sent any more. */
  sendAt: Instant | null;
  watchAt: Instant | null;
  attempts: number;
  leasedAt: Instant | null;
  sentAt: Instant | null;
  sentIn: SentIn | null;
  rides: boolean;
  reference: string | null;
  heldAt: Instant | null;
  settledAt: Instant | null;
  why: string;
};

const levels = ['urgent', 'normal', 'low'];
const urgency = ({ message }: Row): number => levels.indexOf(message.level);
const queueOf = ({ message }: Row): string => `${message.alert} ${message.person} ${message.channel}`;
const patienceOf = ({ next, overdueAfter }: OwedMessage): Duration | null => next?.wait ?? overdueAfter;
const turnBehind = (at: Instant): Instant => plus(at, milliseconds(1));
const after = (from: Instant, patience: Duration | null): Instant | null =>
  patience === null ? null : plus(from, patience);
const disturbs = ({ message }: Row): boolean => message.channel !== 'inbox';

export class List {
  readonly rows: Row[] = [];
  private lastId = 0;

  get(id: MessageId): Row {
    const row = this.rows.find((one) => one.id === id);
    if (row === undefined) throw new Error(`no message ${id}`);
    return row;
  }

  owe(message: OwedMessage, at: Instant): void {
    const isThere = ({ message: { key, channel } }: Row): boolean =>
      key === message.key && channel === message.channel;
    // One that is there already costs a number, too.
    this.lastId += 1;
    if (this.rows.some(isThere)) return;
    this.rows.push({
      id: this.lastId as MessageId,
      message,
      status: 'pending',
      sendAt: at,
      watchAt: after(at, patienceOf(message)),
      attempts: 0,
      leasedAt: null,
      sentAt: null,
      sentIn: null,
      rides: false,
      reference: null,
      heldAt: null,
      settledAt: null,
      why: '',
    });
  }

  // -------------------------------------------------------------- the queue

  waiting(now: Instant, exclude: readonly string[]): readonly Row[] {
    return this.rows
      .filter((row) => row.sendAt !== null && row.sendAt <= now && !exclude.includes(row.message.channel))
      .sort((a, b) => urgency(a) - urgency(b) || Number(a.sendAt) - Number(b.sendAt) || a.id - b.id);
  }

  waitingFor(person: string, channel: string, now: Instant): readonly Row[] {
    return this.waiting(now, [])
      .filter(({ message }) => message.person === person && message.channel === channel)
      .sort((a, b) => urgency(a) - urgency(b) || a.id - b.id);
  }

  /** The first that is owed before it in its queue, of those that are not among these. */
  private ahead(row: Row, among: ReadonlySet<Row>): Row | undefined {
    return this.rows.find(
      (other) =>
        other.id < row.id && other.sendAt !== null && queueOf(other) === queueOf(row) && !among.has(other),
    );
  }

  take(rows: readonly Row[], now: Instant, end: Instant, sentIn: SentIn | null): readonly Row[] {
    const among = new Set(rows);
    for (const row of [...rows].sort((a, b) => a.id - b.id)) {
      const ahead = this.ahead(row, among);
      if (ahead?.sendAt == null) continue;
      row.sendAt = turnBehind(ahead.sendAt);
      among.delete(row);
    }
    const taken = rows.filter((row) => among.has(row));
    const together = sentIn === 'summary' || taken.length > 1 ? sentIn : null;
    for (const [index, row] of taken.entries()) {
      row.status = 'leased';
      row.sendAt = end;
      row.leasedAt = now;
      row.attempts += 1;
      row.sentIn = together;
      row.rides = together !== null && index > 0;
    }
    return taken;
  }

  postpone(rows: readonly Row[], until: Instant, patiently: boolean): void {
    for (const row of rows) {
      row.sendAt = until;
      const watch = after(until, patienceOf(row.message));
      if (!patiently || row.watchAt === null || watch === null) continue;
      if (watch > row.watchAt) row.watchAt = watch;
    }
  }

  movable(channel: string, now: Instant): readonly MessageId[] {
    return this.rows
      .filter(
        ({ message, status }) => message.channel === channel && message.next !== null && status === 'pending',
      )
      .filter(({ sendAt, attempts }) => attempts > 0 || (sendAt !== null && sendAt <= now))
      .map(({ id }) => id);
  }

  release(now: Instant): void {
    for (const row of this.rows) {
      if (row.status === 'leased') {
        row.status = 'pending';
        row.sendAt = row.message.dueAt;
        row.leasedAt = null;
      }
      const watch = after(now, patienceOf(row.message));
      if (row.sendAt !== null && row.watchAt !== null && watch !== null && row.watchAt < watch)
        row.watchAt = watch;
    }
  }

  hurry(now: Instant): void {
    for (const row of this.rows) {
      if (row.status === 'pending' && row.sendAt !== null && row.sendAt > now) row.sendAt = now;
      const watch = after(now, patienceOf(row.message));
      if (row.watchAt !== null && watch !== null && row.watchAt > watch) row.watchAt = watch;
    }
  }

  // -------------------------------------------------------------- what becomes of them

  /** Whether anything can still become of it. */
  isOpen({ settledAt, status, reference }: Row): boolean {
    return settledAt === null || (status === 'delivered' && reference !== null);
  }

  settle(settled: Settlement): void {
    const row = this.get(settled.id);
    const { sendAt: before } = row;
    if (!this.isOpen(row)) return;
    const { next } = row.message;
    this.settleRow(row, settled);
    if (settled.kind === 'moved-on' || settled.kind === 'passed-on') this.moveOn(row, next, settled.at);
    if (before !== null && row.sendAt === null) this.moveUp(row, before, settled.at);
  }

  private settleRow(row: Row, settled: Settlement): void {
    const { at, why } = settled;
    const isOwed = row.sendAt !== null;
    switch (settled.kind) {
      case 'accepted':
      case 'delivered':
        if (!isOwed) return;
        row.status = settled.kind;
        row.sendAt = null;
        row.leasedAt ??= at;
        row.sentAt = at;
        row.reference = settled.reference ?? null;
        if (settled.kind === 'delivered') this.ends(row, at);
        else row.watchAt ??= settled.ask;
        break;
      case 'confirmed':
        if (row.status !== 'accepted') return;
        row.status = 'delivered';
        this.ends(row, at);
        break;
      case 'noted':
      case 'waits':
        break;
      case 'failed':
      case 'moved-on':
        this.end(row, 'failed', at);
        break;
      case 'obsolete':
        if (!isOwed) return;
        this.end(row, 'obsolete', at);
        break;
      case 'passed-on':
        if (row.settledAt !== null) return;
        row.message = { ...row.message, next: null };
        row.watchAt = after(at, row.message.overdueAfter);
        return;
      case 'overdue':
      case 'watched':
        if (row.settledAt !== null) return;
        row.message = { ...row.message, overdueAfter: null };
        row.watchAt = settled.kind === 'watched' ? settled.until : null;
        return;
      case 'retry':
        if (!isOwed) return;
        this.waits(row, settled.notBefore);
        break;
      case 'held-back':
      case 'gathered':
        if (!isOwed) return;
        if (row.status === 'leased') row.attempts -= 1;
        if (settled.kind === 'held-back') row.heldAt = at;
        row.watchAt = after(settled.until, patienceOf(row.message));
        this.waits(row, settled.until);
        break;
      default:
        settled satisfies never;
    }
    row.why = why;
  }

  private waits(row: Row, until: Instant): void {
    row.status = 'pending';
    row.leasedAt = null;
    row.sendAt = until;
  }

  private ends(row: Row, at: Instant): void {
    row.sendAt = null;
    row.watchAt = null;
    row.settledAt = at;
  }

  end(row: Row, status: 'failed' | 'obsolete', at: Instant): void {
    row.status = status;
    if (row.sentAt === null) row.leasedAt = null;
    this.ends(row, at);
  }

  private moveOn(row: Row, next: OwedMessage['next'], at: Instant): void {
    const [channel, ...rest] = next?.channels ?? [];
    if (next === null || channel === undefined) return;
    const left = rest.length === 0 ? null : { ...next, channels: rest };
    this.owe({ ...row.message, channel, next: left }, at);
  }

  /** The one behind it waits no longer for its turn. */
  moveUp(row: Row, before: Instant, at: Instant): void {
    const next = this.rows.find((one) => one.sendAt !== null && queueOf(one) === queueOf(row));
    if (next?.sendAt == null || next.status !== 'pending') return;
    const { dueAt } = next.message;
    if (next.attempts === 0 && next.heldAt === null && next.sendAt > dueAt) next.sendAt = dueAt;
    else if (next.sendAt === turnBehind(before)) next.sendAt = at;
  }

  watched(now: Instant, limit: number, again: Instant): readonly WatchedMessage[] {
    const late = this.rows
      .filter(({ watchAt }) => watchAt !== null && watchAt <= now)
      .sort((a, b) => Number(a.watchAt) - Number(b.watchAt) || a.id - b.id)
      .slice(0, limit);
    for (const row of late) row.watchAt = again;
    return late.map(({ id, status, reference, message: { channel, next } }) => ({
      ...{ id, status, channel, reference },
      hasNext: next !== null,
    }));
  }

  // -------------------------------------------------------------- what is asked of it

  unsettled(row: Row): UnsettledMessage | null {
    if (!this.isOpen(row)) return null;
    const { message, status, sentAt, watchAt, why, attempts, heldAt } = row;
    const followed = this.rows.some(
      (other) => other.id > row.id && other.sendAt !== null && queueOf(other) === queueOf(row),
    );
    const tries = status === 'leased' ? attempts - 1 : attempts;
    return { ...message, attempts: tries, followed, held: heldAt !== null, status, sentAt, watchAt, why };
  }

  fates(key: string): readonly Fate[] {
    return this.rows
      .filter(({ message }) => message.key === key)
      .map(({ id, status, why, sentAt, watchAt, message }) => ({
        ...{ id, channel: message.channel, status, why },
        hopeful: watchAt !== null && patienceOf(message) !== null,
        sent: sentAt !== null,
      }));
  }

  reported(channel: string, reference: string): readonly MessageId[] {
    return this.rows
      .filter((row) => row.message.channel === channel && row.reference === reference)
      .map(({ id }) => id);
  }

  /** Each message once, on whatever channels it was sent; what goes together counts once, by its first. */
  sentTo(person: string, except: readonly MessageId[]): SentMessage[] {
    const rows = this.rows.filter((row) => row.message.person === person && disturbs(row));
    const sent = [...new Set(rows.map(({ message }) => message.key))].flatMap((key) => {
      const mine = rows.filter(({ message }) => message.key === key);
      const [first] = mine
        .filter(({ sentAt }) => sentAt !== null)
        .sort((a, b) => Number(a.sentAt) - Number(b.sentAt) || a.id - b.id);
      const [begun] = mine
        .filter(({ id, status, rides }) => status === 'leased' && !rides && !except.includes(id))
        .sort((a, b) => Number(a.leasedAt) - Number(b.leasedAt) || a.id - b.id);
      const row = first ?? begun;
      if (row === undefined || row.rides || row.leasedAt === null) return [];
      const at = row.sentAt ?? row.leasedAt;
      return [{ id: row.id, key, at, begunAt: row.leasedAt, level: row.message.level }];
    });
    return sent
      .sort((a, b) => b.at - a.at || b.id - a.id)
      .map(({ key, at, begunAt, level }) => ({ key, at, begunAt, level }));
  }

  heldBack(person: string, since: Instant): number {
    const held = this.rows.filter(
      ({ message, heldAt }) => message.person === person && heldAt !== null && heldAt >= since,
    );
    return new Set(held.map(({ message }) => message.key)).size;
  }

  lastSent(person: string, channel: string, since: Instant): LastSent {
    const rows = this.rows.filter(
      (row) =>
        row.message.person === person && row.message.channel === channel && disturbs(row) && !row.rides,
    );
    const underWay = rows.filter(({ status }) => status === 'leased');
    const counted = [...rows.filter(({ sentAt }) => sentAt !== null && sentAt > since), ...underWay];
    const newest = (some: readonly Row[]): Instant | null =>
      some.reduce<Instant | null>(
        (last, { leasedAt }) => (last === null || (leasedAt !== null && leasedAt > last) ? leasedAt : last),
        null,
      );
    return {
      at: newest(counted),
      summaryAt: newest(counted.filter(({ sentIn }) => sentIn === 'summary')),
      isRetried: underWay.some(({ attempts }) => attempts > 1),
    };
  }

  nextSend(): Instant | null {
    return least(this.rows.map(({ sendAt }) => sendAt));
  }

  nextWatch(): Instant | null {
    return least(this.rows.map(({ watchAt }) => watchAt));
  }
}

const least = (all: readonly (Instant | null)[]): Instant | null =>
  all.reduce((first, one) => (first === null || (one !== null && one < first) ? one : first), null);

export const asWaiting = ({ id, message, sendAt }: Row): WaitingMessage => {
  const { alert, person, channel, kind, level } = message;
  if (sendAt === null) throw new Error('it does not wait');
  return { id, alert, person, channel, kind, level, sendAt };
};
