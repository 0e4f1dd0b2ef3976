/**
 * Whether a target is slow. Each delay measured at it, by pings and by traces,
 * is graded against what is usual for that way of measuring; a verdict needs
 * nearly all of the last few to agree, so neither an outlier nor a delay that
 * comes in two sizes, as under load sharing by packet, is one.
 *
 * What is learnt as usual waits for a while, and is not learnt at all if by
 * then most delays are too long: a fault must not teach that it is usual.
 */
import { type Instant, since } from '../../time.ts';
import type { Rtt } from './record.ts';
import { delaysMax, type ExcessRule, type SlowRule } from './rules.ts';
import { admit, appended, emptySample, type Sample } from './sample.ts';

export type Usual = {
  readonly sample: Sample;
  /** Delays that are not yet learnt, the oldest first. */
  readonly waiting: readonly Rtt[];
};

export type Delay = {
  readonly ping: Usual;
  readonly trace: Usual;
  /** The grades of the last delays, the newest last. */
  readonly grades: readonly number[];
  /** When the first of the delays came that are too long without a break; null while none is. */
  readonly began: Instant | null;
  /** Traces since then, up to as many as a hop remembers. */
  readonly traces: number;
  /** How many were good lately, while it is slow. */
  readonly good: number;
};

export type Way = 'ping' | 'trace';
export type Slowness = 'over' | 'usual' | 'step';

/** Grades: a sum of these. */
const aboveUsual = 1;
const aboveStep = 2;
const aboveAll = 4;
const notGood = 8;

/** Before so many delays are known, none is too long for this target. */
const learntFrom = 5;
const waitingMax = 3;
const tracesMax = 3;
/** Delays of which half must be too long for nothing to be learnt. */
const doubtOf = 8;
/** Of the delays of a step. */
const stepShare = 0.8;
/** A delay is good again below this part of the excess that is too much, and of the absolute limit. */
const goodShare = 0.5;
const goodOver = 0.9;
/** A bad delay undoes so many good ones. */
const badCosts = 3;

const nothingUsual: Usual = { sample: emptySample, waiting: [] };
export const noDelay: Delay = {
  ping: nothingUsual,
  trace: nothingUsual,
  grades: [],
  began: null,
  traces: 0,
  good: 0,
};

/** One more delay. `slow`: whether the verdict stands. */
export function withDelay(
  delay: Delay,
  way: Way,
  rtt: Rtt,
  at: Instant,
  rule: SlowRule,
  slow: boolean,
): Delay {
  const grade = gradeOf(delay[way].sample, rtt, rule);
  const grades = appended(delay.grades, grade, delaysMax);
  const isBad = (grade & (aboveUsual | aboveStep | aboveAll)) !== 0;
  // One outlier long ago is not when it began.
  const isFirst = !slow && count(grades, doubtOf, aboveUsual | aboveStep | aboveAll) <= 1;
  const next: Delay = {
    ...delay,
    grades,
    began: isBad ? (isFirst ? at : (delay.began ?? at)) : isFirst ? null : delay.began,
    traces: isFirst ? 0 : delay.traces,
    good: grade === 0 ? delay.good + 1 : isBad ? Math.max(0, delay.good - badCosts) : delay.good,
  };
  return { ...next, [way]: learnt(next, way, rtt, rule, slow) };
}

/**
 * A trace that arrived came to its end: what its hops measured counts as one, if it began after the target became slow.
 * The nearer hops of one that was under way then were measured before.
 */
export const withDelayTrace = (delay: Delay, at: Instant): Delay =>
  delay.began === null || at <= delay.began
    ? delay
    : { ...delay, traces: Math.min(tracesMax, delay.traces + 1) };

/** Whether as many traces as a hop remembers say where it begins. */
export const hasTracesEnough = ({ traces }: Delay): boolean => traces === tracesMax;

function learnt(delay: Delay, way: Way, rtt: Rtt, rule: SlowRule, slow: boolean): Usual {
  const { sample, waiting } = delay[way];
  if (sample.values.length < learntFrom) return { sample: admit(sample, rtt), waiting };
  if (waiting.length < waitingMax) return { sample, waiting: appended(waiting, rtt, waitingMax) };
  const [oldest = rtt] = waiting;
  const isDoubtful =
    (slow || isInDoubt(delay)) && (gradeOf(sample, oldest, rule) & (aboveUsual | aboveStep)) !== 0;
  return { sample: isDoubtful ? sample : admit(sample, oldest), waiting: appended(waiting, rtt, waitingMax) };
}

/** Whether half of the last delays are too long for this target. */
export function isInDoubt({ grades }: Delay): boolean {
  return count(grades, doubtOf, aboveUsual | aboveStep) * 2 >= doubtOf;
}

function count(grades: readonly number[], of: number, grade: number): number {
  let found = 0;
  for (let i = Math.max(0, grades.length - of); i < grades.length; i++)
    if (((grades[i] ?? 0) & grade) !== 0) found++;
  return found;
}

function gradeOf(sample: Sample, rtt: Rtt, { over, usual, step }: SlowRule): number {
  const isKnown = sample.values.length >= learntFrom;
  const usualLimit = usual !== null && isKnown ? limitOf(sample, usual) : Number.POSITIVE_INFINITY;
  const stepLimit = step !== null && isKnown ? limitOf(sample, step) : Number.POSITIVE_INFINITY;
  const goodLimit = sample.median + (Math.min(usualLimit, stepLimit) - sample.median) * goodShare;
  return (
    (rtt > usualLimit ? aboveUsual : 0) |
    (rtt > stepLimit ? aboveStep : 0) |
    (over !== null && rtt > over ? aboveAll : 0) |
    (rtt > goodLimit || (over !== null && rtt > over * goodOver) ? notGood : 0)
  );
}

/** Above this a delay is too long. What is rare but usual is not: hence also a margin above the longest usual ones. */
export function limitOf(sample: Sample, { atLeast, percent, spreads }: ExcessRule): Rtt {
  const { median, spread, low, high } = sample;
  const excess = Math.max(atLeast, (median * percent) / 100, spreads * spread);
  return Math.max(median + excess, high + Math.max(1, (high - low) / 4));
}

/** Whether it is slow, and by what; the gravest first. */
export function slowness({ grades }: Delay, rule: SlowRule): Slowness | null {
  if (rule.over !== null && count(grades, rule.of, aboveAll) >= rule.count) return 'over';
  if (rule.usual !== null && count(grades, rule.of, aboveUsual) >= rule.count) return 'usual';
  const { step } = rule;
  const of = step === null ? 0 : Math.min(delaysMax, step.of);
  return step !== null && count(grades, of, aboveStep) >= of * stepShare ? 'step' : null;
}

/** The slowness begins to count now: good delays from here on can end it. */
export const withVerdict = (delay: Delay): Delay => ({ ...delay, good: 0 });

/** Whether it has been good for long enough. */
export const isGoodAgain = ({ good }: Delay, rule: SlowRule): boolean => good >= rule.good;

/** What has stood for so long is usual: all that was known before is forgotten. */
export function isSettled({ began }: Delay, rule: SlowRule, now: Instant): boolean {
  return began !== null && since(began, now) >= rule.settle;
}

/** The delays of the last so many pings and what is usual, for words: medians. */
export const usualPing = ({ ping }: Delay): Rtt | null =>
  ping.sample.values.length < learntFrom ? null : ping.sample.median;
