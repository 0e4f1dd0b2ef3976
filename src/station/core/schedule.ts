/**
 * When a rule may speak: the arithmetic of hours, openings and reminders.
 *
 * A time of day means what a clock on the wall shows. So a range is open
 * whenever that clock reads a time within it: hours that begin in the hour
 * skipped in spring open at the first instant after it, and hours within the
 * one repeated in autumn are open both times. Between two changes of a zone's
 * offset the wall clock runs evenly, so each such span is calculated exactly,
 * to the millisecond, and nothing is searched minute by minute.
 *
 * It must never read a clock: every instant is an argument.
 */
import { Temporal } from 'temporal-polyfill';
import { type Duration, days, earliest, type Instant, instant, minutes, plus } from '../../time.ts';
import { unreachable } from './alert.ts';
import {
  absenceAt,
  type DayNumber,
  type During,
  type Episode,
  firstEndingAfter,
  type Hours,
  type Period,
  peopleOf,
  type Rule,
  type Weekday,
} from './policy.ts';

/** How far ahead an opening is looked for; one beyond it is looked for again then. */
export const openingHorizon: Duration = days(8);

/** Whether all conditions of `during` hold at `at`. An end is excluded: 09:30-17:30 is closed at 17:30:00.000. */
export function isOpen(during: During, episode: Episode, at: Instant): boolean {
  switch (during.kind) {
    case 'always':
      return true;
    case 'hours':
      return spell(during.hours, at).open;
    case 'unacknowledged':
    case 'raised-for':
      return at >= plus(episode.raisedAt, during.for);
    case 'no-one-in':
      return nobodyThere(during, at);
    case 'all':
      return during.of.every((one) => isOpen(one, episode, at));
    case 'any':
      return during.of.some((one) => isOpen(one, episode, at));
    case 'not':
      return !isOpen(during.of, episode, at);
    default:
      return unreachable(during);
  }
}

/**
 * Whether the hours in `during` hold at `at`, whatever its other conditions: for those who hear of an
 * acknowledgement or a clear because they were told before, whose own hours still count.
 */
export function hoursOpen(during: During, at: Instant): boolean {
  return hoursSay(during, at) !== false;
}

/** What the hours alone say; null where they leave it to other conditions. */
function hoursSay(during: During, at: Instant): boolean | null {
  switch (during.kind) {
    case 'hours':
      return spell(during.hours, at).open;
    case 'all': {
      const said = during.of.map((one) => hoursSay(one, at)).filter((one) => one !== null);
      return said.length === 0 ? null : said.every((one) => one);
    }
    case 'any': {
      const said = during.of.map((one) => hoursSay(one, at));
      if (said.includes(true)) return true;
      return said.includes(null) ? null : false;
    }
    case 'not': {
      const said = hoursSay(during.of, at);
      return said === null ? null : !said;
    }
    default:
      return null;
  }
}

/**
 * The first instant after `at` at which `during` opens, if it is closed, or closes, if it is open.
 * @returns null where there is none up to and including `by`.
 */
export function nextChange(during: During, episode: Episode, at: Instant, by: Instant): Instant | null {
  const open = isOpen(during, episode, at);
  for (let look = lookAgain(during, episode, at); ; look = lookAgain(during, episode, look)) {
    if (look === null || look > by) return null;
    if (isOpen(during, episode, look) !== open) return look;
  }
}

/**
 * The earliest instant, `from` included, at which `during` is open.
 * @returns null where there is none up to and including `from` + `openingHorizon`.
 */
export function nextOpening(during: During, episode: Episode, from: Instant): Instant | null {
  if (isOpen(during, episode, from)) return from;
  return nextChange(during, episode, from, plus(from, openingHorizon));
}

/**
 * When a rule that has yet to speak is due, counted from `from`: the next opening or, where none is within
 * the horizon, the end of the horizon. There `isOpen` says no, and the rule is due at `firstDue` from then.
 */
export function firstDue(rule: Pick<Rule, 'during'>, episode: Episode, from: Instant): Instant {
  return nextOpening(rule.during, episode, from) ?? plus(from, openingHorizon);
}

/**
 * When a rule that spoke for `due` is due again: `every` after that, if the rule is open then, otherwise at
 * the first opening after. A late station skips what it missed: the answer is always after `now`, on the
 * instants that a station in time would have used, so that lateness neither shifts nor doubles a reminder.
 * @returns null for a rule without `every`. As with `firstDue`, an instant at which the rule is not open is
 * one at which to look for an opening again.
 */
export function nextReminder(
  rule: Pick<Rule, 'every' | 'during'>,
  episode: Episode,
  due: Instant,
  now: Instant,
): Instant | null {
  const { every, during } = rule;
  if (every === null) return null;
  if (every <= 0) throw new Error(`a reminder every ${every} ms`);
  let next = firstDue(rule, episode, plus(due, every));
  while (next <= now) {
    const open = isOpen(during, episode, next);
    next = firstDue(rule, episode, open ? missed(during, episode, next, every, now) : next);
  }
  return next;
}

