/**
 * What may be written in a policy: its shape, and what each value turns into.
 * policies/policy.schema.json, which editors use, is made from the same shape
 * (scripts/policy-schema.ts). Whether the names in it belong together is
 * policy-names.ts's to say.
 *
 * Keys that it does not know are refused: a word that was misspelt, or that a
 * later version knows, must never be passed over in silence.
 */
import { z } from 'zod';
import { type Duration, days, hours as hoursLong, milliseconds, minutes, seconds } from '../time.ts';
import { levels } from './core/alert.ts';
import { foldHost, type TextTest, type Weekday } from './core/policy.ts';
import { didYouMean } from './nearest.ts';
import { patternFault } from './pattern-cost.ts';
import { durationBetween } from './yaml-file.ts';

export const policyLimits = {
  people: 10_000,
  lists: 1_000,
  members: 10_000,
  hours: 500,
  groups: 2_000,
  rules: 100,
  /** Names after one `to`. */
  to: 1_000,
  /** Tests of one field in one match. */
  tests: 1_000,
  /** In characters. */
  name: 64,
  title: 128,
  text: 1_024,
  address: 254,
} as const;

export const channelNames = ['email', 'inbox'] as const;
/** The channel that needs no address: for whoever has none. */
export const channelWithoutAddress = 'inbox';

const everyLeast = seconds(1);
const longest = days(365);
const acknowledgeLeast = minutes(1);
const acknowledgeMost = days(365);
export const acknowledgeForDefault = hoursLong(1);
export const acknowledgeAtMostDefault = days(15);
const sleepMost = days(1);
export const initialSleepDefault = minutes(5);
export const timezoneDefault = 'UTC';

// ---------------------------------------------------------------- words

const nameWords =
  'a name of letters, digits and . _ - @ + is expected, beginning with a letter or a digit, at most 64 long';
/** A person, a list, hours: what other places of the policy call them. A person's is also their login. */
const nameSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u, { error: nameWords })
  .meta({ description: 'Letters, digits and . _ - @ +' });

const titleSchema = z
  .string()
  .max(policyLimits.title)
  .regex(/^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u, {
    error: 'a text on one line is expected, with no space at either end',
  });

/** No slash and no # at the start: a rule is known by its group, a slash and its name, or # and a hash. */
const ruleNameSchema = titleSchema.regex(/^[^#/][^/]*$/, {
  error: 'a name without / and not beginning with # is expected',
});

const durationSchema = (least: Duration, most: Duration): z.ZodType<Duration, string> =>
  durationBetween(least, most).meta({ description: 'A length of time such as 90s, 15m, 2h, 1h30m or 7d.' });

const timezoneSchema = z
  .string()
  .superRefine((name, context) => {
    if (isTimezone(name)) return;
    const hint = didYouMean(name, Intl.supportedValuesOf('timeZone'), null);
    context.addIssue({
      code: 'custom',
      message: `no time zone is called that${hint}: one such as Europe/London or UTC is expected`,
    });
  })
  .meta({ description: 'A time zone such as Europe/London or UTC.' });

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const emailSchema = z
  .string()
  .max(policyLimits.address)
  .regex(
    /^[^\s\p{Cc}<>@,;:"()[\]\\]{1,64}@(?=[\p{L}\p{N}])(?:[\p{L}\p{N}-]{1,63}\.)*[\p{L}\p{N}-]{0,62}[\p{L}\p{N}]$/u,
    { error: 'an email address such as johnny@example.com is expected' },
  );

// ---------------------------------------------------------------- hours

const dayNames: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const dayAlone = dayNames.join('|');
const daysSyntax = new RegExp(`^(${dayAlone})(?:-(${dayAlone}))?$`);
const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];

const daysText = z.string().regex(daysSyntax, {
  error: 'days are written mon, mon-fri or [mon, wed, sat-sun]',
});
const daysSchema = z
  .union([daysText, z.array(daysText).min(1).max(dayNames.length)])
  .transform((written): readonly Weekday[] => {
    const named = new Set([written].flat().flatMap(daysNamed));
    return everyDay.filter((day) => named.has(day));
  })
  .meta({ description: 'mon, mon-fri (sat-mon runs over the end of the week) or [mon, wed, sat-sun].' });

