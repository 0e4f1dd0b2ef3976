/**
 * The schedule as a patient person would work it out, who knows nothing of offsets and spans: at every minute
 * they look at a clock on the wall there (Intl), and ask whether the words of the policy say "open".
 */
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { PersonId } from '../../src/station/core/alert.ts';
import type {
  Absence,
  During,
  Episode,
  Hours,
  Period,
  Person,
  Shift,
  Weekday,
  Who,
} from '../../src/station/core/policy.ts';
import { days, type Instant, instant, milliseconds, minutes, plus, rfc3339 } from '../../src/time.ts';

export const minute = minutes(1);
export const day = days(1);
export const shown = (at: Instant | null): string => (at === null ? 'never' : rfc3339(at));

type WallClock = { readonly dayNumber: number; readonly weekday: number; readonly minute: number };

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();
const seen = new Map<string, WallClock>();
const seenMost = 200_000;

/** What a clock and a calendar on the wall show. */
export function wallClock(timezone: string, at: Instant): WallClock {
  const key = `${timezone} ${Math.floor(at / minute)}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  const format =
    formats.get(timezone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  formats.set(timezone, format);
  const text = format.format(at);
  const [month = 0, date = 0, year = 0, hour = 0, past = 0] = (text.match(/\d+/g) ?? []).map(Number);
  const wall = {
    dayNumber: Date.UTC(year, month - 1, date) / day,
    weekday: weekdays.findIndex((name) => text.includes(name)) + 1,
    minute: hour * 60 + past,
  };
  if (seen.size > seenMost) seen.clear();
  seen.set(key, wall);
  return wall;
}

export function hoursInWords(hours: Hours, at: Instant): boolean {
  const wall = wallClock(hours.timezone, at);
  const begin = (daysAgo: number): boolean => {
    const weekday = ((wall.weekday - 1 - daysAgo + 7) % 7) + 1;
    const dayNumber = wall.dayNumber - daysAgo;
    if (hours.except?.has(dayNumber)) return false;
    if (hours.only !== null && !hours.only.has(dayNumber)) return false;
    return hours.days.some((one) => one === weekday);
  };
  if (hours.from < hours.to) return begin(0) && wall.minute >= hours.from && wall.minute < hours.to;
  return (begin(0) && wall.minute >= hours.from) || (begin(1) && wall.minute < hours.to);
}

const within = (periods: readonly Period[], at: Instant): boolean =>
  periods.some(({ from, to }) => from <= at && at < to);

function anybodyThere(during: Extract<During, { kind: 'no-one-in' }>, at: Instant): boolean {
  return during.who.some((part) => {
    const meant =
      part.kind === 'people'
        ? part.people
        : part.rota.shifts.flatMap((shift) => (within([shift], at) ? shift.people : []));
    return meant.some((person) => {
      if (part.kind === 'rota' && part.only !== null && !part.only.has(person)) return false;
      return !within(during.people.get(person)?.away ?? [], at);
    });
  });
}

export function openInWords(during: During, episode: Episode, at: Instant): boolean {
  switch (during.kind) {
    case 'always':
      return true;
    case 'hours':
      return hoursInWords(during.hours, at);
    case 'unacknowledged':
    case 'raised-for':
      return at - episode.raisedAt >= during.for;
    case 'no-one-in':
      return !anybodyThere(during, at);
    case 'all':
      return during.of.every((one) => openInWords(one, episode, at));
    case 'any':
      return during.of.some((one) => openInWords(one, episode, at));
    case 'not':
      return !openInWords(during.of, episode, at);
    default:
      throw new Error('no such condition');
  }
}

/** All that is not on a whole minute, and at which something may change. */
function oddMoments(during: During, episode: Episode): readonly Instant[] {
  switch (during.kind) {
    case 'unacknowledged':
    case 'raised-for':
      return [plus(episode.raisedAt, during.for)];
    case 'no-one-in': {
      const shifts = during.who.flatMap((part) => (part.kind === 'rota' ? part.rota.shifts : []));
      const away = [...during.people.values()].flatMap((person) => person.away);
      return [...shifts, ...away].flatMap(({ from, to }) => [from, to]);
    }
    case 'all':
    case 'any':
      return during.of.flatMap((one) => oddMoments(one, episode));
    case 'not':
      return oddMoments(during.of, episode);
    default:
      return [];
  }
}

/** The first moment after `from`, up to and including `by`, that `good` likes, of whole minutes and odd moments. */
function walk(during: During, episode: Episode, from: Instant, by: Instant, wanted: boolean): Instant | null {
  const odd = [...new Set(oddMoments(during, episode))]
    .filter((at) => at > from && at <= by)
    .sort((a, b) => a - b);
  let next = 0;
  for (let at = (Math.floor(from / minute) + 1) * minute; ; at += minute) {
    for (let moment = odd[next]; moment !== undefined && moment < at; moment = odd[next]) {
      if (openInWords(during, episode, moment) === wanted) return moment;
      next += 1;
    }
    if (at > by) return null;
    if (openInWords(during, episode, instant(at)) === wanted) return instant(at);
  }
}

export function changeInWords(during: During, episode: Episode, at: Instant, by: Instant): Instant | null {
  return walk(during, episode, at, by, !openInWords(during, episode, at));
}

/** `horizon` is how far ahead an opening is looked for. */
export function openingInWords(
  during: During,
  episode: Episode,
  from: Instant,
  horizon = days(8),
): Instant | null {
  if (openInWords(during, episode, from)) return from;
  return walk(during, episode, from, plus(from, horizon), true);
}

// ---------------------------------------------------------------- anything a policy may say

/** Zones with something odd in them, and an instant near which it happens. */
export const oddities: readonly (readonly [string, Instant])[] = (
  [
    ['Europe/London', '2026-03-29T01:00Z'],
    ['Europe/London', '2026-10-25T01:00Z'],
    ['America/New_York', '2026-11-01T06:00Z'],
    // Half an hour.
    ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
    ['Asia/Kathmandu', '2026-01-01T00:00Z'],
    // At midnight.
    ['America/Sao_Paulo', '2018-02-18T02:00Z'],
    ['America/Sao_Paulo', '2018-11-04T03:00Z'],
    ['Asia/Beirut', '2026-03-28T22:00Z'],
    ['Asia/Beirut', '2026-10-24T21:00Z'],
    ['America/Havana', '2026-03-08T05:00Z'],
    // A minute after midnight.
    ['America/St_Johns', '2010-11-07T02:31Z'],
    // A day that never was, and one that came twice.
    ['Pacific/Apia', '2011-12-30T10:00Z'],
    ['Pacific/Kwajalein', '1993-08-20T12:00Z'],
    ['Africa/Casablanca', '2026-02-15T02:00Z'],
    // Two hours, in the Antarctic.
    ['Antarctica/Troll', '2026-03-29T01:00Z'],
    ['Asia/Pyongyang', '2018-05-04T15:00Z'],
    ['UTC', '2000-02-29T00:00Z'],
  ] as const
).map(([zone, near]) => [zone, instant(Date.parse(near))] as const);

export const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

/** A change of the zone's offset before or after `at`; `at` itself where there is none. */
export function changeOfZone(timezone: string, at: Instant, which: 'next' | 'previous'): Instant {
  const there = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
  const change = there.getTimeZoneTransition(which)?.epochMilliseconds;
  // The seconds of some offsets of long ago are not shown by Intl.
  return change === undefined || change < earliestPlace ? at : instant(change);
}
const earliestPlace = Date.UTC(1980, 0);
const latestPlace = Date.UTC(2037, 0);

export type Place = { readonly timezone: string; readonly from: Instant };

/** Somewhere, mostly within three days of a change of its clocks. */
export const anyPlace: fc.Arbitrary<Place> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...oddities),
      fc
        .tuple(fc.constantFrom(...zones), fc.integer({ min: earliestPlace, max: latestPlace }))
        .map(([timezone, at]) => [timezone, changeOfZone(timezone, instant(at), 'next')] as const),
    ),
    fc.integer({ min: -3 * day, max: 3 * day }),
  )
  .map(([[timezone, near], away]) => ({ timezone, from: instant(near + away) }));

/** Times of the small hours are where zones change. */
const anyMinute = (max: number) => fc.oneof(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max }));

const anyDays = ({ timezone, from }: Place): fc.Arbitrary<ReadonlySet<number>> =>
  fc
    .uniqueArray(fc.integer({ min: -2, max: 10 }), { maxLength: 6 })
    .map((ahead) => new Set(ahead.map((n) => wallClock(timezone, from).dayNumber + n)));

export const anyHours = (place: Place): fc.Arbitrary<Hours> =>
  fc
    .record({
      days: fc.oneof(
        fc.constant<Weekday[]>([1, 2, 3, 4, 5, 6, 7]),
        fc.subarray<Weekday>([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
      ),
      from: anyMinute(1439),
      to: anyMinute(1440),
      wholeDay: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      except: fc.option(anyDays(place)),
      only: fc.option(anyDays(place), { freq: 3 }),
    })
    .map(({ wholeDay, only, except, ...hours }) => ({
      name: '',
      timezone: place.timezone,
      ...hours,
      to: wholeDay ? hours.from : hours.to,
      except,
      only: except === null ? only : null,
    }));

const names = ['ann', 'bob', 'cy'] as PersonId[];

/** In order, not overlapping, not on whole minutes, some of them back to back. */
const anyPeriods = (from: Instant): fc.Arbitrary<readonly Period[]> =>
  fc.uniqueArray(fc.integer({ min: -2 * day, max: 10 * day }), { maxLength: 8 }).chain((cuts) => {
    const sorted = [...cuts].sort((a, b) => a - b);
    const stretches = sorted.slice(1).map((to, index) => ({
      from: instant(from + (sorted[index] ?? 0)),
      to: instant(from + to),
    }));
    return fc.subarray(stretches);
  });

const anyNoOneIn = ({ from }: Place): fc.Arbitrary<During> => {
  const some = fc.subarray(names);
  const rota = fc
    .tuple(anyPeriods(from), fc.array(some, { minLength: 8, maxLength: 8 }), fc.option(some))
    .map(([periods, people, only]): Who => {
      const shifts = periods.map((period, index): Shift => ({ ...period, people: people[index] ?? [] }));
      return {
        kind: 'rota',
        rota: { name: 'rota', shifts, people: new Set(names) },
        only: only === null ? null : new Set(only),
      };
    });
  const listed = some.map((people): Who => ({ kind: 'people', people }));
  const away = anyPeriods(from).map((periods): readonly Absence[] => {
    // What touches is one absence: so the policy has them.
    const merged: Absence[] = [];
    for (const { from: begin, to } of periods) {
      const last = merged.at(-1);
      if (last?.to === begin) merged[merged.length - 1] = { ...last, to };
      else merged.push({ from: begin, to, why: 'holiday' });
    }
    return merged;
  });
  return fc
    .tuple(fc.array(fc.oneof(rota, listed), { maxLength: 2 }), fc.array(away, { minLength: 3, maxLength: 3 }))
    .map(([who, absences]) => ({
      kind: 'no-one-in',
      list: 'list',
      who,
      people: new Map(names.map((id, index) => [id, personAway(id, absences[index] ?? [])])),
    }));
};

function personAway(id: PersonId, away: readonly Absence[]): Person {
  const inbox = { kind: 'all-of', channels: ['inbox'] } as const;
  const channels = { low: inbox, normal: inbox, urgent: inbox };
  return { id, name: id, addresses: {}, channels, timezone: 'UTC', limits: [], away };
}

const anyLength = fc
  .oneof(
    fc.integer({ min: 0, max: 10 * day }),
    fc.integer({ min: 0, max: 20_000 }).map((n) => n * minute),
  )
  .map(milliseconds);

/** Conditions, joined by all, any and not, up to three deep. */
export const anyDuring = (place: Place): fc.Arbitrary<During> => {
  const hours = anyHours(place).map((of): During => ({ kind: 'hours', hours: of }));
  const leaf: fc.Arbitrary<During> = fc.oneof(
    { arbitrary: hours, weight: 6 },
    { arbitrary: anyLength.map((of): During => ({ kind: 'unacknowledged', for: of })), weight: 1 },
    { arbitrary: anyLength.map((of): During => ({ kind: 'raised-for', for: of })), weight: 1 },
    { arbitrary: anyNoOneIn(place), weight: 2 },
    { arbitrary: fc.constant<During>({ kind: 'always' }), weight: 1 },
  );
  const joined = (one: fc.Arbitrary<During>): fc.Arbitrary<During> =>
    fc.oneof(
      { arbitrary: one, weight: 2 },
      { arbitrary: fc.array(one, { maxLength: 3 }).map((of): During => ({ kind: 'all', of })), weight: 1 },
      { arbitrary: fc.array(one, { maxLength: 3 }).map((of): During => ({ kind: 'any', of })), weight: 1 },
      { arbitrary: one.map((of): During => ({ kind: 'not', of })), weight: 1 },
    );
  return joined(joined(leaf));
};

/** Raised some time before, to the millisecond. */
export const anyEpisode = ({ from }: Place): fc.Arbitrary<Episode> =>
  fc.integer({ min: -9 * day, max: 0 }).map((ago) => ({ raisedAt: instant(from + ago) }));
