/**
 * Tells the stations: a change within a second, all that is raised every few
 * minutes, and a heartbeat. Fire and forget: a destination that cannot be
 * reached is named in the log once, and holds up neither the others nor the
 * probe. Whatever a datagram lost, the next full update mends.
 */
import type { Logger } from '../log.ts';
import type { Delivery } from '../send/sender.ts';
import { type Cancel, type Clock, type Duration, milliseconds, minutes, seconds } from '../time.ts';
import { addressesIn } from './core/words.ts';
import type { ProbeRecord } from './records.ts';
import {
  alertId,
  changeUpdates,
  farewellUpdate,
  fullUpdates,
  heartbeatUpdate,
  type NameOf,
  type Said,
  type Standing,
} from './updates.ts';

export const fullEveryDefault = minutes(5);
export const heartbeatEvery = seconds(60);
/** Changes within so long go together. */
const together = seconds(1);
/** So long a destination that is dropped may take to hear of it before the others are told. */
const farewellMax = seconds(10);
/** Updates that wait for a slow destination; the oldest give way, for the full update says it all again. */
export const waitingMax = 2_000;
/** What was cleared is remembered for full updates that are too large for `replace`. */
export const clearedMax = 10_000;

/** How long a probe that starts looks at its targets before it says that nothing else is raised. */
export const settleFor = (fullEvery: Duration, longestRound: Duration): Duration =>
  longestRound * settleRounds > fullEvery ? milliseconds(longestRound * settleRounds) : fullEvery;
const settleRounds = 3;

export type SenderOptions = {
  readonly source: string;
  readonly destinations: readonly string[];
  readonly fullEvery: Duration;
  /** Before the first full update: a probe that has only begun to look must not clear what still stands. */
  readonly firstFull: Duration;
  /** Not where the probe ends by itself: its silence would then be an alarm. */
  readonly heartbeat: boolean;
  readonly send: (datagram: Uint8Array, destinations: readonly string[]) => Promise<readonly Delivery[]>;
  readonly newId: () => bigint;
  /** Of hops, for the tables: what is not known yet is asked for, and nobody waits for it. */
  readonly nameOf: NameOf;
  /** All that is raised now. */
  readonly raised: () => readonly Standing[];
  readonly clock: Clock;
  readonly log: Logger;
};

