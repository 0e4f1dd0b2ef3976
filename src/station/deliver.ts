/**
 * Delivery: leases messages from the outbox, has each rendered, calls its
 * channel, and takes what the channel said back through the door as a receipt.
 * What should have arrived and has not is looked at when its time has come. It
 * keeps nothing: a lease that nobody settles runs out, and the message is sent
 * again. So a message is delivered at least once, never silently not at all.
 */
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  earliest,
  type Instant,
  minutes,
  plus,
  seconds,
} from '../time.ts';
import type { Channel, Message, Report, SendResult } from './channels/channel.ts';
import type { AlertKey, PersonId } from './core/alert.ts';
import type { RenderContext, ToRender, ToSay } from './core/message.ts';
import { inboxName, type Person, type Policy } from './core/policy.ts';
import type { Door, Event, Receipt } from './door.ts';
import { gather, inOrder } from './gather.ts';
import { safeDetail } from './html.ts';
import { Lane } from './lane.ts';
import { type JudgedGroup, judgeLimits } from './limits.ts';
import type { Meters } from './meters.ts';
import { ReceiptQueue } from './receipt-queue.ts';
import { keptOf, receiptOf, restOf, togetherWords } from './sent.ts';
import { storeRetryWait } from './station.ts';
import { StoreError } from './store/errors.ts';
import type { LeasedMessage, MessageId, Store, WatchedMessage } from './store/store.ts';

/** How many messages are looked at in one transaction. */
export const leaseMax = 100;
/** Longer than the slowest channel may take for all that it has room for, so that no lease runs out under a live station. */
export const leaseFor = minutes(30);
/** The wait before the next try doubles from the first to the last of these. */
export const retryFirst = seconds(5);
export const retryMost = minutes(10);
/** What has not arrived is looked at once more after so long, should the answer to the first look be lost. */
const watchAgain = minutes(1);
/** How long a provider that is asked what became of a message may take. */
const askMost = seconds(30);
/** Reports that came before it was on record under which reference their message was taken. */
const earlyReportsMax = 1000;

export type DeliverOptions = {
  readonly store: Store;
  readonly door: Door;
  /** By name; the inbox must be among them. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly policy: () => Policy;
  readonly baseUrl: string;
  /** Puts what is to be said into words. */
  readonly render: (say: ToSay, context: RenderContext, policy: Policy) => Message;
  /** The address on which this person can acknowledge the alert without logging in; `from`: when the message was owed. */
  readonly ackLink: ((alert: AlertKey, person: PersonId, from: Instant) => string) | null;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
};

export interface Deliver {
  /** There may be something to send. */
  nudge(): void;
  /** What a provider says by itself of a message that it took. Rejects where it could not be recorded. */
  report(channel: string, report: Report): Promise<void>;
  /** Which channels do not work, each a sentence for a person. */
  problems(): readonly string[];
  /** Leases nothing more, and waits for the sends under way, at most `most`. */
  stop(most: Duration): Promise<void>;
}

export function openDeliver(options: DeliverOptions): Deliver {
  return new Delivery(options);
}

/** What a message goes out by, which is the inbox where its own channel is not set up. */
type Route = {
  readonly channel: Channel;
  readonly person: Person;
  readonly address: string;
  readonly aside: string;
};

class Delivery implements Deliver {
  private readonly options: DeliverOptions;
  /** By the channel that messages name, which may not be the one that they go out by. */
  private readonly lanes = new Map<string, Lane>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly holding = new Set<MessageId>();
  private readonly asking = new Set<string>();
  private readonly early = new LRUCache<string, Report>({ max: earlyReportsMax });
  private readonly receipts: ReceiptQueue;
  private timer: Cancel = () => undefined;
  private pumping = false;
  private again = false;
  private stopped = false;

  constructor(options: DeliverOptions) {
    this.options = options;
    this.receipts = new ReceiptQueue(options.door, options.clock);
  }

  nudge(): void {
    if (this.stopped) return;
    if (this.pumping) {
      this.again = true;
      return;
    }
    this.pumping = true;
    this.follow(
      this.pump().finally(() => {
        this.pumping = false;
        if (this.again) this.nudge();
      }),
    );
  }

  private follow(work: Promise<void>): void {
    this.underWay.add(work);
    void work.finally(() => this.underWay.delete(work));
  }

  // ---------------------------------------------------------------- what goes

  private async pump(): Promise<void> {
    this.again = false;
    const { store, clock } = this.options;
    this.timer();
    try {
      for (;;) {
        const { waits, more } = await this.step();
        if (!more || this.stopped) break;
        // Thousands may be held back: others get their turn in between, and what is under way stays little.
        await waits;
      }
      const now = clock.now();
      const opens = [...this.lanes.values()].map((lane) => lane.opensAt(now));
      this.wakeAt(earliest(await store.nextSend(this.full(now)), await store.nextWatch(), ...opens));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.wakeAt(plus(clock.now(), storeRetryWait));
    }
  }

