/**
 * Calendars: who is on call, who is away, which days are holidays.
 *
 * An iCalendar file becomes what happens within a window, as moments, and that
 * becomes what the policy knows: shifts, absences, days. A calendar is written
 * by other programs and by people who do not think of this station, so it is
 * taken in whole or, with the line that is wrong, not at all: half a rota would
 * page the wrong half of the team.
 *
 * It must never read a file or a clock, and never throw for what is in a text.
 */
import { days, type Instant, latest, plus } from '../../time.ts';
import type { PersonId } from '../core/alert.ts';
import type { Absence, DayNumber, Period, Shift } from '../core/policy.ts';
import { type Entry, entryOf } from './events.ts';
import type { Budget } from './recurrence.ts';
import { type Occurrence, occurrencesOf } from './series.ts';
import { CalendarFault, readComponents } from './text.ts';
import { dayOf, instantOf, midnightOf, offsetsOf, utc, wallOf } from './wall-time.ts';
import { zonesOf } from './zone.ts';

export type CalendarEvent = Period & {
  readonly summary: string;
  readonly description: string;
  /** Addresses (without `mailto:`) and names of those invited, in the order written. */
  readonly attendees: readonly string[];
  readonly allDay: boolean;
  /** Its place in the file; all occurrences of a series have the same. */
  readonly order: number;
};

export type CalendarRead =
  | {
      readonly ok: true;
      /** What overlaps the window, by when it begins, then by its place in the file. */
      readonly events: readonly CalendarEvent[];
      /** Whether there would have been more than `eventsMax`, or more than may be reckoned: some are missing. */
      readonly cut: boolean;
    }
  | { readonly ok: false; readonly why: string };

/** In characters. */
export const calendarMax = 5 * 1024 * 1024;
export const eventsMax = 20_000;
/** Days or moments looked at to write all series of one file out: about a second of work. */
const stepsMax = 2_000_000;
/** How far beyond the window a file's own time zones are followed: events that run out of it end there. */
const zonesBeyond = days(400);

/**
 * What happens in `window`.
 * @param timezone of times without one, and of whole days.
 */
export function readCalendar(text: string, window: Period, timezone: string): CalendarRead {
  if (text.length > calendarMax) return { ok: false, why: `it is larger than ${calendarMax} characters` };
  const budget: Budget = { left: stepsMax };
  try {
    const events: CalendarEvent[] = [];
    for (const occurrence of occurrencesOf(entriesOf(text, window, timezone, budget), window, budget)) {
      if (events.length === eventsMax) return { ok: true, events: inOrder(events), cut: true };
      events.push(eventOf(occurrence));
    }
    return { ok: true, events: inOrder(events), cut: budget.left <= 0 };
  } catch (error) {
    if (error instanceof CalendarFault) return { ok: false, why: error.message };
    throw error;
  }
}

function entriesOf(text: string, window: Period, timezone: string, budget: Budget): readonly Entry[] {
  const calendars = readComponents(text);
  const floating = offsetsOf(timezone) ?? utc;
  const to = wallOf(plus(window.to, zonesBeyond), utc);
  let order = 0;
  return calendars.flatMap((calendar) => {
    const zoneNamed = zonesOf(calendar, calendars, to, budget);
    return calendar.components
      .filter(({ name }) => name === 'VEVENT')
      .map((event) => entryOf(event, { order: order++, zoneNamed, floating }));
  });
}

const eventOf = ({ from, to, entry }: Occurrence): CalendarEvent => ({
  from,
  to,
  summary: entry.summary,
  description: entry.description,
  attendees: entry.attendees,
  allDay: entry.start.date,
  order: entry.order,
});

const inOrder = <T extends Pick<CalendarEvent, 'from' | 'order'>>(events: readonly T[]): readonly T[] =>
  events.toSorted((a, b) => a.from - b.from || a.order - b.order);

/**
 * Who is on call when. Of events that overlap, the one that begins later counts, of those that begin together
 * the one later in the file; where it ends, the earlier one goes on. Events that name nobody count for nothing.
 */
export function shiftsOf(
  events: readonly CalendarEvent[],
  peopleNamed: (event: CalendarEvent) => readonly PersonId[],
): readonly Shift[] {
  const shifts: Shift[] = [];
  /** Begun and perhaps not ended; the last counts. */
  const begun: Shift[] = [];
  const passUntil = (until: number): void => {
    for (let top = begun.at(-1); top !== undefined; top = begun.at(-1)) {
      const from = latest(top.from, shifts.at(-1)?.to ?? top.from);
      if (from >= until) return;
      if (top.to > from) addShift(shifts, from, top.to < until ? top.to : (until as Instant), top.people);
      if (top.to > until) return;
      begun.pop();
    }
  };
  for (const event of inOrder(events)) {
    if (event.to <= event.from) continue;
    const people = [...new Set(peopleNamed(event))];
    if (people.length === 0) continue;
    passUntil(event.from);
    begun.push({ from: event.from, to: event.to, people });
  }
  passUntil(Number.POSITIVE_INFINITY);
  return shifts;
}

function addShift(shifts: Shift[], from: Instant, to: Instant, people: readonly PersonId[]): void {
  const last = shifts.at(-1);
  if (last !== undefined && last.to === from && last.people.join('\n') === people.join('\n')) {
    shifts[shifts.length - 1] = { from: last.from, to, people };
  } else {
    shifts.push({ from, to, people });
  }
}

/** When somebody is away, in order, with neither gaps nor overlaps between neighbours. */
export function absencesOf(events: readonly CalendarEvent[], why: string): readonly Absence[] {
  return merged(events.filter(({ from, to }) => from < to)).map((period) => ({ ...period, why }));
}

function merged(events: readonly Period[]): readonly Period[] {
  const all: Period[] = [];
  for (const { from, to } of events.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.to)
      all[all.length - 1] = { from: last.from, to: latest(last.to, to) };
    else all.push({ from, to });
  }
  return all;
}

/** The days that the events touch, as the calendar on the wall of that zone shows them. */
export function daysOf(events: readonly CalendarEvent[], timezone: string): ReadonlySet<DayNumber> {
  const offsets = offsetsOf(timezone) ?? utc;
  const touched = new Set<DayNumber>();
  for (const { from, to } of merged(events)) {
    const last = dayOf(wallOf(from < to ? ((to - 1) as Instant) : to, offsets));
    for (let day = dayOf(wallOf(from, offsets)); day <= last; day++) {
      // A zone that crosses the date line leaves a day out.
      if (instantOf(midnightOf(day), offsets) < instantOf(midnightOf(day + 1), offsets)) touched.add(day);
    }
  }
  return touched;
}