function daysNamed(text: string): readonly Weekday[] {
  const [, first = '', last = first] = daysSyntax.exec(text) ?? [];
  const number = (name: string): number => dayNames.indexOf(name);
  const count = ((number(last) - number(first) + 7) % 7) + 1;
  return everyDay.slice(0, count).map((_, index) => (((number(first) + index) % 7) + 1) as Weekday);
}

const timeOfDay = (pattern: RegExp, words: string): z.ZodType<number, string> =>
  z
    .string()
    .regex(pattern, { error: words })
    .transform((text): number => {
      const [hour = 0, minute = 0] = text.split(':').map(Number);
      return hour * 60 + minute;
    });

export const hoursSchema = z
  .strictObject({
    days: daysSchema.optional(),
    from: timeOfDay(
      /^([01]\d|2[0-3]):[0-5]\d$/,
      'a time of day from "00:00" to "23:59" is expected',
    ).optional(),
    to: timeOfDay(
      /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
      'a time of day from "00:00" to "24:00" is expected',
    ).optional(),
  })
  .transform(({ days = everyDay, from = 0, to = 24 * 60 }) => ({ days, from, to }))
  .meta({
    description:
      'On these days (all, if none are given), from one time of day to another; past midnight if `to` is not after `from`, which then belongs to the day on which it begins.',
  });
export type WrittenHours = z.output<typeof hoursSchema>;

/** Names that need no definition. A policy may give them another meaning. */
export const hoursBuiltIn: Readonly<Record<string, WrittenHours>> = {
  working: { days: [1, 2, 3, 4, 5], from: 9 * 60 + 30, to: 17 * 60 + 30 },
  daytime: { days: everyDay, from: 8 * 60, to: 22 * 60 },
  'dead-zone': { days: everyDay, from: 3 * 60, to: 7 * 60 },
};

const duringSchema = z
  .strictObject({
    hours: z
      .union([nameSchema, hoursSchema])
      .optional()
      .meta({ description: 'Named hours, or hours written here.' }),
    unacknowledged: durationSchema(everyLeast, longest).optional(),
    raised_for: durationSchema(everyLeast, longest).optional(),
  })
  .refine((during) => Object.values(during).some((condition) => condition !== undefined), {
    // One fault is enough where a condition was misspelt.
    when: ({ issues }) => issues.length === 0,
    error:
      'at least one of hours, unacknowledged, raised_for is expected; without a during, a rule speaks at any time',
  })
  .meta({ description: 'When the rule speaks: all that is given must hold.' });
export type WrittenDuring = z.output<typeof duringSchema>;

// ---------------------------------------------------------------- match

/** `/…/` or `/…/i`. What ends otherwise, such as /var/log, is a text, unless it ends in what could be meant as flags. */
const patternSyntax = /^\/(.+)\/([dgimsuvy]*)$/s;

const testSchema = (host: boolean): z.ZodType<TextTest, string> =>
  z
    .string()
    .min(1)
    .max(policyLimits.text)
    .transform((written, context): TextTest => {
      const [, body, flags = ''] = patternSyntax.exec(written) ?? [];
      if (body !== undefined) {
        const fault =
          flags === '' || flags === 'i' ? patternFault(body) : 'a pattern takes no flag but i: /…/i';
        if (fault === null) return { kind: 'pattern', regex: new RegExp(body, host ? 'i' : flags) };
        context.addIssue({ code: 'custom', message: fault });
        return z.NEVER;
      }
      const text = host ? foldHost(written) : written;
      return text.includes('*') ? { kind: 'glob', parts: text.split('*') } : { kind: 'exact', text };
    });

const testsSchema = (host: boolean, what: string) =>
  z
    .union([testSchema(host), z.array(testSchema(host)).min(1).max(policyLimits.tests)])
    .transform((written): readonly TextTest[] => [written].flat())
    .optional()
    .meta({ description: `${what}: a text, one with * for anything, or /a pattern/ (/…/i: without case).` });

