/**
 * Follows each message of the outbox from the moment it is owed until it is
 * settled, and compares it with what reached the providers: at least once, in
 * time or with a recorded reason, in order, twice only where the provider or a
 * kill explains it, gathered as the policy says, and within the person's limits.
 */
import type Database from 'better-sqlite3';
import type { AlertKey, Change } from '../../src/station/core/alert.ts';
import { Breakers } from './breakers.ts';
import { type Followed, followed, laneOf, type Row, rowColumns } from './followed.ts';
import { GatheringJudge } from './gathering.ts';
import { clock as shown } from './input.ts';
import { LimitJudge } from './limits.ts';
import type { Call, Word } from './providers.ts';
import { type Complain, isExplained, ReachJudge, type Receipt, whyMovedOn } from './reach.ts';
import type { NaivePolicy } from './rules.ts';

type HeldBack = {
  readonly person: string;
  readonly level: string;
  readonly at: number;
  readonly alert: string;
};
type Move = { readonly message: Followed; readonly at: number; readonly wait: number };
type Taken = { readonly call: Call; readonly messages: readonly Followed[]; readonly words: Word[] };

const minute = 60_000;
const hour = 60 * minute;
/** What goes at once may still take so long. */
const atOnce = 5_000;
/** So many messages are kept in mind, for what comes late; and for so long at least. */
const keptMax = 20_000;
const keptFor = 26 * hour;

export class DeliveryJudge {
  private readonly complain: Complain;
  private readonly nameOf: (key: AlertKey) => string;
  private readonly added;
  private readonly byId;
  private readonly limits = new LimitJudge();
  private readonly gathering = new GatheringJudge();
  private readonly breakers = new Breakers();
  private readonly reach: ReachJudge;
  private lastId = 0;
  private readonly open = new Map<number, Followed>();
  private readonly byKey = new Map<string, Followed>();
  private readonly lanes = new Map<string, Followed[]>();
  private fresh: Followed[] = [];
  private held: HeldBack[] = [];
  private moves: Move[] = [];
  private readonly overdue: { readonly message: Followed; readonly at: number }[] = [];
  private readonly taken = new Map<string, Taken>();
  private words: Word[] = [];
  /** By lane: the last message sent for the first time, and when the last one was out of the others' way. */
  private readonly lastSent = new Map<string, number>();
  private readonly lastGone = new Map<string, number>();
  /** What the station's clock showed when it last began, or was set. */
  private disturbedAt = 0;
  /** The policy in force, and the one before. */
  private policies: readonly NaivePolicy[] = [];

  constructor(db: Database.Database, complain: Complain, nameOf: (key: AlertKey) => string) {
    this.complain = complain;
    this.nameOf = nameOf;
    this.reach = new ReachJudge(complain);
    this.added = db.prepare<[number], Row>(`SELECT ${rowColumns} FROM outbox WHERE id > ? ORDER BY id`);
    this.byId = db.prepare<[number], Row>(`SELECT ${rowColumns} FROM outbox WHERE id = ?`);
  }

  /** The station was down, or its clock was set: what is owed now may be late. */
  disturbed(wall: number, clockSetBack: boolean): void {
    this.disturbedAt = wall;
    this.breakers.forget(wall);
    for (const message of this.open.values()) message.excused = true;
    if (!clockSetBack) return;
    this.limits.forget(wall);
    this.gathering.forget();
    // What is waited for until later than it was is waited for anew.
    for (const message of this.open.values()) message.waitedFrom = Math.min(message.waitedFrom, wall);
  }

  /** Reads what is new in the outbox, and how it stands with the rest. Before anything else. */
  readOutbox(policy: NaivePolicy): void {
    if (this.policies[0] !== policy) this.policies = [policy, ...this.policies.slice(0, 1)];
    for (const row of this.added.iterate(this.lastId)) {
      this.lastId = row.id;
      const message = followed(row, this.nameOf(row.alert));
      this.open.set(row.id, message);
      this.byKey.set(`${row.key}#${row.channel}`, message);
      const lane = this.lanes.get(message.lane);
      if (lane === undefined) this.lanes.set(message.lane, [message]);
      else lane.push(message);
      this.fresh.push(message);
    }
    for (const message of this.open.values()) this.readAgain(message);
  }

  private readAgain(message: Followed): void {
    const { alert, lane } = message;
    const row = this.byId.get(message.row.id);
    if (row === undefined) {
      this.complain('lost', alert, message.row.key, 'not in the outbox any more');
      return;
    }
    message.row = row;
    this.isGone(lane, row.settled_at ?? 0);
  }

