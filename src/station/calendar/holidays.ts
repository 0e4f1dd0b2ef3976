/**
 * Public holidays by country and region, from a library that is kept up to
 * date by people of those countries. It costs 130 ms and 10 MB to load, so it
 * is loaded when the first policy asks for it, and its answers are remembered.
 */
import { createRequire } from 'node:module';
import type Holidays from 'date-holidays';
import { days, hours } from '../../time.ts';
import type { DayNumber } from '../core/policy.ts';
import { didYouMean } from '../nearest.ts';
import { dayNumberIfReal } from './wall-time.ts';

export type HolidaysRead =
  | { readonly ok: true; readonly days: ReadonlySet<DayNumber> }
  | { readonly ok: false; readonly why: string };

/** Years asked for at once: a policy looks a year ahead. */
const yearsMax = 50;
const rememberedMax = 100;
const remembered = new Map<string, ReadonlySet<DayNumber>>();

/** Days on which shops and offices, or only banks, are closed; not those that are merely observed. */
const types = ['public', 'bank'] as const;

let library: typeof Holidays | null = null;

/** Synchronous, as the reading of a policy is. */
function loaded(): typeof Holidays {
  library ??= createRequire(import.meta.url)('date-holidays') as typeof Holidays;
  return library;
}

/**
 * @param country of ISO 3166: `GB`.
 * @param region of that country, in the same code (`ENG`, `BY`), perhaps with a part of it (`BY-A`); null: what the
 * whole country keeps.
 * @param lastYear included.
 */
export function publicHolidays(
  country: string,
  region: string | null,
  firstYear: number,
  lastYear: number,
): HolidaysRead {
  if (lastYear - firstYear >= yearsMax) throw new Error(`holidays of ${firstYear} to ${lastYear}`);
  const where = placeOf(country, region);
  if (!where.ok) return where;
  const key = [...where.place, firstYear, lastYear].join('/');
  const known = remembered.get(key);
  if (known !== undefined) return { ok: true, days: known };
  const found = holidaysIn(where.place, firstYear, lastYear);
  if (remembered.size >= rememberedMax) remembered.clear();
  remembered.set(key, found);
  return { ok: true, days: found };
}

/** Country, region, and part of the region: as many as were given. */
type Place = readonly [string, ...string[]];
type PlaceRead = { readonly ok: true; readonly place: Place } | { readonly ok: false; readonly why: string };

/** The library takes an unknown region for none at all; here it is a mistake. */
function placeOf(country: string, region: string | null): PlaceRead {
  const all = new (loaded())();
  const countries = Object.keys(all.getCountries());
  const known = alike(country, countries);
  if (known === null) {
    // Of two letters another word is always near; only one mistake is common.
    const hint =
      country.toUpperCase() === 'UK' ? 'did you mean "GB"?' : 'its ISO 3166 code, such as GB, is expected';
    return { ok: false, why: `no holidays are known of country "${country}" (${hint})` };
  }
  if (region === null) return { ok: true, place: [known] };
  const states = Object.keys(all.getStates(known) ?? {});
  const state = alike(region, states);
  if (state !== null) return { ok: true, place: [known, state] };
  for (const outer of states.filter((one) => region.toUpperCase().startsWith(`${one.toUpperCase()}-`))) {
    const parts = Object.keys(all.getRegions(known, outer) ?? {});
    const part = alike(region.slice(outer.length + 1), parts);
    if (part !== null) return { ok: true, place: [known, outer, part] };
    const whole = parts.map((one) => `${outer}-${one}`);
    return { ok: false, why: `${known} has no region "${region}"${didYouMean(region, whole, 'it has')}` };
  }
  return { ok: false, why: `${known} has no region "${region}"${didYouMean(region, states, 'it has')}` };
}

const alike = (word: string, known: readonly string[]): string | null =>
  known.find((one) => one.toUpperCase() === word.toUpperCase()) ?? null;

function holidaysIn(place: Place, firstYear: number, lastYear: number): ReadonlySet<DayNumber> {
  const [country, state = '', part = ''] = place;
  const calendar = new (loaded())(country, state, part, { types: [...types] });
  const found = new Set<DayNumber>();
  // A holiday moved to a working day may land in the year before or after its own.
  for (let year = firstYear - 1; year <= lastYear + 1; year++) {
    for (const { date, start, end } of calendar.getHolidays(year)) {
      for (const day of daysOf(date, end.getTime() - start.getTime())) found.add(day);
    }
  }
  const first = dayNumberIfReal({ year: firstYear, month: 1, day: 1 }) ?? 0;
  const last = dayNumberIfReal({ year: lastYear, month: 12, day: 31 }) ?? 0;
  return new Set([...found].filter((day) => first <= day && day <= last).sort((a, b) => a - b));
}

/**
 * The days whose noon a holiday holds. So one from 14:00 on, as Christmas Eve is in some countries, leaves that day
 * a working day: better to be told on a free afternoon than not to be told on a working morning.
 * @param date `2026-12-25 00:00:00`, on the wall there.
 */
function daysOf(date: string, length: number): readonly DayNumber[] {
  const [, year, month, day, hour, minute] = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)/.exec(date) ?? [];
  const first = dayNumberIfReal({ year: Number(year), month: Number(month), day: Number(day) });
  if (first === null) return [];
  const begins = hours(Number(hour) + Number(minute) / 60);
  const touched = Math.ceil((begins + length) / days(1));
  return Array.from({ length: touched }, (_, n) => n)
    .filter((n) => begins <= days(n) + hours(12) && days(n) + hours(12) < begins + length)
    .map((n) => first + n);
}
