/**
 * A clock that moves only when it is told to; what was to wake on the way wakes
 * in its order, and all that follows from it ends before time goes on. With it
 * a station lives through a week in a second, in rehearsals and in tests.
 *
 * It may drive only work inside this process, such as promises, immediates and
 * SQLite: what waits for a network, a thread or a disk comes to no end in it.
 */
import { type Cancel, type Clock, type Duration, type Instant, plus } from '../../time.ts';

/** So many turns of the event loop without a glance at the clock, and nothing is under way any more. */
const quietTurns = 12;
/** More turns than this at one moment mean that something waits for itself. */
const turnsMax = 1_000_000;

type Wake = { readonly at: Instant; readonly run: () => void };

export class SimulatedClock implements Clock {
  private at: Instant;
  private readonly wakes = new Set<Wake>();
  /** Counts whatever is asked of the clock: work that goes on asks. */
  private asked = 0;

  constructor(start: Instant) {
    this.at = start;
  }

  now(): Instant {
    this.asked += 1;
    return this.at;
  }

  wake(at: Instant, run: () => void): Cancel {
    this.asked += 1;
    const entry = { at, run };
    this.wakes.add(entry);
    return () => {
      this.asked += 1;
      this.wakes.delete(entry);
    };
  }

  after(wait: Duration, run: () => void): Cancel {
    return this.wake(plus(this.at, wait), run);
  }

  /** Moves on to `at`, and lets everything that falls due on the way finish before time goes on. */
  async advanceTo(at: Instant): Promise<void> {
    await this.settle();
    for (let next = this.nextBy(at); next !== null; next = this.nextBy(at)) {
      this.wakes.delete(next);
      if (next.at > this.at) this.at = next.at;
      next.run();
      await this.settle();
    }
    if (at > this.at) this.at = at;
  }

  /** A wall clock that is set, forwards or back, without time passing. */
  jumpTo(at: Instant): void {
    this.at = at;
  }

  /** Lets all work that waits for nothing but its turn come to its end. */
  async settle(): Promise<void> {
    let seen = this.asked;
    for (let quiet = 0, turns = 0; quiet < quietTurns; quiet++, turns++) {
      if (turns > turnsMax) throw new Error(`work at ${this.at} never ends`);
      await turn();
      if (this.asked !== seen) quiet = 0;
      seen = this.asked;
    }
  }

  /** Of those that are to wake by then, the first; at one moment, the one that was set first. */
  private nextBy(at: Instant): Wake | null {
    let next: Wake | null = null;
    for (const entry of this.wakes) {
      if (entry.at <= at && (next === null || entry.at < next.at)) next = entry;
    }
    return next;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As `SimulatedClock.settle`, for who has no clock at hand: a number of turns, however much goes on. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < quietTurns; turns++) await turn();
}
