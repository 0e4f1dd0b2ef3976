/**
 * Follows each message of the outbox from the moment it is owed until it is
 * settled, and compares it with what reached the providers: at least once, in
 * its minute or with a recorded reason, in order, twice only where the provider
 * or a kill explains it, and within the person's limits.
 */
import type Database from 'better-sqlite3';
import type { AlertKey, Change } from '../../src/station/core/alert.ts';
import { clock as shown } from './input.ts';
import { LimitJudge } from './limits.ts';
import type { Call } from './providers.ts';
import type { NaivePolicy } from './rules.ts';

type Row = {
  readonly id: number;
  readonly key: string;
  readonly channel: string;
  readonly alert: AlertKey;
  readonly kind: string;
  readonly person: string;
  readonly level: string;
  readonly status: string;
  readonly settled_at: number | null;
  readonly why: string;
};

/** A message of the outbox. */
type Followed = {
  row: Row;
  readonly alert: string;
  /** Alert, person and channel: what they get keeps its order. */
  readonly lane: string;
  /** What the station's clock showed when it was owed. */
  owedAt: number;
  /** Whether history says that it is owed, or that it goes on from another channel. */
  explained: boolean;
  readonly calls: Call[];
  /** Whether something on record says why it is late. */
  excused: boolean;
  movedOn: boolean;
  reported: boolean;
};

export type Complain = (kind: string, alert: string | null, expected: string, found: string) => void;

type Receipt = Extract<Change, { kind: 'receipt' }>;
type HeldBack = {
  readonly person: string;
  readonly level: string;
  readonly at: number;
  readonly alert: string;
};

const minute = 60_000;
const columns = 'id, key, channel, alert, kind, person, level, status, settled_at, why';
/** So many settled messages are kept in mind, for what comes late. */
const keptMax = 20_000;

export class DeliveryJudge {
  private readonly complain: Complain;
  private readonly nameOf: (key: AlertKey) => string;
  private readonly added;
  private readonly byId;
  private readonly limits = new LimitJudge();
  private lastId = 0;
  private readonly open = new Map<number, Followed>();
  private readonly byKey = new Map<string, Followed>();
  private fresh: Followed[] = [];
  private held: HeldBack[] = [];
  /** By lane: the last message sent for the first time, and when the last one was settled. */
  private readonly lastSent = new Map<string, number>();
  private readonly lastSettled = new Map<string, number>();
  /** What the station's clock showed when it last began, or was set. */
  private disturbedAt = 0;

  constructor(db: Database.Database, complain: Complain, nameOf: (key: AlertKey) => string) {
    this.complain = complain;
    this.nameOf = nameOf;
    this.added = db.prepare<[number], Row>(`SELECT ${columns} FROM outbox WHERE id > ? ORDER BY id`);
    this.byId = db.prepare<[number], Row>(`SELECT ${columns} FROM outbox WHERE id = ?`);
  }

  /** The station was down, or its clock was set: what is owed now may be late. */
  disturbed(wall: number, clockSetBack: boolean): void {
    this.disturbedAt = wall;
    for (const followed of this.open.values()) followed.excused = true;
    if (clockSetBack) this.limits.forget(wall);
  }

  /** Reads what is new in the outbox, and how it stands with the rest. Before anything else. */
  readOutbox(): void {
    for (const row of this.added.iterate(this.lastId)) {
      this.lastId = row.id;
      const followed: Followed = {
        row,
        alert: this.nameOf(row.alert),
        lane: `${row.alert} ${row.person} ${row.channel}`,
        owedAt: 0,
        explained: false,
        calls: [],
        excused: false,
        movedOn: false,
        reported: false,
      };
      this.open.set(row.id, followed);
      this.byKey.set(`${row.key}#${row.channel}`, followed);
      this.fresh.push(followed);
    }
    for (const followed of this.open.values()) {
      const row = this.byId.get(followed.row.id);
      if (row === undefined)
        this.complain('lost', followed.alert, followed.row.key, 'not in the outbox any more');
      else followed.row = row;
      const settled = row?.settled_at ?? 0;
      if (settled > (this.lastSettled.get(followed.lane) ?? 0)) this.lastSettled.set(followed.lane, settled);
    }
  }

  /** History says that somebody is told. */
  told(alert: AlertKey, change: Extract<Change, { kind: 'told' }>, at: number): void {
    for (const channel of change.channels) {
      const owed = this.fresh.find(
        ({ row, explained }) =>
          !explained &&
          row.alert === alert &&
          row.person === change.person &&
          row.kind === change.of &&
          row.channel === channel,
      );
      if (owed === undefined) {
        const what = `${change.of} to ${change.person} by ${channel} at ${shown(at)}`;
        this.complain('not in the outbox', this.nameOf(alert), what, 'nothing');
      } else {
        owed.explained = true;
        owed.owedAt = at;
      }
    }
  }

