/**
 * Whether a target answers at all, and whether the way to it goes round in
 * circles. Pings and traces are asked together: pings that are not answered are
 * an outage only if the traces do not arrive either, for some targets answer
 * just one of the two.
 */
import { type Duration, type Instant, seconds, since } from '../../time.ts';
import { circleOf, type Path, rowsOf } from './path.ts';
import type { Address, PingRecord, TraceRecord } from './record.ts';
import type { LoopRule, UnreachableRule } from './rules.ts';
import type { Place } from './where.ts';

export type Reach = {
  /** Pings in a row without a reply; an error counts double. */
  readonly failing: number;
  /** When the first and the last of these were sent. */
  readonly failedFrom: Instant | null;
  readonly failedTo: Instant | null;
  /** When the last ping was sent that was answered. */
  readonly answeredAt: Instant | null;
  /** The last trace that did not arrive, while pings fail; kept for the words. */
  readonly failed: TraceRecord | null;
  /** When a trace arrived last, if one has since a ping was last answered: pings alone then prove nothing. */
  readonly arrivedAt: Instant | null;
  /** How well it was known where it is cut off, when that was said last. */
  readonly told: Knowledge;
  /** Where the last traces show it cut off, if that is not where it was said to be, and how many in a row do. */
  readonly elsewhere: { readonly hop: Address; readonly traces: number } | null;
  /** Answers of any kind since the verdict was raised. */
  readonly answers: number;
  /** What the router said that answered instead of the target. */
  readonly said: { readonly from: Address | null; readonly why: string } | null;
  /** Of the last three traces, the newest first: whether they went in circles. */
  readonly circles: readonly boolean[];
  readonly circledFrom: Instant | null;
  /** How often it was cut off lately: fades while it answers. */
  readonly flaps: number;
  /** When it failed last, if it was more than a lost ping or two. */
  readonly brokeAt: Instant | null;
};

/**
 * How well it is known where a target is cut off: not at all; by a trace that may have been under way when it broke,
 * and so came too far; by one that began later; by what a router says; by a trace that goes in circles.
 */
export const knowledge = { none: 0, perhaps: 1, traced: 2, said: 3, circled: 4 } as const;
export type Knowledge = (typeof knowledge)[keyof typeof knowledge];

const circlesMax = 3;
/** In characters: of what a router says. */
const whyMax = 80;
const errorWeight = 2;
/** An engine that does not tell a loop gives a trace in which an address comes again and again. */
const timesRound = 3;
const answersToBelieve = 2;
const tracesToBelieve = 2;
/** From so many times on a target that comes and goes must answer for the whole `steady`; once less, for a sixth of it. */
const flapsMax = 4;
const steadyTimes = 6;
/** Lost pings in a row that are a break: with a trace that did not arrive either, and where none tells. */
const breakFrom = 3;
const breakAlone = 8;
/** One time is forgotten in so many times `steady`. */
const fadeTimes = 3;
/** A trace in a circle is followed at once by those that confirm it: they are waited for no longer than that. */
const circleWait = seconds(5);

export const noReach: Reach = {
  failing: 0,
  failedFrom: null,
  failedTo: null,
  answeredAt: null,
  failed: null,
  arrivedAt: null,
  told: knowledge.none,
  elsewhere: null,
  answers: 0,
  said: null,
  circles: [],
  circledFrom: null,
  flaps: 0,
  brokeAt: null,
};

/** @param steady of the rule: it forgets in some of that time how often the target was cut off. */
export function withPingOutcome(reach: Reach, { at, outcome }: PingRecord, steady: Duration): Reach {
  if (outcome.kind === 'unsent') return reach;
  if (outcome.kind === 'reply') return answered(reach, at, steady);
  // What was sent before a ping that was answered says nothing of now.
  if (reach.answeredAt !== null && at < reach.answeredAt && since(at, reach.answeredAt) < lateMax)
    return reach;
  const isError = outcome.kind === 'error';
  return {
    ...reach,
    failing: reach.failing + (isError ? errorWeight : 1),
    // Not necessarily the first one that was lost: the clock may have been set back since.
    failedFrom: reach.failedFrom !== null && reach.failedFrom < at ? reach.failedFrom : at,
    failedTo: at,
    // Where only traces arrive, pings prove nothing.
    answers: reach.arrivedAt === null ? 0 : reach.answers,
    said: isError ? { from: outcome.from, why: outcome.why.slice(0, whyMax) } : reach.said,
  };
}

/** A ping that is older than this was not overtaken: the clock was set back. */
const lateMax = 60_000;