  private wakeAt(at: Instant | null): void {
    if (at !== null && !this.stopped) this.timer = this.options.clock.wake(at, () => this.nudge());
  }

  /** Takes some of what may go or is late. `waits`: until what has to wait is on record. */
  private async step(): Promise<{ readonly waits: Promise<unknown>; readonly more: boolean }> {
    const { store, clock } = this.options;
    const now = clock.now();
    const policy = this.options.policy();
    const down = [...this.lanes].filter(([, lane]) => lane.isDown(now)).map(([name]) => name);
    const { go, waiting, watched, moving, idle, more } = await store.transaction(async (tx) => {
      const watched = await tx.loadWatched(now, leaseMax, plus(now, watchAgain));
      const moving: (readonly [channel: string, id: MessageId])[] = [];
      const idle: (readonly [id: MessageId, why: string])[] = [];
      for (const name of down) {
        const why = this.lane(name).leftAlone() ?? '';
        for (const id of await tx.unsaid(name, why, now, leaseMax)) idle.push([id, why]);
      }
      for (const name of down)
        for (const id of await tx.movable(name, now, leaseMax)) moving.push([name, id]);
      const found = await gather(tx, {
        now,
        end: plus(now, leaseFor),
        limit: leaseMax,
        policy,
        room: (channel) => this.lane(channel).room(now),
        full: this.full(now),
      });
      const { go, held } = await judgeLimits(tx, found.groups, policy, now, this.holding);
      const waiting = [
        ...found.gathered.map((one) => ({ ...one, kind: 'gathered' as const })),
        ...held.map((one) => ({ ...one, kind: 'held-back' as const })),
      ];
      return { go, waiting, watched, moving, idle, more: found.more };
    });
    for (const name of down) for (const id of this.lane(name).withdraw()) moving.push([name, id]);
    for (const group of go) this.queue(group);
    for (const message of watched) this.follow(this.lookAfter(message));
    const waits = Promise.all([
      ...waiting.map(({ message, kind, until, why }) => this.waits(message, { kind, until, why })),
      ...moving.map(([name, id]) => this.moveOn(name, id)),
      ...idle.map(([id, why]) => this.receipt(id, { kind: 'waits', why })),
    ]);
    const left = waiting.length + moving.length + idle.length > 0 || watched.length === leaseMax;
    return { waits, more: more || left };
  }

  private lane(name: string): Lane {
    const known = this.lanes.get(name);
    if (known !== undefined) return known;
    const lane = new Lane(this.options.channels.get(name) ?? null, leaseMax);
    this.lanes.set(name, lane);
    return lane;
  }

  /** Channels that take nothing now: what waits for them stays in the outbox, where the urgent is found first. */
  private full(now: Instant): readonly string[] {
    return [...this.lanes].filter(([, lane]) => lane.room(now) <= 0).map(([name]) => name);
  }

  /** Until its receipt is committed it may be leased, but must not count as sent. */
  private async waits(message: Pick<LeasedMessage, 'id'>, receipt: Receipt): Promise<void> {
    this.holding.add(message.id);
    const settled = this.receipt(message.id, receipt);
    this.follow(settled);
    await settled;
    this.holding.delete(message.id);
    this.nudge();
  }

  /** Its channel is known to be down: the person's next one need not wait until that is tried again. */
  private async moveOn(name: string, id: MessageId): Promise<void> {
    const why = this.lane(name).problem() ?? `${name} does not work`;
    const settled = this.receipt(id, { kind: 'overdue', started: false, state: null, why });
    this.follow(settled);
    await settled;
  }

  private queue(group: JudgedGroup): void {
    const [first] = group.messages;
    if (first === undefined) return;
    const lane = this.lane(first.channel);
    lane.add(group);
    this.startSends(lane);
  }

  /** Starts as many sends as the channel takes at once. */
  private startSends(lane: Lane): void {
    while (!this.stopped) {
      const group = lane.start(this.options.clock.now());
      if (group === null) return;
      // Where it goes is looked up when it goes: the policy may have changed while it waited.
      const route = this.routeOf(group);
      this.follow(typeof route === 'string' ? this.fail(group, route, lane) : this.send(group, route, lane));
    }
  }

