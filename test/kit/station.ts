/**
 * A whole station in a test: the real door, core, SQLite store and delivery, on
 * a simulated clock, with a channel that remembers. Tests read as timelines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel, Message, Report, SendResult } from '../../src/station/channels/channel.ts';
import type { Alert } from '../../src/station/core/alert.ts';
import { renderMessage } from '../../src/station/core/message.ts';
import { type Deliver, openDeliver } from '../../src/station/deliver.ts';
import type { Act, Outcome } from '../../src/station/door.ts';
import { Meters } from '../../src/station/meters.ts';
import { loadPolicy } from '../../src/station/policy/file.ts';
import { openStation, type Station } from '../../src/station/station.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import type { Reads, Store, StoredHistory } from '../../src/station/store/store.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { type Instant, instant, seconds } from '../../src/time.ts';
import type { AlertUpdate, UpdateAlert } from '../../src/wire/update.ts';
import { SimulatedClock, settled } from './clock.ts';

/** Monday, in UTC. */
export const monday = instant(Date.UTC(2011, 7, 1));

export type Sent = {
  readonly to: string;
  readonly channel: string;
  readonly title: string;
  readonly text: string;
  /** How many messages it says. */
  readonly says: number;
  readonly at: Instant;
};

/** What the station of a test is set up with. */
const channelNames = ['email', 'sms', 'xmpp', 'inbox'];

/** What a test says of one alert: times in seconds from the start of the timeline, 0 or absent as on the wire. */
export type Said = {
  readonly id?: string;
  readonly subject?: string;
  readonly summary?: string;
  readonly detail?: string;
  readonly importance?: number;
  readonly raise?: number;
  readonly clear?: number;
  readonly suppress?: number;
};

function fits(this: { readonly longest: number }, text: string): boolean {
  return text.length <= this.longest;
}

const onePerson = `version: 1
people:
  ann: {email: ann@example.net}
groups:
  - name: default
    level: normal
    notify: [{to: ann, every: 15m}]
settings: {initial_sleep: 5m}
`;

export type TimelineOptions = {
  readonly policy?: string;
  readonly start?: Instant;
  readonly folder?: string;
  /** Whether messages are put together as the policy says; otherwise each goes by itself. */
  readonly gathers?: boolean;
  readonly ackLink?: (alert: number, person: string) => string;
};

export class Timeline {
  readonly folder: string;
  readonly clock: SimulatedClock;
  readonly start: Instant;
  readonly sent: Sent[] = [];
  store!: Store;
  reads!: Reads;
  station!: Station;
  /** What the channel says to each message. */
  answer: (message: Message, address: string, channel: string) => SendResult | Promise<SendResult> = () => ({
    kind: 'delivered',
    why: '250 ok',
  });
  /** What the provider says when it is asked what became of a message that it took. */
  ask: (reference: string, channel: string) => Report | null | Promise<Report | null> = () => null;
  deliver!: Deliver;
  /** What the station logs as errors, where a test means to see them. */
  errors: string[] | null = null;
  /** In characters: what the channels take. */
  longest = Number.POSITIVE_INFINITY;
  /** The links in messages with which a person may acknowledge, where a test has them. */
  private readonly ackLink: NonNullable<TimelineOptions['ackLink']> | null;
  /** Puts messages into words. */
  render = renderMessage;
  private policyText: string;
  private readonly gathers: boolean;
  private transmissions = 0n;
  private readSent = 0;
  private endDelivery: () => Promise<void> = async () => undefined;

