/**
 * Rules as probe.yaml writes them, and what they come to. Each verdict is `off`
 * or a mapping of what is to be other than usual: a target's rules change those
 * of the whole file, and these change the defaults, key by key.
 */
import * as z from 'zod';
import { durationBetween } from '../station/yaml-file.ts';
import { days, milliseconds, minutes } from '../time.ts';
import { defaultRules, delaysMax, type Rules, windowMax } from './core/rules.ts';
import { isNetwork } from './target.ts';

const countMax = 1000;
/** In milliseconds. */
const delayMax = 60_000;
const timesMax = 1000;
const listedMax = 100;
const lastingMax = minutes(60);

const off = z.union([z.literal('off'), z.literal(false)]);
type Off = z.output<typeof off>;
const isOff = (written: unknown): written is Off => written === 'off' || written === false;

const count = z.int().min(1).max(countMax);
/** Less could not be told from none. */
const percentLeast = 0.1;
const percent = z.number().min(percentLeast).max(100);
const delay = z.number().positive().max(delayMax);
const times = z.number().min(0).max(timesMax);
const long = durationBetween(milliseconds(0), days(400));
const ofPings = z.int().min(1).max(windowMax);
const ofDelays = z.int().min(1).max(delaysMax);

/** A mapping of some of the keys. */
const some = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape).partial();

const path = some({
  learn: count,
  confirm: z.int().min(0).max(10),
  back: count,
  settle: long,
  settle_traces: z.union([count, off]),
  forget: long,
});
const excess = some({
  at_least: z.number().min(0).max(delayMax),
  percent: z.number().min(0),
  spreads: times,
});
const step = some({ ...excess.shape, of: ofDelays });
const slow = some({
  count: ofDelays,
  of: ofDelays,
  over: z.union([delay, off]),
  usual: z.union([excess, off]),
  step: z.union([step, off]),
  good: count,
  settle: long,
});
const hop = z.string().refine(isNetwork, {
  error: 'an address, or a network such as 192.0.2.0/24, is expected',
});
const via = z.array(z.strictObject({ hop, expect: z.enum(['always', 'never']) })).max(listedMax);

export const rulesSchema = some({
  path,
  unreachable: z.union([
    some({
      lost: count,
      alone: count,
      lasting: durationBetween(milliseconds(0), lastingMax),
      answered: count,
      steady: durationBetween(milliseconds(0), lastingMax),
    }),
    off,
  ]),
  loss: z.union([some({ percent, of: ofPings }), off]),
  slow: z.union([slow, off]),
  jitter: z.union([some({ over: delay, times, of: ofPings }), off]),
  path_changed: z.union([z.literal('on'), z.literal(true), z.literal('off'), z.literal(false)]),
  more_hops: z.union([some({ by: count }), off]),
  loop: z.union([some({ count: z.int().min(1).max(3) }), off]),
  via: z.union([via, off]),
});
export type WrittenRules = z.output<typeof rulesSchema>;

/** Without the keys that were not written. */
type Some<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

function over<T extends object>(base: T, written: Some<T>): T {
  const given = Object.entries(written).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(given) };
}

/** A verdict that may be off. @param usual what a verdict that was off begins with when it is turned on. */
function verdict<T extends object>(
  base: T | null,
  usual: T | null,
  written: Some<T> | Off | undefined,
): T | null {
  if (written === undefined) return base;
  if (isOff(written)) return null;
  const from = base ?? usual;
  return from === null ? null : over(from, written);
}

const nullIfOff = <T>(written: T | Off | undefined): T | null | undefined =>
  isOff(written) ? null : written;

/** `written` over `base`. */
export function mergedRules(base: Rules, written: WrittenRules | null | undefined): Rules {
  if (!written) return base;
  const { unreachable, loss, jitter, path_changed, more_hops, loop } = written;
  const usual = defaultRules;
  const changed = path_changed === undefined ? undefined : isOff(path_changed) ? path_changed : {};
  return {
    path: pathRules(base.path, written.path),
    unreachable: verdict(base.unreachable, usual.unreachable, unreachable),
    loss: verdict(base.loss, usual.loss, loss),
    slow: slowRule(base.slow, written.slow),
    jitter: verdict(base.jitter, usual.jitter, jitter),
    pathChanged: verdict(base.pathChanged, usual.pathChanged, changed),
    moreHops: verdict(base.moreHops, usual.moreHops, more_hops),
    loop: verdict(base.loop, usual.loop, loop),
    via: written.via === undefined ? base.via : isOff(written.via) ? [] : written.via,
  };
}

function pathRules(base: Rules['path'], written: WrittenRules['path']): Rules['path'] {
  if (written === undefined) return base;
  const { settle_traces, ...rest } = written;
  return over(base, { ...rest, settleTraces: nullIfOff(settle_traces) });
}

type Slow = NonNullable<Rules['slow']>;
type WrittenExcess = z.output<typeof step>;

function slowRule(base: Slow | null, written: WrittenRules['slow']): Slow | null {
  if (written === undefined) return base;
  if (isOff(written)) return null;
  const from = base ?? defaultRules.slow;
  if (from === null) return null;
  const { usual, step: stepped, over: longest, ...rest } = written;
  const merged = over(from, {
    ...rest,
    over: nullIfOff(longest),
    usual: verdict(from.usual, defaultRules.slow?.usual ?? null, excessOf(usual)),
    step: verdict(from.step, defaultRules.slow?.step ?? null, excessOf(stepped)),
  });
  // More than there are could never agree.
  return { ...merged, of: Math.max(merged.of, merged.count) };
}

function excessOf(written: WrittenExcess | Off | undefined) {
  if (written === undefined || isOff(written)) return written;
  const { at_least, ...rest } = written;
  return { ...rest, atLeast: at_least };
}

const pathless = new WeakMap<Rules, Rules>();

/** The same without what is said of a path: where the engine cannot hold the flow, a path says nothing. */
export function withoutPathVerdicts(rules: Rules): Rules {
  const known = pathless.get(rules);
  if (known !== undefined) return known;
  const left: Rules = { ...rules, pathChanged: null, moreHops: null, loop: null, via: [] };
  pathless.set(rules, left);
  return left;
}
