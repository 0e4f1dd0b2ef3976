/**
 * Time that never goes back: what the agent's rounds are planned by. If
 * somebody sets the clock of the machine back by an hour, pings must not stop
 * for that hour. (Set forwards, rounds are missed, skipped and counted: from
 * here that cannot be told from a machine that slept.)
 *
 * Only for planning. What is recorded and sent bears the clock's own time.
 */
import { type Clock, type Instant, plus, since } from '../time.ts';

export class Steady {
  readonly #clock: Clock;
  #last: Instant;
  #behind = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  now(): Instant {
    const wall = this.#clock.now();
    const behind = since(wall, this.#last);
    if (behind > this.#behind) this.#behind = behind;
    this.#last = plus(wall, this.#behind as ReturnType<typeof since>);
    return this.#last;
  }
}
