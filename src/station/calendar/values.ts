/**
 * The values of a calendar's properties: dates, times, lengths, rules. The
 * library has read their text; here they are checked, because it takes 31
 * February, and a rule every nought days, as they come.
 */
import { days, hours, minutes, seconds } from '../../time.ts';
import { frequencies, type Recurrence } from './recurrence.ts';
import { CalendarFault, type CalendarProperty, isRecord, shown } from './text.ts';
import { dayNumberIfReal, midnightOf, type Wall, wall } from './wall-time.ts';

/** A date, or a time on a date, as written. */
export type Stamp = { readonly wall: Wall; readonly date: boolean; readonly utc: boolean };

/** Days and weeks are those of the wall clock; hours, minutes and seconds pass as they do: RFC 5545, 3.3.6. */
export type Length = { readonly nominal: number; readonly exact: number };

/** No shift and no holiday lasts longer. */
const lengthMax = days(36_600);
const numberMax = 1e9;

export function stampOf(value: unknown, line: number): Stamp {
  const text = typeof value === 'string' ? value : '';
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:T(?:::|(\d\d):(\d\d):(\d\d)(Z?)))?$/.exec(text);
  const [, year, month, day, hour, minute, second, zulu] = parts ?? [];
  const date = dayNumberIfReal({ year: Number(year), month: Number(month), day: Number(day) });
  if (parts === null || date === null) throw new CalendarFault(line, 'this is no date or time that there is');
  const midnight = midnightOf(date);
  if (hour === undefined) return { wall: midnight, date: true, utc: false };
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  // 60 is a leap second.
  if (h > 23 || m > 59 || s > 60) throw new CalendarFault(line, 'there is no such time of day');
  const at = midnight + hours(h) + minutes(m) + seconds(s);
  return { wall: wall(at), date: false, utc: zulu === 'Z' };
}

export function lengthOf(value: unknown, line: number): Length {
  const text = typeof value === 'string' ? value : '';
  const parts =
    /^\+?P(?=[\dT])(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/i.exec(
      text,
    );
  if (parts === null) throw new CalendarFault(line, 'this is no length of time, such as PT8H or P1W');
  const [w, d, h, m, s] = parts.slice(1).map((digits) => Number(digits ?? 0));
  const nominal = days((w ?? 0) * 7 + (d ?? 0));
  const exact = hours(h ?? 0) + minutes(m ?? 0) + seconds(s ?? 0);
  if (nominal + exact > lengthMax) throw new CalendarFault(line, 'this is longer than 100 years');
  return { nominal, exact };
}

export function checkedLength(nominal: number, line: number): Length {
  if (nominal < 0) throw new CalendarFault(line, 'this event ends before it begins');
  if (nominal > lengthMax) throw new CalendarFault(line, 'this event is longer than 100 years');
  return { nominal, exact: 0 };
}

/** `+01:00`, `-05:30:15` in milliseconds. */
export function offsetOf(property: CalendarProperty): number {
  const text = String(property.values[0]);
  const parts = /^([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (parts === null) throw new CalendarFault(property.line, 'this is no offset from UTC, such as +0100');
  const size = hours(Number(parts[2])) + minutes(Number(parts[3])) + seconds(Number(parts[4] ?? 0));
  if (size >= days(1)) throw new CalendarFault(property.line, 'no clock is a day ahead');
  return parts[1] === '-' ? -size : size;
}

/**
 * @param wallOfUntil what the wall clock of the event shows then: the end of a rule is mostly written in UTC.
 */
export function recurrenceOf(property: CalendarProperty, wallOfUntil: (until: Stamp) => Wall): Recurrence {
  const { line } = property;
  const [value] = property.values;
  if (!isRecord(value)) throw new CalendarFault(line, 'this is no rule');
  const frequency = frequencies.find((known) => known === value.freq);
  if (frequency === undefined) throw new CalendarFault(line, 'this rule has no FREQ');
  if (value.rscale !== undefined) throw new CalendarFault(line, 'RSCALE is not understood');
  const list = (key: string): readonly number[] | null => numbersOf(value[key], line);
  return {
    frequency,
    interval: value.interval === undefined ? 1 : wholeNumber(value.interval, line),
    count: value.count === undefined ? null : wholeNumber(value.count, line),
    until: value.until === undefined ? null : untilOf(stampOf(String(value.until), line), wallOfUntil),
    weekStart: weekdayFrom(value.wkst),
    months: list('bymonth'),
    weeks: list('byweekno'),
    yearDays: list('byyearday'),
    monthDays: list('bymonthday'),
    weekdays: weekdaysOf(value.byday, line),
    hours: list('byhour'),
    minutes: list('byminute'),
    seconds: list('bysecond'),
    positions: list('bysetpos'),
  };
}

/** A rule until a date goes on through that day. */
const untilOf = (until: Stamp, wallOfUntil: (until: Stamp) => Wall): Wall =>
  until.date ? wall(until.wall + days(1) - 1) : wallOfUntil(until);

/** The library counts from 1 = Sunday; the rest of the world, and this project, from 1 = Monday. */
const weekdayFrom = (wkst: unknown): number => (typeof wkst === 'number' ? ((wkst + 5) % 7) + 1 : 1);

function wholeNumber(value: unknown, line: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > numberMax) {
    throw new CalendarFault(line, 'INTERVAL and COUNT are whole numbers from 1');
  }
  return value;
}

function numbersOf(value: unknown, line: number): readonly number[] | null {
  if (value === undefined) return null;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item)) {
      throw new CalendarFault(line, `${shown(String(item))} is no whole number`);
    }
    return item;
  });
}

const weekdayNames = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

function weekdaysOf(value: unknown, line: number): Recurrence['weekdays'] {
  if (value === undefined) return null;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    const parts = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(String(item));
    const weekday = weekdayNames.indexOf(parts?.[2] ?? '') + 1;
    if (weekday === 0) throw new CalendarFault(line, `${shown(String(item))} is no day of the week`);
    return { nth: Number(parts?.[1] ?? 0), weekday };
  });
}
