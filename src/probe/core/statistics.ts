/**
 * The figures of a target's pings: counters, delays, moving averages. They are
 * for people, dashboards and graphs; no verdict depends on them, so they may be
 * set to zero at any time. Plain data: a state file holds it as it is.
 */
import { type Duration, days, hours, type Instant, instant, minutes } from '../../time.ts';
import {
  addTo,
  type Bucket,
  bucketsOf,
  type Histograms,
  hoursOf,
  newHistograms,
  withoutTotal,
} from './histogram.ts';
import type { Rtt } from './record.ts';

export type Statistics = {
  /** When counting began. */
  readonly since: Instant;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly errors: number;
  readonly last: Rtt | null;
  readonly min: Rtt | null;
  readonly max: Rtt | null;
  readonly mean: Rtt;
  /** The sum of the squared distances from the mean, kept by Welford's rule. */
  readonly squares: number;
  /** The sum of the changes from one reply to the next. */
  readonly changes: number;
  readonly moving: Moving;
  readonly histograms: Histograms;
};

/** Sums in which what is older weighs less, each with the sum of its weights. */
type Moving = {
  readonly at: Instant | null;
  readonly m15: readonly [sum: number, weight: number];
  readonly h6: readonly [sum: number, weight: number];
  readonly h24: readonly [sum: number, weight: number];
};

const periods = { m15: minutes(15), h6: hours(6), h24: days(1) } as const;

/** Delays in milliseconds; null where nothing was measured. */
export type Summary = {
  readonly since: Instant;
  readonly sent: number;
  readonly recv: number;
  /** Answered by somebody else, with an error. */
  readonly errs: number;
  /** Under way. */
  readonly outd: number;
  readonly lost: number;
  readonly last: Rtt | null;
  readonly min: Rtt | null;
  readonly avg: Rtt | null;
  readonly max: Rtt | null;
  readonly stdev: Rtt | null;
  /** The mean change from one reply to the next. */
  readonly jitter: Rtt | null;
  /** Over the last 15 minutes, 6 hours, 24 hours; null also where nothing was measured for so long. */
  readonly averages: { readonly m15: Rtt | null; readonly h6: Rtt | null; readonly h24: Rtt | null };
};

const noMoving: Moving = { at: null, m15: [0, 0], h6: [0, 0], h24: [0, 0] };

export function newStatistics(now: Instant): Statistics {
  return { ...zero(now), moving: noMoving, histograms: newHistograms };
}

const zero = (since: Instant): Omit<Statistics, 'moving' | 'histograms'> => ({
  since,
  sent: 0,
  received: 0,
  lost: 0,
  errors: 0,
  last: null,
  min: null,
  max: null,
  mean: 0,
  squares: 0,
  changes: 0,
});

/** Counters and delays at zero; the averages and the hours' histograms go on. */
export function resetStatistics(statistics: Statistics, now: Instant): Statistics {
  const { moving, histograms } = statistics;
  return { ...zero(now), moving, histograms: withoutTotal(histograms) };
}

/** A ping was sent. */
export function addSent(statistics: Statistics): Statistics {
  return { ...statistics, sent: statistics.sent + 1 };
}

/** A ping that was counted as sent tells nothing: it could not be sent, or the engine was lost with it. */
export function takeBackSent(statistics: Statistics): Statistics {
  return outstanding(statistics) === 0 ? statistics : { ...statistics, sent: statistics.sent - 1 };
}

/** Nothing is under way any more: what was, when the agent ended, is not held against the target. */
export function forgetOutstanding(statistics: Statistics): Statistics {
  return { ...statistics, sent: statistics.sent - outstanding(statistics) };
}

export function addLost(statistics: Statistics): Statistics {
  return { ...sentAtLeastOne(statistics), lost: statistics.lost + 1 };
}

export function addError(statistics: Statistics): Statistics {
  return { ...sentAtLeastOne(statistics), errors: statistics.errors + 1 };
}

export function addReply(statistics: Statistics, rtt: Rtt, now: Instant): Statistics {
  const received = statistics.received + 1;
  const off = rtt - statistics.mean;
  const mean = statistics.mean + off / received;
  return {
    since: statistics.since,
    sent: sentAtLeastOne(statistics).sent,
    received,
    lost: statistics.lost,
    errors: statistics.errors,
    last: rtt,
    min: statistics.min === null ? rtt : Math.min(statistics.min, rtt),
    max: statistics.max === null ? rtt : Math.max(statistics.max, rtt),
    mean,
    squares: statistics.squares + off * (rtt - mean),
    changes: statistics.changes + (statistics.last === null ? 0 : Math.abs(rtt - statistics.last)),
    moving: moved(statistics.moving, rtt, now),
    histograms: addTo(statistics.histograms, rtt, now),
  };
}

/** An outcome belongs to a ping that was sent, even if the counters were set to zero in between. */
function sentAtLeastOne(statistics: Statistics): Statistics {
  return outstanding(statistics) > 0 ? statistics : { ...statistics, sent: statistics.sent + 1 };
}

const outstanding = ({ sent, received, lost, errors }: Statistics): number => sent - received - lost - errors;

function moved(moving: Moving, rtt: Rtt, now: Instant): Moving {
  // A clock that was set back must not make the past weigh more.
  const passed = moving.at === null ? 0 : Math.max(0, now - moving.at);
  const aged = ([sum, weight]: readonly [number, number], period: Duration): readonly [number, number] => {
    const fade = Math.exp(-passed / period);
    return [sum * fade + rtt, weight * fade + 1];
  };
  return {
    at: now,
    m15: aged(moving.m15, periods.m15),
    h6: aged(moving.h6, periods.h6),
    h24: aged(moving.h24, periods.h24),
  };
}

/** What people are shown. */
export function summaryOf(statistics: Statistics, now: Instant): Summary {
  const { received, moving } = statistics;
  const average = (name: keyof typeof periods): Rtt | null =>
    moving.at === null || now - moving.at > periods[name] ? null : moving[name][0] / moving[name][1];
  return {
    since: statistics.since,
    sent: statistics.sent,
    recv: received,
    errs: statistics.errors,
    outd: outstanding(statistics),
    lost: statistics.lost,
    last: statistics.last,
    min: statistics.min,
    avg: received === 0 ? null : statistics.mean,
    max: statistics.max,
    stdev: received === 0 ? null : Math.sqrt(Math.max(0, statistics.squares) / received),
    jitter: received < 2 ? null : statistics.changes / (received - 1),
    averages: { m15: average('m15'), h6: average('h6'), h24: average('h24') },
  };
}

/**
 * How many replies took how long, in the hour to which that instant belongs, or since counting began (null).
 * Only buckets that hold any, the shortest delays first; each counts what is longer than the bucket before it could be.
 */
export function histogram(statistics: Statistics, hour: Instant | null): readonly Bucket[] {
  return bucketsOf(statistics.histograms, hour);
}

/** The hours of which there is a histogram, by their beginnings, the oldest first. */
export function hoursKnown({ histograms }: Statistics): readonly Instant[] {
  return hoursOf(histograms).map((hour) => instant(hour * hours(1)));
}