  /** History says what became of a message. */
  receipt(alert: AlertKey, change: Receipt, at: number): void {
    if (change.outcome === 'delivered') return;
    const lane = `${alert} ${change.person} ${change.channel}`;
    let level: string | null = null;
    for (const followed of this.open.values()) {
      const { row, owedAt, explained } = followed;
      if (followed.lane !== lane || row.kind !== change.of || !explained || owedAt > at) continue;
      followed.excused = true;
      if (change.outcome === 'moved-on') this.goesOn(followed, at);
      followed.movedOn ||= change.outcome === 'moved-on';
      level = row.level;
    }
    if (change.outcome !== 'held-back' || level === null) return;
    this.held.push({ person: change.person, level, at, alert: this.nameOf(alert) });
  }

  private goesOn(from: Followed, at: number): void {
    const next = this.fresh.find(({ row, explained }) => !explained && row.key === from.row.key);
    if (next === undefined) return;
    next.explained = true;
    next.owedAt = at;
  }

  /** Compares what is new with what reached the providers. */
  compare(calls: readonly Call[], policy: NaivePolicy, wall: number): void {
    for (const { explained, alert, row } of this.fresh) {
      if (!explained) this.complain('in the outbox', alert, 'nothing', `${row.key} by ${row.channel}`);
    }
    this.fresh = [];
    for (const call of calls) {
      this.judgeHeldBack(policy, call.wall);
      this.judgeCall(call, policy);
    }
    this.judgeHeldBack(policy, Number.POSITIVE_INFINITY);
    for (const [id, followed] of this.open) {
      if (followed.row.settled_at !== null) {
        this.open.delete(id);
        this.judgeSettled(followed);
      } else this.judgeWaiting(followed, wall);
    }
    if (this.byKey.size < keptMax) return;
    for (const [key, { row }] of this.byKey) if (!this.open.has(row.id)) this.byKey.delete(key);
  }

  private judgeHeldBack(policy: NaivePolicy, until: number): void {
    while (this.held[0] !== undefined && this.held[0].at < until) {
      const { person, level, at, alert } = this.held[0];
      this.held.shift();
      if (at < this.disturbedAt + minute || this.limits.mayHoldBack(policy, person, level, at)) continue;
      this.complain(
        'held back',
        alert,
        `a message to ${person}`,
        `held back at ${shown(at)} without a limit`,
      );
    }
  }

  private judgeCall(call: Call, policy: NaivePolicy): void {
    const followed = this.byKey.get(call.key.slice(0, call.key.lastIndexOf('@')));
    if (followed === undefined) {
      this.complain('sent, not owed', null, 'nothing', `${call.channel} to ${call.address}: ${call.key}`);
      return;
    }
    const { row, alert, calls, lane } = followed;
    const before = calls.at(-1);
    if (before?.accepted && before.answered && before.life === call.life) {
      this.complain('sent twice', alert, `once: ${row.key}`, `again at ${shown(call.wall)}`);
    }
    if (before === undefined) {
      const last = this.lastSent.get(lane) ?? 0;
      if (last > row.id)
        this.complain('out of order', alert, `${row.key} before what follows it`, 'after it');
      this.lastSent.set(lane, Math.max(last, row.id));
      if (this.isLate(followed, call.wall)) {
        this.complain(
          'late',
          alert,
          `${row.key} at ${shown(followed.owedAt)}`,
          `sent at ${shown(call.wall)}`,
        );
      }
    }
    calls.push(call);
    const broken = this.limits.sent(policy, row, call);
    if (broken !== null)
      this.complain('over the limit', alert, broken, `${row.key} sent at ${shown(call.wall)}`);
  }

  /** Not in its minute, and nothing on record says why. */
  private isLate(followed: Followed, wall: number): boolean {
    const { owedAt, lane, excused } = followed;
    if (excused || wall - owedAt < minute || owedAt < this.disturbedAt + minute) return false;
    // It waited for its turn behind another of the same alert.
    return (this.lastSettled.get(lane) ?? 0) < owedAt;
  }

  private judgeWaiting(followed: Followed, wall: number): void {
    if (followed.reported || followed.calls.length > 0 || !this.isLate(followed, wall)) return;
    const { lane, row, alert } = followed;
    for (const other of this.open.values()) if (other.lane === lane && other.row.id < row.id) return;
    followed.reported = true;
    this.complain('not sent', alert, `${row.key} by ${row.channel} at ${shown(followed.owedAt)}`, 'nothing');
  }

  private judgeSettled({ row, alert, calls, movedOn }: Followed): void {
    const { key, status, why } = row;
    if (status === 'delivered' && !calls.some(({ accepted }) => accepted)) {
      this.complain(
        'not delivered',
        alert,
        `${key} at the provider`,
        'said to be delivered, no provider accepted it',
      );
    }
    const rejected = calls.some(({ rejected: said }) => said);
    if (status === 'failed' && !rejected && !movedOn && !/no longer in the policy/.test(why)) {
      this.complain('not failed', alert, key, `said to have failed, no provider rejected it: ${why}`);
    }
    if (status === 'obsolete' && why === '') this.complain('no reason', alert, key, 'obsolete');
  }

  /** After the end, with all providers well: nothing that was owed before may be left, but for what a limit holds back. */
  leftOver(before: number, policy: NaivePolicy, wall: number): void {
    for (const { owedAt, alert, row } of this.open.values()) {
      if (owedAt < before && !this.limits.mayHoldBack(policy, row.person, row.level, wall))
        this.complain('never settled', alert, `${row.key} by ${row.channel}`, 'still owed');
    }
  }
}
