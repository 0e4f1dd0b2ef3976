/**
 * Lengths of time counted in hours of a kind: "for two working hours". The
 * time outside them does not count.
 */
import { type Duration, type Instant, plus, since } from '../../time.ts';
import type { Episode, Hours } from './policy.ts';
import { nextChange, nextOpening } from './schedule.ts';

/** Hours have no episode: nothing of it is looked at. */
const none: Episode = { raisedAt: 0 as Instant };

/** So many openings are passed at most; nobody counts for years. */
const openingsMax = 5000;

/**
 * The moment at which `length` of the hours has passed since `from`; no length at all ends at once or, outside the
 * hours, when they open.
 * @returns null where the hours do not open for a week on end, or the length is beyond all reason.
 */
export function countedFrom(from: Instant, length: Duration, hours: Hours): Instant | null {
  const during = { kind: 'hours', hours } as const;
  let left: Duration = length;
  let at = nextOpening(during, none, from);
  for (let opening = 0; at !== null && opening < openingsMax; opening++) {
    const end = plus(at, left);
    const closes = nextChange(during, none, at, end);
    if (closes === null || closes >= end) return end;
    left = since(closes, end);
    at = nextOpening(during, none, closes);
  }
  return null;
}
