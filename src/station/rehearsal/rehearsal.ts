/**
 * A rehearsal: the real station, with its store, core and delivery, on a clock
 * that is moved by hand, with channels that remember instead of sending. What a
 * policy does is tried here before it wakes anybody.
 *
 * Nothing leaves this process but a temporary folder, which goes with it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Instant, milliseconds, seconds } from '../../time.ts';
import type { AlertUpdate, UpdateAlert } from '../../wire/update.ts';
import type { Channel, SendResult } from '../channels/channel.ts';
import type { Alert } from '../core/alert.ts';
import { renderMessage } from '../core/message.ts';
import type { OwedMessage } from '../core/notification.ts';
import type { Policy } from '../core/policy.ts';
import { type Deliver, openDeliver } from '../deliver.ts';
import type { Door, Event, Outcome } from '../door.ts';
import { Meters } from '../meters.ts';
import { channelNames } from '../policy/words.ts';
import { openStation, type Station } from '../station.ts';
import { openSqlite } from '../store/sqlite.ts';
import { openReads } from '../store/sqlite-reads.ts';
import { type AlertName, nameKey, type Store, type StoredHistory } from '../store/store.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** A message that went out. */
export type Sent = OwedMessage & { readonly at: Instant };

/** Of one alert's history so much is looked at. */
const historyMax = 1000;
const concurrency = 10;
const channelTimeout = seconds(30);

/** What is tried is who is told when, message by message: what would go out together is not put together here. */
const eachByItself = (policy: Policy): Policy => ({
  ...policy,
  settings: {
    ...policy.settings,
    digest: milliseconds(0),
    summary: { ...policy.settings.summary, over: {} },
  },
});

export class Rehearsal {
  readonly clock: SimulatedClock;
  /** In the order in which they went out. */
  readonly sent: Sent[] = [];
  private readonly folder: string;
  private readonly store: Store;
  private readonly station: Station;
  private readonly deliver: Deliver;
  private down: ReadonlySet<string> = new Set();
  private transmissions = 0n;
  private bug: unknown = null;

  /** Opens a station that has nothing yet; close it, whatever happens. */
  static async open(policy: Policy, start: Instant): Promise<Rehearsal> {
    const folder = mkdtempSync(join(tmpdir(), 'mauve-rehearsal-'));
    try {
      const rehearsal = new Rehearsal(policy, start, folder);
      await rehearsal.station.start();
      await rehearsal.clock.settle();
      return rehearsal;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(policy: Policy, start: Instant, folder: string) {
    this.folder = folder;
    this.clock = new SimulatedClock(start);
    const { clock } = this;
    const failed = (about: { readonly err?: unknown }, message: string): void => {
      this.bug ??= about.err ?? new Error(message);
    };
    const log = { debug() {}, info() {}, warn() {}, error: failed as () => void };
    const meters = new Meters(false);
    this.store = openSqlite({ folder });
    this.station = openStation({ store: this.store, policy: eachByItself(policy), clock, log, meters });
    this.deliver = openDeliver({
      store: this.store,
      door: this.listening(),
      channels: new Map(channelNames.map((name) => [name, this.channel(name)])),
      policy: () => this.station.policy(),
      baseUrl: 'http://mauve.example.net',
      render: renderMessage,
      ackLink: null,
      clock,
      log,
      meters,
    });
    this.station.onCommit((nudge) => nudge.owes && this.deliver.nudge());
  }

  /** The station's door, with an ear on the receipts: they say what went out. */
  private listening(): Door {
    return {
      handle: async (events) => {
        for (const event of events) {
          if (event.kind !== 'receipt' || event.receipt.kind !== 'delivered') continue;
          const message = await this.store.transaction((tx) => tx.loadMessage(event.message));
          if (message !== null) this.sent.push({ ...message, at: event.at });
        }
        return await this.station.handle(events);
      },
    };
  }

  private channel(name: string): Channel {
    const isDown: SendResult = { kind: 'retry', why: 'it is down', notBefore: null };
    return {
      name,
      concurrency,
      timeout: channelTimeout,
      send: () => Promise.resolve(this.down.has(name) ? isDown : { kind: 'delivered', why: 'rehearsed' }),
      close: () => Promise.resolve(),
    };
  }

  /** From now on these channels are down, and all others work. */
  setDown(channels: readonly string[]): void {
    this.down = new Set(channels);
  }

  /** @throws what a decision threw: a rehearsal with a bug in it proves nothing. */
  async advanceTo(at: Instant): Promise<void> {
    await this.clock.advanceTo(at);
    if (this.bug !== null) throw this.bug;
  }

  /** An update arrives now. */
  async update(source: string, alerts: readonly UpdateAlert[], replace: boolean): Promise<void> {
    this.transmissions += 1n;
    const { transmissions: transmissionId } = this;
    const signature = new Uint8Array();
    const update: AlertUpdate = { transmissionId, source, replace, alerts, signature, transmissionTime: 0n };
    await this.handle({ kind: 'update', update, reception: this.clock.now() });
  }

  async handle(event: Event): Promise<Outcome> {
    const [outcome] = await this.station.handle([event]);
    // What follows at this very moment comes to its end.
    await this.advanceTo(this.clock.now());
    if (outcome === undefined) throw new Error('an event without an outcome');
    return outcome;
  }

  async alert(name: AlertName): Promise<Alert | null> {
    const found = await this.store.transaction((tx) => tx.loadNamed([name]));
    return found.get(nameKey(name)) ?? null;
  }

  /** The newest entries of an alert's history. */
  async history(alert: Alert): Promise<readonly StoredHistory[]> {
    const reads = openReads({ folder: this.folder });
    try {
      return await reads.history(alert.key, historyMax);
    } finally {
      await reads.close();
    }
  }

  async close(): Promise<void> {
    try {
      const ended = this.deliver.stop(seconds(0));
      await this.clock.advanceTo(this.clock.now());
      await ended;
      await this.station.stop();
      await this.store.close();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
