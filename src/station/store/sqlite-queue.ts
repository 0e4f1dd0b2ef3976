/**
 * The outbox as a queue: what may be sent now, the most urgent first, and what is
 * taken to be sent. `send_at` says when a message may next be taken: when it is
 * due, after a retry's wait, or when its lease ends, so that what a station took
 * with it when it died is taken again.
 *
 * Nothing here may look through what was sent: every look-up of what is owed
 * goes by the partial indexes, and `INDEXED BY` makes SQLite say so if it can't.
 */
import type { Database, Statement } from 'better-sqlite3';
import { earliest, type Instant, milliseconds, plus } from '../../time.ts';
import { type AlertKey, levels, type PersonId } from '../core/alert.ts';
import type { Codes } from './codes.ts';
import { urgencyOf } from './open-alerts.ts';
import { type MessageRow, owedOf, patience, triesBefore } from './rows.ts';
import type { LastSent, LeasedMessage, MessageId, SentIn, WaitingMessage } from './store.ts';

const urgencies = levels.map(urgencyOf).sort();

type Head = Pick<MessageRow, 'id' | 'status' | 'attempts' | 'held_at' | 'due_at'> & { send_at: Instant };
type Ahead = { readonly id: MessageId; readonly send_at: Instant };
type Take = { id: MessageId; now: Instant; end: Instant; sentIn: SentIn | null; rides: number };

type Last = Omit<LastSent, 'isRetried'>;

/** When a message is looked at again that has to wait for one that may go then. */
const turnBehind = (ahead: Instant): Instant => plus(ahead, milliseconds(1));

const waitingColumns = 'id, alert, person, channel, kind, level, send_at AS sendAt';

export class Queue {
  readonly #codes: Codes;
  readonly #nextChannel: Statement<[string], string | null>;
  readonly #waiting: Statement<[string, number, Instant, number], WaitingMessage>;
  readonly #waitingFor: Statement<[PersonId, string, Instant, number], WaitingMessage>;
  readonly #movable: Statement<[string, Instant, number], MessageId>;
  readonly #unsaid: Statement<[string, number, Instant, string, number], MessageId>;
  readonly #firstSend: Statement<[string, number], Instant | null>;
  readonly #take: Statement<[Take], MessageRow>;
  readonly #detail: Statement<[AlertKey], string>;
  readonly #owed: Statement<[MessageId], MessageRow>;
  readonly #ahead: Statement<[AlertKey, PersonId, string, MessageId], Ahead>;
  readonly #postpone: Statement<[Instant, MessageId]>;
  readonly #postponePatiently: Statement<[{ until: Instant; id: MessageId }]>;
  readonly #head: Statement<[AlertKey, PersonId, string], Head>;
  readonly #lastSent: Statement<[PersonId, string, Instant, Instant], Last>;
  readonly #lastUnderWay: Statement<[PersonId, string, Instant], Last & { readonly retried: number | null }>;