/** The first step of `every` from the open instant `at` that is after `now`, or that this stretch of opening leaves open. */
function missed(during: During, episode: Episode, at: Instant, every: Duration, now: Instant): Instant {
  const until = earliest(lookAgain(during, episode, at), plus(now, 1 as Duration)) ?? now;
  const steps = Math.max(1, Math.ceil((until - at) / every));
  return instant(at + steps * every);
}

/** An instant after `at` up to which `during` stays as it is; null where it does for ever. A lower bound. */
function lookAgain(during: During, episode: Episode, at: Instant): Instant | null {
  switch (during.kind) {
    case 'always':
      return null;
    case 'hours':
      return spell(during.hours, at).until;
    case 'unacknowledged':
    case 'raised-for': {
      const opens = plus(episode.raisedAt, during.for);
      return opens > at ? opens : null;
    }
    case 'no-one-in':
      return presenceChanges(during, at);
    case 'all':
    case 'any':
      return earliest(...during.of.map((one) => lookAgain(one, episode, at)));
    case 'not':
      return lookAgain(during.of, episode, at);
    default:
      return unreachable(during);
  }
}

type NoOneIn = Extract<During, { kind: 'no-one-in' }>;

function nobodyThere({ who, people }: NoOneIn, at: Instant): boolean {
  return peopleOf(who, at).every((id) => {
    const person = people.get(id);
    return person === undefined || absenceAt(person, at) !== null;
  });
}

/** The next begin or end of a shift, or of an absence of somebody who is meant now. */
function presenceChanges({ who, people }: NoOneIn, at: Instant): Instant | null {
  const periods = [
    ...who.flatMap((part) => (part.kind === 'rota' ? [part.rota.shifts] : [])),
    ...peopleOf(who, at).map((id) => people.get(id)?.away ?? []),
  ];
  return earliest(...periods.map((of) => boundaryAfter(of, at)));
}

function boundaryAfter(periods: readonly Period[], at: Instant): Instant | null {
  const next = periods[firstEndingAfter(periods, at)];
  if (next === undefined) return null;
  return next.from > at ? next.from : next.to;
}

/** What a wall clock shows: whole milliseconds since 1970-01-01T00:00 as it would be there, no zone meant. */
type Wall = number;

type Range = { readonly start: Wall; readonly end: Wall };

const day = days(1);
/** 1970-01-01, day 0, was a Thursday: the fourth day of the week. */
const weekdayOfDayZero = 4;

const weekdayOf = (dayNumber: number): Weekday =>
  (((((dayNumber + weekdayOfDayZero - 1) % 7) + 7) % 7) + 1) as Weekday;

/** How many days ahead hours are looked for at a time: beyond it they are looked for again. */
const daysLooked = 9;

/** The range that is open at `wall` or, if none is, the next one; null where there is none within `daysLooked`. */
function rangeFrom(hours: Hours, wall: Wall): Range | null {
  const today = Math.floor(wall / day);
  const length = minutes(hours.to) - minutes(hours.from);
  for (let date = today - 1; date < today + daysLooked; date++) {
    const start = date * day + minutes(hours.from);
    const end = start + (length > 0 ? length : length + day);
    if (end > wall && begins(hours, date)) return { start, end };
  }
  return null;
}

const begins = (hours: Hours, date: DayNumber): boolean =>
  hours.days.includes(weekdayOf(date)) &&
  hours.except?.has(date) !== true &&
  (hours.only === null || hours.only.has(date));

/** How the hours are at `at`, and an instant after it until which they stay so at least. */
function spell(hours: Hours, at: Instant): { readonly open: boolean; readonly until: Instant } {
  const { end, offset } = spanAt(hours.timezone, at);
  const wall = at + offset;
  const range = rangeFrom(hours, wall);
  const open = range !== null && range.start <= wall;
  const changes =
    range === null ? (Math.floor(wall / day) + daysLooked) * day : open ? range.end : range.start;
  const until = instant(changes - offset);
  return { open, until: end !== null && end < until ? end : until };
}

/** A stretch of time in which a zone keeps one offset from UTC; `end` is excluded, null: for ever. */
type Span = { readonly start: Instant | null; readonly end: Instant | null; readonly offset: Duration };

/**
 * The spans last used, by zone: finding one takes a hundred times as long as using it. A span never
 * changes, so remembering it is not to be seen from outside.
 */
const spans = new Map<string, Span[]>();
const zonesRemembered = 1000;
const spansRemembered = 8;

function spanAt(timezone: string, at: Instant): Span {
  const known = spans.get(timezone) ?? [];
  const found = known.find(({ start, end }) => (start === null || start <= at) && (end === null || at < end));
  if (found) return found;
  const span = findSpan(timezone, at);
  if (spans.size >= zonesRemembered) spans.clear();
  spans.set(timezone, [span, ...known.slice(0, spansRemembered - 1)]);
  return span;
}

function findSpan(timezone: string, at: Instant): Span {
  const there = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  const end = there.getTimeZoneTransition('next')?.epochMilliseconds;
  // "previous" is before, never at: asked from a millisecond later, a span's own first instant is found.
  const start = there.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds;
  return {
    start: start === undefined ? null : instant(start),
    end: end === undefined ? null : instant(end),
    offset: Math.round(there.offsetNanoseconds / 1e6) as Duration,
  };
}