export class AlertSender {
  readonly #options: SenderOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #changes = new Map<string, Standing>();
  readonly #cleared = new Map<string, Standing>();
  #flush: Cancel | null = null;
  readonly #timers = new Map<'full' | 'heartbeat', Cancel>();
  #stopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    for (const word of options.destinations) this.#lanes.set(word, new Lane(word, options));
  }

  start(): void {
    this.#every('full', this.#options.firstFull, this.#options.fullEvery, () => this.full());
    if (!this.#options.heartbeat) return;
    this.#beat();
    this.#every('heartbeat', heartbeatEvery, heartbeatEvery, () => this.#beat());
  }

  /**
   * To whom updates go from now on. Nobody else would ever clear what stands at one that is dropped, nor keep its
   * heartbeat from raising. It may be the same station under another name: hence the others are told afterwards.
   */
  destinations(words: readonly string[]): void {
    const dropped = [...this.#lanes].filter(([word]) => !words.includes(word)).map(([, lane]) => lane);
    const added = words.filter((word) => !this.#lanes.has(word));
    if (dropped.length === 0 && added.length === 0) return;
    // What has changed until now is still for those that are dropped.
    this.flush();
    for (const [word] of this.#lanes) if (!words.includes(word)) this.#lanes.delete(word);
    for (const word of added) this.#lanes.set(word, new Lane(word, this.#options));
    for (const lane of dropped) lane.post([farewellUpdate(this.#said())]);
    void this.#ended(dropped, farewellMax).then(() => this.#introduce());
  }

  /** All that is raised, without clearing anything: a probe that has only begun to look may be asked this, too. */
  #introduce(): void {
    if (this.#stopped) return;
    this.flush();
    this.#post(changeUpdates(this.#said(), this.#options.raised()));
    if (this.#options.heartbeat) this.#beat();
  }

  /** Whether all is sent, or it has taken too long. */
  async #ended(lanes: Iterable<Lane>, within: Duration): Promise<void> {
    const sent = Promise.all([...lanes].map((lane) => lane.idle()));
    const late = new Promise<void>((done) => void this.#options.clock.after(within, done));
    await Promise.race([sent, late]);
  }

  hear(record: ProbeRecord): void {
    if (this.#stopped) return;
    const { kind, target } = record;
    if (kind === 'verdict') this.change({ target, address: record.address, change: record.change });
    if (kind === 'name') this.change({ target, address: null, change: record.change });
  }

  /** Of several changes of one alert the last one counts: where it flaps within a second, nobody wants to hear it. */
  change(standing: Standing): void {
    const id = alertId(standing);
    this.#changes.delete(id);
    this.#changes.set(id, standing);
    this.#cleared.delete(id);
    if (standing.change.state === 'cleared') {
      this.#cleared.set(id, standing);
      const [oldest] = this.#cleared.keys();
      if (this.#cleared.size > clearedMax && oldest !== undefined) this.#cleared.delete(oldest);
    }
    // Names that come before it is sent are in it; the others are in the next full update.
    if (this.#lanes.size > 0)
      for (const hop of addressesIn(standing.change.detailHtml)) this.#options.nameOf(hop);
    this.#flush ??= this.#options.clock.after(together, () => this.flush());
  }

  /** Sends what has changed. */
  flush(): void {
    this.#flush?.();
    this.#flush = null;
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    this.#post(changeUpdates(this.#said(), changes));
  }

  full(): void {
    // What has changed must not be overtaken by what follows from it.
    this.flush();
    this.#post(fullUpdates(this.#said(), this.#options.raised(), [...this.#cleared.values()]));
  }

  /** Sends what has changed, and waits for it, though not for ever. */
  async stop(within: Duration): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.flush();
    await this.#ended(this.#lanes.values(), within);
  }

  #said(): Said {
    const { source, clock, newId, nameOf } = this.#options;
    return { source, now: clock.now(), newId, nameOf };
  }

  #beat(): void {
    this.#post([heartbeatUpdate(this.#said())]);
  }

  #post(datagrams: readonly Uint8Array[]): void {
    for (const lane of this.#lanes.values()) lane.post(datagrams);
  }

  #every(name: 'full' | 'heartbeat', first: Duration, rest: Duration, run: () => void): void {
    const arm = (wait: Duration): void => {
      this.#timers.set(
        name,
        this.#options.clock.after(wait, () => {
          arm(rest);
          run();
        }),
      );
    };
    arm(first);
  }
}

/** One destination: its updates go one after another, in their order. */
class Lane {
  readonly #word: string;
  readonly #options: SenderOptions;
  readonly #waiting: Uint8Array[] = [];
  #working: Promise<void> | null = null;
  /** Why the last one did not go out; null: it did. */
  #problem: string | null = null;

  constructor(word: string, options: SenderOptions) {
    this.#word = word;
    this.#options = options;
  }

  post(datagrams: readonly Uint8Array[]): void {
    this.#waiting.push(...datagrams);
    if (this.#waiting.length > waitingMax) this.#waiting.splice(0, this.#waiting.length - waitingMax);
    if (this.#waiting.length > 0) this.#working ??= this.#work();
  }

  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const problem = await this.#send(next);
      if (problem !== this.#problem) this.#tell(problem);
      this.#problem = problem;
    }
    this.#working = null;
  }

  async #send(datagram: Uint8Array): Promise<string | null> {
    try {
      const [delivery] = await this.#options.send(datagram, [this.#word]);
      if (delivery === undefined || delivery.sent.length > 0) return null;
      return delivery.failed.map(({ where, detail }) => `${where}: ${detail}`).join('; ');
    } catch (error) {
      return String(error);
    }
  }

  #tell(problem: string | null): void {
    const { log } = this.#options;
    const destination = this.#word;
    if (problem === null) log.info({ destination }, 'alerts reach this destination again');
    else log.warn({ destination, reason: problem }, 'alerts do not reach a destination');
  }
}
