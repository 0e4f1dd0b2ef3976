/**
 * Lengths of time as people type them in a reply: `2h`, `1 h 30`, `half an
 * hour`, `2 working hours`, `until tomorrow 9:00`. What could be read in two
 * ways is asked about, never guessed.
 */
import { Temporal } from 'temporal-polyfill';
import { type Duration, days, hours, type Instant, milliseconds, minutes, seconds } from '../../time.ts';
import { shown, type Word } from './reply-words.ts';

/** `hours`: the policy's name of the hours that count; every hour counts where it is absent. */
export type ReplyLength = { readonly for: Duration; readonly hours?: string };

/** What the reader's clock shows, and what the policy calls hours. */
export type Reckoning = {
  readonly now: Instant;
  /** Of whoever wrote. */
  readonly timezone: string;
  /** Names of hours in the policy. */
  readonly hours: readonly string[];
};

/** Found, with the index of the word behind it; or a question to whoever wrote; null: there is no length here. */
export type LengthRead =
  | { readonly kind: 'length'; readonly length: ReplyLength; readonly next: number }
  | { readonly kind: 'ask'; readonly why: string }
  | null;

/** Longer than any policy allows; the policy's own cap comes after. */
const lengthMax = days(3650);

const unitWords: readonly (readonly [Duration, string])[] = [
  [days(7), 'w wk wks week weeks'],
  [days(1), 'd day days'],
  [hours(1), 'h hr hrs hour hours'],
  [minutes(1), 'm min mins minute minutes'],
  [seconds(1), 's sec secs second seconds'],
];
const units: ReadonlyMap<string, Duration> = new Map(
  unitWords.flatMap(([size, words]) => words.split(' ').map((word) => [word, size] as const)),
);
const isHours = (text: string | undefined): boolean => units.get(text ?? '') === hours(1);
const isDays = (text: string | undefined): boolean => units.get(text ?? '') === days(1);

const numberWords: ReadonlyMap<string, number> = new Map([
  ...[
    ['a', 1],
    ['an', 1],
  ],
  ...'one two three four five six seven eight nine ten eleven twelve'
    .split(' ')
    .map((word, index) => [word, index + 1]),
] as [string, number][]);
/** These stand before a length, never for a kind of hours. */
const smallWords: ReadonlySet<string> = new Set(['for', 'half', 'until', 'till', 'til', 'because', 'and']);

const ask = (why: string): LengthRead => ({ kind: 'ask', why });
export const twoLengths = 'Two lengths of time: which is it? Write one, like ack 12 2h.';

/** How many; null where the word is no number. `#12` is always a code. */
export function numberIn(word: Word | undefined): number | null {
  if (word === undefined || word.hash) return null;
  if (/^\d{1,7}(?:[.,]\d{1,4})?$/u.test(word.text)) return Number(word.text.replace(',', '.'));
  return numberWords.get(word.text) ?? null;
}

/** One part of a length. `size`: the smallest unit it is made of. */
type Part = {
  readonly for: Duration;
  readonly size: Duration;
  readonly hours?: string;
  readonly next: number;
};
type PartRead = Part | { readonly kind: 'ask'; readonly why: string } | null;

/** A length that begins at that word: `2h`, `1h30m`, `2 hours and 30 min`, `2 working hours`. */
export function readLength(words: readonly Word[], from: number, reckoning: Reckoning): LengthRead {
  const first = readPart(words, from, reckoning);
  if (first === null || 'kind' in first) return first;
  let total: number = first.for;
  let { size, next } = first;
  while (first.hours === undefined) {
    const joined = words[next]?.text === 'and' ? next + 1 : next;
    const more = readPart(words, joined, reckoning);
    if (more === null) break;
    if ('kind' in more) return more;
    if (more.hours !== undefined || more.size >= size) return ask(twoLengths);
    total += more.for;
    ({ size, next } = more);
  }
  if (total <= 0 || total > lengthMax) return ask('How long? Write something like 30m, 2h or 1d.');
  const length = milliseconds(total);
  return {
    kind: 'length',
    length: first.hours === undefined ? { for: length } : { for: length, hours: first.hours },
    next,
  };
}

