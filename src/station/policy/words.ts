/**
 * The small values of the policy's language: names, lengths of time, zones,
 * addresses, dates, and what calendars and lists are fetched from; and how much
 * of everything a policy may hold. The larger shapes, made of these, are in
 * policy/hours.ts, policy/match.ts and policy/schema.ts.
 */
import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { type Duration, days, seconds } from '../../time.ts';
import { jidMax, jidSyntax, writeXmppAddress } from '../core/xmpp-address.ts';
import { didYouMean } from '../nearest.ts';
import { durationBetween } from '../yaml-file.ts';
import { phoneFault, phoneSyntax, phoneWords } from './phone.ts';

/** Of a whole policy, all of its files together, unless it says otherwise. */
export const policyLimits = {
  people: 10_000,
  lists: 1_000,
  members: 10_000,
  sources: 500,
  /** Entries of one source list that stand in the policy itself. */
  entries: 5_000,
  hours: 500,
  groups: 2_000,
  rules: 100,
  /** Rules after those that leave every or during to lists and people were taken apart. */
  clauses: 100_000,
  /** A person's or a list's own `notify`. */
  ownRules: 10,
  /** Names after one `to`. */
  to: 1_000,
  /** Tests of one field in one match. */
  tests: 1_000,
  /** Conditions under one `any` or `all`. */
  conditions: 200,
  /** `any`, `all` and `not` within each other. */
  depth: 8,
  silences: 500,
  inhibit: 500,
  holidays: 100,
  /** Entries of one `away`. */
  away: 50,
  /** Rate limits of one person. */
  limits: 5,
  /** Files after one `include`. */
  include: 100,
  /** In characters. */
  name: 64,
  title: 128,
  text: 1_024,
  address: 254,
} as const;

export const channelNames = ['sms', 'email', 'xmpp', 'webhook', 'inbox'] as const;
/** The channel that needs no address: for whoever has none. */
export const channelWithoutAddress = 'inbox';

/** The shortest reminder, and the shortest length that a condition counts. */
export const everyLeast: Duration = seconds(1);
export const longest: Duration = days(365);

// ---------------------------------------------------------------- names

const nameWords =
  'a name of letters, digits and . _ - @ + is expected, beginning with a letter or a digit, at most 64 long';
/** A person, a list, hours: what other places of the policy call them. A person's is also their login. */
export const nameSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u, { error: nameWords })
  .meta({ description: 'Letters, digits and . _ - @ +' });

export const titleSchema = z
  .string()
  .max(policyLimits.title)
  .regex(/^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u, {
    error: 'a text on one line is expected, with no space at either end',
  });

/** No slash and no # at the start: a rule is known by its group, a slash and its name, or # and a hash. */
export const ruleNameSchema = titleSchema.regex(/^[^#/][^/]*$/, {
  error: 'a name without / and not beginning with # is expected',
});

export const reasonSchema = titleSchema.max(policyLimits.text);

/** One name or several. */
export const namesSchema = z
  .union([nameSchema, z.array(nameSchema).min(1).max(policyLimits.to)])
  .transform((written): readonly string[] => [written].flat());

// ---------------------------------------------------------------- times

export const durationSchema = (least: Duration, most: Duration): z.ZodType<Duration, string> =>
  durationBetween(least, most).meta({ description: 'A length of time such as 90s, 15m, 2h, 1h30m or 7d.' });

export const timezoneSchema = z
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

/** A day, or a moment on the clock of a zone that is not said here, or one that says its own distance from UTC. */
export type WrittenMoment = { readonly kind: 'day' | 'local' | 'exact'; readonly text: string };

const daySyntax = /^\d{4}-\d\d-\d\d$/;
const momentSyntax = /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3])(:[0-5]\d)(:[0-5]\d)?(Z|[+-]\d\d:?\d\d)?$/;

