/**
 * The real station: its door, core, SQLite store and delivery, one life after
 * the other on the same folder, and the means to end a life at any transaction.
 *
 * A killed station is not closed: what it had not committed is rolled back, and
 * whatever it still waits for never comes.
 */
import type { Logger } from '../../src/log.ts';
import type { Alert, AlertKey, HistoryEntry } from '../../src/station/core/alert.ts';
import { renderMessage } from '../../src/station/core/message.ts';
import type { Policy } from '../../src/station/core/policy.ts';
import { type Deliver, openDeliver } from '../../src/station/deliver.ts';
import type { Event, Outcome } from '../../src/station/door.ts';
import { Meters } from '../../src/station/meters.ts';
import { openStation, type Station } from '../../src/station/station.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import type { SavedAlert, Store, Transaction } from '../../src/station/store/store.ts';
import { milliseconds } from '../../src/time.ts';
import type { Activity, WorldClock } from './clock.ts';
import type { Fault } from './faults.ts';
import { type OwnReport, ownReports } from './own.ts';
import type { Providers } from './providers.ts';

/** What a killed station waits for. */
const never = new Promise<never>(() => undefined);

class Killed extends Error {}

/** What a transaction did that the model has to follow. */
export type Commit = {
  /** What the station's clock showed. */
  readonly wall: number;
  /** Whether it looked for what is due. */
  readonly ticked: boolean;
  readonly own: readonly OwnReport[];
};

type Kill = { left: number; readonly committed: boolean; readonly down: number };

export type HostOptions = {
  readonly folder: string;
  readonly clock: WorldClock;
  readonly activity: Activity;
  readonly providers: Providers;
  readonly fault: Fault | null;
  /** Hears of what the station logs as an error: a bug. */
  readonly onError: (text: string) => void;
};

export class Host {
  life = 0;
  alive = false;
  /** Transactions that were committed since it was last asked. */
  commits = 0;
  /** Those of them that the model has to follow, since it last did. */
  log: Commit[] = [];
  /** For how long it stays down after the kill. */
  killedFor = 0;
  private readonly options: HostOptions;
  private store: Store | null = null;
  private station: Station | null = null;
  private deliver: Deliver | null = null;
  private armed: Kill | null = null;

  constructor(options: HostOptions) {
    this.options = options;
  }

  arm(kill: Kill): void {
    this.armed = { ...kill };
  }

  async start(policy: Policy): Promise<void> {
    const { folder, clock, activity, providers, fault } = this.options;
    this.life += 1;
    this.alive = true;
    const { life } = this;
    const own = fault?.clock === undefined ? clock.of(life) : fault.clock(clock.of(life));
    const log: Logger = {
      debug() {},
      info() {},
      warn() {},
      error: (...parts: readonly unknown[]) => this.options.onError(parts.map(text).join(' ')),
    };
    const meters = new Meters(false);
    const store = openSqlite({ folder });
    const watched = this.watched(store, life);
    const station = openStation({ store: watched, policy, clock: own, log, meters });
    const channels = providers.channels(life);
    const deliver = openDeliver({
      store: watched,
      door: station,
      channels: fault?.channels?.(channels) ?? channels,
      policy: () => station.policy(),
      baseUrl: 'http://mauve.example.net',
      render: fault?.render?.(renderMessage) ?? renderMessage,
      ackLink: null,
      clock: own,
      log,
      meters,
    });
    station.onCommit((nudge) => nudge.owes && deliver.nudge());
    this.store = store;
    this.station = station;
    this.deliver = deliver;
    providers.hears = async (channel, report) => {
      const heard = fault?.report === undefined ? report : fault.report(report);
      if (!this.alive || this.life !== life) return await never;
      if (heard !== null) await deliver.report(channel, heard);
    };
    void station.start().then(() => deliver.nudge());
    await activity.settled();
  }

