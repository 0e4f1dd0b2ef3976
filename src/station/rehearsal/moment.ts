/**
 * Moments as people write them on a command line or in a scenario: `10:30`,
 * `mon 08:00`, `2026-11-23 09:00`, `+5m`, or RFC 3339. Without an offset they
 * are what a clock on the wall shows in a time zone; a time that is shown twice
 * is the first, one that is skipped is when the clock has gone on.
 */
import { Temporal } from 'temporal-polyfill';
import {
  type Duration,
  days,
  type Instant,
  instant,
  minus,
  parseDuration,
  plus,
  seconds,
} from '../../time.ts';

export type MomentBase = {
  /** What `+5m` is counted from, and whose day or coming days a time of day is on. */
  readonly from: Instant;
  readonly timezone: string;
  /** Whether a time of day is on the same day, or the next such time from `from` on. */
  readonly timeOfDay: 'same-day' | 'next';
};

/** A moment, and how exactly it was written: to the minute or to the second. */
export type Moment = { readonly at: Instant; readonly exact: Duration };

const minute = seconds(60);
const second = seconds(1);
const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** For messages: what can be written. */
export const momentWords = 'a time such as 10:30, mon 08:00, +5m or 2026-11-23 09:00 is expected';

/** @returns null where the text is no moment. */
export function parseMoment(text: string, base: MomentBase): Moment | null {
  if (text === 'now') return { at: base.from, exact: second };
  const [, sign, length] = /^([+-])(.+)$/.exec(text) ?? [];
  if (length !== undefined) {
    const duration = parseDuration(length);
    if (duration === null) return null;
    return { at: sign === '-' ? minus(base.from, duration) : plus(base.from, duration), exact: second };
  }
  return parseDated(text, base.timezone) ?? parseTimeOfDay(text, base);
}

const written = /^(\d{4}-\d\d-\d\d)[ T](\d{1,2}:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?$/i;

function parseDated(text: string, timezone: string): Moment | null {
  const [, date, time, offset] = written.exec(text) ?? [];
  if (date === undefined || time === undefined) return null;
  const clock = `${date}T${time.padStart(time.length === 4 || time.length === 7 ? time.length + 1 : 0, '0')}`;
  const at = attempted(() =>
    offset === undefined
      ? Temporal.PlainDateTime.from(clock).toZonedDateTime(timezone).epochMilliseconds
      : Temporal.Instant.from(`${clock}${offset.toUpperCase()}`).epochMilliseconds,
  );
  return at === null ? null : { at: instant(at), exact: exactness(time) };
}

function parseTimeOfDay(text: string, { from, timezone, timeOfDay }: MomentBase): Moment | null {
  const [, weekday, hour, rest] = /^(?:([a-z]{3}) )?(\d{1,2}):(\d\d(?::\d\d)?)$/i.exec(text) ?? [];
  if (hour === undefined || rest === undefined) return null;
  const wanted = weekday === undefined ? null : dayNames.indexOf(weekday.toLowerCase()) + 1;
  if (wanted === 0) return null;
  const time = attempted(() => Temporal.PlainTime.from(`${hour.padStart(2, '0')}:${rest}`));
  if (time === null) return null;
  const exact = exactness(`${hour}:${rest}`);
  const first = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timezone).toPlainDate();
  // A time written to the minute may mean the very minute that runs.
  const least = instant(Math.floor(from / exact) * exact);
  for (let ahead = 0; ahead <= days(8) / days(1); ahead++) {
    const date = first.add({ days: ahead });
    if (wanted !== null && date.dayOfWeek !== wanted) continue;
    const at = instant(date.toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds);
    if (at >= least || (timeOfDay === 'same-day' && wanted === null)) return { at, exact };
  }
  return null;
}

const exactness = (time: string): Duration => (time.split(':').length === 3 ? second : minute);

/** Temporal throws a RangeError for what is no date or time, such as 25:00. */
function attempted<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
