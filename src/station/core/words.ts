/**
 * Times and lengths of time as a person reads them half asleep: `03:01 today`,
 * `2 h 15 min`. For messages and pages; nothing parses them again.
 */
import { Temporal } from 'temporal-polyfill';
import { type Duration, days, hours, type Instant, minutes } from '../../time.ts';
import type { Hours } from './policy.ts';

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
/** A day further ahead than this would share its name with today. */
const namedDaysMax = 6;

/**
 * `11:00 today`, `… tomorrow`, `… yesterday`, `… on Saturday` within the coming week, `… on Tue 16 Aug 2011`.
 * Where clocks go back and that time comes twice, it says which: `01:30 today (UTC+01:00)`.
 * @param timezone whose days and clock count: the reader's.
 */
export function clockTime(at: Instant, now: Instant, timezone: string): string {
  const there = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone).toPlainDate();
  const time = there.toPlainTime().toString({ smallestUnit: 'minute' });
  const day = dayWords(there.toPlainDate(), today);
  return `${time} ${day}${comesTwice(there) ? ` (UTC${there.offset})` : ''}`;
}

function dayWords(day: Temporal.PlainDate, today: Temporal.PlainDate): string {
  const ahead = today.until(day, { largestUnit: 'days' }).days;
  const weekday = weekdays[day.dayOfWeek - 1] ?? '';
  if (ahead === 0) return 'today';
  if (ahead === 1) return 'tomorrow';
  if (ahead === -1) return 'yesterday';
  if (ahead > 0 && ahead <= namedDaysMax) return `on ${weekday}`;
  return `on ${weekday.slice(0, 3)} ${day.day} ${months[day.month - 1]} ${day.year}`;
}

function comesTwice(there: Temporal.ZonedDateTime): boolean {
  const wall = there.toPlainDateTime();
  const first = wall.toZonedDateTime(there.timeZoneId, { disambiguation: 'earlier' });
  const second = wall.toZonedDateTime(there.timeZoneId, { disambiguation: 'later' });
  return first.epochMilliseconds !== second.epochMilliseconds;
}

/** `under a minute`, `12 min`, `2 h 15 min`, `3 days 4 h`: two units at most, rounded down. */
export function lengthOfTime(duration: Duration): string {
  if (duration < minutes(1)) return 'under a minute';
  const count = (size: Duration, within: number): number => Math.floor((duration % within) / size);
  const wholeDays = Math.floor(duration / days(1));
  const parts =
    wholeDays > 0
      ? [wholeDays === 1 ? '1 day' : `${wholeDays} days`, unit(count(hours(1), days(1)), 'h')]
      : [unit(count(hours(1), days(1)), 'h'), unit(count(minutes(1), hours(1)), 'min')];
  return parts.filter((part) => part !== '').join(' ');
}

const unit = (n: number, name: string): string => (n === 0 ? '' : `${n} ${name}`);

/** `sun 02:00-04:00`, `mon-fri 09:30-17:30 Europe/London`: the zone where it is not the reader's own. */
export function hoursWords(of: Hours, timezone: string): string {
  const words = [daysWords(of), `${timeOfDay(of.from)}-${timeOfDay(of.to)}`];
  if (of.timezone !== timezone) words.push(of.timezone);
  if (of.except !== null) words.push('except on holidays');
  if (of.only !== null) words.push('on holidays only');
  return words.filter((word) => word !== '').join(' ');
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Runs of three days and more are written with a dash; every day of the week is not written at all. */
function daysWords({ days: meant }: Hours): string {
  if (meant.length === dayNames.length) return '';
  const runs: number[][] = [];
  for (const weekday of meant) {
    const run = runs.at(-1);
    if (run?.at(-1) === weekday - 1) run.push(weekday);
    else runs.push([weekday]);
  }
  const name = (weekday: number | undefined): string => dayNames[(weekday ?? 1) - 1] ?? '';
  return runs
    .map((run) => (run.length > 2 ? `${name(run[0])}-${name(run.at(-1))}` : run.map(name).join(', ')))
    .join(', ');
}

const timeOfDay = (minute: number): string =>
  [Math.floor(minute / 60), Math.floor(minute % 60)].map((part) => String(part).padStart(2, '0')).join(':');