  /** @returns the outcomes, or null where the station was killed before it could say. */
  async handle(events: readonly Event[]): Promise<readonly Outcome[] | null> {
    const { station } = this;
    if (station === null) throw new Error('no station');
    let outcomes: readonly Outcome[] | null = null;
    void station.handle(events).then((came) => {
      outcomes = came;
    });
    await this.options.activity.settled();
    if (outcomes === null && this.alive) throw new Error('the station did not answer');
    return outcomes;
  }

  /** As the store keeps them now. */
  async load(keys: readonly AlertKey[]): Promise<readonly Alert[]> {
    if (this.store === null) return [];
    return await this.store.transaction((tx) => tx.loadKeyed(keys));
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    const { station, deliver, store } = this;
    this.armed = null;
    if (station === null || deliver === null || store === null) return;
    let ended = false;
    void (async () => {
      await deliver.stop(milliseconds(0));
      await station.stop();
      await store.close();
      ended = true;
    })();
    while (!ended) {
      await this.options.activity.settled();
      if (!ended && !this.options.clock.runNext(this.options.clock.now))
        await this.options.activity.settled();
    }
    this.end();
  }

  private end(): void {
    this.alive = false;
    this.options.clock.end(this.life);
    this.options.providers.hears = null;
    this.station = null;
    this.deliver = null;
    this.store = null;
  }

  private watched(store: Store, life: number): Store {
    const dead = (): boolean => !this.alive || this.life !== life;
    const guard = <T>(work: () => Promise<T>): Promise<T> => {
      if (dead()) return never;
      this.options.activity.note();
      return work();
    };
    return {
      transaction: (work) => guard(() => this.transaction(store, work, dead)),
      nextWake: () => guard(() => store.nextWake()),
      nextWatch: () => guard(() => store.nextWatch()),
      nextSend: (exclude) => guard(() => store.nextSend(exclude)),
      fold: (now, limit) => guard(() => store.fold(now, limit)),
      prune: (now, limit) => guard(() => store.prune(now, limit)),
      accounts: store.accounts,
      close: () => store.close(),
    };
  }

  private async transaction<T>(
    store: Store,
    work: (tx: Transaction) => Promise<T>,
    dead: () => boolean,
  ): Promise<T> {
    const { activity, fault } = this.options;
    const kill = this.armed !== null && --this.armed.left <= 0 ? this.armed : null;
    let ticked = false;
    const saved: SavedAlert[] = [];
    const history: HistoryEntry[] = [];
    try {
      const result = await store.transaction(async (tx) => {
        // It waited for its turn behind the one in which the station was killed.
        if (dead()) throw new Killed();
        const { loadDue } = tx;
        tx.loadDue = (now, limit) => {
          ticked = true;
          return loadDue.call(tx, now, limit);
        };
        fault?.transaction?.(tx);
        const { save, appendHistory } = tx;
        tx.save = (alerts) => {
          saved.push(...alerts.filter(({ after }) => after.source === 'mauve'));
          return save.call(tx, alerts);
        };
        tx.appendHistory = (entries) => {
          history.push(...entries);
          return appendHistory.call(tx, entries);
        };
        const done = await work(tx);
        if (kill?.committed === false) throw new Killed();
        return done;
      });
      activity.note();
      if (dead()) return await never;
      this.commits += 1;
      const own = saved.length === 0 ? [] : ownReports(saved, history);
      if (ticked || own.length > 0) this.log.push({ wall: this.options.clock.wall(), ticked, own });
      if (kill === null) return result;
    } catch (error) {
      activity.note();
      if (!(error instanceof Killed)) throw error;
      if (dead()) return await never;
    }
    this.killedFor = kill?.down ?? 0;
    this.armed = null;
    this.end();
    return await never;
  }
}

function text(part: unknown): string {
  if (part instanceof Error) return part.stack ?? part.message;
  if (typeof part === 'object' && part !== null && 'err' in part) return text(part.err);
  return typeof part === 'string' ? part : JSON.stringify(part);
}
