/**
 * How much a person is sent: the judgement of limits, asked when a message is
 * about to be sent. What is held back is not lost: it waits, and what still
 * stands when the limit ends goes out then. Source of the rule: semantics,
 * "Delivery".
 */
import { type Instant, latest, plus, since } from '../../time.ts';
import { type Level, levels } from './alert.ts';
import type { Limit } from './policy.ts';

/** A message that was sent, on however many channels. */
export type Sent = { readonly at: Instant; readonly level: Level };

/**
 * Until when a message of that level is held back, now that these were sent, the newest first.
 * @returns null where it may go.
 */
export function heldUntil(
  limits: readonly Limit[],
  sent: readonly Sent[],
  level: Level,
  now: Instant,
): Instant | null {
  let until: Instant | null = null;
  for (const limit of limits) {
    const ends = limitEnds(limit, sent, level);
    if (ends !== null && ends > now) until = until === null ? ends : latest(until, ends);
  }
  return until;
}

/** When a limit that the last messages have reached lets the next one go; null where they have not reached it. */
function limitEnds(limit: Limit, sent: readonly Sent[], level: Level): Instant | null {
  const [newest] = sent;
  if (newest === undefined || !isReached(limit, sent)) return null;
  const all = sent.slice(0, limit.count).every((one) => rank(one.level) >= rank(level));
  return all ? plus(newest.at, limit.per) : null;
}

/**
 * Whether so many were sent within the period, and none of the pauses since was as long as it. A message of a higher
 * level that passed meanwhile does not end it: that would let the others go before their time.
 */
function isReached({ count, per }: Limit, sent: readonly Sent[]): boolean {
  for (const [index, { at }] of sent.entries()) {
    const after = sent[index - 1];
    const first = sent[index + count - 1];
    if (first === undefined || (after !== undefined && since(at, after.at) >= per)) return false;
    if (since(first.at, at) < per) return true;
  }
  return false;
}

const rank = (level: Level): number => levels.indexOf(level);

/**
 * How many of the last messages are looked at: those that reached a limit, and those that passed it since, which are at
 * most as many of each higher level. More pass it only where the limits became others meanwhile; what went before these
 * is then forgotten, for a reached limit must not need all that was ever sent.
 */
export const sentToKnow = (limits: readonly Limit[]): number =>
  levels.length * Math.max(0, ...limits.map(({ count }) => count));
