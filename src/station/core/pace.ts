/**
 * How often something may be done: so many times within a stretch of time that
 * begins with the first. Plain arithmetic; who counts, keeps the count.
 */
import { type Duration, type Instant, plus } from '../../time.ts';

export type Pace = { readonly count: number; readonly per: Duration };

/** What was done since `from`. */
export type Spent = { readonly from: Instant; readonly count: number };

/** Once more. `until`: when it may be done again, where this was one too many. A clock set back starts anew. */
export function spend(
  before: Spent | undefined,
  { count, per }: Pace,
  now: Instant,
): { readonly spent: Spent; readonly until: Instant | null } {
  const running = before !== undefined && now >= before.from && now < plus(before.from, per);
  const spent = running ? { ...before, count: before.count + 1 } : { from: now, count: 1 };
  return { spent, until: spent.count > count ? plus(spent.from, per) : null };
}