function answered(reach: Reach, at: Instant, steady: Duration): Reach {
  const isOld = reach.failedFrom !== null && at < reach.failedFrom && since(at, reach.failedFrom) < lateMax;
  if (isOld) return reach;
  const isCircleOld = reach.circledFrom !== null && at < reach.circledFrom;
  const brokeAt = lastBreak(reach);
  return {
    ...noReach,
    // A clock that was set back makes it wait from now on.
    brokeAt: brokeAt === null || brokeAt < at ? brokeAt : at,
    flaps: faded(reach, at, steady),
    told: reach.told,
    answeredAt: at,
    answers: reach.answers + 1,
    circles: isCircleOld ? reach.circles : [],
    circledFrom: isCircleOld ? reach.circledFrom : null,
  };
}

/** A lossy way also loses some pings in a row, and a trace now and then: that is none. */
function lastBreak({ failing, failed, failedTo, brokeAt, arrivedAt }: Reach): Instant | null {
  const isBreak = failing >= (failed === null ? breakAlone : breakFrom);
  const isOfPingsOnly = failed === null && arrivedAt !== null;
  return isBreak && !isOfPingsOnly ? failedTo : brokeAt;
}

/** Only the time in which it answered counts. */
function faded(reach: Reach, at: Instant, steady: Duration): number {
  const { flaps, answeredAt, arrivedAt } = reach;
  if (!(flaps > 0) || steady === 0) return 0;
  const heard = Math.max(answeredAt ?? 0, arrivedAt ?? 0);
  const from = heard === 0 ? at : (Math.max(heard, lastBreak(reach) ?? 0) as Instant);
  return Math.max(0, flaps - Math.max(0, since(from, at)) / (fadeTimes * steady));
}

/** @param steady as for a ping. */
export function withTraceOutcome(reach: Reach, trace: TraceRecord, steady: Duration): Reach {
  const isCircle = goesInCircles(trace);
  const circles = [isCircle, ...reach.circles].slice(0, circlesMax);
  const circledFrom = circles.includes(true) ? (reach.circledFrom ?? trace.at) : null;
  const next = { ...reach, circles, circledFrom };
  const isOlder = reach.failedFrom === null || trace.at < reach.failedFrom;
  if (trace.end === 'reached') {
    // It may have arrived before the way broke.
    if (reach.failedFrom !== null && isOlder) return next;
    const isOnly = reach.arrivedAt !== null || reach.failing > 0;
    const begun = { failing: 0, failedFrom: null, failedTo: null, failed: null, said: null };
    return {
      ...next,
      ...begun,
      brokeAt: lastBreak(reach),
      flaps: isOnly ? faded(reach, trace.at, steady) : reach.flaps,
      arrivedAt: isOnly ? trace.at : null,
      answers: reach.answers + 1,
    };
  }
  const said =
    trace.end === 'unreachable' && trace.said !== ''
      ? { from: lastAddress(trace), why: trace.said.slice(0, whyMax) }
      : reach.said;
  // A trace that began before pings failed may have been under way when it broke, or have found it broken first.
  if (isOlder && reach.answeredAt !== null && trace.at <= reach.answeredAt) return next;
  return { ...next, failed: trace, said, answers: 0 };
}

/** Whoever answered last, and so ended it: if the way broke meanwhile, others answered at that place before. */
function lastAddress({ hops }: TraceRecord): Address | null {
  for (const { probes } of hops.toReversed()) {
    const found = probes.findLast(({ address }) => address !== null);
    if (found !== undefined) return found.address;
  }
  return null;
}

/** Whether the target is cut off. `tells`: whether traces usually arrive, so that one that does not says something. */
export function isCutOff(reach: Reach, tells: boolean, rule: UnreachableRule): boolean {
  const { failing, failedFrom, failedTo, failed, arrivedAt } = reach;
  if (failedFrom === null || failedTo === null) return false;
  const isLong = since(failedFrom, failedTo) >= rule.lasting;
  const isTraced = tells && failed !== null && failing >= rule.lost;
  return isLong && (isTraced || (arrivedAt === null && failing >= rule.alone));
}

/** Whether pings fail, and so few that more of them could still make it an outage. */
export function isOutageOpen({ failing, failedFrom, failedTo }: Reach, rule: UnreachableRule): boolean {
  if (failing === 0 || failedFrom === null || failedTo === null) return false;
  return failing < Math.max(rule.lost, rule.alone) || since(failedFrom, failedTo) < rule.lasting;
}

/** Whether it has answered long enough to be back. */
export const isBack = (reach: Reach, rule: UnreachableRule, now: Instant): boolean =>
  reach.failing === 0 && reach.answers >= rule.answered && isSteady(reach, rule.steady, now);

