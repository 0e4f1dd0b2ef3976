/**
 * The life of an engine: it starts, works, is lost, and is started again, after
 * waits that at first are hardly any and then grow. What that means for the
 * tasks is for those who hold them.
 */
import type { Logger } from '../../log.ts';
import {
  type Cancel,
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

/** `failing`: it did not come up the last time that it was started. */
export type LifeState = 'starting' | 'up' | 'failing' | 'closed';

export class Life {
  state: LifeState = 'starting';
  /** What is wrong with it, in words; null while nothing is. */
  trouble: string | null = null;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly restarts: Restarts;
  private readonly start: () => void;
  private opened: ((problem: string | null) => void) | null = null;
  private cancel: Cancel = () => undefined;

  constructor(
    {
      clock,
      log,
      restarts,
    }: { readonly clock: Clock; readonly log: Logger; readonly restarts?: RestartWaits },
    start: () => void,
  ) {
    this.clock = clock;
    this.log = log;
    this.restarts = new Restarts(clock, restarts);
    this.start = start;
  }

  /** Starts it. Resolves after the first try: null, or why it does not work. It goes on trying all the same. */
  open(): Promise<string | null> {
    return new Promise((resolve) => {
      this.opened = resolve;
      this.start();
    });
  }

  up(): void {
    this.restarts.up();
    if (this.trouble !== null) this.log.info('the engine works again');
    this.state = 'up';
    this.trouble = null;
    this.tellOpened();
  }

  /** It is lost, and will be started again. `letGo` answers for what was under way; `worked`: it may be used again soon. */
  died(why: string, letGo: (worked: boolean) => void): void {
    if (this.state === 'closed') return;
    const worked = this.state === 'up';
    this.state = worked ? 'starting' : 'failing';
    this.trouble = `the engine: ${why}`;
    this.log.warn({ why }, 'the engine is lost');
    letGo(worked);
    this.tellOpened();
    this.cancel = this.clock.after(this.restarts.down(), this.start);
  }

  /** @returns whether it was open. */
  close(letGo: () => void): boolean {
    if (this.state === 'closed') return false;
    this.state = 'closed';
    this.trouble = 'the engine is closed';
    this.cancel();
    letGo();
    this.tellOpened();
    return true;
  }

  private tellOpened(): void {
    this.opened?.(this.trouble);
    this.opened = null;
  }
}