function readPart(words: readonly Word[], from: number, reckoning: Reckoning): PartRead {
  const [word, second, third] = words.slice(from, from + 3);
  if (word === undefined || word.hash) return null;
  if (word.text === 'half') return half(words, from);
  const fused = fusedLength(word.text);
  if (fused !== null) return behindHours({ ...fused, next: from + 1 }, second, third, reckoning);
  const number = numberIn(word);
  if (number === null || second === undefined || second.hash) return null;
  const unit = units.get(second.text);
  if (unit === undefined) return named(number, second.text, third?.text, from, reckoning);
  const part = { for: milliseconds(number * unit), size: unit, next: from + 2 };
  return behindHours(part, third, words[from + 3], reckoning);
}

/** `half an hour`. */
function half(words: readonly Word[], from: number): PartRead {
  const article = ['a', 'an'].includes(words[from + 1]?.text ?? '') ? 1 : 0;
  const unit = units.get(words[from + 1 + article]?.text ?? '');
  return unit === undefined
    ? null
    : { for: milliseconds(unit / 2), size: minutes(1), next: from + 2 + article };
}

/** `1h30m`, `1h30`, `90min`; null where a part of it is no unit. */
function fusedLength(text: string): { readonly for: Duration; readonly size: Duration } | null {
  const whole = /^((?:\d{1,7}(?:[.,]\d{1,4})?[a-z]+)+)(\d{1,2})?$/u.exec(text);
  if (whole === null) return null;
  let total = 0;
  let size: Duration | null = null;
  for (const [, count = '', name = ''] of (whole[1] ?? '').matchAll(/([\d.,]+)([a-z]+)/gu)) {
    const unit = units.get(name);
    if (unit === undefined || (size !== null && unit >= size)) return null;
    total += Number(count.replace(',', '.')) * unit;
    size = unit;
  }
  const rest = whole[2];
  if (size === null || (rest !== undefined && (size !== hours(1) || Number(rest) >= 60))) return null;
  if (rest === undefined) return { for: milliseconds(total), size };
  return { for: milliseconds(total + Number(rest) * minutes(1)), size: minutes(1) };
}

/** `2h working`: hours of the policy, or the first word of a note? */
function behindHours(
  part: Part,
  second: Word | undefined,
  third: Word | undefined,
  { hours: names }: Reckoning,
): PartRead {
  if (part.size !== hours(1) || second === undefined) return part;
  const name = names.find((each) => each.toLowerCase() === second.text);
  if (name === undefined) return part;
  if (isHours(third?.text)) return { ...part, hours: name, next: part.next + 2 };
  const count = part.for / hours(1);
  if (third === undefined)
    return {
      kind: 'ask',
      why: `Is ${shown(name)} a note? Write ${count} ${name} hours, or because ${name}.`,
    };
  return part;
}

/** `2 working hours`. */
function named(
  count: number,
  name: string,
  unit: string | undefined,
  from: number,
  { hours: names }: Reckoning,
): PartRead {
  if (smallWords.has(name) || numberWords.has(name) || !/^\p{L}/u.test(name)) return null;
  const found = names.find((each) => each.toLowerCase() === name);
  if (isDays(unit) && found !== undefined) {
    return { kind: 'ask', why: `Say it in hours, like 8 ${found} hours.` };
  }
  if (!isHours(unit)) return null;
  if (found !== undefined)
    return { for: milliseconds(count * hours(1)), size: hours(1), hours: found, next: from + 3 };
  const there = names.length === 0 ? 'none' : names.slice(0, 5).join(', ');
  return { kind: 'ask', why: `The policy has no hours called ${shown(name)}: there are ${there}.` };
}

// ---------------------------------------------------------------- until

const dayNames = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** 1 = Monday; from three letters on: `tue`, `tues`. */
function weekdayOf(text: string): number | null {
  const index = text.length < 3 ? -1 : dayNames.findIndex((day) => day.startsWith(text));
  return index < 0 ? null : index + 1;
}

