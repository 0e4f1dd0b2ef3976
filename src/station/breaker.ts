/**
 * Keeps a provider that is down from being asked with every message: after some
 * failures in a row it is left alone for a while, then tried with one message,
 * and left alone for longer if that fails, too. It forgets all with the process:
 * what it knows is found out anew by trying.
 */
import { type Duration, type Instant, minutes, plus, seconds } from '../time.ts';

/** So many failures in a row, and the provider is left alone. */
export const breakAfter = 5;
/** For so long at first; each failed trial doubles it, up to the second. */
export const breakFirst = seconds(10);
export const breakMost = minutes(5);

export class Breaker {
  private failures = 0;
  private wait: Duration = breakFirst;
  /** While it is left alone, and then until it is found to work. */
  private open: { readonly from: Instant; readonly until: Instant } | null = null;
  private broken: { readonly since: Instant; readonly why: string } | null = null;

  /** How many sends may be under way now, of `most`: none while it is left alone, one for a trial. */
  room(most: number, now: Instant): number {
    if (this.open === null) return most;
    return this.opensAt(now) === null ? 1 : 0;
  }

  /** When there may be room again that is not there now; null: it is not left alone. */
  opensAt(now: Instant): Instant | null {
    // A clock that was set back must not leave it alone for long.
    return this.open !== null && this.open.from <= now && now < this.open.until ? this.open.until : null;
  }

  /** Since when it has failed, and how it did last; null while it works. */
  problem(): { readonly since: Instant; readonly why: string } | null {
    return this.open === null ? null : this.broken;
  }

  /** @returns whether it had failed before. */
  worked(): boolean {
    const before = this.broken !== null;
    this.failures = 0;
    this.wait = breakFirst;
    this.open = null;
    this.broken = null;
    return before;
  }

  failed(why: string, now: Instant): void {
    this.failures += 1;
    this.broken = { since: this.broken?.since ?? now, why };
    if (this.failures < breakAfter || this.opensAt(now) !== null) return;
    this.open = { from: now, until: plus(now, this.wait) };
    this.wait = Math.min(breakMost, 2 * this.wait) as Duration;
  }
}