/** Whether it has answered without a break for as long as it must: one that was cut off several times lately must for longer. */
export const isSteady = (reach: Reach, steady: Duration, now: Instant): boolean =>
  !isFlapping(reach) ||
  reach.brokeAt === null ||
  since(reach.brokeAt, now) >= steady * steadyTimes ** (reach.flaps - flapsMax);

/** Whether it comes and goes: it was cut off more than once, and the time before is not long ago. */
export const isFlapping = ({ flaps }: Reach): boolean => flaps > 1.5;

/** It is said from here on. */
export const cutOff = (reach: Reach): Reach =>
  recounted({ ...reach, flaps: Math.min(flapsMax, (reach.flaps > 0 ? reach.flaps : 0) + 1) });

/** The verdict begins here. */
export const recounted = (reach: Reach): Reach => ({
  ...reach,
  answers: 0,
  told: knownNow(reach),
  elsewhere: null,
});

/** How well it is known now where the target is cut off. */
export function knownNow(reach: Reach): Knowledge {
  const { failed, failedFrom, said } = reach;
  if (circleNow(reach) !== null) return knowledge.circled;
  if (said !== null && said.from !== null) return knowledge.said;
  if (failed === null || failedFrom === null) return knowledge.none;
  return failed.at >= failedFrom ? knowledge.traced : knowledge.perhaps;
}

/** Whether lost pings may be those of an outage, and so no loss. */
export const mayBeOutage = ({ failing, arrivedAt }: Reach): boolean => failing > 0 && arrivedAt === null;

/** The last hop that answered, for what is cut off. Null where none did. */
export function lastAnswer(reach: Reach, usual: Path): Place | null {
  if (reach.failed === null) return null;
  const rows = rowsOf(reach.failed, usual);
  const index = rows.findLastIndex((row) => row.length > 0);
  return index < 0 ? null : { ttl: index + 1, address: rows[index]?.[0] ?? null };
}

export type Circle = { readonly first: Place; readonly second: Place | null };

/** Whether a trace went in circles and so did not arrive. A router that is met twice may just be one that refuses. */
function goesInCircles(trace: TraceRecord): boolean {
  if (trace.end === 'loop') return true;
  if (trace.end === 'reached' || trace.end === 'unreachable') return false;
  const address = circle(trace)?.first.address ?? null;
  const isThere = ({ probes }: TraceRecord['hops'][number]): boolean =>
    probes.some((one) => one.address === address);
  return address !== null && trace.hops.filter(isThere).length >= timesRound;
}

/** The first router of the circle and the one after it. */
export function circle(trace: TraceRecord): Circle | null {
  const rows = trace.hops.map(({ probes }) =>
    probes.flatMap(({ address }) => (address === null ? [] : [address])),
  );
  const found = circleOf(rows);
  if (found === null) return null;
  const offset = (trace.hops[0]?.ttl ?? 1) - 1;
  const place = (ttl: number): Place => ({ ttl: ttl + offset, address: rows[ttl - 1]?.[0] ?? null });
  const second = found.first + 1 < found.repeated ? place(found.first + 1) : null;
  return { first: place(found.first), second };
}

/** Whether it loops: enough traces went in circles, and no ping was answered since. */
export const isLooping = (reach: Reach, pinged: boolean, { count }: LoopRule): boolean =>
  isCircling(reach, count) && (reach.failing > 0 || !pinged);

export const isCircling = ({ circles }: Reach, count: number = tracesToBelieve): boolean =>
  circles.filter((one) => one).length >= count;

/** Whether it no longer does. */
export const isStraight = ({ circles, answers }: Reach): boolean =>
  answers >= answersToBelieve && !circles.slice(0, 2).includes(true);

/** Where the last trace that did not arrive goes round, if it does. */
export const circleNow = ({ circles, failed }: Reach): Circle | null =>
  circles[0] === true && failed !== null ? circle(failed) : null;

/** Whether the last trace went in circles, and it will soon be known whether that is a loop. */
export const isCircleNew = ({ circles, circledFrom }: Reach, now: Instant): boolean =>
  circles[0] === true && circledFrom !== null && since(circledFrom, now) < circleWait;

/** Whether the last traces, all that are remembered, went in circles no more: without an answer it is another fault. */
export const isOutOfCircles = ({ circles }: Reach): boolean =>
  circles.length >= circlesMax && !circles.includes(true);

/** Without what routers said of packets that went in circles. */
export function outOfCircles(reach: Reach): Reach {
  const { failed } = reach;
  return { ...reach, said: failed?.end === 'unreachable' && failed.said !== '' ? reach.said : null };
}
