/**
 * What may be written in a policy: its shape, and what each value turns into.
 * policies/policy.schema.json, which editors use, is made from the same shape
 * (scripts/policy-schema.ts). Whether the names in it belong together is
 * policy/names.ts's to say.
 *
 * Keys that it does not know are refused: a word that was misspelt, or that a
 * later version knows, must never be passed over in silence.
 */
import * as z from 'zod';
import { type Duration, days, hours as hoursLong, milliseconds, minutes, seconds } from '../../time.ts';
import { levels } from '../core/alert.ts';
import { inhibitFields } from '../core/policy.ts';
import { durationExpected } from '../yaml-file.ts';
import { duringSchema, hoursSchema, weeklySchema } from './hours.ts';
import { matchSchema, someMatchSchema } from './match.ts';
import {
  channelNames,
  durationSchema,
  emailSchema,
  everyLeast,
  exactlyOne,
  folderSchema,
  isDay,
  longest,
  looksLikeDay,
  momentSchema,
  named,
  nameSchema,
  namesSchema,
  noSuchDay,
  policyLimits,
  reasonSchema,
  refSchema,
  ruleNameSchema,
  smsSchema,
  timezoneSchema,
  titleSchema,
  webhookSchema,
  whenSound,
  xmppSchema,
} from './words.ts';

const acknowledgeLeast = minutes(1);
const acknowledgeMost = days(365);
export const acknowledgeForDefault = hoursLong(1);
export const acknowledgeAtMostDefault = days(15);
const sleepMost = days(1);
export const initialSleepDefault = minutes(5);
const holdMost = days(1);
export const urgentHoldAtMostDefault = seconds(30);
export const holdAtMostDefault = minutes(10);
const digestMost = minutes(10);
export const digestDefault = seconds(30);
const summaryMost = 10_000;
export const summaryOverDefault = { sms: 5, xmpp: 10, email: 20 } as const;
export const summaryEveryDefault = minutes(15);
const unreachableLeast = minutes(1);
export const unreachableAfterDefault = minutes(5);
const waitLeast = seconds(1);
const waitMost = days(1);
export const waitDefault = seconds(60);
export const timezoneDefault = 'UTC';

// ---------------------------------------------------------------- whom, how often, when

