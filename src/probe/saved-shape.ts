/**
 * Whether what a state file holds can be what this program wrote. The checksum
 * vouches for the bytes, not for whoever wrote them: a line of the wrong shape
 * must cost its target what was learnt of it, never the start, and never a
 * judgement an hour later. The types tie the shapes to what the core keeps.
 */
import { isIP } from 'node:net';
import * as z from 'zod';
import { instant as asInstant, type Instant } from '../time.ts';
import { bucketLeast, bucketMost, hoursMax } from './core/histogram.ts';
import type { Judged } from './core/judge.ts';
import { knowledge } from './core/reach.ts';
import { type Address, methods, type TraceRecord, traceEnds } from './core/record.ts';
import { sampleMax } from './core/sample.ts';
import { verdictNames } from './core/verdict.ts';
import type { KnownName } from './targets.ts';
import { type NameChange, unresolved } from './unresolved.ts';

export type Entry = {
  readonly address: Address;
  readonly at: Instant;
  readonly judged: Judged;
  readonly pathId: string | null;
};
export type NameEntry = KnownName & { readonly name: string; readonly at: Instant };

/** More than anything that is kept: only what would take memory without end is to be found out. */
const listMax = 1024;
/** Sums of squares of delays come nowhere near it, and what is added to it stays a number that JSON can hold. */
const figureMax = 1e24;
const textMax = 200;
const htmlMax = 256 * 1024;
const ttlMax = 255;
/** What a date can hold. */
const instantMax = 8.64e15;
/** The version of `Judged` that the shape below is of. */
const version = 2;

const instant = z.number().min(0).max(instantMax).transform(asInstant);
const address = z
  .string()
  .min(2)
  .max(textMax)
  .transform((text) => text as Address);
const figure = z.number().min(-figureMax).max(figureMax);
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const whole = z.int().min(0);
const rtt = z.number().min(0).max(figureMax).nullable();
const list = <T extends z.ZodType>(of: T, max = listMax) => z.array(of).max(max);
const pair = z.tuple([figure, figure]);
const flag = z.boolean();

const counts = {
  first: z.int().min(bucketLeast).max(bucketMost),
  counts: list(whole, bucketMost - bucketLeast + 1),
};

/** No hour, or the first one and what each holds. A part between bars is nothing, or a bucket and counts. */
const closedForm = /^(\d{1,9}(\|(-?\d{1,3} [\da-z,]{0,4096})?){1,128})?$/;
const closedMax = 2 * hoursMax * 4096;

const statistics = z.object({
  since: instant,
  sent: count,
  received: count,
  lost: count,
  errors: count,
  last: rtt,
  min: rtt,
  max: rtt,
  mean: figure,
  squares: figure,
  changes: figure,
  moving: z.object({ at: instant.nullable(), m15: pair, h6: pair, h24: pair }),
  histograms: z.object({
    total: z.object(counts),
    open: z.object({ ...counts, hour: whole }).nullable(),
    closed: z.string().max(closedMax).regex(closedForm),
  }),
});

const trace: z.ZodType<TraceRecord> = z.object({
  address,
  at: instant,
  method: z.enum(methods),
  hops: list(
    z.object({
      ttl: z.int().min(1).max(ttlMax),
      probes: list(z.object({ address: address.nullable(), rtt })),
    }),
    ttlMax,
  ),
  end: z.enum(traceEnds),
  said: z.string().max(htmlMax),
});

const reach = z.object({
  failing: count,
  failedFrom: instant.nullable(),
  failedTo: instant.nullable(),
  answeredAt: instant.nullable(),
  failed: trace.nullable(),
  arrivedAt: instant.nullable(),
  told: z.literal(Object.values(knowledge)),
  elsewhere: z.object({ hop: address, traces: count }).nullable(),
  answers: count,
  said: z.object({ from: address.nullable(), why: z.string().max(htmlMax) }).nullable(),
  circles: list(flag),
  circledFrom: instant.nullable(),
  flaps: count,
  brokeAt: instant.nullable(),
});

const usual = z.object({
  sample: z.object({
    values: list(figure, sampleMax),
    stride: z.int().min(1),
    skipped: whole,
    median: figure,
    spread: figure,
    low: figure,
    high: figure,
    change: figure,
  }),
  waiting: list(figure),
});

const hop = z.object({
  addresses: list(address),
  seen: list(instant),
  answers: count,
  name: z.string().max(htmlMax),
  delays: list(figure),
  recent: list(figure),
  probes: count,
  lost: count,
  usualProbes: count,
  usualLost: count,
});

const path = z.object({
  id: z.string().max(textMax),
  hops: list(hop, ttlMax),
  traces: count,
  quiet: count,
  lengths: list(z.int().min(1).max(ttlMax)),
});

const paths = z.object({
  usual: path,
  learnt: flag,
  other: z.object({ path, since: instant, ttl: z.int().min(1).max(ttlMax), back: count }).nullable(),
  suspicion: z.object({ since: instant, traces: list(trace) }).nullable(),
});

const said = {
  state: z.literal('raised'),
  at: instant,
  hop: address.nullable(),
  summary: z.string().max(textMax),
  detailHtml: z.string().max(htmlMax),
};

const judged: z.ZodType<Judged> = z.object({
  version: z.literal(version),
  address,
  at: instant,
  statistics,
  pinged: flag,
  answered: flag,
  reach,
  pings: list(figure),
  delay: z.object({
    ping: usual,
    trace: usual,
    grades: list(whole),
    began: instant.nullable(),
    traces: count,
    good: figure,
  }),
  paths,
  via: z.record(z.string().max(textMax), z.object({ bad: count, good: count, at: instant })),
  calmPings: count,
  doubted: count,
  lossTraces: count,
  lossSaid: count,
  asked: flag,
  standing: list(z.object({ ...said, verdict: z.enum(verdictNames) })),
});

/** What another version judged by is left alone until it is asked for, and begins anew then. */
const foreign = z.object({ version: z.number().refine((one) => one !== version) });

const entry = z.object({
  address: address.refine((one) => isIP(one) !== 0),
  at: instant,
  judged: z.union([judged, foreign]),
  pathId: z.string().max(textMax).nullable(),
});

const nameChange: z.ZodType<NameChange> = z.object({ ...said, verdict: z.literal(unresolved) });
const nameEntry: z.ZodType<NameEntry> = z.object({
  name: z
    .string()
    .min(1)
    .max(textMax + textMax),
  at: instant,
  addresses: list(z.string()),
  raised: nameChange.nullable(),
});

export const isEntry = (value: object): value is Entry =>
  entry.safeParse(value).success && isAboutItself(value as Entry);
export const isNameEntry = (value: object): value is NameEntry => nameEntry.safeParse(value).success;

/** A judgement of another address would be told under that one's name. */
const isAboutItself = ({ address: one, judged: { version: written, address: other } }: Entry): boolean =>
  written !== version || one === other;