/** Whether the text is written as a day, and is one: 2026-02-30 is none. */
export function isDay(text: string): boolean {
  if (!daySyntax.test(text)) return false;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  try {
    Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const looksLikeDay = (text: string): boolean => daySyntax.test(text);
export const noSuchDay = 'there is no such day: one such as 2026-12-24 is expected';

/** @param day whether a day without a time will do. */
export const momentSchema = (day: boolean): z.ZodType<WrittenMoment, string> =>
  z
    .string()
    .transform((text, context): WrittenMoment => {
      if (day && isDay(text)) return { kind: 'day', text };
      const [, date = '', hour = '', minute = '', second = ':00', offset] = momentSyntax.exec(text) ?? [];
      if (isDay(date)) {
        const clock = `${date}T${hour}${minute}${second}`;
        if (offset === undefined) return { kind: 'local', text: clock };
        return { kind: 'exact', text: `${clock}${offset}` };
      }
      const wanted = day ? 'a day such as 2026-12-24 or a time' : 'a time';
      context.addIssue({ code: 'custom', message: `${wanted} such as "2026-12-24 18:00" is expected` });
      return z.NEVER;
    })
    .meta({
      description: `${day ? 'A day such as 2026-12-24, or a' : 'A'} time such as "2026-12-24 18:00", with or without a zone such as Z or +01:00.`,
    });

// ---------------------------------------------------------------- addresses

export const emailSchema = z
  .string()
  .max(policyLimits.address)
  .regex(
    /^[^\s\p{Cc}<>@,;:"()[\]\\]{1,64}@(?=[\p{L}\p{N}])(?:[\p{L}\p{N}-]{1,63}\.)*[\p{L}\p{N}-]{0,62}[\p{L}\p{N}]$/u,
    { error: 'an email address such as johnny@example.com is expected' },
  );

/** E.164, as providers want it. */
export const smsSchema = z
  .string({ error: phoneWords })
  .regex(phoneSyntax, { error: phoneWords, abort: true })
  .superRefine((written, context) => {
    const message = phoneFault(written);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .meta({ description: 'A telephone number: + and 7 to 15 digits, in quotes.' });

const isWebAddress = (written: string): boolean =>
  URL.canParse(written) && /^https?:$/.test(new URL(written).protocol);

export const webhookSchema = z
  .string()
  .max(policyLimits.text)
  .refine(isWebAddress, { error: 'an address such as https://example.com/hook is expected' });

/** What a calendar or a list is read from: a file, relative to the one that names it, or an address. */
export const refSchema = z
  .string()
  .min(1)
  .max(policyLimits.text)
  .refine((written) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(written) || isWebAddress(written), {
    error: 'the name of a file, or an address beginning with https:// or http://, is expected',
  })
  .meta({ description: 'A file, relative to this one, or an address such as https://example.com/x.ics.' });

/** A folder of this machine, relative to the file that names it. */
export const folderSchema = z
  .string()
  .min(1)
  .max(policyLimits.text)
  .refine((written) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(written), {
    error: 'the name of a folder of this machine is expected',
  });

// ---------------------------------------------------------------- shapes

/** For mappings that are written in one of several ways, each with a key of its own. */
export const exactlyOne = (keys: readonly string[]) => ({
  check: (written: object): boolean =>
    keys.filter((key) => Reflect.get(written, key) !== undefined).length === 1,
  error: `exactly one of ${keys.join(', ')} is expected`,
});

/** Only asked where nothing else is wrong: one fault is enough where a key was misspelt. */
export const whenSound = ({ issues }: { readonly issues: readonly unknown[] }): boolean =>
  issues.length === 0;

export const named = <Value extends z.ZodType>(value: Value, most: number) =>
  z.record(nameSchema, value).superRefine((entries, context) => {
    if (Object.keys(entries).length > most) {
      context.addIssue({ code: 'custom', message: `at most ${most} are expected` });
    }
  });

// ---------------------------------------------------------------- addresses for XMPP

const jidWords = 'an XMPP address such as johnny@example.com, without a resource, is expected';
const jid = z.string({ error: jidWords }).max(jidMax).regex(jidSyntax, { error: jidWords });
const roomWords = 'a room such as ops@conference.example.com is expected';
const room = z.string({ error: roomWords }).max(jidMax).regex(jidSyntax, { error: roomWords });
const whichAddress = exactlyOne(['address', 'room']);

/** Becomes one text, as the outbox keeps addresses. */
export const xmppSchema = z
  .union([
    jid.transform((address) => writeXmppAddress({ kind: 'person', jid: address, onlyOnline: false })),
    z
      .strictObject({ address: jid.optional(), room: room.optional(), when: z.enum(['online']).optional() })
      .refine(whichAddress.check, { when: whenSound, error: whichAddress.error })
      .refine(({ room, when }) => room === undefined || when === undefined, {
        when: whenSound,
        error: 'a room is always there: when goes with address only',
      })
      .transform(({ address = '', room, when }) =>
        writeXmppAddress(
          room === undefined
            ? { kind: 'person', jid: address, onlyOnline: when !== undefined }
            : { kind: 'room', jid: room },
        ),
      ),
  ])
  .meta({
    description:
      'An XMPP address; {address: …, when: online}: only while they are online; {room: …}: a room (MUC).',
  });
