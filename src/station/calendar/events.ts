/**
 * From the VEVENTs of a file to what happens when: series are written out,
 * with their exceptions.
 *
 * A series goes by the wall clock, and so do its ends: a shift from Monday
 * 09:00 to Monday 09:00 ends at 09:00 also in the week in which clocks change.
 * (RFC 5545, 3.8.5.3, gives all of a series the exact length of the first; a
 * rota read so has an hour in October in which nobody is on call.) Only a
 * DURATION in hours is exact.
 */
import type { Instant } from '../../time.ts';
import { instant } from '../../time.ts';
import type { Recurrence } from './recurrence.ts';
import { CalendarFault, type CalendarProperty, type Component, propertyOf, textOf } from './text.ts';
import { checkedLength, type Length, lengthOf, recurrenceOf, type Stamp, stampOf } from './values.ts';
import { instantOf, midnightOf, type OffsetAt, utc, type Wall, wall, wallOf } from './wall-time.ts';
import type { ZoneNamed } from './zone.ts';

/** A moment as written, and the zone whose clock shows it. */
export type Moment = { readonly wall: Wall; readonly at: Instant; readonly date: boolean };

type Extra = { readonly start: Moment; readonly length: Length | null };

/** One VEVENT. */
export type Entry = {
  readonly order: number;
  readonly uid: string;
  readonly sequence: number;
  readonly cancelled: boolean;
  readonly summary: string;
  readonly description: string;
  readonly attendees: readonly string[];
  readonly zone: OffsetAt;
  readonly start: Moment;
  readonly length: Length;
  /** Of the event as written; what repeats it ends by `length`. */
  readonly end: Instant;
  readonly rules: readonly Recurrence[];
  readonly exceptRules: readonly Recurrence[];
  readonly extras: readonly Extra[];
  readonly except: readonly Moment[];
  /** Which occurrence of the series this one stands for; null: none. */
  readonly instead: Moment | null;
  /** It stands for all later ones as well. */
  readonly andFollowing: boolean;
};

export type EntrySurroundings = {
  readonly order: number;
  readonly zoneNamed: ZoneNamed;
  /** Of times without a zone, and of whole days. */
  readonly floating: OffsetAt;
};

/** @throws CalendarFault where the event cannot be understood. */
export function entryOf(event: Component, { order, zoneNamed, floating }: EntrySurroundings): Entry {
  const zoneOf = ({ parameters, line }: CalendarProperty, stamp: Stamp): OffsetAt => {
    if (stamp.utc) return utc;
    const { tzid } = parameters;
    return stamp.date || typeof tzid !== 'string' ? floating : zoneNamed(tzid, line);
  };
  const begins = propertyOf(event, 'DTSTART');
  if (begins === null) throw new CalendarFault(event.line, 'this event has no DTSTART');
  const first = stampOf(begins.values[0], begins.line);
  const zone = zoneOf(begins, first);
  /** Whatever zone it is written in, as the clock of this event shows it. */
  const momentOf = (value: unknown, property: CalendarProperty): Moment => {
    const stamp = stampOf(value, property.line);
    const written = zoneOf(property, stamp);
    const at = instantOf(stamp.wall, written);
    return { wall: stamp.date || written === zone ? stamp.wall : wallOf(at, zone), at, date: stamp.date };
  };
  const start = momentOf(begins.values[0], begins);
  const { length, end } = extentOf(event, start, zone, momentOf);
  const all = (name: string): readonly CalendarProperty[] => event.properties.filter((p) => p.name === name);
  const rule = (property: CalendarProperty): Recurrence =>
    recurrenceOf(property, (until) => (until.utc ? wallOf(instant(until.wall), zone) : until.wall));
  const stands = propertyOf(event, 'RECURRENCE-ID');
  const sequence = propertyOf(event, 'SEQUENCE')?.values[0];
  return {
    order,
    uid: textOf(event, 'UID'),
    sequence: typeof sequence === 'number' ? sequence : 0,
    cancelled: textOf(event, 'STATUS').toUpperCase() === 'CANCELLED',
    summary: textOf(event, 'SUMMARY'),
    description: textOf(event, 'DESCRIPTION'),
    attendees: all('ATTENDEE').flatMap(attendeeOf),
    zone,
    start,
    length,
    end,
    rules: all('RRULE').map(rule),
    exceptRules: all('EXRULE').map(rule),
    extras: all('RDATE').flatMap((p) => p.values.map((value) => extraOf(value, p, momentOf))),
    except: all('EXDATE').flatMap((p) => p.values.map((value) => momentOf(value, p))),
    instead: stands === null ? null : momentOf(stands.values[0], stands),
    andFollowing: String(stands?.parameters.range ?? '').toUpperCase() === 'THISANDFUTURE',
  };
}

type MomentOf = (value: unknown, property: CalendarProperty) => Moment;
type Extent = { readonly length: Length; readonly end: Instant };

const none: Length = { nominal: 0, exact: 0 };
const wholeDay = (): Length => ({ nominal: midnightOf(1), exact: 0 });

/** How long an event is; without DTEND and DURATION a whole day, or no time at all: RFC 5545, 3.6.1. */
function extentOf(event: Component, start: Moment, zone: OffsetAt, momentOf: MomentOf): Extent {
  const ends = propertyOf(event, 'DTEND');
  if (ends === null) {
    const lasts = propertyOf(event, 'DURATION');
    const otherwise = start.date ? wholeDay() : none;
    const length = lasts === null ? otherwise : lengthOf(lasts.values[0], lasts.line);
    return { length, end: endOf(start.wall, length, zone) };
  }
  const end = momentOf(ends.values[0], ends);
  const length = lengthBetween(start, end, ends.line);
  // Many programs end a whole day on the day on which it began.
  if (start.date && length.nominal === 0)
    return { length: wholeDay(), end: endOf(start.wall, wholeDay(), zone) };
  return { length, end: end.at < start.at ? start.at : end.at };
}

function extraOf(value: unknown, property: CalendarProperty, momentOf: MomentOf): Extra {
  if (!Array.isArray(value)) return { start: momentOf(value, property), length: null };
  const [from, to]: unknown[] = value;
  const start = momentOf(from, property);
  if (String(to).startsWith('P')) return { start, length: lengthOf(to, property.line) };
  return { start, length: lengthBetween(start, momentOf(to, property), property.line) };
}

function lengthBetween(start: Moment, end: Moment, line: number): Length {
  // From the first 01:45 of an autumn night to its second 01:15 the wall clock goes back.
  if (end.wall < start.wall && end.at >= start.at) return { nominal: 0, exact: end.at - start.at };
  return checkedLength(end.wall - start.wall, line);
}

/** The address and the name of somebody invited. */
function attendeeOf(property: CalendarProperty): readonly string[] {
  const address = String(property.values[0]).replace(/^mailto:/i, '');
  const { cn } = property.parameters;
  return [address, typeof cn === 'string' ? cn : ''].filter((text) => text !== '');
}

/** When something of that length ends; in the hour that clocks skip, nothing lasts. */
export function endOf(start: Wall, length: Length, zone: OffsetAt): Instant {
  const begins = instantOf(start, zone);
  const ends = instant(instantOf(wall(start + length.nominal), zone) + length.exact);
  return ends < begins ? begins : ends;
}
