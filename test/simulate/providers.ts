/**
 * The providers behind the channels: what each does with a message depends on
 * nothing but the seed, the address and the time, so that a run without some of
 * its inputs meets the same providers. One takes messages and says later what
 * became of them, as providers of text messages do; one may report a bounce.
 */
import type {
  Channel,
  Message,
  Report,
  ReportState,
  SendResult,
} from '../../src/station/channels/channel.ts';
import { openInbox } from '../../src/station/channels/inbox.ts';
import { milliseconds } from '../../src/time.ts';
import type { Activity, WorldClock } from './clock.ts';
import { type Fate, fateOf, lastWord, type Planned, timeout } from './fates.ts';
import type { Outage } from './input.ts';
import { chanceOf } from './random.ts';

/** One message as it came to a provider. */
export type Call = {
  /** What it says: `KEY#CHANNEL` of each message owed. */
  readonly covers: readonly string[];
  readonly event: Message['data']['event'];
  readonly channel: string;
  readonly address: string;
  /** What the station's clock showed, and true time. */
  readonly wall: number;
  readonly at: number;
  readonly life: number;
  /** Whether the provider passed it on, or took it and will say more. */
  readonly accepted: boolean;
  /** What the station was told; null: nothing. */
  readonly said: SendResult['kind'] | null;
  /** Whether a refusal was about this message only. */
  readonly fault: boolean;
  /** Whether the station was told what became of it in time, and what its clock showed then. */
  readonly answered: boolean;
  readonly answeredAt: number;
  /** Under which the provider says more. */
  readonly reference: string | null;
};

/** What a provider said of a message that it had taken, by itself or when asked. */
export type Word = {
  readonly reference: string;
  readonly state: ReportState;
  readonly asked: boolean;
  readonly wall: number;
  readonly at: number;
  readonly life: number;
  /** Whether the station said that it has it. */
  taken: boolean;
};

type Taken = { readonly at: number; readonly planned: Planned };

export const channelNames = ['sms', 'email', 'xmpp', 'inbox'] as const;
const fine: SendResult = { kind: 'delivered', why: 'accepted' };

export class Providers {
  readonly calls: Call[] = [];
  readonly words: Word[] = [];
  /** Nothing fails any more. */
  healed = false;
  /** Hears what providers say by themselves; null: no station lives. Resolves once the station has it. */
  hears: ((channel: string, report: Report) => Promise<void>) | null = null;
  private readonly seed: number;
  private readonly clock: WorldClock;
  private readonly activity: Activity;
  private readonly outages = new Map<string, { readonly how: Outage; readonly until: number }>();
  private readonly taken = new Map<string, Taken>();
  private references = 0;
  private life = 0;

  constructor(seed: number, clock: WorldClock, activity: Activity) {
    this.seed = seed;
    this.clock = clock;
    this.activity = activity;
  }

  fail(channel: string, how: Outage, long: number): void {
    this.outages.set(channel, { how, until: this.clock.now + long });
  }

  private outageOf(channel: string): Outage | null {
    const outage = this.outages.get(channel);
    return !this.healed && outage !== undefined && this.clock.now < outage.until ? outage.how : null;
  }

  /** The channels of one life of the station. */
  channels(life: number): ReadonlyMap<string, Channel> {
    const inbox = openInbox();
    this.life = life;
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
          ask: (reference) => this.ask(life, name, reference),
        },
      ]),
    );
  }

  private inbox(life: number, message: Message, result: Promise<SendResult>): Promise<SendResult> {
    const fate = { accepted: true, result: fine, after: 0, planned: null };
    this.note(life, 'inbox', '', message, fate, null);
    return result;
  }

  private send(life: number, channel: string, address: string, message: Message): Promise<SendResult> {
    const chance = (what: string): number => chanceOf(this.seed, what, channel, address, this.clock.now);
    const fate = fateOf(channel, this.healed, this.outageOf(channel), chance);
    const reference = fate.planned === null ? null : `${channel}-${++this.references}`;
    const result = resultOf(fate, reference);
    this.note(life, channel, address, message, fate, reference);
    if (reference !== null && fate.planned !== null) this.plan(channel, reference, fate.planned);
    if (result !== null && fate.after === 0) return Promise.resolve(result);
    return new Promise((resolve) => {
      if (result === null) return;
      this.clock.of(0).after(milliseconds(fate.after), () => {
        this.activity.note();
        resolve(result);
      });
    });
  }

  private note(
    life: number,
    channel: string,
    address: string,
    message: Message,
    { accepted, result, after }: Fate,
    reference: string | null,
  ): void {
    this.activity.note();
    this.calls.push({
      covers: message.covers.map((key) => key.slice(0, key.lastIndexOf('@'))),
      event: message.data.event,
      channel,
      address,
      wall: this.clock.wall(),
      at: this.clock.now,
      life,
      accepted,
      said: result?.kind ?? null,
      fault: result?.kind === 'retry' && result.fault === 'message',
      answered: result !== null && after < timeout,
      answeredAt: this.clock.wall() + after,
      reference,
    });
  }

  // -------------------------------------------------------------- what is said later

  private plan(channel: string, reference: string, planned: Planned): void {
    this.taken.set(reference, { at: this.clock.now, planned });
    for (const { state, after } of planned.words) {
      this.clock.of(0).after(milliseconds(after), () => this.say(channel, reference, state));
    }
  }

  private say(channel: string, reference: string, state: ReportState): void {
    this.activity.note();
    const word = this.word(reference, state, false, this.life);
    void this.hears?.(channel, { reference, state, why: `${state}, the provider says` }).then(() => {
      word.taken = true;
    });
  }

  private word(reference: string, state: ReportState, asked: boolean, life: number): Word {
    const { clock } = this;
    const word = { reference, state, asked, wall: clock.wall(), at: clock.now, life, taken: asked };
    this.words.push(word);
    return word;
  }

  private ask(life: number, channel: string, reference: string): Promise<Report | null> {
    this.activity.note();
    const taken = this.taken.get(reference);
    const outage = this.outageOf(channel);
    if (outage === 'hangs') return new Promise(() => undefined);
    if (taken === undefined || outage !== null) return Promise.resolve(null);
    const state = this.healed ? 'delivered' : lastWord(taken.planned, this.clock.now - taken.at);
    if (state === null) return Promise.resolve(null);
    this.word(reference, state, true, life);
    return Promise.resolve({ reference, state, why: `${state}, the provider says when asked` });
  }
}

function resultOf({ result }: Fate, reference: string | null): SendResult | null {
  if (reference === null || (result?.kind !== 'delivered' && result?.kind !== 'accepted')) return result;
  return { ...result, reference };
}
