/**
 * Recurrence rules (RFC 5545, 3.3.10) as arithmetic on wall time.
 *
 * The library that reads calendars can expand rules too, but only from their
 * very beginning, and a rule that never comes true (30 February, every second
 * since 1970) keeps it busy for ever. Here a rule without a count is entered
 * where the window begins, and every step is paid for out of a budget: whoever
 * can edit a calendar must not be able to stop the station.
 */
import { days, hours, minutes, seconds } from '../../time.ts';
import type { DayNumber } from '../core/policy.ts';
import {
  type CivilDate,
  civilDateOf,
  dayNumberOf,
  dayOf,
  midnightOf,
  monthLength,
  type Wall,
  wall,
} from './wall-time.ts';

export const frequencies = [
  'YEARLY',
  'MONTHLY',
  'WEEKLY',
  'DAILY',
  'HOURLY',
  'MINUTELY',
  'SECONDLY',
] as const;
export type Frequency = (typeof frequencies)[number];

/** The parts of a rule; null where it has none such. Days of the week: 1 = Monday … 7 = Sunday. */
export type Recurrence = {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | null;
  /** The last moment at which it may occur. */
  readonly until: Wall | null;
  readonly weekStart: number;
  readonly months: readonly number[] | null;
  readonly weeks: readonly number[] | null;
  readonly yearDays: readonly number[] | null;
  readonly monthDays: readonly number[] | null;
  /** `nth` 0: every such day; negative: from the end. */
  readonly weekdays: readonly { readonly nth: number; readonly weekday: number }[] | null;
  readonly hours: readonly number[] | null;
  readonly minutes: readonly number[] | null;
  readonly seconds: readonly number[] | null;
  readonly positions: readonly number[] | null;
};

/** How many more steps may be taken; 0: what was being expanded is cut off. */
export type Budget = { left: number };

const day = days(1);
const hour = hours(1);
const minute = minutes(1);
const second = seconds(1);
const units: Readonly<Partial<Record<Frequency, number>>> = {
  HOURLY: hour,
  MINUTELY: minute,
  SECONDLY: second,
};

const weekdayOfDayZero = 4;
const modulo = (n: number, by: number): number => ((n % by) + by) % by;
export const weekdayOf = (dayNumber: DayNumber): number => modulo(dayNumber + weekdayOfDayZero - 1, 7) + 1;

/**
 * When the rule occurs, in order, from `start` (which always counts as the first) to `to`, included.
 * Those before `from` may be left out. Ends early where the budget is used up.
 */
export function* occurrences(
  rule: Recurrence,
  start: Wall,
  from: Wall,
  to: Wall,
  budget: Budget,
): Generator<Wall, void> {
  const last = rule.until === null || rule.until > to ? to : rule.until;
  if (start > last) return;
  let given = 1;
  yield start;
  const set = periods(complete(rule, start), start, rule.count === null ? from : start, last, budget);
  for (const at of set) {
    if (at <= start) continue;
    if (at > last || (rule.count !== null && given >= rule.count)) return;
    given++;
    yield at;
  }
}

/** What a rule leaves open is as it is at the start. */
function complete(rule: Recurrence, start: Wall): Recurrence {
  const date = civilDateOf(dayOf(start));
  const { frequency, months, weeks, yearDays, monthDays, weekdays } = rule;
  const weekday = [{ nth: 0, weekday: weekdayOf(dayOf(start)) }];
  const noDays = yearDays === null && monthDays === null && weekdays === null;
  if (frequency === 'WEEKLY' && noDays) return { ...rule, weekdays: weekday };
  if (frequency === 'MONTHLY' && noDays && weeks === null) return { ...rule, monthDays: [date.day] };
  if (frequency !== 'YEARLY' || !noDays) return rule;
  if (weeks !== null) return { ...rule, weekdays: weekday };
  return { ...rule, months: months ?? [date.month], monthDays: [date.day] };
}

