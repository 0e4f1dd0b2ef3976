/**
 * What arrived and what did not, told from history in its order, and what has to
 * follow from it: the next channel of `first_of` takes over, and where nothing
 * reaches a person, the station says so, at once and only then.
 */
import type { AlertKey, Change } from '../../src/station/core/alert.ts';
import { type Followed, isOvertaken, owe } from './followed.ts';
import { clock as shown } from './input.ts';
import type { Call, Word } from './providers.ts';
import type { NaivePolicy } from './rules.ts';

export type Complain = (kind: string, alert: string | null, expected: string, found: string) => void;
export type Receipt = Extract<Change, { kind: 'receipt' }>;

/** What the station has to say of a person in the transaction that is being read. */
type Expected = {
  readonly person: string;
  readonly raised: boolean;
  readonly at: number;
  readonly because: string;
};

const minute = 60_000;
/** An answer to a question, a kill, or the wait for a digest may come in between. */
const slack = minute;
/** A message that a provider took is waited for so long. */
const takenMost = 24 * 60 * minute;

export class ReachJudge {
  private readonly complain: Complain;
  private readonly byMessage = new Map<string, Followed[]>();
  private readonly byAlert = new Map<AlertKey, Set<Followed>>();
  private readonly phases = new Map<AlertKey, { phase: string; episode: number }>();
  /** What the station's own alert says of each person. */
  private readonly own = new Map<string, string>();
  private expected: Expected[] = [];

  constructor(complain: Complain) {
    this.complain = complain;
  }

  /** It is owed, or it is to follow on another channel. */
  begins(message: Followed, left: readonly string[], policy: NaivePolicy, at: number): void {
    owe(message, left, policy, at);
    const { key, alert } = message.row;
    const others = this.byMessage.get(key);
    if (others === undefined) this.byMessage.set(key, [message]);
    else others.push(message);
    const ofAlert = this.byAlert.get(alert) ?? new Set();
    this.byAlert.set(alert, ofAlert.add(message));
  }

  /** Nothing more is asked of it. */
  forget(message: Followed): void {
    this.byMessage.delete(message.row.key);
    this.byAlert.get(message.row.alert)?.delete(message);
  }

  /** History says how an alert goes on. */
  change(alert: AlertKey, change: Change, at: number): void {
    const known = this.phases.get(alert) ?? { phase: 'cleared', episode: 0 };
    this.phases.set(alert, known);
    if (change.kind === 'raised' || change.kind === 're-raised') {
      known.phase = 'raised';
      known.episode = change.episode;
    } else if (change.kind === 'acknowledged' || change.kind === 'cleared') known.phase = change.kind;
    else return;
    const messages = this.byAlert.get(alert);
    for (const message of messages ?? []) {
      if (!isOvertaken(message.row, known.phase, known.episode)) continue;
      message.overtakenAt = at;
      messages?.delete(message);
    }
  }

  /** History says how the station's own alert of that person goes on. */
  ownChange(person: string, alert: string, change: Change, at: number, by: string | null): void {
    const raised = change.kind === 'raised';
    if (!raised && change.kind !== 'cleared' && change.kind !== 'acknowledged' && change.kind !== 're-raised')
      return;
    this.own.set(person, change.kind);
    if (by !== null || change.kind === 'acknowledged' || change.kind === 're-raised') return;
    const index = this.expected.findIndex(
      (one) => one.person === person && one.raised === raised && one.at === at,
    );
    if (index >= 0) this.expected.splice(index, 1);
    else this.complain('reach', alert, 'nothing of it', `${raised ? 'raised' : 'cleared'} at ${shown(at)}`);
  }

  /** @param lane all that is followed of the same alert, person and channel. */
  receipt(
    message: Followed,
    lane: readonly Followed[],
    receipt: Receipt,
    at: number,
    policy: NaivePolicy,
  ): void {
    this.settleExpected();
    const waited = message.state === 'waits';
    this.take(message, lane, receipt, at, policy);
    if (waited && message.state !== 'waits') message.goneAt = at;
  }

  private take(
    message: Followed,
    lane: readonly Followed[],
    receipt: Receipt,
    at: number,
    policy: NaivePolicy,
  ): void {
    switch (receipt.outcome) {
      case 'accepted':
        message.state = 'accepted';
        return;
      case 'delivered':
        message.state = 'delivered';
        message.arrivedAt = at;
        this.arrived(message, at);
        return;
      case 'obsolete':
        message.state = 'obsolete';
        return;
      case 'failed':
        message.state = 'failed';
        this.lost(message, lane, at, policy);
        return;
      case 'moved-on':
        if (message.row.status === 'failed' && message.row.settled_at === at) message.state = 'failed';
        else {
          // It is still on its way here, and waited for as one that has no other channel.
          message.left = [];
          message.waitedFrom = at;
          message.patience = policy.unreachableAfter;
        }
        this.lost(message, lane, at, policy);
        return;
      case 'overdue':
        message.overdueAt ??= at;
        this.lost(message, lane, at, policy);
        return;
      default:
        return;
    }
  }