const everyLength = durationSchema(everyLeast, longest);
const everySchema = z
  .string({ error: `${durationExpected}, or never` })
  .transform((written, context): Duration | 'never' => {
    if (written === 'never') return written;
    const length = everyLength.safeParse(written);
    if (length.success) return length.data;
    for (const { message } of length.error.issues) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({
    description: 'How often to remind, such as 15m; never: told once, whatever lists and people say.',
  });

const ownRuleSchema = z
  .strictObject({ every: everySchema.optional(), during: duringSchema.optional() })
  .refine(({ every, during }) => every !== undefined || during !== undefined, {
    when: whenSound,
    error: 'every, during or both are expected',
  });
export type WrittenOwnRule = z.output<typeof ownRuleSchema>;

const ownRulesSchema = z
  .union([ownRuleSchema, z.array(ownRuleSchema).min(1).max(policyLimits.ownRules)])
  .transform((written): readonly WrittenOwnRule[] => [written].flat())
  .meta({ description: 'Used where a rule does not say how often or when.' });

const ruleSchema = z
  .strictObject({
    name: ruleNameSchema
      .optional()
      .meta({ description: 'Keeps what was told and what is due when the rest changes.' }),
    to: namesSchema.meta({ description: 'People and lists, by name.' }),
    every: everySchema.optional(),
    during: duringSchema.optional(),
  })
  .meta({ description: 'Whom to tell, how often to remind them, and when.' });
export type WrittenRule = z.output<typeof ruleSchema>;

// ---------------------------------------------------------------- people

const kindSchema = titleSchema
  .max(policyLimits.name)
  .meta({ description: 'A word for people: holiday, sick.' });

const absenceSchema = z
  .union([
    refSchema.transform((calendar) => ({ calendar, kind: undefined, from: undefined, to: undefined })),
    z
      .strictObject({
        calendar: refSchema.optional(),
        from: momentSchema(true).optional(),
        to: momentSchema(true).optional(),
        kind: kindSchema.optional(),
      })
      .superRefine(({ calendar, from, to }, context) => {
        const dates = from !== undefined || to !== undefined;
        if (dates ? calendar === undefined && from !== undefined && to !== undefined : calendar !== undefined)
          return;
        context.addIssue({ code: 'custom', message: 'either calendar, or both from and to, are expected' });
      }),
  ])
  .meta({ description: 'A calendar, or days from … to …, both included.' });

const channelList = z
  .array(z.enum(channelNames))
  .max(channelNames.length)
  .transform((channels) => ({ kind: 'all-of' as const, channels }));
const firstOf = z
  .strictObject({
    first_of: z.array(z.enum(channelNames)).min(1).max(channelNames.length),
    wait: durationSchema(waitLeast, waitMost).optional(),
  })
  .transform(({ first_of, wait = waitDefault }) => ({ kind: 'first-of' as const, channels: first_of, wait }));
const planSchema = z.union([channelList, firstOf]).optional().meta({
  description:
    'A list: each of these channels. {first_of: […], wait: 60s}: the next one when one fails, or cannot send within `wait`. []: silence.',
});

const limitsMost = 100_000;
const limitsSchema = z
  .union([
    z.literal('none'),
    z.record(
      z.string().regex(/^[1-9]\d{0,5}$/, { error: 'a number of messages is expected before the colon' }),
      durationSchema(everyLeast, longest),
    ),
  ])
  .refine((limits) => limits === 'none' || Object.keys(limits).length <= policyLimits.limits, {
    error: `at most ${policyLimits.limits} limits are expected`,
  })
  .refine(
    (limits) => limits === 'none' || Object.keys(limits).every((count) => Number(count) <= limitsMost),
    {
      error: `at most ${limitsMost} messages are expected`,
    },
  )
  .refine((limits) => limits === 'none' || Object.keys(limits).length > 0, {
    error: 'at least one limit such as {5: 10m}, or none, is expected',
  })
  .meta({ description: '{5: 1m, 60: 1h}: at most 5 messages a minute and 60 an hour; none: no limit.' });

const personSchema = z.strictObject({
  name: titleSchema.optional().meta({ description: 'As messages and pages show it.' }),
  sms: smsSchema.optional(),
  email: emailSchema.optional(),
  xmpp: xmppSchema.optional(),
  webhook: webhookSchema.optional(),
  timezone: timezoneSchema.optional(),
  channels: z
    .strictObject({ urgent: planSchema, normal: planSchema, low: planSchema })
    .optional()
    .meta({ description: 'By level: how this person hears.' }),
  notify: ownRulesSchema.optional(),
  limits: limitsSchema.optional(),
  away: z.array(absenceSchema).max(policyLimits.away).optional(),
  told_when_away: z
    .union([z.boolean(), z.array(kindSchema).min(1).max(policyLimits.away)])
    .optional()
    .meta({ description: 'true, or the kinds of absence, in which this person is told all the same.' }),
});
export type WrittenPerson = z.output<typeof personSchema>;

const whichList = exactlyOne(['members', 'rota']);
const listSchema = z
  .strictObject({
    members: z.array(nameSchema).min(1).max(policyLimits.members).optional(),
    rota: refSchema.optional().meta({ description: 'A calendar whose events name who is on call.' }),
    notify: ownRulesSchema.optional(),
  })
  .refine(whichList.check, { when: whenSound, error: whichList.error });
export type WrittenList = z.output<typeof listSchema>;

const awaySchema = z.union([
  refSchema.transform((calendar) => ({ calendar, kind: undefined })),
  z.strictObject({ calendar: refSchema, kind: kindSchema.optional() }),
]);
export type WrittenAway = z.output<typeof awaySchema>;

// ---------------------------------------------------------------- hosts, holidays

const entriesSchema = z
  .array(z.string().min(1).max(policyLimits.text))
  .min(1)
  .max(policyLimits.entries)
  .meta({ description: 'Names, patterns, ranges, addresses and networks.' });
/** `short`: written as a list alone. */
const sourcesSchema = z.union([
  entriesSchema.transform((members) => ({ members, from: undefined, dns: undefined, short: true })),
  z
    .strictObject({
      members: entriesSchema.optional(),
      from: refSchema.optional().meta({ description: 'A file or address with one entry a line.' }),
      dns: z.boolean().optional().meta({ description: 'false: names and addresses are not looked up.' }),
    })
    .refine(({ members, from }) => members !== undefined || from !== undefined, {
      when: whenSound,
      error: 'members, from or both are expected',
    })
    .transform((written) => ({ ...written, short: false })),
]);
export type WrittenSources = z.output<typeof sourcesSchema>;

const holidaySchema = z
  .union([
    refSchema
      .refine((written) => !looksLikeDay(written) || isDay(written), { error: noSuchDay })
      .transform((written) =>
        isDay(written)
          ? { kind: 'day' as const, day: written }
          : { kind: 'calendar' as const, calendar: written },
      ),
    z
      .strictObject({
        country: z.string().regex(/^[A-Z]{2}$/, { error: 'two capital letters such as GB are expected' }),
        region: z.string().min(1).max(policyLimits.name).optional(),
      })
      .transform((place) => ({ kind: 'country' as const, ...place })),
  ])
  .meta({ description: 'A country and region, a calendar, or a day such as 2026-12-24.' });
export type WrittenHoliday = z.output<typeof holidaySchema>;

// ---------------------------------------------------------------- groups, silences, inhibitions

const groupSchema = z.strictObject({
  name: titleSchema,
  match: matchSchema.optional(),
  level: z.enum(levels).optional(),
  acknowledge_for: durationSchema(acknowledgeLeast, acknowledgeMost)
    .optional()
    .meta({ description: 'How long an acknowledgement lasts when nobody says.' }),
  hold: durationSchema(milliseconds(0), holdMost)
    .optional()
    .meta({ description: 'How long a new alert must stand before anybody is told.' }),
  notify: z.array(ruleSchema).max(policyLimits.rules).meta({ description: '[] tells nobody.' }),
});
export type WrittenGroup = z.output<typeof groupSchema>;

const whichTime = exactlyOne(['weekly', 'during', 'from']);
const silenceSchema = z
  .strictObject({
    name: titleSchema,
    match: someMatchSchema,
    weekly: weeklySchema.optional(),
    during: nameSchema.optional().meta({ description: 'The name of hours.' }),
    from: momentSchema(false).optional(),
    until: momentSchema(false).optional(),
    reason: reasonSchema.optional(),
  })
  .refine(
    (written) => whichTime.check(written) && (written.from === undefined) === (written.until === undefined),
    {
      when: whenSound,
      error: 'exactly one of weekly, during, or from and until is expected',
    },
  )
  .meta({ description: 'Alerts that match are not told of while it lasts.' });
export type WrittenSilence = z.output<typeof silenceSchema>;

const inhibitField = z.enum(inhibitFields);
const inhibitSchema = z
  .strictObject({
    name: titleSchema.optional(),
    while: someMatchSchema,
    mutes: someMatchSchema,
    same: z
      .union([inhibitField, z.array(inhibitField).min(1).max(inhibitFields.length)])
      .transform((written) => [...new Set([written].flat())])
      .optional()
      .meta({ description: 'What both alerts have in common; the subject, if nothing is said.' }),
  })
  .meta({ description: 'While an alert like `while` is raised, those like `mutes` are not told of.' });
export type WrittenInhibit = z.output<typeof inhibitSchema>;

// ---------------------------------------------------------------- the policy

const summaryOver = z
  .union([z.int().min(1).max(summaryMost), z.literal('never')])
  .optional()
  .meta({ description: 'A number of alerts; never: no summaries on this channel.' });

const version = z.literal(1).meta({ description: 'Of this language: 1.' });

/** What every file of a policy may hold. */
const partKeys = {
  include: z.array(refSchema).max(policyLimits.include).optional().meta({
    description: 'Other files, relative to this one; * stands for any name. Their groups come first.',
  }),
  people: named(personSchema, policyLimits.people).optional(),
  lists: named(listSchema, policyLimits.lists).optional(),
  sources: named(sourcesSchema, policyLimits.sources).optional(),
  hours: named(hoursSchema, policyLimits.hours).optional(),
  holidays: z.array(holidaySchema).max(policyLimits.holidays).optional(),
  away: z
    .array(awaySchema)
    .max(policyLimits.away)
    .optional()
    .meta({ description: 'Calendars whose events name who is away.' }),
  silences: z.array(silenceSchema).max(policyLimits.silences).optional(),
  inhibit: z.array(inhibitSchema).max(policyLimits.inhibit).optional(),
  groups: z
    .array(groupSchema)
    .min(1)
    .max(policyLimits.groups)
    .optional()
    .meta({ description: 'The first that matches; if none does, the last.' }),
};

/** An included file. */
export const partShape = z.strictObject({ version: version.optional(), ...partKeys });
export type WrittenPart = z.output<typeof partShape>;

/** The file that includes the others. Values are ready for use, names are not yet looked up. */
export const policyShape = z.strictObject({
  version,
  timezone: timezoneSchema.optional().meta({ description: 'For every time of day in the policy.' }),
  ...partKeys,
  settings: z
    .strictObject({
      acknowledge_at_most: durationSchema(acknowledgeLeast, acknowledgeMost).optional(),
      initial_sleep: durationSchema(milliseconds(0), sleepMost)
        .optional()
        .meta({ description: 'After a start, what was due before waits so long.' }),
      urgent_hold_at_most: durationSchema(milliseconds(0), holdMost)
        .optional()
        .meta({ description: 'The longest that `hold` keeps an urgent alert back.' }),
      hold_at_most: durationSchema(milliseconds(0), holdMost).optional().meta({
        description: 'The longest that `hold` keeps any other alert back, however often it is raised.',
      }),
      digest: durationSchema(milliseconds(0), digestMost).optional().meta({
        description:
          'What one person is owed on one channel within so long after a message becomes one message; 0: never.',
      }),
      summary: z
        .union([
          z.literal('never'),
          z.strictObject({
            over: z
              .strictObject({
                sms: summaryOver,
                email: summaryOver,
                xmpp: summaryOver,
                webhook: summaryOver,
              })
              .optional(),
            every: durationSchema(everyLeast, longest).optional(),
          }),
        ])
        .optional()
        .meta({
          description:
            'While more of a person’s alerts than `over` stand unacknowledged, one summary every so often takes the place of single reminders. {over: {sms: 5}, every: 15m}, or never.',
        }),
      unreachable_after: durationSchema(unreachableLeast, longest).optional().meta({
        description: 'When a message has not arrived for so long, others are told.',
      }),
      source_lookups: z
        .boolean()
        .optional()
        .meta({ description: 'false: source lists look up no names and addresses.' }),
      templates: folderSchema
        .optional()
        .meta({ description: 'A folder with templates of messages, relative to this file.' }),
    })
    .optional(),
});
export type WrittenPolicy = z.output<typeof policyShape>;

/** Of a file with faults: what its other names are may be told even if its version is not. */
export const policyRestShape = policyShape.partial({ version: true });

/** The JSON Schema of a policy file, for editors: what policies/policy.schema.json holds. */
export function policyJsonSchema(): string {
  const schema = z.toJSONSchema(policyShape, { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ title: 'Mauve policy', ...schema }, null, 2)}\n`;
}