function* periods(
  rule: Recurrence,
  start: Wall,
  from: Wall,
  last: Wall,
  budget: Budget,
): Generator<Wall, void> {
  const unit = units[rule.frequency];
  if (unit !== undefined) return yield* shortPeriods(rule, unit, start, from, last, budget);
  const times = timesOfDay(rule, start);
  const first = periodOf(rule, dayOf(start));
  const entered = Math.floor((periodOf(rule, dayOf(from)) - 1 - first) / rule.interval);
  for (let index = Math.max(0, entered); budget.left > 0; index++) {
    const spans = spansOf(rule, first + index * rule.interval);
    if (midnightOf(spans[0]?.from ?? 0) > last) return;
    const set: Wall[] = [];
    for (const span of spans) {
      for (let date = span.from; date < span.to; date++) {
        budget.left--;
        if (!fits(rule, date)) continue;
        for (const time of times) set.push(wall(midnightOf(date) + time));
      }
    }
    budget.left -= 1 + set.length;
    yield* chosen(rule, set);
  }
}

/** Periods of hours, minutes and seconds: what does not fit is left out by the day and by the hour. */
function* shortPeriods(
  rule: Recurrence,
  unit: number,
  start: Wall,
  from: Wall,
  last: Wall,
  budget: Budget,
): Generator<Wall, void> {
  const first = Math.floor(start / unit);
  let fitting: DayNumber | null = null;
  const next = (at: number): number => Math.ceil((Math.ceil(at / unit) - first) / rule.interval);
  let index = Math.max(0, next(from) - 1);
  while (budget.left > 0) {
    const at = (first + index * rule.interval) * unit;
    if (at > last) return;
    budget.left--;
    const date = Math.floor(at / day);
    if (date !== fitting && !fits(rule, date)) {
      index = Math.max(index + 1, next((date + 1) * day));
      continue;
    }
    fitting = date;
    if (!among(rule.hours, Math.floor(at / hour) - date * 24)) {
      index = Math.max(index + 1, next((Math.floor(at / hour) + 1) * hour));
    } else {
      const set = within(rule, at, unit, start);
      budget.left -= set.length;
      yield* chosen(rule, set);
      index++;
    }
  }
}

/** The moments of one hour, minute or second, whose day and hour fit. */
function within(rule: Recurrence, at: number, unit: number, start: Wall): readonly Wall[] {
  const startMinute = modulo(Math.floor(start / minute), 60);
  const startSecond = modulo(Math.floor(start / second), 60);
  const thisMinute = modulo(Math.floor(at / minute), 60);
  const thisSecond = modulo(Math.floor(at / second), 60);
  const hourBegins = Math.floor(at / hour) * hour;
  const inMinutes = unit === hour ? (rule.minutes ?? [startMinute]) : [thisMinute];
  const inSeconds = rule.seconds ?? [startSecond];
  if (unit !== hour && !among(rule.minutes, thisMinute)) return [];
  if (unit === second) return among(rule.seconds, thisSecond) ? [wall(at)] : [];
  return inMinutes.flatMap((m) => inSeconds.map((s) => wall(hourBegins + m * minute + s * second)));
}

const among = (list: readonly number[] | null, n: number): boolean => list === null || list.includes(n);

/** In order, each once; with BYSETPOS, only those at its positions. */
function chosen(rule: Recurrence, set: readonly Wall[]): readonly Wall[] {
  if (set.length < 2 && rule.positions === null) return set;
  const all = [...new Set(set)].sort((a, b) => a - b);
  if (rule.positions === null) return all;
  const wanted = new Set(rule.positions.map((at) => (at > 0 ? at - 1 : all.length + at)));
  return all.filter((_, index) => wanted.has(index));
}

/** Milliseconds after midnight. */
function timesOfDay(rule: Recurrence, start: Wall): readonly number[] {
  const time = start - midnightOf(dayOf(start));
  const inHours = rule.hours ?? [Math.floor(time / hour)];
  const inMinutes = rule.minutes ?? [Math.floor(time / minute) % 60];
  const inSeconds = rule.seconds ?? [Math.floor(time / second) % 60];
  return inHours.flatMap((h) =>
    inMinutes.flatMap((m) => inSeconds.map((s) => h * hour + m * minute + s * second)),
  );
}

/** The number of the year, month, week or day that holds that day. */
function periodOf(rule: Recurrence, date: DayNumber): number {
  const { year, month } = civilDateOf(date);
  if (rule.frequency === 'YEARLY') return year;
  if (rule.frequency === 'MONTHLY') return year * 12 + month - 1;
  return rule.frequency === 'WEEKLY' ? weekOf(date, rule.weekStart) : date;
}

