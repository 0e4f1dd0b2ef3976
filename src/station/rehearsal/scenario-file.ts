/**
 * What a scenario file may say: a timeline of updates and of people's acts, and
 * what is expected of the policy. Written by the people who write policies, so
 * its words are theirs. Here is its shape; scenario.ts gives times and names
 * their meaning, run.ts plays it.
 */
import * as z from 'zod';
import { days, milliseconds } from '../../time.ts';
import { levels, mutedKinds, notificationKinds, states } from '../core/alert.ts';
import { channelNames } from '../policy/words.ts';
import { durationBetween } from '../yaml-file.ts';

/** A scenario is a story that somebody reads. */
export const stepsMax = 1000;
const entriesMax = 1000;
const textMax = 65_535;
const nameMax = 512;

const text = z.string().min(1).max(textMax);
const name = z.string().min(1).max(nameMax);
const moment = z.string().min(1).max(nameMax);
const duration = durationBetween(milliseconds(1000), days(365));
const many = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).min(1).max(entriesMax)]);
const channel = z.enum(channelNames);

const texts = {
  subject: name.optional(),
  summary: text.optional(),
  detail: text.optional(),
  importance: z
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .optional(),
};

const said = { source: name, id: name, ...texts };
/** An alert that was named before: `id` and `source` are needed where there are several. */
const ref = { id: name.optional(), source: name.optional() };
const byPerson = { ...ref, by: name };

const raise = z.strictObject({
  ...said,
  suppress_for: duration.optional(),
  clears_after: duration.optional(),
});
const clear = z.strictObject({ ...ref, ...texts });
const heartbeat = z.strictObject({ ...said, raises_after: duration });
const replace = z.strictObject({
  source: name,
  alerts: z.array(z.strictObject({ id: name, ...texts })).max(entriesMax),
});
const acknowledge = z.strictObject({
  ...byPerson,
  for: duration.optional(),
  hours: name.optional(),
  note: text.optional(),
});
const suppress = z.strictObject({ ...byPerson, for: duration });
const silence = z.strictObject({
  name: name.optional(),
  match: z.unknown(),
  for: duration,
  by: name,
  reason: text,
});
const endSilence = z.strictObject({ name: name.optional(), by: name });

const message = z.strictObject({
  at: many(moment).optional(),
  to: many(name),
  by: many(channel).optional(),
  of: z.enum(notificationKinds),
  alert: name.optional(),
});
const alert = z.strictObject({
  ...ref,
  state: z.enum(states).optional(),
  group: name.optional(),
  level: z.enum(levels).optional(),
  muted: z.enum([...mutedKinds, 'no']).optional(),
});

/** What happens in a step, in this order, before what is expected. */
const deeds = {
  channels_down: z.array(channel).optional(),
  raise: raise.optional(),
  clear: clear.optional(),
  heartbeat: heartbeat.optional(),
  replace: replace.optional(),
  acknowledge: acknowledge.optional(),
  unacknowledge: z.strictObject(byPerson).optional(),
  suppress: suppress.optional(),
  clear_by_hand: z.strictObject(byPerson).optional(),
  silence: silence.optional(),
  end_silence: endSilence.optional(),
};

const step = z
  .strictObject({
    at: moment.optional(),
    ...deeds,
    alert: many(alert).optional(),
    expect: z.array(message).max(entriesMax).optional(),
    others: z.enum(['fail', 'ignore']).optional(),
    expect_nothing_until: moment.optional(),
  })
  .superRefine((written, context) => {
    // One fault is enough where a key was misspelt.
    if (context.issues.length > 0) return;
    const issue = (path: string, words: string): void =>
      context.addIssue({ code: 'custom', path: [path], message: words });
    const { at, others, expect, expect_nothing_until: nothing, ...rest } = written;
    if (nothing !== undefined && expect !== undefined) {
      issue('expect_nothing_until', 'either expect or expect_nothing_until is expected');
    }
    if (others !== undefined && expect === undefined) issue('others', 'others goes with expect');
    const does = [nothing, expect, ...Object.values(rest)].some((one) => one !== undefined);
    if (!does) {
      const words = `this step does nothing: one of ${[...Object.keys(deeds), 'alert', 'expect'].join(', ')} is expected`;
      context.addIssue({ code: 'custom', message: words });
    }
  });

export const scenarioSchema = z.strictObject({
  about: text.optional(),
  policy: text.optional(),
  start: moment,
  steps: z.array(step).min(1).max(stepsMax),
});

export type WrittenScenario = z.output<typeof scenarioSchema>;
export type WrittenStep = WrittenScenario['steps'][number];
export type WrittenMessage = z.output<typeof message>;
export type WrittenCheck = z.output<typeof alert>;