  constructor(db: Database, codes: Codes) {
    this.#codes = codes;
    this.#nextChannel = db
      .prepare<[string], string | null>(
        'SELECT min(channel) FROM outbox INDEXED BY outbox_owed WHERE send_at IS NOT NULL AND channel > ?',
      )
      .pluck();
    this.#waiting = db.prepare(
      `SELECT ${waitingColumns} FROM outbox INDEXED BY outbox_owed
       WHERE channel = ? AND urgency = ? AND send_at <= ? AND send_at IS NOT NULL ORDER BY send_at, id LIMIT ?`,
    );
    this.#waitingFor = db.prepare(
      `SELECT ${waitingColumns} FROM outbox INDEXED BY outbox_owed_to
       WHERE person = ? AND channel = ? AND send_at <= ? AND send_at IS NOT NULL ORDER BY urgency, id LIMIT ?`,
    );
    this.#movable = db
      .prepare<[string, Instant, number], MessageId>(
        `SELECT id FROM outbox INDEXED BY outbox_moving WHERE channel = ? AND (send_at <= ? OR attempts > 0)
           AND status = 'pending' AND next IS NOT NULL ORDER BY send_at LIMIT ?`,
      )
      .pluck();
    this.#unsaid = db
      .prepare<[string, number, Instant, string, number], MessageId>(
        `SELECT id FROM outbox INDEXED BY outbox_owed WHERE channel = ? AND urgency = ? AND send_at <= ?
           AND send_at IS NOT NULL AND status = 'pending' AND next IS NULL AND why <> ? ORDER BY send_at LIMIT ?`,
      )
      .pluck();
    this.#firstSend = db
      .prepare<[string, number], Instant | null>(
        `SELECT min(send_at) FROM outbox INDEXED BY outbox_owed
         WHERE channel = ? AND urgency = ? AND send_at IS NOT NULL`,
      )
      .pluck();
    this.#take = db.prepare(
      `UPDATE outbox SET status = 'leased', send_at = @end, leased_at = @now, attempts = attempts + 1,
         sent_in = @sentIn, rides = @rides WHERE id = @id RETURNING *`,
    );
    this.#detail = db.prepare<[AlertKey], string>('SELECT detail FROM alert_details WHERE key = ?').pluck();
    this.#owed = db.prepare('SELECT * FROM outbox WHERE id = ? AND send_at IS NOT NULL');
    this.#ahead = db.prepare(
      `SELECT id, send_at FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
         AND person = ? AND channel = ? AND id < ? ORDER BY id`,
    );
    this.#postpone = db.prepare('UPDATE outbox SET send_at = ? WHERE id = ? AND send_at IS NOT NULL');
    this.#postponePatiently = db.prepare(
      `UPDATE outbox SET send_at = @until, watch_at = max(watch_at, @until + ${patience})
       WHERE id = @id AND send_at IS NOT NULL`,
    );
    this.#head = db.prepare(
      `SELECT id, status, attempts, held_at, send_at, due_at FROM outbox INDEXED BY outbox_owed_of
       WHERE alert = ? AND send_at IS NOT NULL AND person = ? AND channel = ? ORDER BY id LIMIT 1`,
    );
    const last = `max(leased_at) AS at, max(iif(sent_in = 'summary', leased_at, NULL)) AS summaryAt`;
    this.#lastSent = db.prepare(
      `SELECT ${last} FROM outbox INDEXED BY outbox_sent WHERE person = ? AND channel = ? AND sent_at > ?
         AND leased_at <= ? AND sent_at IS NOT NULL AND rides = 0 AND channel <> 'inbox'`,
    );
    this.#lastUnderWay = db.prepare(
      `SELECT ${last}, max(attempts > 1) AS retried FROM outbox INDEXED BY outbox_under_way WHERE person = ? AND channel = ?
         AND leased_at <= ? AND status = 'leased' AND rides = 0 AND channel <> 'inbox'`,
    );
  }

  /** In the order of the channels' names, skipping from one to the next in the index. */
  #channels(exclude: readonly string[]): string[] {
    const channels: string[] = [];
    let channel = this.#nextChannel.get('') ?? null;
    while (channel !== null) {
      if (!exclude.includes(channel)) channels.push(channel);
      channel = this.#nextChannel.get(channel) ?? null;
    }
    return channels;
  }

  /** See `Transaction.waiting`. */
  waiting(now: Instant, limit: number, exclude: readonly string[]): readonly WaitingMessage[] {
    const channels = this.#channels(exclude);
    const found: WaitingMessage[] = [];
    for (const urgency of urgencies) {
      const left = limit - found.length;
      if (left <= 0) break;
      const rows = channels.flatMap((channel) => this.#waiting.all(channel, urgency, now, left));
      found.push(...rows.sort((a, b) => a.sendAt - b.sendAt || a.id - b.id).slice(0, left));
    }
    return found;
  }

  /** See `Transaction.movable`. */
  movable(channel: string, now: Instant, limit: number): readonly MessageId[] {
    return this.#movable.all(channel, now, limit);
  }

  /** See `Transaction.unsaid`. */
  unsaid(channel: string, why: string, now: Instant, limit: number): readonly MessageId[] {
    return urgencies
      .flatMap((urgency) => this.#unsaid.all(channel, urgency, now, why, limit))
      .slice(0, limit);
  }

  /** See `Transaction.waitingFor`. */
  waitingFor(person: PersonId, channel: string, now: Instant, limit: number): readonly WaitingMessage[] {
    return this.#waitingFor.all(person, channel, now, limit);
  }

  /** See `Transaction.take`. */
  take(
    ids: readonly MessageId[],
    now: Instant,
    end: Instant,
    sentIn: SentIn | null,
  ): readonly LeasedMessage[] {
    const ready = this.#ready(ids);
    const together = sentIn === 'summary' || ready.length > 1 ? sentIn : null;
    return ready.flatMap((id, index) => {
      // The first of them counts for all: urgent ones come first.
      const rides = together !== null && index > 0 ? 1 : 0;
      const row = this.#take.get({ id, now, end, sentIn: together, rides });
      if (row === undefined) return [];
      const detail = this.#detail.get(row.alert) ?? '';
      return [{ ...owedOf(row), id, attempts: triesBefore(row), detail, code: this.#codes.of(row.alert) }];
    });
  }

  /** Those whose turn it is, in the order given. */
  #ready(ids: readonly MessageId[]): readonly MessageId[] {
    const among = new Set(ids);
    // In the order in which they were owed, so that what waits for one that waits is passed over, too.
    for (const id of [...ids].sort((a, b) => a - b)) {
      const row = this.#owed.get(id);
      if (row === undefined || this.#waitsItsTurn(row, among)) among.delete(id);
    }
    return ids.filter((id) => among.has(id));
  }

  /**
   * What one person gets of one alert on one channel keeps its order: "raised" must not come after "cleared". A
   * message behind another one waits until that one is settled or may be tried again, or goes together with it.
   */
  #waitsItsTurn(row: MessageRow, among: ReadonlySet<MessageId>): boolean {
    const ahead = this.#ahead
      .all(row.alert, row.person, row.channel, row.id)
      .find((other) => !among.has(other.id));
    if (ahead === undefined) return false;
    this.#postpone.run(turnBehind(ahead.send_at), row.id);
    return true;
  }

  /**
   * The message that waited behind this one may go when it was due, unless something else keeps it.
   * @param row as it was while the other one waited for it.
   */
  moveUp({ alert, person, channel, send_at: before }: MessageRow, at: Instant): void {
    const next = this.#head.get(alert, person, channel);
    if (next?.status !== 'pending') return;
    const isUntried = next.attempts === 0 && next.held_at === null;
    if (isUntried && next.send_at > next.due_at) this.#postpone.run(next.due_at, next.id);
    // One that was tried has a time of its own, which is no longer known if it had to wait for its turn since.
    else if (before !== null && next.send_at === turnBehind(before)) this.#postpone.run(at, next.id);
  }

  /** See `Transaction.postpone`. */
  postpone(ids: readonly MessageId[], until: Instant, patiently: boolean): void {
    for (const id of ids) {
      if (patiently) this.#postponePatiently.run({ until, id });
      else this.#postpone.run(until, id);
    }
  }

  /** See `Transaction.lastSent`. */
  lastSent(person: PersonId, channel: string, after: Instant, now: Instant): LastSent {
    const sent = this.#lastSent.get(person, channel, after, now);
    const underWay = this.#lastUnderWay.get(person, channel, now);
    const newest = (a: Instant | null = null, b: Instant | null = null): Instant | null =>
      a === null || (b !== null && b > a) ? b : a;
    return {
      at: newest(sent?.at, underWay?.at),
      summaryAt: newest(sent?.summaryAt, underWay?.summaryAt),
      isRetried: underWay?.retried === 1,
    };
  }

  /** See `Store.nextSend`. */
  nextSend(exclude: readonly string[]): Instant | null {
    return earliest(
      ...this.#channels(exclude).flatMap((channel) =>
        urgencies.map((urgency) => this.#firstSend.get(channel, urgency) ?? null),
      ),
    );
  }
}
