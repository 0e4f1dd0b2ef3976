/**
 * What one trace spares. All paths begin alike, and the routers next to the
 * probe would answer every trace of every target: so most traces begin behind
 * what all targets have in common; each eighth one is whole, and so is every
 * one that has something to find out. And silence takes long, for each probe
 * waits for an answer: where it is known which hops answer, a trace is given up
 * soon behind the last one that does.
 */
import { type KnownHop, usualLoss } from './hop.ts';
import type { Judged } from './judge.ts';
import { knowledge } from './reach.ts';
import type { Address } from './record.ts';
import { isDown } from './verdict.ts';

/** How many first hops are common to all targets, for each version of IP. */
export type CommonHops = { readonly v4: number; readonly v6: number };

/** No more are spared than these; and none for fewer targets, whose whole paths may be alike. */
export const sparedMax = 3;
export const sparedFrom = 8;
/** One of so many traces is whole. */
const wholeEvery = 8;

const versionOf = (address: Address): 'v4' | 'v6' => (address.includes(':') ? 'v6' : 'v4');

/** How the usual path of a target begins: null for a place that is not one router's alone, or the target's. */
export type Beginning = { readonly address: Address; readonly hops: readonly (Address | null)[] };

/** Null: it is not known yet. */
export function beginningOf({ address, paths }: Judged): Beginning['hops'] | null {
  if (!paths.learnt) return null;
  return paths.usual.hops.slice(0, sparedMax).map(({ addresses }) => {
    const [only = null] = addresses;
    return addresses.length === 1 && only !== address ? only : null;
  });
}

/** To be worked out anew now and then: a minute's delay does no harm. */
export function commonHops(all: Iterable<Beginning>): CommonHops {
  const firsts: Record<'v4' | 'v6', { hops: Beginning['hops']; count: number }> = {
    v4: { hops: [], count: 0 },
    v6: { hops: [], count: 0 },
  };
  for (const { address, hops } of all) {
    const known = firsts[versionOf(address)];
    known.hops =
      known.count === 0 ? hops : known.hops.map((hop, index) => (hop === hops[index] ? hop : null));
    known.count++;
  }
  const countOf = ({ hops, count }: (typeof firsts)['v4']): number => {
    const other = hops.indexOf(null);
    return count < sparedFrom ? 0 : other < 0 ? hops.length : other;
  };
  return { v4: countOf(firsts.v4), v6: countOf(firsts.v6) };
}

/** How the next trace of a target is to be made. */
export type Shape = {
  /** The TTL with which it begins. */
  readonly firstHop: number;
  readonly probesPerHop: number;
  /** How often a probe without an answer is repeated, if not as often as it is set. */
  readonly retries?: number;
  /** It ends after so many hops in a row that say nothing. */
  readonly gapLimit: number;
};

/** Three, so that load sharing shows, and a loss. */
export const probesPerHop = 3;
/** Where it is not known which hops answer. */
export const gapMost = 5;
/** … beyond as many as are usually silent in a row, where it is. */
const gapBeyond = 2;
/** A hop that usually loses so much of what is sent to it may well say nothing. */
const seldomAnswers = 0.3;
/** Pings lost in a row from which on it matters only how far a trace comes. */
const outageFrom = 2;
/** … and from which on none is probed twice: two hops in a row that say nothing tell enough, and twice as soon. */
const onceFrom = 8;
/** A hop that usually loses no more answers always; one that loses all but that never does. */
const nearlyNone = 0.02;

/** `silent`: whether the last trace was given up for silence. */
export function shapeOf(judged: Judged, common: CommonHops, silent: boolean): Shape {
  const { paths, reach, standing } = judged;
  const isCut = reach.failing >= outageFrom || isDown(standing);
  // A path that has become another one may have more silent hops; then pings are answered all the same.
  const isOther = paths.suspicion !== null || (silent && reach.failing === 0);
  const isUnsure = !paths.learnt || paths.usual.lengths.length === 0 || isOther;
  const longest = Math.max(silentRun(paths.usual.hops), silentRun(paths.other?.path.hops ?? []));
  return {
    firstHop: firstHop(judged, common),
    probesPerHop: isCut ? 1 : probesPerHop,
    ...(asksOnce(judged) ? { retries: 0 } : {}),
    gapLimit: isUnsure ? gapMost : Math.min(gapMost, longest + gapBeyond),
  };
}

/**
 * Whether two hops in a row that say nothing tell enough, though none is asked twice: as long as it is not known where
 * an outage begins, on a path whose hops all answer or never do.
 */
function asksOnce({ answered, paths, reach, standing }: Judged): boolean {
  if (isDown(standing) && reach.told >= knowledge.traced) return false;
  // Where only traces are answered, lost pings are no outage.
  if (!answered || reach.arrivedAt !== null || reach.failing < onceFrom) return false;
  return paths.usual.hops.every((hop) => {
    const loss = usualLoss(hop) ?? 0;
    return loss < nearlyNone || loss > 1 - nearlyNone;
  });
}

/** The most hops in a row, before the last one that answers, of which none is sure to answer. */
function silentRun(hops: readonly KnownHop[]): number {
  let longest = 0;
  let run = 0;
  for (const hop of hops) {
    const answers = hop.addresses.length > 0 && (usualLoss(hop) ?? 0) < seldomAnswers;
    if (answers) longest = Math.max(longest, run);
    run = answers ? 0 : run + 1;
  }
  return longest;
}

function firstHop({ address, paths, standing }: Judged, common: CommonHops): number {
  const isCurious = !paths.learnt || paths.suspicion !== null || paths.other !== null || standing.length > 0;
  if (isCurious || paths.usual.traces % wholeEvery === 0) return 1;
  return common[versionOf(address)] + 1;
}
