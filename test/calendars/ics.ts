/** Calendars for tests: what is between BEGIN and END, and what came out, as people would write it down. */
import assert from 'node:assert/strict';
import { type CalendarEvent, type CalendarRead, readCalendar } from '../../src/station/calendar/calendar.ts';
import type { Period } from '../../src/station/core/policy.ts';
import { type Instant, instant, rfc3339 } from '../../src/time.ts';

export const at = (text: string): Instant => instant(Date.parse(text));

export const period = (from: string, to: string): Period => ({ from: at(from), to: at(to) });

export const calendar = (...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');

export const event = (...lines: readonly string[]): string =>
  ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');

export function read(text: string, window: Period, timezone = 'Europe/London'): readonly CalendarEvent[] {
  const found = readCalendar(text, window, timezone);
  assert.ok(found.ok, found.ok ? '' : found.why);
  assert.equal(found.cut, false);
  return found.events;
}

export function why(found: CalendarRead): string {
  assert.ok(!found.ok, 'it was read');
  return found.why;
}

/** `2026-10-19T08:00:00Z/2026-10-26T09:00:00Z bob` */
export const told = (events: readonly CalendarEvent[]): readonly string[] =>
  events.map(({ from, to, summary }) => `${rfc3339(from)}/${rfc3339(to)} ${summary}`.trim());
