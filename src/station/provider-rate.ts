/**
 * How fast a provider is given messages: at most `count` begin within `per`.
 * Kept in memory only: a restart may let a few more through, which a provider
 * answers with "later".
 */
import { type Duration, type Instant, plus } from '../time.ts';

export class ProviderRate {
  private readonly rate: { readonly count: number; readonly per: Duration } | null;
  /** When the last `count` sends began, the oldest first. */
  private begun: Instant[] = [];

  constructor(rate: { readonly count: number; readonly per: Duration } | undefined) {
    this.rate = rate ?? null;
  }

  /** How many may begin now. */
  room(now: Instant): number {
    if (this.rate === null) return Number.POSITIVE_INFINITY;
    const { count, per } = this.rate;
    const over = this.begun.findIndex((at) => plus(at, per) > now);
    this.begun.splice(0, over === -1 ? this.begun.length : over);
    // A clock that was set back must not stop it for long.
    while ((this.begun.at(-1) ?? now) > now) this.begun.pop();
    return count - this.begun.length;
  }

  /** When there is room again; null: there is room. */
  opensAt(now: Instant): Instant | null {
    const [oldest] = this.begun;
    return this.rate === null || this.room(now) > 0 || oldest === undefined
      ? null
      : plus(oldest, this.rate.per);
  }

  begins(now: Instant): void {
    if (this.rate !== null) this.begun.push(now);
  }
}
