/**
 * The providers behind the channels: what each does with a message depends on
 * nothing but the seed, the address and the time, so that a run without some of
 * its inputs meets the same providers.
 */
import type { Channel, Message, SendResult } from '../../src/station/channels/channel.ts';
import { openInbox } from '../../src/station/channels/inbox.ts';
import { milliseconds, seconds } from '../../src/time.ts';
import type { Activity, WorldClock } from './clock.ts';
import type { Outage } from './input.ts';
import { chanceOf } from './random.ts';

/** One message as it came to a provider. */
export type Call = {
  readonly key: string;
  readonly channel: string;
  readonly address: string;
  /** What the station's clock showed, and true time. */
  readonly wall: number;
  readonly at: number;
  readonly life: number;
  /** Whether the provider passed it on. */
  readonly accepted: boolean;
  /** Whether the station was told what became of it in time, and what its clock showed then. */
  readonly answered: boolean;
  readonly answeredAt: number;
  readonly rejected: boolean;
};

type Fate = { readonly accepted: boolean; readonly result: SendResult | null; readonly after: number };

/** How long the station waits for an answer. */
export const timeout = seconds(20);
const fine: SendResult = { kind: 'delivered', why: 'accepted' };
const refusal: SendResult = { kind: 'retry', why: 'try again later', notBefore: null };
const busy: SendResult = { kind: 'retry', why: 'too busy', notBefore: seconds(45) };
const rejection: SendResult = { kind: 'failed', why: 'no such number' };

export const channelNames = ['sms', 'email', 'xmpp', 'inbox'] as const;

export class Providers {
  readonly calls: Call[] = [];
  /** Nothing fails any more. */
  healed = false;
  private readonly seed: number;
  private readonly clock: WorldClock;
  private readonly activity: Activity;
  private readonly outages = new Map<string, { readonly how: Outage; readonly until: number }>();

  constructor(seed: number, clock: WorldClock, activity: Activity) {
    this.seed = seed;
    this.clock = clock;
    this.activity = activity;
  }

  fail(channel: string, how: Outage, long: number): void {
    this.outages.set(channel, { how, until: this.clock.now + long });
  }

  /** The channels of one life of the station. */
  channels(life: number): ReadonlyMap<string, Channel> {
    const inbox = openInbox();
    return new Map(
      channelNames.map((name): [string, Channel] => [
        name,
        {
          name,
          concurrency: 1000,
          timeout,
          close: async () => undefined,
          send: (address, message) =>
            name === 'inbox'
              ? this.inbox(life, message, inbox.send(address, message))
              : this.send(life, name, address, message),
        },
      ]),
    );
  }

  private inbox(life: number, message: Message, result: Promise<SendResult>): Promise<SendResult> {
    this.note(life, 'inbox', '', message, { accepted: true, result: fine, after: 0 });
    return result;
  }

  private send(life: number, channel: string, address: string, message: Message): Promise<SendResult> {
    const fate = this.fateOf(channel, address);
    this.note(life, channel, address, message, fate);
    const { result, after } = fate;
    if (result !== null && after === 0) return Promise.resolve(result);
    return new Promise((resolve) => {
      if (result === null) return;
      this.clock.of(0).after(milliseconds(after), () => {
        this.activity.note();
        resolve(result);
      });
    });
  }

  private note(life: number, channel: string, address: string, message: Message, fate: Fate): void {
    this.activity.note();
    const { accepted, result, after } = fate;
    this.calls.push({
      key: message.idempotencyKey,
      channel,
      address,
      wall: this.clock.wall(),
      at: this.clock.now,
      life,
      accepted,
      answered: result !== null && after < timeout,
      answeredAt: this.clock.wall() + after,
      rejected: result?.kind === 'failed',
    });
  }

  private fateOf(channel: string, address: string): Fate {
    const { now } = this.clock;
    const accepted: Fate = { accepted: true, result: fine, after: 0 };
    if (this.healed) return accepted;
    const outage = this.outages.get(channel);
    if (outage !== undefined && now < outage.until) {
      if (outage.how === 'refuses') return { accepted: false, result: refusal, after: 0 };
      if (outage.how === 'hangs') return { accepted: false, result: null, after: 0 };
      if (outage.how === 'rejects') return { accepted: false, result: rejection, after: 0 };
      return { accepted: true, result: fine, after: 12_345 };
    }
    const chance = chanceOf(this.seed, channel, address, now);
    if (chance < 0.9) return accepted;
    if (chance < 0.93) return { accepted: true, result: fine, after: 1 + Math.floor(chance * 15_000) };
    if (chance < 0.95) return { accepted: false, result: chance < 0.94 ? refusal : busy, after: 0 };
    if (chance < 0.96) return { accepted: false, result: rejection, after: 0 };
    if (chance < 0.97) return { accepted: false, result: null, after: 0 };
    // Passed on, but the answer is lost, or comes too late: it will be sent again.
    if (chance < 0.985) return { accepted: true, result: null, after: 0 };
    return { accepted: true, result: fine, after: timeout + 10_000 };
  }
}