  private arrived({ row }: Followed, at: number): void {
    const { person, channel, key } = row;
    if (channel === 'inbox' || (this.own.get(person) ?? 'cleared') === 'cleared') return;
    this.expected.push({ person, raised: false, at, because: `${key} by ${channel}` });
  }

  /** It has failed or was waited for too long: unless it may still arrive otherwise, nothing reaches the person. */
  private lost(message: Followed, lane: readonly Followed[], at: number, policy: NaivePolicy): void {
    const { person, channel, kind, key } = message.row;
    if (channel === 'inbox' || kind === 'test' || policy.person(person) === undefined) return;
    if (message.overtakenAt !== null || isFollowed(message, lane, at, at)) return;
    const hopeful = (one: Followed): boolean =>
      one.state === 'delivered' ||
      ((one.state === 'waits' || one.state === 'accepted') && one.overdueAt === null);
    const ways = (this.byMessage.get(key) ?? []).filter(({ row }) => row.channel !== 'inbox');
    if (ways.some(hopeful)) return;
    if ((this.own.get(person) ?? 'cleared') !== 'cleared') return;
    this.expected.push({ person, raised: true, at, because: `${key} by ${channel}` });
  }

  /** What had to be said in one transaction is in history right behind its cause. */
  settleExpected(): void {
    for (const { person, raised, at, because } of this.expected) {
      const what = `${person} ${raised ? 'cannot be reached' : 'can be reached again'}`;
      this.complain('reach', null, `${what} at ${shown(at)}: ${because}`, 'nothing');
    }
    this.expected = [];
  }

  // -------------------------------------------------------------- patience

  /**
   * It has not arrived for so long that something had to be done about it.
   * @param until it did not arrive before. @param since nothing disturbed the station since then.
   */
  judgePatience(
    message: Followed,
    lane: readonly Followed[],
    digest: number,
    until: number,
    since: number,
  ): void {
    const { patience, left, row, alert, overdueAt, overtakenAt, keptBack, reported, waitedFrom } = message;
    if (
      patience === null ||
      keptBack ||
      reported ||
      overdueAt !== null ||
      (message.movedOn && left.length > 0)
    )
      return;
    const by = Math.max(waitedFrom + digest, since) + patience + slack;
    if (until < by || (overtakenAt !== null && overtakenAt <= by)) return;
    if (isFollowed(message, lane, waitedFrom + patience, by)) return;
    message.reported = true;
    const what = left.length > 0 ? `${left.join(', ')} to take over` : 'somebody to be told';
    this.complain(
      'not waited for',
      alert,
      `${what} by ${shown(by)}`,
      `${row.key} still waits for ${row.channel}`,
    );
  }

  /** What history says of a message that has not arrived has to be right. */
  judgeOverdue({ row, alert, waitedFrom, patience, keptBack }: Followed, at: number, since: number): void {
    if (patience === null || keptBack || waitedFrom < since || at >= waitedFrom + patience) return;
    this.complain(
      'overdue',
      alert,
      `not before ${shown(waitedFrom + patience)}`,
      `${row.key} at ${shown(at)}`,
    );
  }
}

/** Whether a newer message of the same alert to that person on that channel waited, between those two moments. */
function isFollowed(message: Followed, lane: readonly Followed[], from: number, until: number): boolean {
  return lane.some(
    ({ row, owedAt, explained, goneAt }) =>
      row.id > message.row.id && explained && owedAt <= until && (goneAt === null || goneAt > from),
  );
}

/** Why a message may have moved on at that moment; null where nothing explains it. */
export function whyMovedOn(
  { calls, owedAt }: Followed,
  at: number,
  wait: number,
  words: readonly Word[],
): string | null {
  if (at >= owedAt + wait) return 'its time was over';
  if (words.some((word) => isBad(word) && word.wall <= at)) return 'it was reported';
  const heardAt = (call: Call): number => (call.answered ? call.answeredAt : Number.NEGATIVE_INFINITY);
  if (calls.some((call) => call.said === 'failed' && heardAt(call) <= at)) return 'it was rejected';
  const tries = calls.filter(({ wall }) => wall <= at);
  const backoff = Math.max(45_000, 1.2 * Math.min(10 * minute, 5_000 * 2 ** (tries.length - 1)));
  if (tries.length > 0 && at + backoff > owedAt + wait) return 'the next try would be too late';
  return null;
}

const isBad = ({ state }: Word): boolean => state === 'undelivered' || state === 'failed';

/** Whether what was called and said explains that a message ended so. */
export function isExplained(message: Followed, words: readonly Word[]): boolean {
  const { row, calls, movedOn } = message;
  if (row.status === 'delivered') {
    if (calls.some(({ said, accepted }) => said === 'delivered' && accepted)) return true;
    return words.some(({ state, asked }) => state === 'delivered' || (asked && state === 'sent'));
  }
  if (movedOn || /no longer in the policy/.test(row.why)) return true;
  if (calls.some(({ said }) => said === 'failed') || words.some(isBad)) return true;
  const taken = calls.findLast(({ said }) => said === 'accepted');
  return taken !== undefined && (row.settled_at ?? 0) >= taken.wall + takenMost;
}
