/**
 * The conditions of a `during`, with every name replaced by what it stands for.
 */
import { Temporal } from 'temporal-polyfill';
import { type Instant, instant } from '../../time.ts';
import type { PersonId } from '../core/alert.ts';
import type { DayNumber, During, Hours, Person, Who } from '../core/policy.ts';
import { daysInWords, everyDay, hoursBuiltIn, type WrittenDuring, type WrittenHours } from './hours.ts';
import type { Gathered } from './parts.ts';
import { timezoneDefault } from './schema.ts';
import type { WrittenMoment } from './words.ts';

export const always: During = { kind: 'always' };

/** @param timezone of all times of day in it that have none of their own. */
export type ReadDuring = (written: WrittenDuring | undefined, timezone: string) => During;

export type DuringReader = {
  readonly during: ReadDuring;
  readonly hours: (written: WrittenHours | string, timezone: string) => Hours;
};

/** What conditions refer to. */
type Around = {
  readonly gathered: Gathered;
  readonly holidays: ReadonlySet<DayNumber>;
  readonly people: ReadonlyMap<PersonId, Person>;
  readonly whoOf: (names: readonly string[]) => readonly Who[];
};

const dayMinutes = 24 * 60;
const wholeDays: WrittenHours = { days: everyDay, from: 0, to: dayMinutes };

export function duringReader({ gathered, holidays, people, whoOf }: Around): DuringReader {
  // The same hours are the same object: thousands of rules may name them.
  const known = new Map<string, Hours>();
  const hoursFrom = (name: string, written: WrittenHours, timezone: string): Hours => ({
    name,
    timezone: written.timezone ?? timezone,
    days: written.days,
    from: written.from,
    to: written.to,
    except: written.except === undefined || holidays.size === 0 ? null : holidays,
    only: written.only === undefined ? null : holidays,
  });
  const hours = (written: WrittenHours | string, timezone: string): Hours => {
    if (typeof written !== 'string') return hoursFrom(hoursInWords(written), written, timezone);
    const key = `${timezone} ${written}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const meant = gathered.hours.get(written)?.written ?? hoursBuiltIn[written];
    if (meant === undefined) throw new Error(`hours "${written}" passed the check of names`);
    const made = hoursFrom(written, meant, timezone);
    known.set(key, made);
    return made;
  };
  const open = (written: WrittenHours | string, timezone: string): During => ({
    kind: 'hours',
    hours: hours(written, timezone),
  });
  const during: ReadDuring = (written, timezone) => {
    const of: During[] = [];
    if (written?.unacknowledged !== undefined)
      of.push({ kind: 'unacknowledged', for: written.unacknowledged });
    if (written?.raised_for !== undefined) of.push({ kind: 'raised-for', for: written.raised_for });
    if (written?.hours)
      of.push(
        joined(
          'any',
          written.hours.map((one) => open(one, timezone)),
        ),
      );
    if (written?.days) of.push(open({ ...wholeDays, days: written.days }, timezone));
    if (written?.hours_in_day) {
      const ranges = written.hours_in_day.map((range) => open({ ...wholeDays, ...range }, timezone));
      of.push(joined('any', ranges));
    }
    if (written?.holiday !== undefined) {
      const on: During = {
        kind: 'hours',
        hours: { ...hours(wholeDays, timezone), name: 'holidays', only: holidays },
      };
      of.push(written.holiday ? on : { kind: 'not', of: on });
    }
    if (written?.no_one_in) {
      const list = written.no_one_in.join(', ');
      of.push({ kind: 'no-one-in', list, who: whoOf(written.no_one_in), people });
    }
    if (written?.not) of.push({ kind: 'not', of: during(written.not, timezone) });
    if (written?.any)
      of.push(
        joined(
          'any',
          written.any.map((one) => during(one, timezone)),
        ),
      );
    if (written?.all)
      of.push(
        joined(
          'all',
          written.all.map((one) => during(one, timezone)),
        ),
      );
    return of.length === 0 ? always : joined('all', of);
  };
  return { during, hours };
}

function joined(kind: 'any' | 'all', of: readonly During[]): During {
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind, of };
}

/** Hours known by name, as the policy has them. */
export function namedHours(gathered: Gathered, { hours }: DuringReader): ReadonlyMap<string, Hours> {
  const timezone = gathered.timezone ?? timezoneDefault;
  const names = new Set([...Object.keys(hoursBuiltIn), ...gathered.hours.keys()]);
  return new Map([...names].map((name) => [name, hours(name, timezone)]));
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');
export const timeInWords = (minutes: number): string =>
  `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;

/** Hours as people write them: `sun 02:00-04:00`. */
export function hoursInWords({ days, from, to, except, only }: WrittenHours): string {
  const words = days.length === everyDay.length ? [] : [daysInWords(days)];
  if (from !== 0 || to !== dayMinutes) words.push(`${timeInWords(from)}-${timeInWords(to)}`);
  if (words.length === 0) words.push('all day');
  if (except !== undefined) words.push('except holidays');
  if (only !== undefined) words.push('on holidays');
  return words.join(' ');
}

/** What a `during` says, as one text: holidays and calendars may change without changing it. */
export function duringContent(during: During): string {
  const known = contents.get(during);
  if (known !== undefined) return known;
  const content = JSON.stringify(during, (key, value: unknown) => {
    if (key === 'who' || key === 'people') return undefined;
    return value instanceof Set ? 'holidays' : value;
  });
  contents.set(during, content);
  return content;
}
const contents = new WeakMap<During, string>();

/**
 * The instant that a moment means in a zone.
 * @param end of a day, the end is meant: the beginning of the next.
 */
export function momentIn(moment: WrittenMoment, timezone: string, end: boolean): Instant {
  switch (moment.kind) {
    case 'exact':
      return instant(Temporal.Instant.from(moment.text).epochMilliseconds);
    case 'local':
      return instant(Temporal.PlainDateTime.from(moment.text).toZonedDateTime(timezone).epochMilliseconds);
    case 'day': {
      const day = Temporal.PlainDate.from(moment.text);
      return instant((end ? day.add({ days: 1 }) : day).toZonedDateTime(timezone).epochMilliseconds);
    }
    default:
      throw new Error('no such moment');
  }
}