  constructor(options: TimelineOptions) {
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'mauve-test-'));
    this.start = options.start ?? monday;
    this.clock = new SimulatedClock(this.start);
    this.policyText = options.policy ?? onePerson;
    this.gathers = options.gathers ?? false;
    this.ackLink = options.ackLink ?? null;
  }

  private policy() {
    const file = join(this.folder, 'policy.yaml');
    writeFileSync(file, this.policyText);
    const loaded = loadPolicy(file, { now: this.clock.now() });
    if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
    if (this.gathers) return loaded.policy;
    const { policy } = loaded;
    const settings = {
      ...policy.settings,
      digest: seconds(0),
      summary: { ...policy.settings.summary, over: {} },
    };
    return { ...policy, settings };
  }

  async open(): Promise<this> {
    const { clock, folder } = this;
    const meters = new Meters(false);
    const error = (about: unknown, text: string): void => {
      if (this.errors === null) console.error(about, text);
      else this.errors.push(text);
    };
    const log = { debug() {}, info() {}, warn() {}, error: error as () => void };
    this.store = openSqlite({ folder });
    this.reads = openReads({ folder });
    this.station = openStation({ store: this.store, policy: this.policy(), clock, log, meters });
    const channels = new Map(channelNames.map((name) => [name, this.channel(name)]));
    const deliver = openDeliver({
      store: this.store,
      door: this.station,
      channels,
      policy: () => this.station.policy(),
      baseUrl: 'http://mauve.example.net',
      render: (say, context) => this.render(say, context),
      ackLink: this.ackLink,
      clock,
      log,
      meters,
    });
    // As a channel of one's own might be written.
    for (const channel of channels.values()) {
      Object.defineProperty(channel, 'longest', { get: () => this.longest });
      Object.assign(channel, { fits });
    }
    this.station.onCommit((nudge) => nudge.owes && deliver.nudge());
    this.deliver = deliver;
    this.endDelivery = () => deliver.stop(seconds(0));
    await this.station.start();
    deliver.nudge();
    await settled();
    return this;
  }

  private channel(name: string): Channel {
    return {
      name,
      concurrency: 4,
      timeout: seconds(30),
      send: async (to, message) => {
        const answer = await this.answer(message, to, name);
        const { title, text } = message;
        if (answer.kind === 'delivered' || answer.kind === 'accepted') {
          this.sent.push({
            to,
            channel: name,
            title,
            text,
            says: message.covers.length,
            at: this.clock.now(),
          });
        }
        return answer;
      },
      ask: async (reference) => await this.ask(reference, name),
      close: async () => undefined,
    };
  }

  /** Ends the station and starts another on its data; nothing happens while it is down. */
  async restart(options: { readonly policy?: string; readonly downUntil?: Instant } = {}): Promise<void> {
    await this.shut();
    if (options.downUntil !== undefined) this.clock.jumpTo(options.downUntil);
    if (options.policy !== undefined) this.policyText = options.policy;
    await this.open();
  }

  private async shut(): Promise<void> {
    await settled();
    const ended = this.endDelivery();
    await this.clock.advanceTo(this.clock.now());
    await ended;
    await this.station.stop();
    await this.reads.close();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.shut();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Moves on to so many seconds after the start. */
  async at(secondsFromStart: number): Promise<this> {
    await this.clock.advanceTo(instant(this.start + secondsFromStart * 1000));
    return this;
  }

  /** One update arrives now. */
  async update(
    alerts: readonly Said[] = [{}],
    options: { source?: string; replace?: boolean; transmissionTime?: number; transmissionId?: bigint } = {},
  ): Promise<void> {
    this.transmissions += 1n;
    const update: AlertUpdate = {
      transmissionId: options.transmissionId ?? this.transmissions,
      source: options.source ?? 'test',
      replace: options.replace ?? false,
      transmissionTime: options.transmissionTime === undefined ? 0n : this.wire(options.transmissionTime),
      signature: new Uint8Array(),
      alerts: alerts.map((said) => this.said(said)),
    };
    await this.station.handle([{ kind: 'update', update, reception: this.clock.now() }]);
    await settled();
  }

  private wire(secondsFromStart: number | undefined): bigint {
    return secondsFromStart === undefined ? 0n : BigInt(Math.floor(this.start / 1000) + secondsFromStart);
  }

  private said(said: Said): UpdateAlert {
    return {
      id: said.id ?? 'test',
      subject: said.subject ?? '',
      summary: said.summary ?? '',
      detail: said.detail ?? '',
      importance: said.importance ?? 0,
      raiseTime: this.wire(said.raise),
      clearTime: this.wire(said.clear),
      suppressUntil: this.wire(said.suppress),
    };
  }

  async act(name: string, act: DistributiveOmit<Act, 'alert' | 'by'>, by = 'ann'): Promise<Outcome> {
    const { key } = await this.alert(name);
    const event = { ...act, alert: key, by, at: this.clock.now() } as Act & { at: Instant };
    const [outcome] = await this.station.handle([event]);
    await settled();
    if (outcome === undefined) throw new Error('no outcome');
    return outcome;
  }

  async reload(policy: string): Promise<void> {
    this.policyText = policy;
    await this.station.handle([{ kind: 'policy-loaded', at: this.clock.now(), policy: this.policy() }]);
    await this.clock.advanceTo(this.clock.now());
  }

  /** An alert by `source/id`; source `test` where there is no slash. */
  async find(name = 'test'): Promise<Alert | null> {
    const [first = '', ...rest] = name.split('/');
    const wanted = rest.length === 0 ? { source: 'test', id: first } : { source: first, id: rest.join('/') };
    const found = await this.store.transaction((tx) => tx.loadNamed([wanted]));
    return [...found.values()][0] ?? null;
  }

  async alert(name = 'test'): Promise<Alert> {
    const alert = await this.find(name);
    if (alert === null) throw new Error(`no alert ${name}`);
    return alert;
  }

  async history(
    name = 'test',
    options: { readonly quiet?: boolean } = {},
  ): Promise<readonly StoredHistory[]> {
    const entries = await this.reads.history((await this.alert(name)).key, 1000);
    const inOrder = [...entries].sort((a, b) => a.seq - b.seq);
    return options.quiet === true ? inOrder : inOrder.filter((entry) => !entry.quiet);
  }

  /** Who was told since the last call, in the order of their names. */
  told(): readonly string[] {
    const news = this.sent.slice(this.readSent);
    this.readSent = this.sent.length;
    return news.map(({ to }) => to.replace('@example.net', '')).sort();
  }

  /** The provider says by itself how far a message has come. */
  async report(channel: string, report: Report): Promise<void> {
    await this.deliver.report(channel, report);
    await this.clock.advanceTo(this.clock.now());
  }

  /** What the history says of the messages to somebody, in order: `sms: will-retry`. */
  async receipts(name: string, person: string): Promise<readonly string[]> {
    return (await this.history(name, { quiet: true })).flatMap(({ change }) =>
      change.kind === 'receipt' && change.person === person ? [`${change.channel}: ${change.outcome}`] : [],
    );
  }

  /** Seconds from the start. */
  ago(at: Instant | null): number | null {
    return at === null ? null : (at - this.start) / 1000;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Runs one timeline and cleans up after it, whatever happens. */
export async function timeline(
  options: TimelineOptions,
  story: (t: Timeline) => Promise<void>,
): Promise<void> {
  const t = await new Timeline(options).open();
  try {
    await story(t);
  } finally {
    await t.close();
  }
}
