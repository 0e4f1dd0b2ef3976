/**
 * How long: "2 hours", or "2 working hours", of which only those count that the
 * policy calls so. What forms and scripts write, and how it is said.
 */
import { type Duration, days, formatDuration, hours, milliseconds, minutes, parseDuration } from '../time.ts';
import { plural, roughly } from './pages/words.ts';

/** `hours`: the policy's name of the hours that count; every hour counts where it is absent. */
export type Length = { readonly for: Duration; readonly hours?: string };

const wallUnits = { m: minutes(1), h: hours(1), d: days(1) } as const;
/** Hours that every policy has, and that a form offers. A script may name any. */
const countedUnits = ['working', 'daytime'] as const;

export type WallUnit = keyof typeof wallUnits;
export type LengthUnit = WallUnit | (typeof countedUnits)[number];
export const isUnit = (text: string): text is LengthUnit => isWallUnit(text) || isCounted(text);
export const isWallUnit = (text: string): text is WallUnit => Object.hasOwn(wallUnits, text);
const isCounted = (text: string): boolean => countedUnits.some((unit) => unit === text);

export const unitNames: Readonly<Record<LengthUnit, string>> = {
  m: 'minutes',
  h: 'hours',
  d: 'days',
  working: 'working hours',
  daytime: 'daytime hours',
};
export const wallUnitsOffered: readonly LengthUnit[] = ['m', 'h', 'd'];
export const unitsOffered: readonly LengthUnit[] = [...wallUnitsOffered, ...countedUnits];

/** To whoever wrote no length of time. */
export const howLong = 'How long? Give a number, like 2, and its unit.';

/** Longer than any policy allows; the policy's own cap comes after. */
const lengthMax = days(3650);

/** What the fields `count` and `unit` of a form say. @returns null for nothing, 'bad' for no length of time. */
export function readLength(count: string, unit: string): Length | null | 'bad' {
  const written = count.trim();
  if (written === '') return null;
  if (!isUnit(unit) || !/^\d{1,7}([.,]\d{1,4})?$/.test(written)) return 'bad';
  const size = isWallUnit(unit) ? wallUnits[unit] : hours(1);
  const length = milliseconds(Number(written.replace(',', '.')) * size);
  if (length <= 0 || length > lengthMax) return 'bad';
  return isWallUnit(unit) ? { for: length } : { for: length, hours: unit };
}

/** As scripts write it: `2h`, `2h working`. @returns null where it is no length of time. */
export function parseLength(text: string): Length | null {
  const [, written = '', named] = /^(\S{1,64})(?: (\S{1,64}))?$/.exec(text) ?? [];
  const length = parseDuration(written);
  if (length === null || length <= 0 || length > lengthMax) return null;
  return named === undefined ? { for: length } : { for: length, hours: named };
}

/** The fields that say so: the largest unit of which it is a whole number. */
export function fieldsOf(length: Length): { readonly count: number; readonly unit: string } {
  if (length.hours !== undefined) return { count: length.for / hours(1), unit: length.hours };
  const unit = length.for % wallUnits.d === 0 ? 'd' : length.for % wallUnits.h === 0 ? 'h' : 'm';
  return { count: length.for / wallUnits[unit], unit };
}

/** `2h`, `2 working hours`. */
export function lengthWords(length: Length): string {
  if (length.hours === undefined) return roughly(length.for);
  const whole = length.for % hours(1) === 0;
  const kind = `${length.hours} hour`;
  return whole ? plural(length.for / hours(1), kind) : `${formatDuration(length.for)} of ${kind}s`;
}
