/**
 * What a clock and a calendar on the wall show, no zone meant, and how that
 * becomes a moment: for calendars, whose times are written so.
 *
 * A zone is a function from a moment to its offset, so that zones of the
 * system and zones described in a calendar are the same to all who ask. Where
 * clocks go back, a time shown twice means the first; where they go forward, a
 * time not shown means what the clock would show had it not been changed:
 * RFC 5545, 3.3.5.
 */
import { Temporal } from 'temporal-polyfill';
import { type Duration, days, hours, type Instant, instant, milliseconds } from '../../time.ts';
import type { DayNumber } from '../core/policy.ts';

/** Whole milliseconds since 1970-01-01T00:00 as it would be on the wall. */
export type Wall = number & { readonly brand: 'Wall' };

export const wall = (n: number): Wall => n as Wall;

/** How far the wall clock is ahead of UTC at that moment. */
export type OffsetAt = (at: Instant) => Duration;

export const utc: OffsetAt = () => milliseconds(0);

const day = days(1);
/** Longer than any two zones are apart. */
const offsetsApart = hours(36);

/** The moment at which the wall clock of that zone shows `shown`. */
export function instantOf(shown: Wall, offsetAt: OffsetAt): Instant {
  const before = offsetAt(instant(shown - offsetsApart));
  const after = offsetAt(instant(shown + offsetsApart));
  const first = instant(shown - before);
  if (before === after || offsetAt(first) === before) return first;
  const second = instant(shown - after);
  return offsetAt(second) === after ? second : first;
}

export const wallOf = (at: Instant, offsetAt: OffsetAt): Wall => wall(at + offsetAt(at));
export const dayOf = (shown: Wall): DayNumber => Math.floor(shown / day);
export const midnightOf = (dayNumber: DayNumber): Wall => wall(dayNumber * day);

/** A date of the Gregorian calendar; `month` from 1 to 12. */
export type CivilDate = { readonly year: number; readonly month: number; readonly day: number };

/** Years that begin in March have their odd day at the end, and repeat every 400: 146,097 days. */
const daysIn400Years = 146_097;
/** From 0000-03-01 to 1970-01-01. */
const daysBefore1970 = 719_468;

export function dayNumberOf({ year, month, day: dayOfMonth }: CivilDate): DayNumber {
  const marchYear = month > 2 ? year : year - 1;
  const cycle = Math.floor(marchYear / 400);
  const yearOfCycle = marchYear - cycle * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + dayOfMonth - 1;
  const leapDays = Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
  return cycle * daysIn400Years + yearOfCycle * 365 + leapDays + dayOfYear - daysBefore1970;
}

export function civilDateOf(dayNumber: DayNumber): CivilDate {
  const shifted = dayNumber + daysBefore1970;
  const cycle = Math.floor(shifted / daysIn400Years);
  const dayOfCycle = shifted - cycle * daysIn400Years;
  const leapless =
    dayOfCycle -
    Math.floor(dayOfCycle / 1460) +
    Math.floor(dayOfCycle / 36_524) -
    Math.floor(dayOfCycle / 146_096);
  const yearOfCycle = Math.floor(leapless / 365);
  const dayOfYear =
    dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

export function monthLength(year: number, month: number): number {
  const next = month === 12 ? { year: year + 1, month: 1, day: 1 } : { year, month: month + 1, day: 1 };
  return dayNumberOf(next) - dayNumberOf({ year, month, day: 1 });
}

/** A date as written, null where there is no such day. */
export function dayNumberIfReal(date: CivilDate): DayNumber | null {
  const real = date.month >= 1 && date.month <= 12 && date.day >= 1;
  return real && date.day <= monthLength(date.year, date.month) ? dayNumberOf(date) : null;
}

type Span = { readonly from: number; readonly to: number; readonly offset: Duration };

/** A zone's spans of one offset that were used last: finding one takes a hundred times as long as using it. */
const spansRemembered = 64;
/** Beyond it zones go on as they are there; the arithmetic of the library ends somewhat later. */
const farAway = days(365 * 200_000);

/**
 * The offsets of a zone that the system knows.
 * @returns null where it knows no zone of that name.
 */
export function offsetsOf(timezone: string): OffsetAt | null {
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{0,99}$/.test(timezone)) return null;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timezone);
  } catch {
    return null;
  }
  const spans: Span[] = [];
  return (at) => {
    const near = Math.max(-farAway, Math.min(farAway, at));
    let span = spans.find(({ from, to }) => from <= near && near < to);
    if (span === undefined) {
      span = findSpan(timezone, near);
      if (spans.length === spansRemembered) spans.pop();
      spans.unshift(span);
    }
    return span.offset;
  };
}

function findSpan(timezone: string, at: number): Span {
  const there = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  // "previous" is before, never at: asked from a millisecond later, a span's own first moment is found.
  const from = there.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds;
  const to = there.getTimeZoneTransition('next')?.epochMilliseconds;
  return {
    from: from ?? Number.NEGATIVE_INFINITY,
    to: to ?? Number.POSITIVE_INFINITY,
    offset: milliseconds(Math.round(there.offsetNanoseconds / 1e6)),
  };
}
