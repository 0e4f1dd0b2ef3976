/**
 * Delivery: leases messages from the outbox, renders each, calls its channel,
 * and takes what the channel said back through the door as a receipt. It keeps
 * nothing: a lease that nobody settles runs out, and the message is sent again.
 * So a message is delivered at least once, never silently not at all.
 */
import type { Logger } from '../log.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  earliest,
  type Instant,
  milliseconds,
  minutes,
  plus,
  seconds,
} from '../time.ts';
import type { Channel, Message, SendResult } from './channels/channel.ts';
import { renderMessage } from './core/message.ts';
import type { Person, Policy } from './core/policy.ts';
import type { Door, Event, Receipt } from './door.ts';
import { safeDetail } from './html.ts';
import { type HeldMessage, type JudgedMessage, judgeLimits } from './limits.ts';
import type { Meters } from './meters.ts';
import { storeRetryWait } from './station.ts';
import { StoreError } from './store/errors.ts';
import type { LeasedMessage, MessageId, Store } from './store/store.ts';

/** How many messages are leased at once, in all and waiting for one channel. */
export const leaseMax = 100;
/** Longer than a full queue of one channel can take, so that a lease never runs out under a live station. */
export const leaseFor = minutes(30);
/** The wait before the next try doubles from the first to the last of these. */
export const retryFirst = seconds(5);
export const retryMost = minutes(10);

