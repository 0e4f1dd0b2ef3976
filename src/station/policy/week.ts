/**
 * Which minutes of a week a rule could speak in, for the lint. Conditions that
 * depend on an alert, or on who is away, are taken to hold whenever that lets
 * the rule speak: what is closed here is closed for certain.
 *
 * A week here has no date: hours in another zone are shifted by the distance
 * of the two zones now, and the change to summer time is left out.
 */
import { Temporal } from 'temporal-polyfill';
import { days, type Instant, instant, minutes, plus, since } from '../../time.ts';
import { type PersonId, unreachable } from '../core/alert.ts';
import type { During, Hours, Rota, Weekday, Who } from '../core/policy.ts';
import { timeInWords } from './during.ts';
import { daysInWords, everyDay } from './hours.ts';

const dayMinutes = 24 * 60;
const weekMinutes = 7 * dayMinutes;

/** A bit a minute, from Monday 00:00 in the policy's zone. */
export type Week = Uint32Array;

const bits = 32;
const words = weekMinutes / bits;
const full = 2 ** bits - 1;

export const never = (): Week => new Uint32Array(words);
export const wholeWeek = (): Week => new Uint32Array(words).fill(full);
export const both = (a: Week, b: Week): Week => a.map((word, index) => word & (b[index] ?? 0));
export const either = (a: Week, b: Week): Week => a.map((word, index) => word | (b[index] ?? 0));
const inverted = (week: Week): Week => week.map((word) => ~word);
export const isNever = (week: Week): boolean => week.every((word) => word === 0);
export const isSame = (a: Week, b: Week): boolean => a.every((word, index) => word === b[index]);
const holds = (week: Week, minute: number): boolean =>
  (((week[Math.floor(minute / bits)] ?? 0) >>> (minute % bits)) & 1) === 1;

/** Marks the minutes from `from` on; both may lie outside the week, which then begins anew. */
function mark(week: Week, from: number, length: number): void {
  for (let n = 0; n < Math.min(length, weekMinutes); n++) {
    const minute = (((from + n) % weekMinutes) + weekMinutes) % weekMinutes;
    const word = Math.floor(minute / bits);
    week[word] = (week[word] ?? 0) | (1 << (minute % bits));
  }
}

/** Looks at weeks in one zone, as they are now. */
export type WeekReader = {
  /** @param holiday whether each day of the week is a holiday, or none is. */
  readonly openIn: (during: During, holiday: boolean) => Week;
  /** When somebody of these is there, of those whom `counts` lets count. */
  readonly staffed: (who: readonly Who[], counts: (person: PersonId) => boolean) => Week;
};

export function weekReader(timezone: string, now: Instant): WeekReader {
  const offset = (zone: string): number => Math.round(zoned(now, zone).offsetNanoseconds / 1e6 / minutes(1));
  const monday = mondayBefore(now, timezone);
  const known = new Map<string, Week>();

  const hoursWeek = (hours: Hours, holiday: boolean): Week => {
    if (holiday ? hours.except !== null : hours.only !== null) return never();
    if (hours.only !== null && hours.only.size === 0) return never();
    const key = `${hours.timezone} ${hours.days.join('')} ${hours.from} ${hours.to}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const week = never();
    const shift = offset(timezone) - offset(hours.timezone);
    const length = hours.to > hours.from ? hours.to - hours.from : hours.to - hours.from + dayMinutes;
    for (const day of hours.days) mark(week, (day - 1) * dayMinutes + hours.from + shift, length);
    known.set(key, week);
    return week;
  };
  const openIn = (during: During, holiday: boolean, closed = false): Week => {
    switch (during.kind) {
      case 'always':
        return closed ? never() : wholeWeek();
      case 'hours': {
        const week = hoursWeek(during.hours, holiday);
        return closed ? inverted(week) : week;
      }
      case 'unacknowledged':
      case 'raised-for':
      case 'no-one-in':
        return wholeWeek();
      case 'all':
      case 'any': {
        const weeks = during.of.map((one) => openIn(one, holiday, closed));
        const every = (during.kind === 'all') !== closed;
        return every ? weeks.reduce(both, wholeWeek()) : weeks.reduce(either, never());
      }
      case 'not':
        return openIn(during.of, holiday, !closed);
      default:
        return unreachable(during);
    }
  };
  const rotaWeek = (rota: Rota, counts: (person: PersonId) => boolean): Week => {
    const week = never();
    const until = plus(now, days(7));
    for (const shift of rota.shifts) {
      if (shift.to <= now || shift.from >= until || !shift.people.some(counts)) continue;
      const from = Math.max(shift.from, now);
      const minute = (at: number): number => Math.floor(since(monday, instant(at)) / minutes(1));
      mark(week, minute(from), minute(Math.min(shift.to, until)) - minute(from));
    }
    return week;
  };
  const staffed: WeekReader['staffed'] = (who, counts) =>
    who
      .map((part) => {
        if (part.kind === 'people') return part.people.some(counts) ? wholeWeek() : never();
        const { only } = part;
        return rotaWeek(part.rota, (person) => counts(person) && (only === null || only.has(person)));
      })
      .reduce(either, never());
  return { openIn: (during, holiday) => openIn(during, holiday), staffed };
}

const zoned = (at: Instant, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

function mondayBefore(now: Instant, zone: string): Instant {
  const today = zoned(now, zone);
  return instant(today.startOfDay().subtract({ days: today.dayOfWeek - 1 }).epochMilliseconds);
}

/** The minutes that are not in the week, for people: `mon-fri 00:00-09:30 and 17:30-24:00, sat-sun`; null if all are. */
export function gapsInWords(week: Week): string | null {
  const gaps = everyDay.map((day) => ({ day, text: gapsOfDay(week, (day - 1) * dayMinutes) }));
  const texts = [...new Set(gaps.map(({ text }) => text))].filter((text) => text !== null);
  if (texts.length === 0) return null;
  return texts
    .map((text) => {
      const named = gaps.flatMap((gap): Weekday[] => (gap.text === text ? [gap.day] : []));
      const when = named.length === everyDay.length ? 'every day' : daysInWords(named);
      return text === '' ? when : `${when} ${text}`;
    })
    .join(', ');
}

/** Null: none. Empty: all day. */
function gapsOfDay(week: Week, midnight: number): string | null {
  const ranges: string[] = [];
  for (let from = 0; from < dayMinutes; from++) {
    if (holds(week, midnight + from)) continue;
    let to = from;
    while (to < dayMinutes && !holds(week, midnight + to)) to++;
    if (to - from === dayMinutes) return '';
    ranges.push(`${timeInWords(from)}-${timeInWords(to)}`);
    from = to;
  }
  return ranges.length === 0 ? null : ranges.join(' and ');
}
