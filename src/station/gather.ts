/**
 * What goes out together: decides, in the transaction that leases messages, which
 * of those that may be sent go by themselves, which as one digest, which have to
 * wait for one, and when a summary takes the place of reminders. The first
 * message to a person goes at once; what follows within a short while becomes
 * one. Nothing is ever dropped: what waits stays in the outbox.
 *
 * When the last message went is read from the outbox, so a restart gathers on.
 */
import { formatDuration, type Instant, minus, plus, seconds } from '../time.ts';
import type { Alert, AlertKey, PersonId } from './core/alert.ts';
import { raisedAt } from './core/alert.ts';
import type { Standing } from './core/message.ts';
import { inboxName, type Policy } from './core/policy.ts';
import type { LeasedMessage, Transaction, WaitingMessage } from './store/store.ts';

/** At most so many messages go out as one; the others follow in the next one. */
export const digestMax = 1000;
/** So many of the alerts that stand are listed in a summary; of the others it says how many they are. */
export const summaryListMax = 50;
/** Up to here they are counted. */
const summaryCountMax = 10_000;
/** What has to let others go first is looked at again then, where nothing else says when. */
const turnWait = seconds(1);

/** What goes out as one message; urgent ones first. */
export type Group = {
  readonly messages: readonly LeasedMessage[];
  /** Null: it is no summary. */
  readonly summary: { readonly standing: readonly Standing[]; readonly total: number } | null;
};

/** A reminder that waits for the next summary. */
export type Gathered = { readonly message: WaitingMessage; readonly until: Instant; readonly why: string };

export type Gathering = {
  readonly now: Instant;
  /** When the leases end. */
  readonly end: Instant;
  /** How many messages are looked at. */
  readonly limit: number;
  readonly policy: Policy;
  /** How many groups a channel has room for; those that have none are left alone. */
  readonly room: (channel: string) => number;
  /** The channels that have none, as far as they are known. */
  readonly full: readonly string[];
};

export type GatheredAll = {
  readonly groups: readonly Group[];
  readonly gathered: readonly Gathered[];
  /** Whether there may be more to do at once. */
  readonly more: boolean;
};

/** Leases what may go now. */
export async function gather(tx: Transaction, how: Gathering): Promise<GatheredAll> {
  const run = new Run(tx, how);
  const waiting = await tx.waiting(how.now, how.limit, how.full);
  for (const message of waiting) await run.consider(message);
  const { groups, gathered, moved } = run;
  return { groups, gathered, more: waiting.length === how.limit && moved };
}

/** As what goes together is said: urgent ones first, but what is said of one alert in the order in which it was owed. */
export function inOrder(messages: readonly LeasedMessage[]): readonly LeasedMessage[] {
  const ofAlert = new Map<AlertKey, LeasedMessage[]>();
  for (const message of [...messages].sort((a, b) => b.id - a.id)) {
    const known = ofAlert.get(message.alert);
    if (known === undefined) ofAlert.set(message.alert, [message]);
    else known.push(message);
  }
  return messages.map((message) => ofAlert.get(message.alert)?.pop() ?? message);
}

class Run {
  readonly groups: Group[] = [];
  readonly gathered: Gathered[] = [];
  /** Whether anything left the head of the queue. */
  moved = false;
  private readonly tx: Transaction;
  private readonly how: Gathering;
  private readonly room = new Map<string, number>();
  private readonly seen = new Set<string>();

  constructor(tx: Transaction, how: Gathering) {
    this.tx = tx;
    this.how = how;
  }

  async consider(message: WaitingMessage): Promise<void> {
    const { channel, person, kind } = message;
    const room = this.room.get(channel) ?? this.how.room(channel);
    this.room.set(channel, room);
    if (room <= 0) return;
    // A page gathers by itself, and whoever tries a channel wants to see that very message.
    if (channel === inboxName || kind === 'test') return await this.take([message], false);
    const lane = `${channel} ${person}`;
    if (this.seen.has(lane)) return;
    this.seen.add(lane);
    await this.considerAll(person, channel);
  }

