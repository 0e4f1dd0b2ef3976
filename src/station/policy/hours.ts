/**
 * How a policy writes times of day and the conditions of a `during`. What they
 * mean is core/schedule.ts's to say; here they are only read, whole numbers as
 * the original wrote them included: an hour that ends in 17 runs through 17:59.
 */
import * as z from 'zod';
import type { Duration } from '../../time.ts';
import type { Weekday } from '../core/policy.ts';
import {
  durationSchema,
  everyLeast,
  longest,
  nameSchema,
  namesSchema,
  policyLimits,
  timezoneSchema,
  whenSound,
} from './words.ts';

// ---------------------------------------------------------------- days

const dayNames: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const dayAlone = dayNames.join('|');
const daysSyntax = new RegExp(`^(${dayAlone})(?:-(${dayAlone}))?$`);
export const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];

const daysText = z.string().regex(daysSyntax, {
  error: 'days are written mon, mon-fri or [mon, wed, sat-sun]',
});
const daysSchema = z
  .union([daysText, z.array(daysText).min(1).max(dayNames.length)])
  .transform((written): readonly Weekday[] => {
    const given = new Set([written].flat().flatMap(daysNamed));
    return everyDay.filter((day) => given.has(day));
  })
  .meta({ description: 'mon, mon-fri (sat-mon runs over the end of the week) or [mon, wed, sat-sun].' });

function daysNamed(text: string): readonly Weekday[] {
  const [, first = '', last = first] = daysSyntax.exec(text) ?? [];
  const number = (name: string): number => dayNames.indexOf(name);
  const count = ((number(last) - number(first) + 7) % 7) + 1;
  return everyDay.slice(0, count).map((_, index) => (((number(first) + index) % 7) + 1) as Weekday);
}

