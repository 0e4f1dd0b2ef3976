/**
 * The outbox: messages owed, and what became of them. `send_at` says when one
 * may next be taken: when it is due, after a retry's wait, or when its lease ends,
 * so that what a station took with it when it died is taken again.
 *
 * Nothing here may look through what was sent: every look-up of what is owed
 * goes by the partial indexes, and `INDEXED BY` makes SQLite say so if it can't.
 */
import type { Database, Statement } from 'better-sqlite3';
import { type Duration, earliest, type Instant, milliseconds, plus } from '../../time.ts';
import { type AlertKey, levels, type PersonId, unreachable } from '../core/alert.ts';
import type { Obsolete } from '../core/notification.ts';
import { Codes } from './codes.ts';
import { urgencyOf } from './open-alerts.ts';
import { type MessageRow, nextOf, owedOf } from './rows.ts';
import type { LeasedMessage, MessageId, OwedMessage, Settlement, UnsettledMessage } from './store.ts';

const urgencies = levels.map(urgencyOf).sort();

/** A lease counts as a try when it begins, so that a message that ends the process is not tried for ever as new. */
const triesBefore = (row: MessageRow): number => (row.status === 'leased' ? row.attempts - 1 : row.attempts);

type ObsoleteMessage = { readonly message: OwedMessage; readonly why: string };
type Head = Pick<MessageRow, 'id' | 'status' | 'attempts' | 'held_at' | 'due_at'> & { send_at: Instant };
type Waiting = { id: MessageId; send_at: Instant };

export class Outbox {
  readonly codes: Codes;
  readonly #add: Statement<unknown[]>;
  readonly #owedOf: Statement<[AlertKey, Instant], MessageRow>;
  readonly #nextChannel: Statement<[string], string | null>;
  readonly #waiting: Statement<[string, number, Instant, number], Waiting>;
  readonly #firstSend: Statement<[string, number], Instant | null>;
  readonly #take: Statement<[{ id: MessageId; now: Instant; end: Instant }], MessageRow>;
  readonly #detail: Statement<[AlertKey], string>;
  readonly #unsettled: Statement<[MessageId], MessageRow>;
  readonly #delivered: Statement<[{ at: Instant; title: string; text: string; why: string; id: MessageId }]>;
  readonly #failed: Statement<[Instant, string, MessageId]>;
  readonly #obsolete: Statement<[Instant, string, MessageId]>;
  readonly #retry: Statement<[Instant, string, MessageId]>;
  readonly #hold: Statement<[Instant, Instant, string, MessageId]>;
  readonly #ahead: Statement<[AlertKey, PersonId, string, MessageId], Instant>;
  readonly #postpone: Statement<[Instant, MessageId]>;
  readonly #head: Statement<[AlertKey, PersonId, string], Head>;
  readonly #later: Statement<[AlertKey, PersonId, string, MessageId], number>;
  readonly #release: Statement<[]>;
  readonly #hurry: Statement<[Instant, Instant]>;

