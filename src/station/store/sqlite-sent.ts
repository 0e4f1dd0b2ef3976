/**
 * What a person was sent of late, as their limit counts it: messages, not
 * channels, so each key counts once. The inbox disturbs nobody and does not count.
 *
 * Asked before each message goes out, so it must not grow with what was sent over
 * the years: it reads the newest of its own partial indexes and stops.
 */
import type { Database, Statement } from 'better-sqlite3';
import { type Instant, instant } from '../../time.ts';
import type { Level, PersonId } from '../core/alert.ts';
import type { MessageId, SentMessage } from './store.ts';

type SentRow = { id: MessageId; key: string; at: Instant; begunAt: Instant; level: Level };

const newestFirst = (a: SentRow, b: SentRow): number => b.at - a.at || b.id - a.id;

export class Sent {
  readonly #delivered: Statement<[PersonId, Instant, number], SentRow>;
  readonly #underWay: Statement<[PersonId], SentRow>;
  readonly #held: Statement<[PersonId, Instant], number>;

  constructor(db: Database) {
    // A key that went out on two channels is passed over at its later one, so few more rows than asked for are read.
    this.#delivered = db.prepare(
      `SELECT id, key, sent_at AS at, leased_at AS begunAt, level FROM outbox AS sent INDEXED BY outbox_sent
       WHERE person = ? AND sent_at IS NOT NULL AND rides = 0 AND channel <> 'inbox' AND sent_at <= ?
         AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.key = sent.key
           AND earlier.sent_at IS NOT NULL AND earlier.channel <> 'inbox'
           AND (earlier.sent_at, earlier.id) < (sent.sent_at, sent.id))
       ORDER BY sent_at DESC, id DESC LIMIT ?`,
    );
    this.#underWay = db.prepare(
      `SELECT id, key, leased_at AS at, leased_at AS begunAt, level FROM outbox AS sent INDEXED BY outbox_under_way
       WHERE person = ? AND status = 'leased' AND rides = 0 AND channel <> 'inbox'
         AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.key = sent.key
           AND earlier.sent_at IS NOT NULL AND earlier.channel <> 'inbox')
       ORDER BY leased_at, id`,
    );
    this.#held = db
      .prepare<[PersonId, Instant], number>(
        `SELECT count(DISTINCT key) FROM outbox INDEXED BY outbox_held WHERE person = ? AND held_at >= ?`,
      )
      .pluck();
  }

  /** See `Transaction.sentTo`. */
  to(
    person: PersonId,
    limit: number,
    except: readonly MessageId[],
    by: Instant = instant(Number.MAX_SAFE_INTEGER),
  ): readonly SentMessage[] {
    const underWay = new Map<string, SentRow>();
    for (const row of this.#underWay.all(person)) {
      if (!underWay.has(row.key) && !except.includes(row.id) && row.at <= by) underWay.set(row.key, row);
    }
    return [...underWay.values(), ...this.#delivered.all(person, by, limit)]
      .sort(newestFirst)
      .slice(0, limit)
      .map(({ key, at, begunAt, level }) => ({ key, at, begunAt, level }));
  }

  /** See `Transaction.heldBack`. */
  heldBack(person: PersonId, since: Instant): number {
    return this.#held.get(person, since) ?? 0;
  }
}
