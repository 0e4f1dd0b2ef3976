/**
 * What the last pings say, one by one: how many were lost, and how much their
 * delays jump. Loss is judged here alone, at the target: routers and hosts
 * answer traces only as often as they like.
 */
import type { Rtt } from './record.ts';
import { type LossRule, type Rules, windowMax } from './rules.ts';
import { appended, medianChange } from './sample.ts';

/** The last pings, the newest last: a delay in milliseconds, or `lostPing`. */
export type Pings = readonly number[];
export const lostPing = -1;
/** Kept whatever the rules, for words. */
const pingsLeast = 10;

/** So much likelier must the loss be than an ordinary one (as a logarithm) to be believed from fewer pings than the rule names. */
const believed = 8;
/** Traces that show it, too, count half, but never for all. */
const tracedPart = 0.5;
const believedLeast = 5;
/** … and to be over. */
const disbelieved = 6;
/** … and to be looked at more closely. */
const doubted = 2.5;
/** What an ordinary loss is, as a part of the rule's share, and what one above it. */
const ordinaryPart = 0.25;
const lossyPart = 1.25;
/** Lost pings in a row count at most so often: one short break is one event, not many. */
const rowMax = 3;
/** … as long as it is one: by so many more lost pings it would have been said that the target is unreachable. */
const breakMost = 12;

/** With one more ping, lost where there is no delay; only as many are kept as the rules look at. */
export function withPing(pings: Pings, rtt: Rtt | null, { loss, jitter }: Rules): Pings {
  const kept = Math.max(loss?.of ?? 0, jitter?.of ?? 0, pingsLeast);
  return appended(pings, rtt ?? lostPing, Math.min(windowMax, kept));
}

/** Without those at the end that were lost: they belong to a time in which the target was unreachable. */
export function withoutTail(pings: Pings): Pings {
  return pings.slice(0, pings.findLastIndex((rtt) => rtt !== lostPing) + 1);
}

export type Loss = { readonly lost: number; readonly of: number; readonly isTooMuch: boolean };

/** What is lost of packets that nothing is wrong with, by a rule: from 0 to 1. */
export const ordinaryLoss = ({ percent }: LossRule): number =>
  Math.max(0.0001, (percent / 100) * ordinaryPart);

/** Whether too many pings are lost; how many of how many are for the words. `traced`: how sure traces are of it. */
export function lossOf(pings: Pings, rule: LossRule, traced: number): Loss {
  // Nearly always none was lost.
  if (!pings.includes(lostPing)) return { lost: 0, of: Math.min(pings.length, rule.of), isTooMuch: false };
  const last = pings.slice(-Math.min(windowMax, rule.of));
  const lost = countLost(last);
  if (lost > 0 && countEvents(last) * 100 >= rule.percent * Math.min(windowMax, rule.of)) {
    return { lost, of: last.length, isTooMuch: true };
  }
  const { sum, from } = strongest(last, rule);
  if (sum < Math.max(believedLeast, believed - traced * tracedPart))
    return { lost, of: last.length, isTooMuch: false };
  const tail = last.slice(from);
  return { lost: countLost(tail), of: tail.length, isTooMuch: true };
}

/** Of fewer pings the share is not said anew. */
const saidFrom = 20;

/** Whether so much more is lost than was said (in percent) that it is worth saying: twice as much, or all. */
export function isMuchMore({ lost, of }: Pick<Loss, 'lost' | 'of'>, said: number): boolean {
  if (of < saidFrom || said === 0) return false;
  const percent = percentOf({ lost, of });
  return percent >= 2 * said || (lost === of && said < 100);
}

export const percentOf = ({ lost, of }: Pick<Loss, 'lost' | 'of'>): number =>
  of === 0 ? 0 : Math.round((lost / of) * 100);

