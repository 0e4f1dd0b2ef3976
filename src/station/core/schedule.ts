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
import { type Duration, days, earliest, type Instant, instant, latest, minutes, plus } from '../../time.ts';
import { unreachable } from './alert.ts';
import type { During, Episode, Hours, Rule, Weekday } from './policy.ts';

/** How far ahead an opening is looked for; one beyond it is looked for again then. */
export const openingHorizon: Duration = days(8);

/**
 * Whether all conditions of `during` hold at `at`. An end is excluded: 09:30-17:30 is closed at 17:30:00.000.
 */
export function isOpen(during: During, episode: Episode, at: Instant): boolean {
  switch (during.kind) {
    case 'always':
      return true;
    case 'hours':
      return inHours(during.hours, at);
    case 'unacknowledged':
    case 'raised-for':
      return at >= plus(episode.raisedAt, during.for);
    case 'all':
      return during.of.every((one) => isOpen(one, episode, at));
    default:
      return unreachable(during);
  }
}

/**
 * Whether the hours in `during` hold at `at`, whatever its other conditions: for those who hear of an
 * acknowledgement or a clear because they were told before, whose own hours still count.
 */
export function hoursOpen(during: During, at: Instant): boolean {
  switch (during.kind) {
    case 'hours':
      return inHours(during.hours, at);
    case 'all':
      return during.of.every((one) => hoursOpen(one, at));
    default:
      return true;
  }
}

/**
 * The earliest instant, `from` included, at which `during` is open.
 * @returns null where there is none up to and including `from` + `openingHorizon`.
 */
export function nextOpening(during: During, episode: Episode, from: Instant): Instant | null {
  return openingBy(during, episode, from, plus(from, openingHorizon));
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
    next = firstDue(rule, episode, open ? missed(during, next, every, now) : next);
  }
  return next;
}

/** The first step of `every` from the open instant `at` that is after `now`, or that this stretch of opening leaves open. */
function missed(during: During, at: Instant, every: Duration, now: Instant): Instant {
  const until = earliest(openUntil(during, at), plus(now, 1 as Duration)) ?? now;
  const steps = Math.max(1, Math.ceil((until - at) / every));
  return instant(at + steps * every);
}

function openingBy(during: During, episode: Episode, from: Instant, by: Instant): Instant | null {
  switch (during.kind) {
    case 'always':
      return from;
    case 'hours':
      return hoursOpeningBy(during.hours, from, by);
    case 'unacknowledged':
    case 'raised-for': {
      const opening = latest(from, plus(episode.raisedAt, during.for));
      return opening <= by ? opening : null;
    }
    case 'all':
      return commonOpeningBy(during.of, episode, from, by);
    default:
      return unreachable(during);
  }
}

/** Each condition in turn pushes the candidate on to its own next opening, until one round moves nothing. */
function commonOpeningBy(
  conditions: readonly During[],
  episode: Episode,
  from: Instant,
  by: Instant,
): Instant | null {
  let candidate = from;
  for (;;) {
    const before = candidate;
    for (const condition of conditions) {
      const opening = openingBy(condition, episode, candidate, by);
      if (opening === null) return null;
      candidate = opening;
    }
    if (candidate === before) return candidate;
  }
}

/** An instant up to which `during`, open at `at`, stays open at least; null where it never closes. */
function openUntil(during: During, at: Instant): Instant | null {
  switch (during.kind) {
    case 'hours':
      return hoursOpenUntil(during.hours, at);
    case 'all':
      return earliest(...during.of.map((one) => openUntil(one, at)));
    default:
      return null;
  }
}

/** What a wall clock shows: whole milliseconds since 1970-01-01T00:00 as it would be there, no zone meant. */
type Wall = number;

type Range = { readonly start: Wall; readonly end: Wall };

const day = days(1);
/** 1970-01-01, day 0, was a Thursday: the fourth day of the week. */
const weekdayOfDayZero = 4;

const weekdayOf = (dayNumber: number): Weekday =>
  (((((dayNumber + weekdayOfDayZero - 1) % 7) + 7) % 7) + 1) as Weekday;

/** The range that is open at `wall` or, if none is, the next one; null where there are no days at all. */
function rangeFrom(hours: Hours, wall: Wall): Range | null {
  const today = Math.floor(wall / day);
  const length = minutes(hours.to) - minutes(hours.from);
  for (let date = today - 1; date <= today + 7; date++) {
    const start = date * day + minutes(hours.from);
    const end = start + (length > 0 ? length : length + day);
    if (end > wall && hours.days.includes(weekdayOf(date))) return { start, end };
  }
  return null;
}

function inHours(hours: Hours, at: Instant): boolean {
  const wall = at + spanAt(hours.timezone, at).offset;
  const range = rangeFrom(hours, wall);
  return range !== null && range.start <= wall;
}

function hoursOpeningBy(hours: Hours, from: Instant, by: Instant): Instant | null {
  let at = from;
  while (at <= by) {
    const { end, offset } = spanAt(hours.timezone, at);
    const range = rangeFrom(hours, at + offset);
    if (range === null) return null;
    const opening = latest(at, instant(range.start - offset));
    if (end === null || opening < end) return opening <= by ? opening : null;
    at = end;
  }
  return null;
}

function hoursOpenUntil(hours: Hours, at: Instant): Instant {
  const { end, offset } = spanAt(hours.timezone, at);
  const range = rangeFrom(hours, at + offset);
  if (range === null) return at;
  return earliest(instant(range.end - offset), end) ?? at;
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
