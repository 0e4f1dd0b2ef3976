/**
 * The schedule against a walk that knows nothing of it: minute by minute, it asks what a clock on the wall
 * shows there (Intl), and whether the words of the policy say "open".
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { During, Hours, Weekday } from '../../src/station/core/policy.ts';
import { isOpen, nextOpening, nextReminder, openingHorizon } from '../../src/station/core/schedule.ts';
import { days, type Instant, instant, milliseconds, minutes, plus, rfc3339 } from '../../src/time.ts';

/** Zones with something odd in them, and an instant near which it happens. */
const oddities: readonly (readonly [string, string])[] = [
  ['Europe/London', '2026-03-29T01:00Z'],
  ['Europe/London', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Asia/Kathmandu', '2026-01-01T00:00Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00Z'],
  ['UTC', '2000-02-29T00:00Z'],
];

const minute = minutes(1);
const day = days(1);
const episode = { raisedAt: instant(0) };
const always: During = { kind: 'always' };
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(timezone: string, at: Instant): { readonly weekday: number; readonly minute: number } {
  const format =
    formats.get(timezone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  formats.set(timezone, format);
  const [, name = '', hour, minutePart] = /^(\w+),? (\d+):(\d+)$/.exec(format.format(at)) ?? [];
  return { weekday: weekdays.indexOf(name) + 1, minute: Number(hour) * 60 + Number(minutePart) };
}

function openInWords(hours: Hours, at: Instant): boolean {
  const wall = wallClock(hours.timezone, at);
  const today = hours.days.some((day) => day === wall.weekday);
  const yesterday = hours.days.some((day) => day === (wall.weekday === 1 ? 7 : wall.weekday - 1));
  if (hours.from < hours.to) return today && wall.minute >= hours.from && wall.minute < hours.to;
  return (today && wall.minute >= hours.from) || (yesterday && wall.minute < hours.to);
}

function walk(open: (at: Instant) => boolean, from: Instant): Instant | null {
  if (open(from)) return from;
  const end = plus(from, openingHorizon);
  for (let at = instant(Math.ceil(from / minute) * minute); at <= end; at = plus(at, minute)) {
    if (open(at)) return at;
  }
  return null;
}

const anyHours = (timezone: string) =>
  fc.record({
    name: fc.constant(''),
    timezone: fc.constant(timezone),
    days: fc.subarray<Weekday>([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
    // Times of the small hours are where zones change.
    from: fc.oneof(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max: 1439 })),
    to: fc.oneof(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max: 1440 })),
  });

const anyCase = fc
  .tuple(fc.constantFrom(...oddities), fc.integer({ min: -3 * day, max: 3 * day }))
  .chain(([[timezone, near], away]) =>
    fc.record({
      first: anyHours(timezone),
      second: anyHours(timezone),
      from: fc.constant(instant(Date.parse(near) + away)),
    }),
  );

const shown = (at: Instant | null): string => (at === null ? 'never' : rfc3339(at));

describe('for any hours in any zone', () => {
  test('the next opening is neither early nor late', () => {
    fc.assert(
      fc.property(anyCase, ({ first, from }) => {
        const found = nextOpening({ kind: 'hours', hours: first }, episode, from);
        assert.equal(shown(found), shown(walk((at) => openInWords(first, at), from)));
      }),
      { numRuns: 300 },
    );
  });

  test('the next opening of two hours at once is neither early nor late', () => {
    fc.assert(
      fc.property(anyCase, ({ first, second, from }) => {
        const both: During = {
          kind: 'all',
          of: [always, ...[first, second].map((hours): During => ({ kind: 'hours', hours }))],
        };
        const found = nextOpening(both, episode, from);
        assert.equal(
          shown(found),
          shown(walk((at) => openInWords(first, at) && openInWords(second, at), from)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('a rule is open exactly when the words say so', () => {
    fc.assert(
      fc.property(anyCase, ({ first, from }) => {
        assert.equal(isOpen({ kind: 'hours', hours: first }, episode, from), openInWords(first, from));
      }),
      { numRuns: 2000 },
    );
  });

  test('a late station reminds on the minutes of one that was in time', () => {
    const lateCase = fc.tuple(
      anyCase,
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 0, max: 4 * day }),
    );
    fc.assert(
      fc.property(lateCase, ([{ first, from }, everyMinutes, late]) => {
        const due = instant(Math.floor(from / minute) * minute);
        const now = plus(due, milliseconds(late));
        const every = minutes(everyMinutes);
        let expected = due;
        while (expected <= now) {
          const target = plus(expected, every);
          const found = walk((at) => openInWords(first, at), target);
          if (found === null) return;
          expected = found;
        }
        const during: During = { kind: 'hours', hours: first };
        assert.equal(shown(nextReminder({ every, during }, episode, due, now)), shown(expected));
      }),
      { numRuns: 150 },
    );
  });
});
