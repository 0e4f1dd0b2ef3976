/** probe.yaml as it is written: the schema, from which also come the words of every fault. */
import * as z from 'zod';
import { logLevels } from '../log.ts';
import { addressSchema } from '../station/address.ts';
import { didYouMean } from '../station/nearest.ts';
import { durationBetween } from '../station/yaml-file.ts';
import { parseDestination } from '../wire/destination.ts';
import { methods } from './core/record.ts';
import { type EngineChoice, parseEngineChoice } from './engine/choose.ts';
import * as limits from './limits.ts';
import type { WordWithInterval } from './options.ts';
import { rulesSchema } from './rules-file.ts';
import { intervalMax, intervalMin, parseTarget, splitInterval } from './target.ts';
import { targetsMax } from './targets.ts';

const labelsMax = 20;
const labelMax = 200;
const pathMax = 4096;

/** `off` as an option writes it; `false` as YAML might. */
const off = z.union([z.literal('off'), z.literal(false)]).transform((): 'off' => 'off');

const interval = durationBetween(intervalMin, intervalMax);

const destination = z.string().superRefine((written, context) => {
  const parsed = parseDestination(written);
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.detail });
});

const word = z.string().transform((written, context): WordWithInterval => {
  const split = splitInterval(written);
  const why = 'fault' in split ? split.fault : whyNoTarget(split.word);
  if (!('fault' in split) && why === null) return split;
  context.addIssue({ code: 'custom', message: why ?? '' });
  return z.NEVER;
});

function whyNoTarget(written: string): string | null {
  const parsed = parseTarget(written);
  return parsed.ok ? null : `this is no target: ${parsed.why}`;
}

const labels = z.record(
  z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/, {
    error: 'letters, digits and _ are expected in the name of a label',
  }),
  z.string().max(labelMax),
);

const targetSchema = z.union([
  word.transform((split) => ({
    target: split,
    labels: null,
    ping_interval: null,
    trace_interval: null,
    method: null,
    rules: null,
  })),
  z.strictObject({
    target: word,
    labels: labels
      .refine((all) => Object.keys(all).length <= labelsMax, {
        error: `at most ${labelsMax} labels are expected`,
      })
      .nullish(),
    ping_interval: interval.nullish(),
    trace_interval: interval.nullish(),
    method: z.enum(methods).nullish(),
    rules: rulesSchema.nullish(),
  }),
]);

const engine = z.string().transform((written, context): EngineChoice => {
  const choice = parseEngineChoice(written);
  if (choice !== null) return choice;
  const hint = didYouMean(written, limits.engineWords, null);
  context.addIssue({ code: 'custom', message: `${limits.engineExpected}${hint}` });
  return z.NEVER;
});

/** A key with nothing after it is one that is not there. */
export const probeFileSchema = z.strictObject({
  name: z.string().refine(limits.isName, { error: limits.nameExpected }).nullish(),
  to: z.union([destination, z.array(destination).max(limits.destinationsMax)]).nullish(),
  targets: z.array(targetSchema).max(targetsMax).nullish(),
  ping_interval: interval.nullish(),
  trace_interval: interval.nullish(),
  method: z.enum(methods).nullish(),
  timeout: durationBetween(limits.timeoutMin, limits.timeoutMax).nullish(),
  retries: z.int().min(0).max(limits.retriesMax).nullish(),
  max_hops: z.int().min(1).max(limits.hopsMax).nullish(),
  pps: z.int().min(1).max(limits.rateMax).nullish(),
  engine: engine.nullish(),
  control: z.union([addressSchema, off]).nullish(),
  metrics: z.union([addressSchema, off]).nullish(),
  state: z.string().min(1).max(pathMax).nullish(),
  user: z.string().min(1).max(pathMax).nullish(),
  full_update: durationBetween(limits.fullEveryMin, limits.fullEveryMax).nullish(),
  heartbeat: z.boolean().nullish(),
  log_level: z.enum(logLevels).nullish(),
  rules: rulesSchema.nullish(),
});

export type ProbeFile = z.output<typeof probeFileSchema>;
export type FileTarget = NonNullable<ProbeFile['targets']>[number];
