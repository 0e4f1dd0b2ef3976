/** How long to wait before an engine is started again: at first hardly, then longer and longer. */
import {
  type Clock,
  type Duration,
  type Instant,
  milliseconds,
  minutes,
  seconds,
  since,
} from '../../time.ts';

export type RestartWaits = {
  readonly first: Duration;
  readonly most: Duration;
  /** Who worked for so long starts from the first wait again. */
  readonly good: Duration;
};

export const restartWaits: RestartWaits = { first: milliseconds(200), most: minutes(1), good: seconds(30) };

export class Restarts {
  private readonly clock: Clock;
  private readonly waits: RestartWaits;
  private failures = 0;
  private upSince: Instant | null = null;

  constructor(clock: Clock, waits: RestartWaits = restartWaits) {
    this.clock = clock;
    this.waits = waits;
  }

  up(): void {
    this.upSince = this.clock.now();
  }

  /** It has died, or did not start. @returns the wait before the next try. */
  down(): Duration {
    const worked = this.upSince === null ? 0 : since(this.upSince, this.clock.now());
    this.upSince = null;
    if (worked >= this.waits.good) this.failures = 0;
    const wait = Math.min(this.waits.most, this.waits.first * 2 ** Math.min(this.failures, 20));
    this.failures += 1;
    return milliseconds(wait);
  }
}