  constructor(db: Database) {
    this.codes = new Codes(db);
    this.#add = db.prepare(
      `INSERT INTO outbox (key, channel, next, alert, episode, kind, rule, person, level, urgency, due_at, send_at,
         facts, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending') ON CONFLICT (key, channel) DO NOTHING`,
    );
    this.#owedOf = db.prepare(
      `SELECT * FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
         AND (status = 'pending' OR send_at <= ?) ORDER BY id`,
    );
    this.#nextChannel = db
      .prepare<[string], string | null>(
        'SELECT min(channel) FROM outbox INDEXED BY outbox_owed WHERE send_at IS NOT NULL AND channel > ?',
      )
      .pluck();
    this.#waiting = db.prepare(
      `SELECT id, send_at FROM outbox INDEXED BY outbox_owed
       WHERE channel = ? AND urgency = ? AND send_at <= ? AND send_at IS NOT NULL ORDER BY send_at, id LIMIT ?`,
    );
    this.#firstSend = db
      .prepare<[string, number], Instant | null>(
        `SELECT min(send_at) FROM outbox INDEXED BY outbox_owed
         WHERE channel = ? AND urgency = ? AND send_at IS NOT NULL`,
      )
      .pluck();
    this.#take = db.prepare(
      `UPDATE outbox SET status = 'leased', send_at = @end, leased_at = @now, attempts = attempts + 1
       WHERE id = @id RETURNING *`,
    );
    this.#detail = db.prepare<[AlertKey], string>('SELECT detail FROM alert_details WHERE key = ?').pluck();
    this.#unsettled = db.prepare('SELECT * FROM outbox WHERE id = ? AND send_at IS NOT NULL');
    const settle = (columns: string): string =>
      `UPDATE outbox SET ${columns}, leased_at = NULL WHERE id = ? AND send_at IS NOT NULL`;
    this.#delivered = db.prepare(
      `UPDATE outbox SET status = 'delivered', send_at = NULL, leased_at = coalesce(leased_at, @at),
         settled_at = @at, title = @title, text = @text, why = @why WHERE id = @id AND send_at IS NOT NULL`,
    );
    this.#failed = db.prepare(settle(`status = 'failed', send_at = NULL, settled_at = ?, why = ?`));
    this.#obsolete = db.prepare(settle(`status = 'obsolete', send_at = NULL, settled_at = ?, why = ?`));
    this.#retry = db.prepare(settle(`status = 'pending', send_at = ?, why = ?`));
    this.#hold = db.prepare(
      settle(
        `status = 'pending', attempts = attempts - (status = 'leased'), held_at = ?, send_at = ?, why = ?`,
      ),
    );
    this.#ahead = db
      .prepare<[AlertKey, PersonId, string, MessageId], Instant>(
        `SELECT send_at FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
           AND person = ? AND channel = ? AND id < ? ORDER BY id LIMIT 1`,
      )
      .pluck();
    this.#postpone = db.prepare('UPDATE outbox SET send_at = ? WHERE id = ?');
    this.#head = db.prepare(
      `SELECT id, status, attempts, held_at, send_at, due_at FROM outbox INDEXED BY outbox_owed_of
       WHERE alert = ? AND send_at IS NOT NULL AND person = ? AND channel = ? ORDER BY id LIMIT 1`,
    );
    this.#later = db
      .prepare<[AlertKey, PersonId, string, MessageId], number>(
        `SELECT 1 FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
           AND person = ? AND channel = ? AND id > ? LIMIT 1`,
      )
      .pluck();
    this.#hurry = db.prepare(
      `UPDATE outbox INDEXED BY outbox_owed SET send_at = ? WHERE send_at IS NOT NULL AND status = 'pending' AND send_at > ?`,
    );
    this.#release = db.prepare(
      `UPDATE outbox INDEXED BY outbox_owed SET status = 'pending', send_at = due_at, leased_at = NULL
       WHERE send_at IS NOT NULL AND status = 'leased'`,
    );
  }

  enqueue(messages: readonly OwedMessage[]): void {
    for (const owed of messages) {
      this.codes.ensure(owed.alert);
      this.#owe(owed, owed.dueAt);
    }
  }

  #owe(owed: OwedMessage, sendAt: Instant): void {
    const next = owed.next === null ? null : JSON.stringify(owed.next);
    this.#add.run(
      ...[owed.key, owed.channel, next, owed.alert, owed.episode, owed.kind, owed.rule, owed.person],
      ...[owed.level, urgencyOf(owed.level), owed.dueAt, sendAt, JSON.stringify(owed.facts)],
    );
  }

  /** What follows in its place on the next channel; it counts its tries anew. */
  #moveOn(row: MessageRow, at: Instant): void {
    const next = nextOf(row);
    const [channel, ...channels] = next?.channels ?? [];
    if (next === null || channel === undefined) return;
    const rest = channels.length === 0 ? null : { ...next, channels };
    this.#owe({ ...owedOf(row), channel, next: rest }, at);
  }

  makeObsolete(what: readonly Obsolete[], at: Instant): readonly ObsoleteMessage[] {
    return what.flatMap(({ alert, kinds, people, dueBefore, why }) =>
      this.#owedOf
        .all(alert, at)
        .filter((row) => kinds.includes(row.kind) && (people === null || people.includes(row.person)))
        .filter((row) => row.attempts > 0 || row.held_at !== null || row.due_at < dueBefore)
        .map((row) => {
          this.#obsolete.run(at, why, row.id);
          this.#moveUp(row);
          return { message: owedOf(row), why };
        }),
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

  lease(now: Instant, lease: Duration, limit: number, exclude: readonly string[]): readonly LeasedMessage[] {
    const channels = this.#channels(exclude);
    const taken: LeasedMessage[] = [];
    for (const urgency of urgencies) {
      const waiting = channels
        .flatMap((channel) => this.#waiting.all(channel, urgency, now, limit - taken.length))
        .sort((a, b) => a.send_at - b.send_at || a.id - b.id)
        .slice(0, limit - taken.length);
      for (const { id } of waiting) {
        if (this.#waitsItsTurn(id)) continue;
        const row = this.#take.get({ id, now, end: plus(now, lease) });
        if (row === undefined) continue;
        const detail = this.#detail.get(row.alert) ?? '';
        taken.push({
          ...owedOf(row),
          id,
          attempts: triesBefore(row),
          detail,
          code: this.codes.of(row.alert),
        });
      }
    }
    return taken;
  }

  /**
   * What one person gets of one alert on one channel keeps its order: "raised" must not come after "cleared". A
   * message behind another one waits until that one is settled or may be tried again.
   */
  #waitsItsTurn(id: MessageId): boolean {
    const row = this.#unsettled.get(id);
    if (row === undefined) return false;
    const ahead = this.#ahead.get(row.alert, row.person, row.channel, id);
    if (ahead === undefined) return false;
    this.#postpone.run(plus(ahead, milliseconds(1)), id);
    return true;
  }

  /** The message that waited behind this one may go when it was due, unless something else keeps it. */
  #moveUp({ alert, person, channel }: MessageRow): void {
    const next = this.#head.get(alert, person, channel);
    if (next?.status !== 'pending' || next.attempts > 0 || next.held_at !== null) return;
    if (next.send_at > next.due_at) {
      this.#postpone.run(next.due_at, next.id);
    }
  }

  hurry(now: Instant): void {
    this.#hurry.run(now, now);
  }

  releaseLeases(): void {
    this.#release.run();
  }

  nextSend(exclude: readonly string[]): Instant | null {
    return earliest(
      ...this.#channels(exclude).flatMap((channel) =>
        urgencies.map((urgency) => this.#firstSend.get(channel, urgency) ?? null),
      ),
    );
  }

  load(id: MessageId): UnsettledMessage | null {
    const row = this.#unsettled.get(id);
    if (row === undefined) return null;
    const followed = this.#later.get(row.alert, row.person, row.channel, id) !== undefined;
    return { ...owedOf(row), attempts: triesBefore(row), followed, held: row.held_at !== null };
  }

  settle(settlements: readonly Settlement[]): void {
    for (const settled of settlements) {
      const row = this.#unsettled.get(settled.id);
      if (row === undefined) continue;
      this.#settleOne(settled, row);
      if (settled.kind !== 'retry' && settled.kind !== 'held-back') this.#moveUp(row);
    }
  }

  #settleOne(settled: Settlement, row: MessageRow): void {
    const { id, at, why } = settled;
    switch (settled.kind) {
      case 'delivered':
        this.#delivered.run({ at, title: settled.title, text: settled.text, why, id });
        break;
      case 'failed':
        this.#failed.run(at, why, id);
        break;
      case 'moved-on':
        this.#failed.run(at, why, id);
        this.#moveOn(row, at);
        break;
      case 'obsolete':
        this.#obsolete.run(at, why, id);
        break;
      case 'retry':
        this.#retry.run(settled.notBefore, why, id);
        break;
      case 'held-back':
        this.#hold.run(at, settled.until, why, id);
        break;
      default:
        unreachable(settled);
    }
  }
}
