/**
 * The text of an iCalendar file (RFC 5545) as components and properties, with
 * the line of each, so that whoever wrote a broken one finds it.
 *
 * The library reads each property; the lines and their nesting are read here,
 * because it knows no line numbers and gives a whole file up for a property
 * that nobody asks for.
 */
import ICAL from 'ical.js';
import { didYouMean } from '../nearest.ts';

export type CalendarProperty = {
  readonly line: number;
  readonly name: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly type: string;
  readonly values: readonly unknown[];
};

export type Component = {
  readonly line: number;
  readonly name: string;
  readonly properties: CalendarProperty[];
  readonly components: Component[];
};

/** Something wrong in a line: caught where the file is read, and nowhere else. */
export class CalendarFault extends Error {
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
  }
}

/** The properties that are looked at, by component; whatever else is in a file may be as odd as it likes. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  VCALENDAR: [],
  VTIMEZONE: ['TZID'],
  STANDARD: ['DTSTART', 'RRULE', 'RDATE', 'TZOFFSETFROM', 'TZOFFSETTO'],
  DAYLIGHT: ['DTSTART', 'RRULE', 'RDATE', 'TZOFFSETFROM', 'TZOFFSETTO'],
  VEVENT: [
    'UID',
    'SEQUENCE',
    'STATUS',
    'DTSTART',
    'DTEND',
    'DURATION',
    'RRULE',
    'RDATE',
    'EXRULE',
    'EXDATE',
    'RECURRENCE-ID',
    'SUMMARY',
    'DESCRIPTION',
    'ATTENDEE',
  ],
};

const nestingMax = 8;

/**
 * @throws CalendarFault where the text is no calendar.
 */
export function readComponents(text: string): readonly Component[] {
  const top: Component = { line: 0, name: '', properties: [], components: [] };
  const open: Component[] = [top];
  for (const { line, content } of contentLines(text)) {
    const around = open.at(-1) ?? top;
    const edge = /^(BEGIN|END):(.*)$/i.exec(content);
    if (edge === null) {
      if (around === top)
        throw new CalendarFault(line, 'this is no iCalendar file: BEGIN:VCALENDAR expected');
      addProperty(around, content, line);
      continue;
    }
    const name = (edge[2] ?? '').trim().toUpperCase();
    if (edge[1]?.toUpperCase() === 'BEGIN') {
      if (around === top && name !== 'VCALENDAR') {
        throw new CalendarFault(line, `BEGIN:VCALENDAR expected${didYouMean(name, ['VCALENDAR'], null)}`);
      }
      if (open.length > nestingMax) throw new CalendarFault(line, 'is nested too deeply');
      const component: Component = { line, name, properties: [], components: [] };
      around.components.push(component);
      open.push(component);
    } else {
      if (around === top || around.name !== name) throw new CalendarFault(line, 'END of what did not begin');
      open.pop();
    }
  }
  const unended = open.at(-1) ?? top;
  if (unended !== top) throw new CalendarFault(unended.line, `this ${shown(unended.name)} is not ended`);
  if (top.components.length === 0) throw new CalendarFault(1, 'this is no iCalendar file: it is empty');
  return top.components;
}

type ContentLine = { readonly line: number; readonly content: string };

/** Lines as they were before folding; empty ones are left out. */
function* contentLines(text: string): Generator<ContentLine, void> {
  let begun: { readonly line: number; readonly parts: string[] } | null = null;
  let line = 0;
  for (const raw of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    line++;
    if (begun !== null && (raw.startsWith(' ') || raw.startsWith('\t'))) {
      begun.parts.push(raw.slice(1));
      continue;
    }
    if (begun !== null) yield { line: begun.line, content: begun.parts.join('') };
    begun = raw.trim() === '' ? null : { line, parts: [raw] };
  }
  if (begun !== null) yield { line: begun.line, content: begun.parts.join('') };
}

function addProperty(to: Component, content: string, line: number): void {
  const name = /^[A-Za-z0-9-]+(?=[;:])/.exec(content)?.[0].toUpperCase();
  const names = wanted[to.name];
  if (names === undefined) return;
  if (name === undefined) throw new CalendarFault(line, `this is no property of a ${to.name}`);
  if (!names.includes(name)) return;
  // The words of a rule may be written in any case; the library knows them in capitals.
  const given = name.endsWith('RULE') ? content.toUpperCase() : content;
  to.properties.push({ line, name, ...parsed(given, line) });
}

function parsed(content: string, line: number): Omit<CalendarProperty, 'line' | 'name'> {
  try {
    const property: unknown = ICAL.parse.property(content, ICAL.design.icalendar);
    if (!Array.isArray(property)) throw new Error('is not understood');
    const [, parameters, type, ...values]: unknown[] = property;
    return { parameters: isRecord(parameters) ? parameters : {}, type: String(type), values };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CalendarFault(line, why.replace(/\s+/g, ' ').slice(0, 200));
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first property of that name. */
export function propertyOf(component: Component, name: string): CalendarProperty | null {
  return component.properties.find((property) => property.name === name) ?? null;
}

export function textOf(component: Component, name: string): string {
  const value = propertyOf(component, name)?.values[0];
  return typeof value === 'string' ? value : '';
}

const shownMax = 40;

/** A word of the file, short enough for a message. */
export const shown = (word: string): string => JSON.stringify(word.slice(0, shownMax));