  /** A provider that works again is not kept waiting by those who found that it did not. */
  private async hurry(channel: string): Promise<void> {
    const { store, clock } = this.options;
    try {
      await store.transaction((tx) => tx.hurryTried(channel, clock.now()));
      this.nudge();
    } catch (error) {
      // They are tried in their time.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  private async fail(group: JudgedGroup, why: string, lane: Lane): Promise<void> {
    await this.settleAll(group, () => ({ kind: 'failed', why }));
    this.goOn(group, lane);
  }

  /** The place is free for the next one. More is leased when little waits, so that one commit serves several. */
  private goOn(group: JudgedGroup, lane: Lane): void {
    lane.ended(group);
    this.startSends(lane);
    if (lane.isLow()) this.nudge();
  }

  /** @returns why the message can go nowhere, where that is so. */
  private routeOf({ messages: [message] }: JudgedGroup): Route | string {
    const { channels, policy } = this.options;
    if (message === undefined) return 'there is nothing to send';
    const person = policy().people.get(message.person);
    if (person === undefined) return `${message.person} is no longer in the policy`;
    const own = channels.get(message.channel);
    if (own === undefined && message.next !== null)
      return `${message.channel} is not set up in the station file`;
    const inbox = channels.get(inboxName);
    const address = person.addresses[message.channel] ?? '';
    if (own !== undefined && (address !== '' || own === inbox))
      return { channel: own, person, address, aside: '' };
    const lost = `the policy has no ${message.channel} of ${person.name} any more`;
    const inboxOnly = person.channels[message.level].channels.every((name) => name === inboxName);
    // It has not reached them: their next channel takes over, or somebody else is told.
    if (own !== undefined && !(inboxOnly && message.next === null)) return lost;
    if (inbox === undefined) return `there is no channel ${message.channel}`;
    const why = own === undefined ? `${message.channel} is not set up in the station file` : lost;
    return { channel: inbox, person, address: '', aside: `${why}: ` };
  }

  private async send(group: JudgedGroup, route: Route, lane: Lane): Promise<void> {
    const { clock, meters } = this.options;
    const [first] = group.messages;
    if (first === undefined) return;
    const secret = new Map<string, string>();
    const rendered = this.rendered(group, route, secret);
    const result =
      rendered === null
        ? buggy(route.channel)
        : await this.within(route.channel, route.channel.send(route.address, rendered));
    meters.receipt(first.channel, result.kind);
    if (lane.heard(result, clock.now())) this.follow(this.hurry(first.channel));
    // While its receipt is committed the next one is on its way.
    this.goOn(group, lane);
    // The same for all, so that they go together again.
    const after = result.kind === 'retry' ? (result.notBefore ?? retryAfter(first)) : retryFirst;
    const words = `${route.aside}${result.why}${togetherWords(group)}`;
    const kept = keptOf(rendered, secret);
    const rest = restOf(kept);
    await this.settleAll(group, (message) =>
      receiptOf(message === first ? kept : rest, result, route.channel.name, words, after),
    );
    if (result.kind === 'accepted') await this.recallReport(route.channel.name, result.reference);
  }

  /** A message that cannot be put into words costs itself, not the station. */
  private rendered(group: JudgedGroup, route: Route, secret: Map<string, string>): Message | null {
    try {
      return this.render(group, route, secret);
    } catch (error) {
      this.options.log.error({ err: error, channel: route.channel.name }, 'a message could not be rendered');
      return null;
    }
  }

  /** @param secret gets the links with which one may act, and for each the page that only shows the alert. */
  private render(
    { messages, summary, limit }: JudgedGroup,
    { channel, person }: Route,
    secret: Map<string, string>,
  ): Message {
    const { baseUrl, clock, ackLink, policy, render } = this.options;
    const alone = messages.length === 1 && summary === null;
    // The details of many would drown what is the matter with each.
    const parts = inOrder(messages).map(
      (message): ToRender => ({ ...message, detailHtml: alone ? safeDetail(message.detail) : '' }),
    );
    const [first] = parts;
    if (first === undefined) throw new Error('a group of no messages');
    const say: ToSay =
      summary !== null
        ? { kind: 'summary', messages: parts, ...summary }
        : alone
          ? { kind: 'one', message: first }
          : { kind: 'digest', messages: parts };
    const linkOf = (alert: AlertKey): string => {
      const link = ackLink?.(alert, person.id, first.dueAt) ?? '';
      secret.set(link, `${baseUrl}/alerts/${alert}`);
      return link;
    };
    const context: RenderContext = {
      person,
      baseUrl,
      limit,
      now: clock.now(),
      channel: channel.name,
      fits: channel.fits === undefined ? null : (text) => channel.fits?.(text) ?? true,
      ackLink: ackLink === null ? null : linkOf,
    };
    return render(say, context, policy());
  }

  /** A channel that neither answers nor gives up must not hold its place for ever. */
  private async within(channel: Channel, send: Promise<SendResult>): Promise<SendResult> {
    const failed = (error: unknown): SendResult => {
      this.options.log.error({ err: error, channel: channel.name }, 'a channel failed with a bug');
      return buggy(channel);
    };
    const late: SendResult = { kind: 'retry', why: `${channel.name} said nothing in time`, notBefore: null };
    return await this.before(channel.timeout, send.catch(failed), late);
  }

  private async before<T>(most: Duration, answer: Promise<T>, otherwise: T): Promise<T> {
    let cancel: Cancel = () => undefined;
    const late = new Promise<T>((resolve) => {
      cancel = this.options.clock.after(most, () => resolve(otherwise));
    });
    const result = await Promise.race([answer, late]);
    cancel();
    return result;
  }

  // ---------------------------------------------------------------- what should have arrived

  /** It has not arrived in time: the provider that took it is asked, or the next channel takes over, or others are told. */
  private async lookAfter(message: WatchedMessage): Promise<void> {
    const { channels } = this.options;
    const lane = this.lane(message.channel);
    const channel = channels.get(message.channel);
    const { reference } = message;
    if (message.status === 'accepted' && reference !== null && channel?.ask !== undefined) {
      return await this.askAfter(message.id, channel, reference);
    }
    const started = lane.isStarted(message.id);
    if (!started && message.hasNext) lane.remove(message.id);
    const why =
      message.status === 'accepted'
        ? `${message.channel} did not say in time that it arrived`
        : (lane.problem() ?? `${message.channel} did not get it through in time`);
    await this.receipt(message.id, { kind: 'overdue', started, state: null, why });
    this.nudge();
  }

  /** Those that went out as one are asked after once. */
  private async askAfter(id: MessageId, channel: Channel, reference: string): Promise<void> {
    const name = `${channel.name} ${reference}`;
    const answer = this.asking.has(name) ? null : await this.ask(name, channel, reference);
    if (answer !== null && answer.state !== 'queued') await this.report(channel.name, answer);
    const state = answer?.state ?? null;
    const why = answer?.why ?? `${channel.name} took it, and does not say whether it arrived`;
    await this.receipt(id, { kind: 'overdue', started: true, state, why });
  }

  private async ask(name: string, channel: Channel, reference: string): Promise<Report | null> {
    this.asking.add(name);
    const asked = channel.ask?.(reference) ?? Promise.resolve(null);
    const failed = (error: unknown): null => {
      this.options.log.error({ err: error, channel: channel.name }, 'a channel failed with a bug');
      return null;
    };
    const answer = await this.before(askMost, asked.catch(failed), null);
    this.asking.delete(name);
    return answer;
  }

  async report(channel: string, report: Report): Promise<void> {
    const { door, clock } = this.options;
    const event: Event = { kind: 'report', at: clock.now(), channel, report };
    const [outcome] = await door.handle([event]);
    if (outcome?.ok === true) return this.nudge();
    if (outcome?.why !== 'unknown-message') throw new Error(outcome?.message ?? 'not recorded');
    // The provider was faster than the answer to the send.
    this.early.set(`${channel} ${report.reference}`, report);
  }

  private async recallReport(channel: string, reference: string): Promise<void> {
    const name = `${channel} ${reference}`;
    const report = this.early.get(name);
    this.early.delete(name);
    // What cannot be recorded now is asked for when it is late.
    if (report !== undefined) await this.report(channel, report).catch(() => undefined);
  }

  problems(): readonly string[] {
    return [...this.lanes.values()].flatMap((lane) => lane.problem() ?? []);
  }

  // ---------------------------------------------------------------- receipts

  private async settleAll(
    group: JudgedGroup,
    receiptFor: (message: LeasedMessage) => Receipt,
  ): Promise<void> {
    await Promise.all(group.messages.map((message) => this.receipt(message.id, receiptFor(message))));
  }

  private receipt(message: MessageId, receipt: Receipt): Promise<void> {
    return this.receipts.add(message, receipt);
  }

  async stop(most: Duration): Promise<void> {
    this.stopped = true;
    this.receipts.stop();
    this.timer();
    const { clock } = this.options;
    const late = new Promise<void>((resolve) => clock.after(most, resolve));
    await Promise.race([Promise.allSettled([...this.underWay]), late]);
  }
}

const buggy = ({ name }: Channel): SendResult => ({
  kind: 'retry',
  why: `${name} failed: see the log`,
  notBefore: null,
  fault: 'message',
});

/** Grows with each attempt, and differs from message to message, so that a server that comes back is not stormed. */
export function retryAfter(message: Pick<LeasedMessage, 'id' | 'attempts'>): Duration {
  const wait = Math.min(retryMost, retryFirst * 2 ** Math.min(message.attempts, 20));
  const spread = ((message.id * 2_654_435_761) % 1000) / 1000;
  return Math.round(wait * (0.8 + 0.4 * spread)) as Duration;
}
