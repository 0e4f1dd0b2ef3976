/**
 * The zones of a calendar: those that the system knows by the name of a place,
 * and those that the calendar itself describes (VTIMEZONE). What the system
 * says of a place goes before what a calendar says of it, since the latter is
 * mostly a sketch of this year's rules; names that are no place
 * (`Customized Time Zone`, `EST`) mean what their calendar says.
 */
import { type Instant, instant, milliseconds } from '../../time.ts';
import { type Budget, occurrences } from './recurrence.ts';
import { CalendarFault, type CalendarProperty, type Component, propertyOf, shown, textOf } from './text.ts';
import { offsetOf, recurrenceOf, stampOf } from './values.ts';
import { type OffsetAt, offsetsOf, type Wall, wall } from './wall-time.ts';

/** Finds the zone of a name; the line is that of whoever asks. */
export type ZoneNamed = (name: string, line: number) => OffsetAt;

/**
 * @param calendar whose own descriptions count first.
 * @param all of the file: what one calendar describes, another may use.
 * @param to as far as described changes are needed.
 */
export function zonesOf(calendar: Component, all: readonly Component[], to: Wall, budget: Budget): ZoneNamed {
  const known = new Map<string, OffsetAt>();
  return (name, line) => {
    const found = known.get(name) ?? find(name, line, [calendar, ...all], to, budget);
    known.set(name, found);
    return found;
  };
}

function find(
  name: string,
  line: number,
  calendars: readonly Component[],
  to: Wall,
  budget: Budget,
): OffsetAt {
  const place = placeIn(name);
  const ofPlace = place === null ? null : offsetsOf(place);
  if (ofPlace !== null) return ofPlace;
  for (const calendar of calendars) {
    const described = calendar.components.find(
      (component) => component.name === 'VTIMEZONE' && textOf(component, 'TZID') === name,
    );
    if (described !== undefined) return describedOffsets(described, to, budget);
  }
  const offsets = offsetsOf(name);
  if (offsets === null) {
    throw new CalendarFault(
      line,
      `nobody knows the time zone ${shown(name)}, and the file does not describe it`,
    );
  }
  return offsets;
}

/** `Europe/London`, also at the end of a longer name, as some programs write it. */
function placeIn(name: string): string | null {
  return (
    /(?:^|\/)((?:[A-Z][A-Za-z_]+)\/[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z_-]+)?)$/.exec(name)?.[1] ?? null
  );
}

type Change = { readonly at: Instant; readonly before: number; readonly after: number };

function describedOffsets(zone: Component, to: Wall, budget: Budget): OffsetAt {
  const changes = zone.components
    .filter(({ name }) => name === 'STANDARD' || name === 'DAYLIGHT')
    .flatMap((observance) => changesOf(observance, to, budget))
    .sort((a, b) => a.at - b.at);
  const [first] = changes;
  if (first === undefined) throw new CalendarFault(zone.line, 'this zone has neither STANDARD nor DAYLIGHT');
  return (at) => {
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle]?.at ?? at) <= at) low = middle + 1;
      else high = middle;
    }
    return milliseconds(low === 0 ? first.before : (changes[low - 1]?.after ?? first.before));
  };
}

function changesOf(observance: Component, to: Wall, budget: Budget): readonly Change[] {
  const start = required(observance, 'DTSTART');
  const before = offsetOf(required(observance, 'TZOFFSETFROM'));
  const after = offsetOf(required(observance, 'TZOFFSETTO'));
  const begins = stampOf(start.values[0], start.line).wall;
  const onsets = new Set<Wall>([begins]);
  for (const property of observance.properties) {
    if (property.name === 'RDATE') {
      for (const value of property.values) onsets.add(stampOf(value, property.line).wall);
    } else if (property.name === 'RRULE') {
      const rule = recurrenceOf(property, (until) => wall(until.wall + (until.utc ? before : 0)));
      for (const onset of occurrences(rule, begins, begins, to, budget)) onsets.add(onset);
    }
  }
  return [...onsets].map((onset) => ({ at: instant(onset - before), before, after }));
}

function required(component: Component, name: string): CalendarProperty {
  const property = propertyOf(component, name);
  if (property === null) throw new CalendarFault(component.line, `this ${component.name} has no ${name}`);
  return property;
}