/** Days as people write them: `mon-fri`, `sat, sun` as `sat-sun`, `mon, wed`. */
export function daysInWords(days: readonly Weekday[]): string {
  const runs: Weekday[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const name = (day: Weekday | undefined): string => dayNames[(day ?? 1) - 1] ?? '';
  return runs
    .map((run) => (run.length > 1 ? `${name(run[0])}-${name(run.at(-1))}` : name(run[0])))
    .join(', ');
}

// ---------------------------------------------------------------- times of day

const dayMinutes = 24 * 60;

/** `whole`: an hour written as a whole number, which as an end means all of that hour. */
type WrittenTime = { readonly minutes: number; readonly whole: boolean };

const clockTime = (pattern: RegExp, words: string): z.ZodType<WrittenTime, string> =>
  z
    .string()
    .regex(pattern, { error: words })
    .transform((text): WrittenTime => {
      const [hour = 0, minute = 0] = text.split(':').map(Number);
      return { minutes: hour * 60 + minute, whole: false };
    });

const hourNumber = (most: number): z.ZodType<WrittenTime, number> =>
  z.number().transform((hour, context): WrittenTime => {
    const minutes = Math.round(hour * 60);
    if (hour >= 0 && hour <= most && Math.abs(hour * 60 - minutes) < 1e-6) {
      return { minutes, whole: Number.isInteger(hour) && hour < 24 };
    }
    const message = `an hour from 0 to ${most}, or a fraction of one in whole minutes such as 9.5, is expected`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const fromWords = 'a time of day from "00:00" to "23:59" is expected';
const fromSchema = z.union([clockTime(/^([01]\d|2[0-3]):[0-5]\d$/, fromWords), hourNumber(23.99)]);
const toWords = 'a time of day from "00:00" to "24:00" is expected';
const toSchema = z.union([clockTime(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, toWords), hourNumber(24)]);

/** In minutes after midnight; `to` is excluded, and not after `from` where it means the next day. */
type Range = { readonly from: number; readonly to: number };

/** A range of whole hours runs through the hour of its end, one with minutes is exact: semantics, "Groups". */
function rangeOf(from: WrittenTime | undefined, to: WrittenTime | undefined): Range {
  const start = from?.minutes ?? 0;
  if (to === undefined) return { from: start, to: dayMinutes };
  const through = to.whole && (from === undefined || from.whole);
  return { from: start, to: through ? to.minutes + 60 : to.minutes };
}

const hoursKeys = {
  days: daysSchema.optional(),
  from: fromSchema.optional(),
  to: toSchema.optional(),
  timezone: timezoneSchema.optional(),
};
const hoursWords =
  'On these days (all, if none are given), from one time of day to another; past midnight if `to` is not after `from`, which then belongs to the day on which it begins. Whole numbers are hours, 9 to 17 runs through 17:59.';

type HoursKeys = {
  readonly days?: readonly Weekday[] | undefined;
  readonly from?: WrittenTime | undefined;
  readonly to?: WrittenTime | undefined;
  readonly timezone?: string | undefined;
};

/** Keys that are not given are left out, so that hours written as they always were are the same data. */
function hoursFrom({ days = everyDay, from, to, timezone }: HoursKeys): WrittenHours {
  return { days, ...rangeOf(from, to), ...(timezone !== undefined && { timezone }) };
}

export type WrittenHours = Range & {
  readonly days: readonly Weekday[];
  readonly timezone?: string;
  readonly except?: 'holidays';
  readonly only?: 'holidays';
};

export const hoursSchema = z
  .strictObject({
    ...hoursKeys,
    except: z.literal('holidays').optional().meta({ description: 'Not on holidays.' }),
    only: z.literal('holidays').optional().meta({ description: 'Only on holidays.' }),
  })
  .refine(({ except, only }) => except === undefined || only === undefined, {
    when: whenSound,
    error: 'either except or only is expected: together they are never open',
  })
  .transform(
    ({ except, only, ...keys }): WrittenHours => ({
      ...hoursFrom(keys),
      ...(except !== undefined && { except }),
      ...(only !== undefined && { only }),
    }),
  )
  .meta({ description: hoursWords });

/** Of a silence that comes every week. */
export const weeklySchema = z.strictObject(hoursKeys).transform(hoursFrom).meta({ description: hoursWords });

/** Names that need no definition. A policy may give them another meaning. */
export const hoursBuiltIn: Readonly<Record<string, WrittenHours>> = {
  working: { days: [1, 2, 3, 4, 5], from: 9 * 60 + 30, to: 17 * 60 + 30, except: 'holidays' },
  daytime: { days: everyDay, from: 8 * 60, to: 22 * 60 },
  'dead-zone': { days: everyDay, from: 3 * 60, to: 7 * 60 },
};

// ---------------------------------------------------------------- during

const hourSchema = z.int().min(0).max(23);
const hoursInDayEntry = z.union([
  hourSchema.transform((hour): Range => ({ from: hour * 60, to: hour * 60 + 60 })),
  z.tuple([fromSchema, toSchema]).transform(([from, to]): Range => rangeOf(from, to)),
]);
const hoursInDaySchema = z
  .union([
    hourSchema.transform((hour): readonly Range[] => [{ from: hour * 60, to: hour * 60 + 60 }]),
    z.array(hoursInDayEntry).min(1).max(24),
  ])
  .meta({
    description: 'Hours such as [0, [9, 17], [22, 5], [3, 3.5]]: a whole number is all of that hour.',
  });

const hoursChoice = z.union([nameSchema, hoursSchema]);

export type WrittenDuring = {
  readonly hours?: readonly (string | WrittenHours)[] | undefined;
  readonly days?: readonly Weekday[] | undefined;
  readonly hours_in_day?: readonly Range[] | undefined;
  readonly holiday?: boolean | undefined;
  readonly unacknowledged?: Duration | undefined;
  readonly raised_for?: Duration | undefined;
  readonly no_one_in?: readonly string[] | undefined;
  readonly not?: WrittenDuring | undefined;
  readonly any?: readonly WrittenDuring[] | undefined;
  readonly all?: readonly WrittenDuring[] | undefined;
};

const duringShape: z.ZodType<WrittenDuring> = z.lazy(() =>
  z
    .strictObject({
      hours: z
        .union([hoursChoice, z.array(hoursChoice).min(1).max(policyLimits.ownRules)])
        .transform((written): readonly (string | WrittenHours)[] => [written].flat())
        .optional()
        .meta({
          description: 'Named hours, hours written here, or a list of them, of which one must be open.',
        }),
      days: daysSchema.optional(),
      hours_in_day: hoursInDaySchema.optional(),
      holiday: z.boolean().optional().meta({ description: 'true: on holidays; false: on other days.' }),
      unacknowledged: durationSchema(everyLeast, longest).optional(),
      raised_for: durationSchema(everyLeast, longest).optional(),
      no_one_in: namesSchema
        .optional()
        .meta({ description: 'Nobody of this list is there: no shift, or all are away.' }),
      not: duringShape.optional(),
      any: conditionsOf(duringShape).optional().meta({ description: 'One of these must hold.' }),
      all: conditionsOf(duringShape).optional().meta({ description: 'All of these must hold.' }),
    })
    .refine((during) => Object.values(during).some((condition) => condition !== undefined), {
      when: whenSound,
      error:
        'at least one condition such as hours or unacknowledged is expected; without a during, a rule speaks at any time',
    }),
);

/** What `any` and `all` hold. */
export function conditionsOf<T>(one: z.ZodType<T>): z.ZodType<readonly T[]> {
  return z.array(one).min(1).max(policyLimits.conditions);
}

/** How deep `any`, `all` and `not` lie within each other. */
export function depthOf(written: Nested): number {
  const within = [written.not ?? [], written.any ?? [], written.all ?? []].flat();
  return 1 + within.reduce((most, one) => Math.max(most, depthOf(one)), 0);
}
type Nested = {
  readonly not?: Nested | undefined;
  readonly any?: readonly Nested[] | undefined;
  readonly all?: readonly Nested[] | undefined;
};

export const shallow = {
  check: (written: Nested): boolean => depthOf(written) <= policyLimits.depth,
  error: `conditions are nested more than ${policyLimits.depth} deep`,
};

export const duringSchema = duringShape
  .refine(shallow.check, { when: whenSound, error: shallow.error })
  .meta({ description: 'When the rule speaks: all that is given must hold.' });
