/**
 * The station: the door in front of the store and the core. It owns the only
 * timer, and keeps nothing that a restart would lose: what is due is in the
 * store, by `wakeAt`. Nobody else writes alerts.
 */
import type { Logger } from '../log.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  earliest,
  formatDuration,
  hours,
  type Instant,
  milliseconds,
  minutes,
  plus,
  seconds,
  since,
} from '../time.ts';
import { applyBatch, type BatchResult } from './batch.ts';
import { noNames } from './batch-names.ts';
import type { AlertKey } from './core/alert.ts';
import { type Acknowledging, type Forecast, forecast } from './core/forecast.ts';
import type { Policy } from './core/policy.ts';
import type { Door, Event, Outcome } from './door.ts';
import { Inhibitors } from './inhibitors.ts';
import type { Meters } from './meters.ts';
import type { Names } from './names.ts';
import { refusal } from './refusals.ts';
import { loadSilences } from './silences.ts';
import { contextOf, type Standing } from './standing.ts';
import { StoreError } from './store/errors.ts';
import type { Store } from './store/store.ts';

/** How long the station waits before it asks a store that refused again. */
export const storeRetryWait = seconds(1);
/** Folding is done in steps of so many alerts, and waits so long for more to fold. */
const foldAtOnce = 2000;
const foldWait = seconds(1);
/** Clocks are set by so much all the time. */
const clockSlack = minutes(1);
const pruneAtOnce = 500;
const pruneWait = hours(1);

export type StationOptions = {
  readonly store: Store;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
  /** Absent: nothing is looked up. */
  readonly names?: Names;
};

/** Who is told after a commit; without data, for what is new is in the store. */
export type Nudge = { readonly news: boolean; readonly owes: boolean };

export interface Station extends Door {
  /** Takes up what is due; before it, nothing is decided by itself. */
  start(): Promise<void>;
  policy(): Policy;
  /** What will be told of an alert if nothing else happens; null where there is no such alert. Changes nothing. */
  forecast(alert: AlertKey, length: Duration, acknowledge: Acknowledging | null): Promise<Forecast | null>;
  /** Puts a policy in force; resolves once it is, which a store that refuses delays. */
  load(policy: Policy): Promise<void>;
  onCommit(listener: (nudge: Nudge) => void): void;
  /** What the store last refused, in words; null while it works. */
  problem(): string | null;
  /** Ends the timers; what is under way is committed first. */
  stop(): Promise<void>;
}

export function openStation(options: StationOptions): Station {
  return new StationOnStore(options);
}

class StationOnStore implements Station {
  private readonly options: StationOptions;
  private standing: Standing;
  private readonly listeners: ((nudge: Nudge) => void)[] = [];
  private timer: Cancel = () => undefined;
  private timerAt: Instant | null = null;
  private ticking = false;
  private stopped = false;
  private refusedBy: string | null = null;
  /** The policy that was loaded last, whether or not the store has taken it. */
  private wanted: Policy | null = null;
  private lastSeen: Instant = 0 as Instant;
  private under: Promise<unknown> = Promise.resolve();
  private readonly fold: Chore;
  private readonly prune: Chore;

  constructor(options: StationOptions) {
    this.options = options;
    const { clock, store, names, policy } = options;
    const known = names?.hostNames ?? noNames;
    this.standing = { policy, startedAt: clock.now(), silences: [], names: known };
    const refused = (error: StoreError): void => this.refuse(error);
    this.fold = new Chore(clock, () => store.fold(clock.now(), foldAtOnce), null, refused);
    this.prune = new Chore(clock, () => store.prune(clock.now(), pruneAtOnce), pruneWait, refused);
  }

  policy(): Policy {
    return this.standing.policy;
  }

  problem(): string | null {
    return this.refusedBy;
  }

  onCommit(listener: (nudge: Nudge) => void): void {
    this.listeners.push(listener);
  }

  async start(): Promise<void> {
    const at = this.options.clock.now();
    this.standing = { ...this.standing, startedAt: at };
    await this.recall();
    const began = await this.handle([
      { kind: 'started', at },
      { kind: 'policy-loaded', at, policy: this.standing.policy },
    ]);
    // A store that refuses now must not keep alerts from coming in; what it refused is not forgotten.
    if (!began.every((outcome) => outcome.ok)) {
      void this.insist([{ kind: 'started', at }]);
      void this.load(this.standing.policy);
    }
    this.options.names?.keep(this.standing.policy.hosts);
    this.arm(await this.nextWake());
    this.prune.after(pruneWait);
  }

  /** What the station keeps in memory as well, for each alert is compared with it. A store that refuses is asked again. */
  private async recall(): Promise<void> {
    const { clock, store, names } = this.options;
    while (!this.stopped) {
      try {
        const [silences, found] = await store.transaction(async (tx) => [
          await loadSilences(tx, clock.now()),
          await tx.loadNames(),
        ]);
        this.standing = { ...this.standing, silences };
        names?.load(found);
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.refuse(error);
        await new Promise<void>((resolve) => clock.after(storeRetryWait, resolve));
      }
    }
  }

  async load(policy: Policy): Promise<void> {
    this.wanted = policy;
    const at = this.options.clock.now();
    await this.insist([{ kind: 'policy-loaded', at, policy }], () => this.wanted === policy);
    this.options.names?.keep(policy.hosts);
  }