/** Whether the last pings make it worth asking more of them. */
export const isLossDoubtful = (pings: Pings, rule: LossRule): boolean =>
  pings.includes(lostPing) && strongest(pings.slice(-Math.min(windowMax, rule.of)), rule).sum >= doubted;

/** Whether no more pings were lost lately than of packets that nothing is wrong with. */
export function isLossOrdinary(pings: Pings, rule: LossRule): boolean {
  if (!pings.includes(lostPing)) return true;
  const last = pings.slice(-Math.min(windowMax, rule.of));
  return countLost(last) <= Math.max(1, last.length * ordinaryLoss(rule));
}

/**
 * How many pings at the end show that the loss is an ordinary one again, at most half of the rule's share; 0 where
 * they do not. They alone should be judged from then on.
 */
export function ordinaryTail(pings: Pings, { percent, of }: LossRule): number {
  const { forLost, forReply } = weights({ percent, of });
  const window = Math.min(windowMax, of);
  let sum = 0;
  let lost = 0;
  for (let count = 1; count <= pings.length; count++) {
    const isLost = pings[pings.length - count] === lostPing;
    sum -= isLost ? forLost : forReply;
    if (isLost) lost++;
    if (sum >= disbelieved) return count;
    if (count === window) return lost * 200 < percent * window ? count : 0;
  }
  return 0;
}

/** The end of the row that speaks most for a loss, and how strongly it does. */
function strongest(pings: Pings, rule: LossRule): { readonly sum: number; readonly from: number } {
  const { forLost, forReply } = weights(rule);
  let sum = 0;
  let best = 0;
  let from = pings.length;
  let row = 0;
  for (let i = pings.length - 1; i >= 0; i--) {
    row = pings[i] === lostPing ? row + 1 : 0;
    sum += row === 0 ? forReply : row <= rowMax ? forLost : 0;
    if (sum > best) {
      best = sum;
      from = i;
    }
  }
  return { sum: best, from };
}

/** How much a lost packet, and one that is answered, speak for a loss that is to be said and against an ordinary one; as logarithms. */
export function weights(rule: LossRule): { readonly forLost: number; readonly forReply: number } {
  const ordinary = ordinaryLoss(rule);
  const lossy = Math.min(0.95, (rule.percent / 100) * lossyPart);
  return { forLost: Math.log(lossy / ordinary), forReply: Math.log((1 - lossy) / (1 - ordinary)) };
}

/** Lost pings without most of the longest row: that may be one short break, of which many pings were lost for it was asked about at once. */
function countEvents(pings: Pings): number {
  let lost = 0;
  let row = 0;
  let longest = 0;
  for (const rtt of pings) {
    row = rtt === lostPing ? row + 1 : 0;
    if (row > 0) lost++;
    longest = Math.max(longest, row);
  }
  return lost - Math.min(breakMost, Math.max(0, longest - rowMax));
}

function countLost(pings: Pings): number {
  let lost = 0;
  for (const rtt of pings) if (rtt === lostPing) lost++;
  return lost;
}

/** How much the delay changes from one of the last pings to the next, for half of them; null where too few came back. */
export function jumpOf(pings: Pings, of: number): Rtt | null {
  const replies = pings.slice(-Math.min(windowMax, of)).filter((rtt) => rtt !== lostPing);
  return replies.length * 4 < of * 3 ? null : medianChange(replies);
}

/** Whether none of the last so many came back. */
export const areAllLost = (pings: Pings, of: number): boolean =>
  pings.length >= Math.min(windowMax, of) && !pings.slice(-of).some((rtt) => rtt !== lostPing);

/** Whether that can be more than a limit: quickly, for it is asked after each ping. */
export function mayJump(pings: Pings, of: number, limit: Rtt): boolean {
  let jumps = 0;
  for (let i = Math.max(1, pings.length - of); i < pings.length; i++) {
    if (Math.abs((pings[i] ?? 0) - (pings[i - 1] ?? 0)) > limit) jumps++;
  }
  return jumps * 4 > of;
}
