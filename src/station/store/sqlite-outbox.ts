/**
 * The outbox: messages owed, and what became of them. As a queue it is
 * sqlite-queue.ts; here messages are owed, watched, overtaken and settled.
 */
import type { Database, Statement } from 'better-sqlite3';
import { type Instant, latest, plus } from '../../time.ts';
import { type AlertKey, unreachable } from '../core/alert.ts';
import type { Obsolete } from '../core/notification.ts';
import { Codes } from './codes.ts';
import { urgencyOf } from './open-alerts.ts';
import { type MessageRow, nextOf, owedOf, patience, triesBefore } from './rows.ts';
import { Queue } from './sqlite-queue.ts';
import type { Fate, MessageId, OwedMessage, Settlement, UnsettledMessage, WatchedMessage } from './store.ts';

type ObsoleteMessage = { readonly message: OwedMessage; readonly why: string };
type WatchedRow = Omit<WatchedMessage, 'hasNext'> & { readonly next: string | null };
type FateRow = Omit<Fate, 'hopeful' | 'sent'> & { readonly hopeful: number; readonly sent: number };
type Sent = {
  id: MessageId;
  at: Instant;
  title: string;
  text: string;
  why: string;
  reference: string | null;
};

export class Outbox {
  readonly codes: Codes;
  readonly queue: Queue;
  readonly #add: Statement<unknown[]>;
  readonly #owedOf: Statement<[AlertKey, Instant], MessageRow>;
  readonly #open: Statement<[MessageId], MessageRow>;
  readonly #reported: Statement<[string, string], MessageId>;
  readonly #watched: Statement<[Instant, number], WatchedRow>;
  readonly #watch: Statement<[Instant, MessageId]>;
  readonly #nextWatch: Statement<[], Instant | null>;
  readonly #fates: Statement<[string], FateRow>;
  readonly #accepted: Statement<[Sent & { ask: Instant }]>;
  readonly #delivered: Statement<[Sent]>;
  readonly #confirmed: Statement<[Instant, string, MessageId]>;
  readonly #noted: Statement<[string, MessageId]>;
  readonly #failed: Statement<[Instant, string, MessageId]>;
  readonly #obsolete: Statement<[Instant, string, MessageId]>;
  readonly #retry: Statement<[Instant, string, MessageId]>;
  readonly #hold: Statement<[Instant | null, Instant, Instant | null, string, MessageId]>;
  readonly #passedOn: Statement<[Instant, MessageId]>;
  readonly #overdue: Statement<[Instant | null, MessageId]>;
  readonly #later: Statement<[AlertKey, string, string, MessageId], number>;
  readonly #release: Statement<[], MessageRow>;
  readonly #releaseWatch: Statement<[{ now: Instant }]>;
  readonly #hurry: Statement<[Instant, Instant]>;
  readonly #hurryTried: Statement<[{ channel: string; now: Instant }]>;
  readonly #hurryWatch: Statement<[{ now: Instant }]>;