  /** Says it again until the store takes it, the station ends, or it is no longer wanted. */
  private async insist(events: readonly Event[], wanted: () => boolean = () => true): Promise<void> {
    const { clock } = this.options;
    while (!this.stopped && wanted()) {
      const outcomes = await this.handle(events);
      if (outcomes.every((outcome) => outcome.ok)) return;
      await new Promise<void>((resolve) => clock.after(storeRetryWait, resolve));
    }
  }

  async handle(events: readonly Event[]): Promise<readonly Outcome[]> {
    const work = this.commit(events);
    this.under = work.catch(() => undefined);
    return await work;
  }

  private async commit(events: readonly Event[]): Promise<readonly Outcome[]> {
    const { store, clock, log, meters } = this.options;
    const began = clock.now();
    this.watchClock(began);
    let result: BatchResult;
    try {
      result = await store.transaction((tx) =>
        applyBatch(tx, events, this.standing, (error, about) => {
          log.error({ err: error, alert: about }, 'a decision failed: this alert was left as it was');
        }),
      );
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.refuse(error);
      return events.map(() => refusal('store-unavailable'));
    }
    if (this.refusedBy !== null) log.info('the store takes writes again');
    this.refusedBy = null;
    const { policy, silences } = result;
    this.standing = { ...this.standing, policy, silences };
    const { names } = this.options;
    for (const event of events) if (event.kind === 'names') names?.take(event.found);
    if (result.hosts.size > 0) names?.want(result.hosts);
    meters.committed(result.tally, began, clock.now());
    this.arm(result.moreDue ? clock.now() : result.wakeAt);
    if (result.tally.alerts > 0) this.fold.after(foldWait);
    if (result.news || result.owes) for (const listener of this.listeners) listener(result);
    return result.outcomes;
  }

  private watchClock(now: Instant): void {
    const ahead = since(now, this.lastSeen);
    this.lastSeen = now;
    if (ahead < clockSlack) return;
    this.options.log.warn(
      { by: formatDuration(ahead) },
      'the clock was set back: what is due is judged again',
    );
    void this.insist([{ kind: 'clock-set-back', at: now }]);
  }

  async forecast(
    key: AlertKey,
    length: Duration,
    acknowledge: Acknowledging | null,
  ): Promise<Forecast | null> {
    const { store, clock } = this.options;
    const { standing } = this;
    return await store.transaction(async (tx) => {
      const [alert] = await tx.loadKeyed([key]);
      if (alert === undefined) return null;
      const inhibitors = new Inhibitors(standing.policy, standing.names);
      await inhibitors.load(tx, [alert]);
      const now = clock.now();
      return forecast(alert, contextOf(standing, now, inhibitors), plus(now, length), acknowledge);
    });
  }

  private refuse(error: StoreError): void {
    const { log, meters } = this.options;
    meters.storeError(error.kind);
    if (this.refusedBy !== error.message) log.error({ kind: error.kind }, error.message);
    this.refusedBy = error.message;
  }

  /** Sees to it that the station wakes at `at`, or earlier if it was to already. */
  private arm(at: Instant | null): void {
    const next = earliest(this.timerAt, at);
    if (this.stopped || next === null || (this.timerAt !== null && next >= this.timerAt)) return;
    this.timer();
    this.timerAt = next;
    this.timer = this.options.clock.wake(next, () => void this.tick());
  }

  private async nextWake(): Promise<Instant | null> {
    const { clock, store } = this.options;
    try {
      return await store.nextWake();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return plus(clock.now(), storeRetryWait);
    }
  }

  private async tick(): Promise<void> {
    this.timerAt = null;
    if (this.ticking || this.stopped) return;
    this.ticking = true;
    const { clock } = this.options;
    const [outcome] = await this.handle([{ kind: 'tick', at: clock.now() }]);
    this.ticking = false;
    // While the store refuses, what is due stays due: it is asked again a little later.
    this.arm(outcome?.ok === true ? await this.nextWake() : plus(clock.now(), storeRetryWait));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer();
    this.fold.stop();
    this.prune.stop();
    await this.under;
  }
}

/** Housekeeping: in small steps, at once while there is more to do; then again after `every`, or when asked. */
class Chore {
  private readonly clock: Clock;
  private readonly step: () => Promise<boolean>;
  private readonly every: Duration | null;
  private readonly onRefused: (error: StoreError) => void;
  private timer: Cancel | null = null;
  private stopped = false;

  constructor(
    clock: Clock,
    step: () => Promise<boolean>,
    every: Duration | null,
    onRefused: (error: StoreError) => void,
  ) {
    this.clock = clock;
    this.step = step;
    this.every = every;
    this.onRefused = onRefused;
  }

  /** Begins in so long, unless it is to begin already. */
  after(wait: Duration): void {
    if (!this.stopped) this.timer ??= this.clock.after(wait, () => void this.run());
  }

  private async run(): Promise<void> {
    let more = false;
    try {
      more = await this.step();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.onRefused(error);
    }
    this.timer = null;
    if (more) this.after(milliseconds(0));
    else if (this.every !== null) this.after(this.every);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.();
  }
}
