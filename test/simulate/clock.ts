/**
 * True time, and what the station's clock shows of it: the two differ once that
 * clock was set. Timers belong to one life of the station, and end with it.
 */
import { type Cancel, type Clock, type Duration, type Instant, instant } from '../../src/time.ts';

type Timer = { readonly at: number; readonly wall: boolean; readonly life: number; readonly run: () => void };

export class WorldClock {
  /** Milliseconds of true time. */
  now: number;
  /** What the station's clock shows more than that. */
  skew = 0;
  private timers = new Set<Timer>();

  constructor(start: number) {
    this.now = start;
  }

  wall(): number {
    return this.now + this.skew;
  }

  /** The clock of one life of the station; the world's own timers have life 0. */
  of(life: number): Clock {
    return {
      now: (): Instant => instant(this.wall()),
      wake: (at: Instant, run: () => void): Cancel => this.add({ at, wall: true, life, run }),
      after: (wait: Duration, run: () => void): Cancel =>
        this.add({ at: this.now + wait, wall: false, life, run }),
    };
  }

  private add(timer: Timer): Cancel {
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Runs the first timer that is due by then, after moving on to its time. @returns whether there was one. */
  runNext(by: number): boolean {
    let first: Timer | null = null;
    let firstAt = Number.POSITIVE_INFINITY;
    for (const timer of this.timers) {
      const at = timer.wall ? timer.at - this.skew : timer.at;
      if (at < firstAt) {
        first = timer;
        firstAt = at;
      }
    }
    if (first === null || firstAt > by) return false;
    this.timers.delete(first);
    if (firstAt > this.now) this.now = firstAt;
    first.run();
    return true;
  }

  /** Nothing of that life happens any more. */
  end(life: number): void {
    for (const timer of this.timers) if (timer.life === life) this.timers.delete(timer);
  }
}

/** So many more than delivery waits for receipts to come together. */
const quietTurns = 10;

/** Counts what the simulated parts do, so that it can be seen when the station has nothing left to do. */
export class Activity {
  private count = 0;

  note(): void {
    this.count += 1;
  }

  /** Waits until nothing has happened for some turns of the event loop: delivery waits for a few between two steps. */
  async settled(): Promise<void> {
    for (let quiet = 0, seen = this.count; quiet < quietTurns; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.count !== seen) quiet = -1;
      seen = this.count;
    }
  }
}
