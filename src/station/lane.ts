/**
 * What one channel has to do: what waits for it and what is under way, how much
 * it has room for, how fast it may go, and whether it works at all. So a
 * provider that hangs or is down holds nobody else up.
 */
import { type Instant, rfc3339 } from '../time.ts';
import { Breaker } from './breaker.ts';
import type { Channel, SendResult } from './channels/channel.ts';
import { levels } from './core/alert.ts';
import type { JudgedGroup } from './limits.ts';
import { ProviderRate } from './provider-rate.ts';
import type { MessageId } from './store/store.ts';

/** So many times what it can send at once is taken out of the outbox: there the urgent would still come first. */
const ahead = 2;

const urgency = ({ messages: [first] }: JudgedGroup): number =>
  first === undefined ? 0 : levels.indexOf(first.level);

export class Lane {
  private readonly channel: Channel | null;
  private readonly concurrency: number;
  private readonly breaker = new Breaker();
  private readonly rate: ProviderRate;
  private waiting: JudgedGroup[] = [];
  private readonly sending = new Set<JudgedGroup>();

  /** @param channel null: it is not set up, and its messages go elsewhere. @param concurrency of such a one. */
  constructor(channel: Channel | null, concurrency: number) {
    this.channel = channel;
    this.concurrency = channel?.concurrency ?? concurrency;
    this.rate = new ProviderRate(channel?.rate);
  }

  /** How many more groups it takes now. */
  room(now: Instant): number {
    const most = this.breaker.room(ahead * this.concurrency, now) - this.sending.size - this.waiting.length;
    return Math.min(most, this.rate.room(now) - this.waiting.length);
  }

  /** When there may be room that only time brings; null: sends under way bring it. */
  opensAt(now: Instant): Instant | null {
    return this.breaker.opensAt(now) ?? this.rate.opensAt(now);
  }

  /** Whether it is left alone for now, because it does not work. */
  isDown(now: Instant): boolean {
    return this.breaker.opensAt(now) !== null;
  }

  add(group: JudgedGroup): void {
    this.waiting.push(group);
    this.waiting.sort((a, b) => urgency(b) - urgency(a));
  }

  /** What is to be sent next; null: nothing now. */
  start(now: Instant): JudgedGroup | null {
    if (this.sending.size >= this.breaker.room(this.concurrency, now) || this.rate.room(now) <= 0)
      return null;
    const group = this.waiting.shift();
    if (group === undefined) return null;
    this.sending.add(group);
    this.rate.begins(now);
    return group;
  }

  /** Whether little waits, so that more should be taken out of the outbox. */
  isLow(): boolean {
    return this.waiting.length <= this.concurrency / 2;
  }

  ended(group: JudgedGroup): void {
    this.sending.delete(group);
  }

  /** Takes out what waits here and could go by another channel. */
  withdraw(): readonly MessageId[] {
    const movable = this.waiting.flatMap(({ messages }) => messages.filter(({ next }) => next !== null));
    for (const { id } of movable) this.remove(id);
    return movable.map(({ id }) => id);
  }

  /** How a send ended says whether the provider works. @returns whether it works again, after it did not. */
  heard(result: SendResult, now: Instant): boolean {
    if (result.kind !== 'retry') return this.breaker.worked();
    if (result.fault !== 'message') this.breaker.failed(result.why, now);
    return false;
  }

  isStarted(id: MessageId): boolean {
    return [...this.sending].some(({ messages }) => messages.some((message) => message.id === id));
  }

  /** It is not to be sent from here any more. */
  remove(id: MessageId): void {
    this.waiting = this.waiting.flatMap((group) => {
      const messages = group.messages.filter((message) => message.id !== id);
      if (messages.length === group.messages.length) return [group];
      return messages.length === 0 ? [] : [{ ...group, messages }];
    });
  }

  /** Why nothing is sent by it now, in words that stay the same as long as it does not work; null where it does. */
  leftAlone(): string | null {
    const problem = this.breaker.problem();
    if (problem === null || this.channel === null) return null;
    return `${this.channel.name} has not worked since ${rfc3339(problem.since)}, and is left alone for a while`;
  }

  /** That it does not work, as a sentence; null while it does. */
  problem(): string | null {
    const problem = this.breaker.problem();
    if (problem === null || this.channel === null) return null;
    return `${this.channel.name} has not worked since ${rfc3339(problem.since)}: ${problem.why}`;
  }
}