export type DeliverOptions = {
  readonly store: Store;
  readonly door: Door;
  /** By name; the inbox must be among them. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly policy: () => Policy;
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
};

export interface Deliver {
  /** There may be something to send. */
  nudge(): void;
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

/** The messages of one channel that are leased. */
type Lane = { waiting: JudgedMessage[]; sending: number; givesUp: Cancel };

class Delivery implements Deliver {
  private readonly options: DeliverOptions;
  /** By the channel that messages name, which may not be the one that they go out by. */
  private readonly lanes = new Map<string, Lane>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly holding = new Set<MessageId>();
  private readonly receipts: { readonly event: Event; readonly done: () => void }[] = [];
  private settling = false;
  private timer: Cancel = () => undefined;
  private pumping = false;
  private again = false;
  private stopped = false;

  constructor(options: DeliverOptions) {
    this.options = options;
  }

  nudge(): void {
    if (this.stopped) return;
    if (this.pumping) {
      this.again = true;
      return;
    }
    this.pumping = true;
    const pump = this.pump().finally(() => {
      this.pumping = false;
      this.underWay.delete(pump);
      if (this.again) this.nudge();
    });
    this.underWay.add(pump);
  }

  private async pump(): Promise<void> {
    this.again = false;
    const { store, clock, policy } = this.options;
    this.timer();
    try {
      for (;;) {
        const busy = this.busyChannels();
        const { go, held } = await store.transaction(async (tx) => {
          const leased = await tx.lease(clock.now(), leaseFor, leaseMax, busy);
          return await judgeLimits(tx, leased, policy(), clock.now(), this.holding);
        });
        for (const message of go) this.queue(message);
        const heldBack = Promise.all(held.map((message) => this.holdBack(message)));
        if (go.length + held.length < leaseMax || this.stopped) break;
        // Thousands may be held back: others get their turn in between, and what is under way stays little.
        await heldBack;
      }
      this.wakeAt(await store.nextSend(this.busyChannels()));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.wakeAt(plus(clock.now(), storeRetryWait));
    }
  }

  /** Until its receipt is committed it is leased, but must not count as sent. */
  private async holdBack({ message, until, why }: HeldMessage): Promise<void> {
    this.holding.add(message.id);
    const receipt = this.receipt(message, { kind: 'held-back', until, why });
    this.underWay.add(receipt);
    await receipt;
    this.underWay.delete(receipt);
    this.holding.delete(message.id);
    this.nudge();
  }

  private wakeAt(at: Instant | null): void {
    if (at !== null && !this.stopped) this.timer = this.options.clock.wake(at, () => this.nudge());
  }

  /** Channels with messages waiting already: more of theirs would only sit on their leases. */
  private busyChannels(): readonly string[] {
    return [...this.lanes].filter(([, lane]) => lane.waiting.length > 0).map(([name]) => name);
  }

  private queue(message: JudgedMessage): void {
    const lane = this.lanes.get(message.channel) ?? { waiting: [], sending: 0, givesUp: () => undefined };
    this.lanes.set(message.channel, lane);
    lane.waiting.push(message);
    this.fill(lane);
  }

  private fill(lane: Lane): void {
    this.startSends(lane);
    if (!this.stopped) this.passOn(lane);
  }

  /** A person's next channel must not wait for a place on one that hangs: what has waited so long moves on untried. */
  private passOn(lane: Lane): void {
    const { clock } = this.options;
    const now = clock.now();
    const ends = ({ next, dueAt }: JudgedMessage): Instant | null =>
      next === null ? null : plus(dueAt, next.wait);
    const late = lane.waiting.filter((message) => (ends(message) ?? now) < now);
    for (const message of late) {
      const why = `${message.channel} was too busy to send it in time`;
      const receipt = this.receipt(message, { kind: 'retry', after: milliseconds(0), why });
      this.underWay.add(receipt);
      void receipt.finally(() => this.underWay.delete(receipt));
    }
    lane.waiting = lane.waiting.filter((message) => !late.includes(message));
    const first = earliest(...lane.waiting.map(ends));
    lane.givesUp();
    lane.givesUp =
      first === null ? () => undefined : clock.wake(plus(first, milliseconds(1)), () => this.fill(lane));
  }

  /** Starts as many sends as the channel takes at once. */
  private startSends(lane: Lane): void {
    while (!this.stopped) {
      const [next] = lane.waiting;
      if (next === undefined) return;
      // Where it goes is looked up when it goes: the policy may have changed while it waited.
      const route = this.routeOf(next);
      if (typeof route !== 'string' && lane.sending >= route.channel.concurrency) return;
      lane.waiting.shift();
      lane.sending += 1;
      const ended =
        typeof route === 'string'
          ? this.receipt(next, { kind: 'failed', why: route })
          : this.send(next, route);
      const send = ended.finally(() => {
        lane.sending -= 1;
        this.underWay.delete(send);
        this.fill(lane);
        if (lane.waiting.length === 0) this.nudge();
      });
      this.underWay.add(send);
    }
  }

  /** @returns why the message can go nowhere, where that is so. */
  private routeOf(message: LeasedMessage): Route | string {
    const { channels, policy } = this.options;
    const person = policy().people.get(message.person);
    if (person === undefined) return `${message.person} is no longer in the policy`;
    const own = channels.get(message.channel);
    if (own === undefined && message.next !== null)
      return `${message.channel} is not set up in the station file`;
    const inbox = channels.get('inbox');
    const address = person.addresses[message.channel] ?? '';
    if (own !== undefined && (address !== '' || own === inbox))
      return { channel: own, person, address, aside: '' };
    if (inbox === undefined) return `there is no channel ${message.channel}`;
    const why =
      own === undefined ? 'is not set up in the station file' : `has no address of ${person.name} any more`;
    return { channel: inbox, person, address: '', aside: `${message.channel} ${why}: ` };
  }

  private async send(message: JudgedMessage, route: Route): Promise<void> {
    const rendered = this.render(message, route.person);
    const result = await this.within(route.channel, route.channel.send(route.address, rendered));
    this.options.meters.receipt(message.channel, result.kind);
    await this.receipt(message, receiptOf(message, rendered, result, route.aside));
  }

  private render(message: JudgedMessage, person: Person): Message {
    const { baseUrl, clock } = this.options;
    const { channel, limit } = message;
    return renderMessage(
      { kind: 'one', message: { ...message, detailHtml: safeDetail(message.detail) } },
      { person, baseUrl, now: clock.now(), channel, limit, fits: null, ackLink: null },
    );
  }

  /** A channel that neither answers nor gives up must not hold its place for ever. */
  private async within(channel: Channel, send: Promise<SendResult>): Promise<SendResult> {
    const { clock } = this.options;
    let cancel: Cancel = () => undefined;
    const late = new Promise<SendResult>((resolve) => {
      cancel = clock.after(channel.timeout, () =>
        resolve({ kind: 'retry', why: `${channel.name} said nothing in time`, notBefore: null }),
      );
    });
    const failed = (error: unknown): SendResult => {
      this.options.log.error({ err: error, channel: channel.name }, 'a channel failed with a bug');
      return { kind: 'retry', why: `${channel.name} failed: see the log`, notBefore: null };
    };
    const result = await Promise.race([send.catch(failed), late]);
    cancel();
    return result;
  }

  /** Receipts that come close together share a commit. Resolves once it is committed. */
  private receipt(message: LeasedMessage, receipt: Receipt): Promise<void> {
    return new Promise((done) => {
      const event: Event = { kind: 'receipt', at: this.options.clock.now(), message: message.id, receipt };
      this.receipts.push({ event, done });
      if (!this.settling) void this.settle();
    });
  }

  /** What became of a message is not forgotten because the store refuses just now: it is said again until it is kept. */
  private async settle(): Promise<void> {
    const { door, clock } = this.options;
    this.settling = true;
    while (this.receipts.length > 0) {
      // Those who answer in this turn of the event loop come along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const settled = this.receipts.splice(0);
      for (;;) {
        const outcomes = await door.handle(settled.map(({ event }) => event));
        if (outcomes.every((outcome) => outcome.ok) || this.stopped) break;
        await new Promise<void>((resolve) => clock.after(storeRetryWait, resolve));
      }
      for (const { done } of settled) done();
    }
    this.settling = false;
  }

  async stop(most: Duration): Promise<void> {
    this.stopped = true;
    this.timer();
    for (const lane of this.lanes.values()) lane.givesUp();
    const { clock } = this.options;
    const late = new Promise<void>((resolve) => clock.after(most, resolve));
    await Promise.race([Promise.allSettled([...this.underWay]), late]);
  }
}

function receiptOf(message: LeasedMessage, rendered: Message, result: SendResult, aside: string): Receipt {
  const why = `${aside}${result.why}`;
  switch (result.kind) {
    case 'delivered':
    case 'accepted':
      return { kind: 'delivered', title: rendered.title, text: rendered.text, why };
    case 'failed':
      return { kind: 'failed', why };
    case 'retry':
      return { kind: 'retry', after: result.notBefore ?? retryAfter(message), why };
    default:
      return result satisfies never;
  }
}

/** Grows with each attempt, and differs from message to message, so that a server that comes back is not stormed. */
export function retryAfter(message: Pick<LeasedMessage, 'id' | 'attempts'>): Duration {
  const wait = Math.min(retryMost, retryFirst * 2 ** Math.min(message.attempts, 20));
  const spread = ((message.id * 2_654_435_761) % 1000) / 1000;
  return Math.round(wait * (0.8 + 0.4 * spread)) as Duration;
}