  private isGone(lane: string, at: number): void {
    if (at > (this.lastGone.get(lane) ?? 0)) this.lastGone.set(lane, at);
  }

  // -------------------------------------------------------------- what history says

  /** @param own whose it is, where the alert says that they cannot be reached. */
  history(alert: AlertKey, change: Change, at: number, by: string | null, own: string | null): void {
    this.gathering.change(alert, change, at, by);
    this.reach.change(alert, change, at);
    if (own !== null) this.reach.ownChange(own, this.nameOf(alert), change, at, by);
    if (change.kind === 'told') this.told(alert, change, at);
    if (change.kind === 'receipt') this.receipt(alert, change, at);
  }

  private policy(): NaivePolicy {
    const [policy] = this.policies;
    if (policy === undefined) throw new Error('nothing was read yet');
    return policy;
  }

  private told(alert: AlertKey, change: Extract<Change, { kind: 'told' }>, at: number): void {
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
        const { later } = this.policy().channels(change.person, owed.row.level);
        this.reach.begins(owed, later, this.policy(), at);
      }
    }
  }

  /** History says what became of a message. */
  private receipt(alert: AlertKey, change: Receipt, at: number): void {
    const lane = this.lanes.get(laneOf(alert, change.person, change.channel)) ?? [];
    const about = lane.filter(
      ({ row, explained, owedAt }) => explained && row.kind === change.of && owedAt <= at,
    );
    const message = this.meant(about, change, at);
    if (message === null) return;
    if (change.outcome !== 'delivered' && change.outcome !== 'accepted') {
      for (const one of about) one.excused = true;
    }
    if (change.outcome === 'accepted') this.isGone(message.lane, at);
    if (change.outcome === 'moved-on') this.goesOn(message, at);
    if (change.outcome === 'overdue') this.overdue.push({ message, at });
    if (change.outcome === 'gathered') this.gathering.gathers(message, at);
    if (change.outcome === 'held-back') {
      const { person, level } = message.row;
      this.held.push({ person, level, at, alert: message.alert });
    }
    if (change.outcome === 'gathered' || change.outcome === 'held-back') {
      for (const one of about) one.keptBack ||= one.state === 'waits';
    }
    this.reach.receipt(message, lane, change, at, this.policy());
  }

  /** Which of the messages alike it is that history speaks of. */
  private meant(about: readonly Followed[], { outcome }: Receipt, at: number): Followed | null {
    const status = outcome === 'moved-on' ? 'failed' : outcome;
    const ends = status === 'delivered' || status === 'failed' || status === 'obsolete';
    // What was delivered may turn out not to have been.
    if (status === 'failed')
      for (const one of about)
        if (one.state === 'delivered' && one.row.reference !== null) this.readAgain(one);
    const settled = about.find(
      ({ row, state }) => ends && row.status === status && row.settled_at === at && state !== status,
    );
    if (settled !== undefined) return settled;
    const lives = ({ state }: Followed): boolean => state === 'waits' || state === 'accepted';
    if (outcome === 'overdue') {
      const waiting = about.filter((one) => lives(one) && one.left.length === 0 && one.overdueAt === null);
      // Of those before it nothing was said, since it followed.
      return (
        waiting.findLast(({ waitedFrom, patience }) => waitedFrom + (patience ?? 0) <= at) ??
        waiting[0] ??
        null
      );
    }
    const [first] = about.filter((message) => {
      const { state, left, row } = message;
      if (outcome === 'moved-on')
        return left.length > 0 && this.fresh.some((one) => !one.explained && one.row.key === row.key);
      if (outcome === 'sent') return state === 'accepted';
      if (outcome === 'delivered') return lives(message);
      if (outcome === 'failed') return lives(message);
      return state === 'waits';
    });
    return first ?? null;
  }

  private goesOn(from: Followed, at: number): void {
    const { person, level } = from.row;
    const wait = this.policy().wait(person, level);
    this.moves.push({ message: from, at, wait });
    from.movedOn = true;
    const [channel] = from.left;
    const next = this.fresh.find(
      ({ row, explained }) => !explained && row.key === from.row.key && row.channel === channel,
    );
    if (next === undefined) return;
    this.reach.begins(next, from.left.slice(1), this.policy(), at);
    next.overtakenAt = from.overtakenAt;
  }

  // -------------------------------------------------------------- what reached the providers

  /**
   * Compares what is new with what reached the providers, and with what they said of it.
   * @param lives whether the station runs: what waits, waits for that.
   */
  compare(calls: readonly Call[], words: readonly Word[], wall: number, lives: boolean): void {
    this.reach.settleExpected();
    for (const { explained, alert, row } of this.fresh) {
      if (!explained) this.complain('in the outbox', alert, 'nothing', `${row.key} by ${row.channel}`);
    }
    this.fresh = [];
    for (const call of calls) {
      this.judgeHeldBack(call.wall);
      this.judgeCall(call);
    }
    this.judgeHeldBack(Number.POSITIVE_INFINITY);
    this.judgeGathered();
    for (const word of words) {
      this.taken.get(word.reference)?.words.push(word);
      this.words.push(word);
    }
    this.judgeMoves();
    this.judgeWords(wall);
    const digest = Math.max(...this.policies.map((policy) => policy.digest));
    for (const [id, message] of this.open) {
      if (!lives && message.row.settled_at === null) continue;
      const until = message.arrivedAt ?? message.row.settled_at ?? wall;
      this.reach.judgePatience(message, this.lanes.get(message.lane) ?? [], digest, until, this.disturbedAt);
      if (message.row.settled_at !== null) {
        this.open.delete(id);
        this.judgeSettled(message);
      } else this.judgeWaiting(message, wall);
    }
    this.gathering.forget();
    if (this.byKey.size > keptMax) this.tidy(wall - keptFor);
  }

  private tidy(before: number): void {
    for (const [key, message] of this.byKey) {
      if (this.open.has(message.row.id) || (message.row.settled_at ?? 0) > before) continue;
      this.byKey.delete(key);
      this.reach.forget(message);
      const lane = this.lanes.get(message.lane)?.filter((one) => one !== message) ?? [];
      if (lane.length > 0) this.lanes.set(message.lane, lane);
      else this.lanes.delete(message.lane);
    }
    for (const [reference, { call }] of this.taken) if (call.wall < before) this.taken.delete(reference);
  }

  private judgeHeldBack(until: number): void {
    while (this.held[0] !== undefined && this.held[0].at < until) {
      const { person, level, at, alert } = this.held[0];
      this.held.shift();
      if (at < this.disturbedAt + minute || this.limits.mayHoldBack(this.policy(), person, level, at))
        continue;
      this.complain(
        'held back',
        alert,
        `a message to ${person}`,
        `held back at ${shown(at)} without a limit`,
      );
    }
  }

  private judgeGathered(): void {
    for (const { kind, expected, found } of this.gathering.judgeGathered(
      this.policies,
      Number.POSITIVE_INFINITY,
      this.disturbedAt,
    ))
      this.complain(kind, null, expected, found);
  }

  private judgeCall(call: Call): void {
    const messages: Followed[] = [];
    for (const key of call.covers) {
      const message = this.byKey.get(key);
      if (message === undefined)
        this.complain('sent, not owed', null, 'nothing', `${call.channel} to ${call.address}: ${key}`);
      else messages.push(message);
    }
    const alone = this.breakers.take(call);
    if (alone !== null) {
      const found = `${call.covers.join(' ')} at ${shown(call.wall)}`;
      this.complain('not left alone', null, `no ${call.channel} before ${shown(alone)}`, found);
    }
    for (const message of messages) this.judgeTry(message, call);
    const [first] = messages;
    if (first === undefined) return;
    for (const { kind, expected, found } of this.gathering.judge(
      call,
      messages,
      this.policies,
      this.disturbedAt,
    ))
      this.complain(kind, first.alert, expected, found);
    // The most urgent one counts for all.
    const [counts = first] = messages.toSorted(
      ({ row: a }, { row: b }) => byLevel(a.level, b.level) || a.id - b.id,
    );
    const says = messages.map(({ row }) => row.key);
    const broken = this.limits.sent(this.policy(), counts.row, says, call);
    if (broken !== null)
      this.complain('over the limit', first.alert, broken, `${call.covers.join(' ')} at ${shown(call.wall)}`);
    if (call.reference !== null) this.taken.set(call.reference, { call, messages, words: [] });
  }

  private judgeTry(message: Followed, call: Call): void {
    const { row, alert, calls, lane } = message;
    const before = calls.at(-1);
    if (before?.accepted && before.answered && before.life === call.life) {
      this.complain('sent twice', alert, `once: ${row.key}`, `again at ${shown(call.wall)}`);
    }
    if (before === undefined) {
      const last = this.lastSent.get(lane) ?? 0;
      if (last > row.id)
        this.complain('out of order', alert, `${row.key} before what follows it`, 'after it');
      this.lastSent.set(lane, Math.max(last, row.id));
      if (this.isLate(message, call.wall)) {
        this.complain('late', alert, `${row.key} at ${shown(message.owedAt)}`, `sent at ${shown(call.wall)}`);
      }
    }
    calls.push(call);
  }

  /** Not at once, or when what goes out as one goes, and nothing on record says why. */
  private isLate({ owedAt, lane, excused, row }: Followed, wall: number): boolean {
    if (excused || owedAt < this.disturbedAt + minute) return false;
    const digest = Math.max(...this.policies.map((policy) => policy.digest));
    const gathers =
      row.channel === 'inbox' ? owedAt : this.gathering.lastCall(row.person, row.channel) + digest;
    if (wall < Math.max(owedAt, gathers) + atOnce) return false;
    // Its provider was left alone meanwhile.
    if (this.breakers.wasBroken(row.channel, owedAt, wall)) return false;
    // It waited for its turn behind another of the same alert.
    return (this.lastGone.get(lane) ?? 0) < owedAt;
  }

  private judgeWaiting(message: Followed, wall: number): void {
    if (message.reported || message.calls.length > 0 || message.state !== 'waits') return;
    if (!this.isLate(message, wall)) return;
    const { lane, row, alert } = message;
    for (const other of this.lanes.get(lane) ?? [])
      if (this.open.has(other.row.id) && other.row.id < row.id) return;
    message.reported = true;
    this.complain('not sent', alert, `${row.key} by ${row.channel} at ${shown(message.owedAt)}`, 'nothing');
  }

  private wordsOf({ calls }: Followed): readonly Word[] {
    return calls.flatMap(({ reference }) =>
      reference === null ? [] : (this.taken.get(reference)?.words ?? []),
    );
  }

  /** Nothing moves on without a reason, and nothing is said to be overdue before its time. */
  private judgeMoves(): void {
    for (const { message, at, wait } of this.moves.splice(0)) {
      const { row, alert, owedAt } = message;
      if (owedAt < this.disturbedAt || this.breakers.wasBroken(row.channel, owedAt, at)) continue;
      if (whyMovedOn(message, at, wait, this.wordsOf(message)) === null)
        this.complain('moved on', alert, `${row.key} by ${row.channel}`, `given up at ${shown(at)}`);
    }
    for (const { message, at } of this.overdue.splice(0)) {
      this.reach.judgeOverdue(message, at, this.disturbedAt);
    }
  }

  /** What a provider said of a message has to be how the message stands. */
  private judgeWords(wall: number): void {
    for (const word of this.words.splice(0)) {
      const { reference, state } = word;
      if (!word.taken || word.wall - minute < this.disturbedAt || state === 'queued' || state === 'sent')
        continue;
      // Its receipt may be on its way.
      if (word.wall > wall - minute) this.words.push(word);
      else {
        const taken = this.taken.get(reference);
        for (const message of taken?.messages ?? [])
          this.judgeWord(message, word, taken?.call.answeredAt ?? 0);
      }
    }
  }

  /** @param answeredAt the station cannot know before what is meant. */
  private judgeWord(message: Followed, { reference, state, wall }: Word, answeredAt: number): void {
    this.readAgain(message);
    const { row, alert } = message;
    // It was sent once more since.
    if (row.reference !== reference) return;
    const heeded = row.status === 'failed' || (state === 'delivered' && row.status === 'delivered');
    if (heeded && (row.settled_at ?? 0) <= Math.max(wall, answeredAt) + atOnce) return;
    const found = row.settled_at === null ? row.status : `${row.status} at ${shown(row.settled_at)}`;
    this.complain('not heeded', alert, `${row.key} ${state} at ${shown(wall)}`, found);
  }

  private judgeSettled(message: Followed): void {
    const { row, alert } = message;
    const { key, status, why } = row;
    if (status === 'obsolete') {
      if (why === '') this.complain('no reason', alert, key, 'obsolete');
    } else if (!isExplained(message, this.wordsOf(message))) {
      const expected = status === 'delivered' ? `${key} at the provider` : key;
      this.complain(
        `not ${status}`,
        alert,
        expected,
        `said to be ${status}, and no provider said so: ${why}`,
      );
    }
  }

  /** After the end, with all providers well: nothing that was owed before may be left, but for what a limit holds back. */
  leftOver(before: number, policy: NaivePolicy, wall: number): void {
    for (const { owedAt, alert, row } of this.open.values()) {
      if (owedAt < before && !this.limits.mayHoldBack(policy, row.person, row.level, wall))
        this.complain('never settled', alert, `${row.key} by ${row.channel}`, 'still owed');
    }
  }
}

const byUrgency: readonly string[] = ['urgent', 'normal', 'low'];
const byLevel = (a: string, b: string): number => byUrgency.indexOf(a) - byUrgency.indexOf(b);