const matchSchema = z
  .strictObject({
    source: testsSchema(true, 'Who reported it'),
    subject: testsSchema(true, 'What it is about, mostly a host'),
    id: testsSchema(false, "The alert's own name"),
    summary: testsSchema(false, 'What is wrong, in a line'),
  })
  .meta({ description: 'All fields given must match, each by any of its tests.' });

// ---------------------------------------------------------------- the policy

const channelsSchema = z.array(z.enum(channelNames)).max(channelNames.length).optional();

const personSchema = z.strictObject({
  name: titleSchema.optional().meta({ description: 'As messages and pages show it.' }),
  email: emailSchema.optional(),
  timezone: timezoneSchema.optional(),
  channels: z
    .strictObject({ urgent: channelsSchema, normal: channelsSchema, low: channelsSchema })
    .optional()
    .meta({ description: 'By level: each of these channels gets the message. [] is silence.' }),
});
export type WrittenPerson = z.output<typeof personSchema>;

const ruleSchema = z
  .strictObject({
    name: ruleNameSchema
      .optional()
      .meta({ description: 'Keeps what was told and what is due when the rest changes.' }),
    to: z
      .union([nameSchema, z.array(nameSchema).min(1).max(policyLimits.to)])
      .transform((written): readonly string[] => [written].flat())
      .meta({ description: 'People and lists, by name.' }),
    every: durationSchema(everyLeast, longest)
      .optional()
      .meta({ description: 'How often to remind; without it, never.' }),
    during: duringSchema.optional(),
  })
  .meta({ description: 'Whom to tell, how often to remind them, and when.' });
export type WrittenRule = z.output<typeof ruleSchema>;

const groupSchema = z.strictObject({
  name: titleSchema,
  match: matchSchema.optional(),
  level: z.enum(levels).optional(),
  acknowledge_for: durationSchema(acknowledgeLeast, acknowledgeMost)
    .optional()
    .meta({ description: 'How long an acknowledgement lasts when nobody says.' }),
  notify: z.array(ruleSchema).max(policyLimits.rules).meta({ description: '[] tells nobody.' }),
});
export type WrittenGroup = z.output<typeof groupSchema>;

const named = <Value extends z.ZodType>(value: Value, most: number, least = 0) =>
  z.record(nameSchema, value).superRefine((entries, context) => {
    const count = Object.keys(entries).length;
    if (count < least) context.addIssue({ code: 'custom', message: `at least ${least} is expected` });
    if (count > most) context.addIssue({ code: 'custom', message: `at most ${most} are expected` });
  });

/** The shape alone. Values are ready for use, names are not yet looked up. */
export const policyShape = z.strictObject({
  version: z.literal(1).meta({ description: 'Of this language: 1.' }),
  timezone: timezoneSchema.optional().meta({ description: 'For every time of day in the policy.' }),
  people: named(personSchema, policyLimits.people, 1),
  lists: named(
    z.strictObject({ members: z.array(nameSchema).min(1).max(policyLimits.members) }),
    policyLimits.lists,
  ).optional(),
  hours: named(hoursSchema, policyLimits.hours).optional(),
  groups: z
    .array(groupSchema)
    .min(1)
    .max(policyLimits.groups)
    .meta({ description: 'The first that matches; if none does, the last.' }),
  settings: z
    .strictObject({
      acknowledge_at_most: durationSchema(acknowledgeLeast, acknowledgeMost).optional(),
      initial_sleep: durationSchema(milliseconds(0), sleepMost)
        .optional()
        .meta({ description: 'After a start, what was due before waits so long.' }),
    })
    .optional(),
});
export type WrittenPolicy = z.output<typeof policyShape>;

/** The JSON Schema of a policy file, for editors: what policies/policy.schema.json holds. */
export function policyJsonSchema(): string {
  const schema = z.toJSONSchema(policyShape, { io: 'input' });
  return `${JSON.stringify({ title: 'Mauve policy', ...schema }, null, 2)}\n`;
}