type DayMeant =
  | { readonly kind: 'ahead'; readonly days: number }
  | { readonly kind: 'weekday'; readonly weekday: number }
  | { readonly kind: 'date'; readonly date: Temporal.PlainDate };

function dayIn(text: string | undefined): DayMeant | null {
  if (text === undefined) return null;
  if (text === 'today') return { kind: 'ahead', days: 0 };
  if (text === 'tomorrow') return { kind: 'ahead', days: 1 };
  const weekday = weekdayOf(text);
  if (weekday !== null) return { kind: 'weekday', weekday };
  if (!/^\d{4}-\d\d-\d\d$/u.test(text)) return null;
  try {
    return { kind: 'date', date: Temporal.PlainDate.from(text, { overflow: 'reject' }) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type TimeRead = { readonly time: Temporal.PlainTime; readonly next: number } | null;

function timeIn(words: readonly Word[], from: number): TimeRead {
  const text = words[from]?.text ?? '';
  if (text === 'noon') return { time: new Temporal.PlainTime(12), next: from + 1 };
  if (text === 'midnight') return { time: new Temporal.PlainTime(0), next: from + 1 };
  const [, hour = '', minute, half] = /^(\d{1,2})(?:[:.](\d\d))?(am|pm)?$/u.exec(text) ?? [];
  const apart = half === undefined ? halfOf(words[from + 1]?.text) : null;
  const ofDay = half ?? apart;
  const next = from + (apart === null ? 1 : 2);
  if (hour === '' || (minute === undefined && ofDay === null)) return null;
  const hourOfDay = ofDay === null ? Number(hour) : hourBy(Number(hour), ofDay);
  const minuteOfHour = Number(minute ?? 0);
  if (hourOfDay === null || hourOfDay > 23 || minuteOfHour > 59) return null;
  return { time: new Temporal.PlainTime(hourOfDay, minuteOfHour), next };
}

/** Also as it comes out of `a.m.` */
const halfOf = (text: string | undefined): string | null =>
  text === 'am' || text === 'a.m' ? 'am' : text === 'pm' || text === 'p.m' ? 'pm' : null;

function hourBy(hour: number, half: string): number | null {
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}

const filler = (words: readonly Word[], at: number): number =>
  ['at', 'on'].includes(words[at]?.text ?? '') ? at + 1 : at;

/** What follows `until`: `09:30`, `9am`, `tomorrow 9:00`, `9:00 on Monday`. Never null: something must follow. */
export function readUntil(
  words: readonly Word[],
  from: number,
  reckoning: Reckoning,
): Exclude<LengthRead, null> {
  const start = filler(words, from);
  let day = dayIn(words[start]?.text);
  const time = timeIn(words, day === null ? start : filler(words, start + 1));
  if (time === null) {
    return {
      kind: 'ask',
      why: 'Until when? Write a time like until 09:30, until 9pm or until tomorrow 9:00.',
    };
  }
  let { next } = time;
  if (day === null) {
    const after = filler(words, next);
    day = dayIn(words[after]?.text);
    if (day !== null) next = after + 1;
  }
  const until = momentOf(day, time.time, reckoning);
  const length = until - reckoning.now;
  if (length <= 0) return { kind: 'ask', why: 'That time is over: until when?' };
  if (length > lengthMax) return { kind: 'ask', why: 'That is too far away: until when?' };
  return { kind: 'length', length: { for: milliseconds(length) }, next };
}

/** The first such moment from now on; of a day that was named, the one on that day. */
function momentOf(day: DayMeant | null, time: Temporal.PlainTime, { now, timezone }: Reckoning): number {
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone).toPlainDate();
  const on = (date: Temporal.PlainDate): number =>
    date.toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds;
  if (day?.kind === 'date') return on(day.date);
  if (day?.kind === 'ahead') return on(today.add({ days: day.days }));
  const ahead = day === null ? 0 : (day.weekday - today.dayOfWeek + 7) % 7;
  const first = on(today.add({ days: ahead }));
  return first > now ? first : on(today.add({ days: ahead + (day === null ? 1 : 7) }));
}