  constructor(db: Database) {
    this.codes = new Codes(db);
    this.queue = new Queue(db, this.codes);
    this.#add = db.prepare(
      `INSERT INTO outbox (key, channel, next, alert, episode, kind, rule, person, level, urgency, due_at, send_at,
         overdue_after, watch_at, facts, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending') ON CONFLICT (key, channel) DO NOTHING`,
    );
    this.#owedOf = db.prepare(
      `SELECT * FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
         AND (status = 'pending' OR send_at <= ?) ORDER BY id`,
    );
    this.#open = db.prepare(
      `SELECT * FROM outbox WHERE id = ? AND (settled_at IS NULL OR (status = 'delivered' AND reference IS NOT NULL))`,
    );
    this.#reported = db
      .prepare<[string, string], MessageId>(
        'SELECT id FROM outbox INDEXED BY outbox_reference WHERE channel = ? AND reference = ? ORDER BY id',
      )
      .pluck();
    this.#watched = db.prepare(
      `SELECT id, status, channel, reference, next FROM outbox INDEXED BY outbox_watched
       WHERE watch_at <= ? AND watch_at IS NOT NULL ORDER BY watch_at, id LIMIT ?`,
    );
    this.#watch = db.prepare('UPDATE outbox SET watch_at = ? WHERE id = ? AND settled_at IS NULL');
    this.#nextWatch = db
      .prepare<[], Instant | null>(
        'SELECT min(watch_at) FROM outbox INDEXED BY outbox_watched WHERE watch_at IS NOT NULL',
      )
      .pluck();
    this.#fates = db.prepare(
      `SELECT id, channel, status, why, sent_at IS NOT NULL AS sent,
         watch_at IS NOT NULL AND coalesce(next, overdue_after) IS NOT NULL AS hopeful FROM outbox WHERE key = ? ORDER BY id`,
    );
    const settle = (columns: string): string =>
      `UPDATE outbox SET ${columns}, leased_at = NULL WHERE id = ? AND send_at IS NOT NULL`;
    const sent = (status: string, more: string): string =>
      `UPDATE outbox SET status = '${status}', send_at = NULL, leased_at = coalesce(leased_at, @at), sent_at = @at,
         title = @title, text = @text, why = @why, reference = @reference, ${more}
       WHERE id = @id AND send_at IS NOT NULL`;
    this.#accepted = db.prepare(sent('accepted', 'settled_at = NULL, watch_at = coalesce(watch_at, @ask)'));
    this.#delivered = db.prepare(sent('delivered', 'settled_at = @at, watch_at = NULL'));
    this.#confirmed = db.prepare(
      `UPDATE outbox SET status = 'delivered', settled_at = ?, watch_at = NULL, why = ?
       WHERE id = ? AND status = 'accepted'`,
    );
    this.#noted = db.prepare('UPDATE outbox SET why = ? WHERE id = ?');
    // Of one that was sent, that it was stays: it counts towards the person's limit.
    const end = (status: string): string =>
      `UPDATE outbox SET status = '${status}', send_at = NULL, watch_at = NULL, settled_at = ?, why = ?,
         leased_at = iif(sent_at IS NULL, NULL, leased_at) WHERE id = ?`;
    this.#failed = db.prepare(end('failed'));
    this.#obsolete = db.prepare(`${end('obsolete')} AND send_at IS NOT NULL`);
    this.#retry = db.prepare(settle(`status = 'pending', send_at = ?, why = ?`));
    this.#hold = db.prepare(
      settle(
        `status = 'pending', attempts = attempts - (status = 'leased'), held_at = coalesce(?, held_at), send_at = ?,
           watch_at = ?, why = ?`,
      ),
    );
    this.#passedOn = db.prepare(
      'UPDATE outbox SET next = NULL, watch_at = ? + overdue_after WHERE id = ? AND settled_at IS NULL',
    );
    this.#overdue = db.prepare(
      'UPDATE outbox SET overdue_after = NULL, watch_at = ? WHERE id = ? AND settled_at IS NULL',
    );
    this.#later = db
      .prepare<[AlertKey, string, string, MessageId], number>(
        `SELECT 1 FROM outbox INDEXED BY outbox_owed_of WHERE alert = ? AND send_at IS NOT NULL
           AND person = ? AND channel = ? AND id > ? LIMIT 1`,
      )
      .pluck();
    this.#hurry = db.prepare(
      `UPDATE outbox INDEXED BY outbox_owed SET send_at = ? WHERE send_at IS NOT NULL AND status = 'pending' AND send_at > ?`,
    );
    this.#hurryTried = db.prepare(
      `UPDATE outbox INDEXED BY outbox_owed SET send_at = @now WHERE channel = @channel AND send_at > @now
         AND send_at IS NOT NULL AND status = 'pending' AND attempts > 0`,
    );
    this.#hurryWatch = db.prepare(
      `UPDATE outbox INDEXED BY outbox_watched SET watch_at = @now + ${patience}
       WHERE watch_at IS NOT NULL AND watch_at > @now + ${patience}`,
    );
    this.#release = db.prepare(
      `UPDATE outbox INDEXED BY outbox_owed SET status = 'pending', send_at = due_at, leased_at = NULL
       WHERE send_at IS NOT NULL AND status = 'leased' RETURNING *`,
    );
    this.#releaseWatch = db.prepare(
      `UPDATE outbox INDEXED BY outbox_watched SET watch_at = @now + ${patience}
       WHERE watch_at IS NOT NULL AND send_at IS NOT NULL AND watch_at < @now + ${patience}`,
    );
  }

  enqueue(messages: readonly OwedMessage[], at: Instant): void {
    for (const owed of messages) {
      if (owed.kind !== 'test') this.codes.ensure(owed.alert);
      this.#owe(owed, owed.dueAt, latest(owed.dueAt, at));
    }
  }

  /** @param from since when it can be sent. */
  #owe(owed: OwedMessage, sendAt: Instant, from: Instant): void {
    const next = owed.next === null ? null : JSON.stringify(owed.next);
    this.#add.run(
      ...[owed.key, owed.channel, next, owed.alert, owed.episode, owed.kind, owed.rule, owed.person],
      ...[owed.level, urgencyOf(owed.level), owed.dueAt, sendAt, owed.overdueAfter, watchFrom(owed, from)],
      JSON.stringify(owed.facts),
    );
  }

  /** What follows in its place on the next channel; it counts its tries anew. */
  #moveOn(row: MessageRow, at: Instant): void {
    const next = nextOf(row);
    const [channel, ...channels] = next?.channels ?? [];
    if (next === null || channel === undefined) return;
    const rest = channels.length === 0 ? null : { ...next, channels };
    this.#owe({ ...owedOf(row), channel, next: rest }, at, at);
  }

  makeObsolete(what: readonly Obsolete[], at: Instant): readonly ObsoleteMessage[] {
    return what.flatMap(({ alert, kinds, people, dueBefore, why }) =>
      this.#owedOf
        .all(alert, at)
        .filter((row) => kinds.includes(row.kind) && (people === null || people.includes(row.person)))
        .filter((row) => row.attempts > 0 || row.held_at !== null || row.due_at < dueBefore)
        .map((row) => {
          this.#obsolete.run(at, why, row.id);
          this.queue.moveUp(row, at);
          return { message: owedOf(row), why };
        }),
    );
  }

  hurryTried(channel: string, now: Instant): void {
    this.#hurryTried.run({ channel, now });
  }

  hurry(now: Instant): void {
    this.#hurry.run(now, now);
    this.#hurryWatch.run({ now });
  }

  releaseLeases(now: Instant): readonly OwedMessage[] {
    const released = this.#release.all().sort((a, b) => a.id - b.id);
    this.#releaseWatch.run({ now });
    return released.map(owedOf);
  }

  /** See `Transaction.loadMessage`. */
  load(id: MessageId): UnsettledMessage | null {
    const row = this.#open.get(id);
    if (row === undefined) return null;
    const followed = this.#later.get(row.alert, row.person, row.channel, id) !== undefined;
    return {
      ...owedOf(row),
      attempts: triesBefore(row),
      followed,
      held: row.held_at !== null,
      status: row.status,
      sentAt: row.sent_at,
      watchAt: row.watch_at,
      why: row.why,
    };
  }

  /** See `Transaction.loadReported`. */
  reported(channel: string, reference: string): readonly MessageId[] {
    return this.#reported.all(channel, reference);
  }

  /** See `Transaction.loadWatched`. */
  watched(now: Instant, limit: number, again: Instant): readonly WatchedMessage[] {
    const found = this.#watched.all(now, limit);
    for (const { id } of found) this.#watch.run(again, id);
    return found.map(({ next, ...message }) => ({ ...message, hasNext: next !== null }));
  }

  nextWatch(): Instant | null {
    return this.#nextWatch.get() ?? null;
  }

  /** See `Transaction.loadFates`. */
  fates(key: string): readonly Fate[] {
    return this.#fates
      .all(key)
      .map((fate) => ({ ...fate, hopeful: fate.hopeful === 1, sent: fate.sent === 1 }));
  }

  settle(settlements: readonly Settlement[]): void {
    for (const settled of settlements) {
      const row = this.#open.get(settled.id);
      if (row === undefined) continue;
      const waited = row.send_at !== null;
      this.#settleOne(settled, row);
      if (waited && leavesQueue.has(settled.kind)) this.queue.moveUp(row, settled.at);
    }
  }

  #settleOne(settled: Settlement, row: MessageRow): void {
    const { id, at, why } = settled;
    switch (settled.kind) {
      case 'accepted':
        this.#accepted.run({
          id,
          at,
          ask: settled.ask,
          why,
          title: settled.title,
          text: settled.text,
          reference: settled.reference,
        });
        break;
      case 'delivered': {
        const { title, text, reference = null } = settled;
        this.#delivered.run({ id, at, why, title, text, reference });
        break;
      }
      case 'confirmed':
        this.#confirmed.run(at, why, id);
        break;
      case 'noted':
      case 'waits':
        this.#noted.run(why, id);
        break;
      case 'failed':
        this.#failed.run(at, why, id);
        break;
      case 'moved-on':
        this.#failed.run(at, why, id);
        this.#moveOn(row, at);
        break;
      case 'passed-on':
        this.#passedOn.run(at, id);
        this.#moveOn(row, at);
        break;
      case 'overdue':
        this.#overdue.run(null, id);
        break;
      case 'watched':
        this.#overdue.run(settled.until, id);
        break;
      case 'obsolete':
        this.#obsolete.run(at, why, id);
        break;
      case 'retry':
        this.#retry.run(settled.notBefore, why, id);
        break;
      case 'held-back':
        this.#hold.run(at, settled.until, watchFrom(owedOf(row), settled.until), why, id);
        break;
      case 'gathered':
        this.#hold.run(null, settled.until, watchFrom(owedOf(row), settled.until), why, id);
        break;
      default:
        unreachable(settled);
    }
  }
}

/** After these, a message no longer keeps others of its alert, person and channel waiting. */
const leavesQueue: ReadonlySet<Settlement['kind']> = new Set([
  'accepted',
  'delivered',
  'failed',
  'moved-on',
  'obsolete',
]);

/** When something is to be done about a message that has not arrived by then. */
function watchFrom({ next, overdueAfter }: OwedMessage, from: Instant): Instant | null {
  const patience = next?.wait ?? overdueAfter;
  return patience === null ? null : plus(from, patience);
}