  /** All that may go to one person on one channel. */
  private async considerAll(person: PersonId, channel: string): Promise<void> {
    const { now, policy } = this.how;
    const { digest, summary } = policy.settings;
    const found = await this.tx.waitingFor(person, channel, now, digestMax);
    const waiting = found.filter(({ kind }) => kind !== 'test');
    const longest = Math.max(digest, summary.every) as typeof digest;
    const last = await this.tx.lastSent(person, channel, minus(now, longest), now);
    if (last.at !== null && plus(last.at, digest) > now) {
      // Those behind one that fails again and again must not be waited for longer because of it.
      return await this.postpone(waiting, plus(last.at, digest), !last.isRetried);
    }
    const reminders = waiting.filter(({ kind }) => kind === 'reminder');
    const over = summary.over[channel];
    if (reminders.length === 0 || over === undefined || !(await this.standsOver(person, over))) {
      return await this.takeNews(waiting);
    }
    const why = `more than ${over} alerts stand unacknowledged: one summary every ${formatDuration(summary.every)} takes the place of reminders`;
    const news = waiting.filter(({ kind }) => kind !== 'reminder');
    if (news.length > 0) {
      await this.takeNews(news);
      return await this.gather(reminders, plus(now, digest > 0 ? digest : turnWait), why);
    }
    const next = last.summaryAt === null ? now : plus(last.summaryAt, summary.every);
    if (next <= now) return await this.take(reminders, true);
    await this.gather(reminders, next, why);
  }

  private async gather(reminders: readonly WaitingMessage[], until: Instant, why: string): Promise<void> {
    // They are not leased: what is counts as one that is being sent.
    await this.postpone(reminders, until, true);
    for (const message of reminders) this.gathered.push({ message, until, why });
  }

  /** As one, unless the policy has each go by itself. */
  private async takeNews(messages: readonly WaitingMessage[]): Promise<void> {
    if (this.how.policy.settings.digest > 0) return await this.take(messages, false);
    for (const message of messages) {
      if ((this.room.get(message.channel) ?? 0) <= 0) return;
      await this.take([message], false);
    }
  }

  private async standsOver(person: PersonId, over: number): Promise<boolean> {
    return (await this.tx.countOpenOf(person, over + 1)) > over;
  }

  private async postpone(
    messages: readonly WaitingMessage[],
    until: Instant,
    patiently: boolean,
  ): Promise<void> {
    if (messages.length === 0) return;
    this.moved = true;
    const ids = messages.map(({ id }) => id);
    await this.tx.postpone(ids, until, patiently);
  }

  private async lease(
    messages: readonly WaitingMessage[],
    summary: boolean,
  ): Promise<readonly LeasedMessage[]> {
    if (messages.length === 0) return [];
    this.moved = true;
    const { now, end } = this.how;
    const ids = messages.map(({ id }) => id);
    return await this.tx.take(ids, now, end, summary ? 'summary' : ids.length > 1 ? 'digest' : null);
  }

  private async take(messages: readonly WaitingMessage[], summary: boolean): Promise<void> {
    const leased = await this.lease(messages, summary);
    const [first] = leased;
    if (first === undefined) return;
    this.room.set(first.channel, (this.room.get(first.channel) ?? 0) - 1);
    this.groups.push({ messages: leased, summary: summary ? await this.standing(first.person) : null });
  }

  private async standing(person: PersonId): Promise<NonNullable<Group['summary']>> {
    const alerts = await this.tx.loadOpenOf(person, summaryListMax);
    const codes = await this.tx.codesOf(alerts.map(({ key }) => key));
    const total = await this.tx.countOpenOf(person, summaryCountMax);
    return { standing: alerts.map((alert) => standingOf(alert, codes.get(alert.key) ?? null)), total };
  }
}

const standingOf = (alert: Alert, code: number | null): Standing => ({
  alert: alert.key,
  code,
  source: alert.source,
  alertId: alert.id,
  subject: alert.subject,
  summary: alert.summary,
  level: alert.level ?? 'low',
  raisedAt: raisedAt(alert) ?? alert.changedAt,
});
