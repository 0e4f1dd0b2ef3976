/** A clock that moves only when a test moves it; what was to wake on the way wakes in its order. */
import { type Cancel, type Clock, type Duration, type Instant, plus } from '../../src/time.ts';

export class SimulatedClock implements Clock {
  private at: Instant;
  private readonly wakes = new Set<{ readonly at: Instant; readonly run: () => void }>();

  constructor(start: Instant) {
    this.at = start;
  }

  now(): Instant {
    return this.at;
  }

  wake(at: Instant, run: () => void): Cancel {
    const entry = { at, run };
    this.wakes.add(entry);
    return () => this.wakes.delete(entry);
  }

  after(wait: Duration, run: () => void): Cancel {
    return this.wake(plus(this.at, wait), run);
  }

  /** Moves on to `at`, and lets everything that falls due on the way finish before time goes on. */
  async advanceTo(at: Instant): Promise<void> {
    await settled();
    for (;;) {
      let next: { readonly at: Instant; readonly run: () => void } | null = null;
      for (const entry of this.wakes) {
        if (entry.at <= at && (next === null || entry.at < next.at)) next = entry;
      }
      if (next === null) break;
      this.wakes.delete(next);
      if (next.at > this.at) this.at = next.at;
      next.run();
      await settled();
    }
    if (at > this.at) this.at = at;
  }

  /** A wall clock that is set, forwards or back, without time passing. */
  jumpTo(at: Instant): void {
    this.at = at;
  }
}

/** Lets all work that waits for nothing but its turn come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}