/** Weeks counted from the one that holds 1970-01-01. */
const weekOf = (date: DayNumber, weekStart: number): number =>
  Math.floor((date + modulo(weekdayOfDayZero - weekStart, 7)) / 7);

type DaySpan = { readonly from: DayNumber; readonly to: DayNumber };

/** The days of a period that are worth looking at; at least one span. */
function spansOf(rule: Recurrence, period: number): readonly DaySpan[] {
  if (rule.frequency === 'YEARLY') {
    const months = rule.months ?? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    return months.map((month) => monthSpan(period, month)).sort((a, b) => a.from - b.from);
  }
  if (rule.frequency === 'MONTHLY') return [monthSpan(Math.floor(period / 12), modulo(period, 12) + 1)];
  if (rule.frequency === 'DAILY') return [{ from: period, to: period + 1 }];
  const from = period * 7 - modulo(weekdayOfDayZero - rule.weekStart, 7);
  return [{ from, to: from + 7 }];
}

function monthSpan(year: number, month: number): DaySpan {
  const from = dayNumberOf({ year, month, day: 1 });
  return { from, to: from + monthLength(year, month) };
}

function fits(rule: Recurrence, dayNumber: DayNumber): boolean {
  const date = civilDateOf(dayNumber);
  if (!among(rule.months, date.month)) return false;
  if (rule.monthDays !== null && !counted(rule.monthDays, date.day, monthLength(date.year, date.month))) {
    return false;
  }
  const january = dayNumberOf({ year: date.year, month: 1, day: 1 });
  const yearLength = dayNumberOf({ year: date.year + 1, month: 1, day: 1 }) - january;
  if (rule.yearDays !== null && !counted(rule.yearDays, dayNumber - january + 1, yearLength)) return false;
  if (rule.weeks !== null && !inWeeks(rule.weeks, rule.weekStart, dayNumber, date.year)) return false;
  return rule.weekdays === null || onWeekday(rule, dayNumber, date, yearLength);
}

/** Whether the list names the `n`th of `length`, counted from the beginning or from the end. */
const counted = (list: readonly number[], n: number, length: number): boolean =>
  list.includes(n) || list.includes(n - length - 1);

function onWeekday(rule: Recurrence, dayNumber: DayNumber, date: CivilDate, yearLength: number): boolean {
  const weekday = weekdayOf(dayNumber);
  const ofYear = rule.frequency === 'YEARLY' && rule.months === null;
  const nthHeard = (ofYear && rule.weeks === null) || rule.frequency === 'MONTHLY' || rule.months !== null;
  const place = ofYear ? dayNumber - dayNumberOf({ year: date.year, month: 1, day: 1 }) : date.day - 1;
  const length = ofYear ? yearLength : monthLength(date.year, date.month);
  const fromStart = Math.floor(place / 7) + 1;
  const fromEnd = -Math.floor((length - 1 - place) / 7) - 1;
  return (rule.weekdays ?? []).some(
    (wanted) =>
      wanted.weekday === weekday &&
      (wanted.nth === 0 || !nthHeard || wanted.nth === fromStart || wanted.nth === fromEnd),
  );
}

/** Week 1 of a year is the first with at least four days in it; a day near New Year may be of the neighbouring year's weeks. */
function inWeeks(weeks: readonly number[], weekStart: number, dayNumber: DayNumber, year: number): boolean {
  const starts = [year - 1, year, year + 1, year + 2].map((of) => weekOneOf(of, weekStart));
  for (let at = 0; at < 3; at++) {
    const from = starts[at] ?? 0;
    const to = starts[at + 1] ?? 0;
    if (from <= dayNumber && dayNumber < to) {
      return counted(weeks, Math.floor((dayNumber - from) / 7) + 1, (to - from) / 7);
    }
  }
  return false;
}

function weekOneOf(year: number, weekStart: number): DayNumber {
  const fourth = dayNumberOf({ year, month: 1, day: 4 });
  return fourth - modulo(weekdayOf(fourth) - weekStart, 7);
}
