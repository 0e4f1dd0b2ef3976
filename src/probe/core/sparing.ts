/**
 * Sparing the first hops: all paths begin alike, and the routers next to the
 * probe would answer every trace of every target. So most traces begin behind
 * what all targets have in common; each eighth one is whole, and so is every
 * one that has something to find out.
 */
import type { Judged } from './judge.ts';
import type { Address } from './record.ts';

/** How many first hops are common to all targets, for each version of IP. */
export type CommonHops = { readonly v4: number; readonly v6: number };

/** No more are spared than these; and none for fewer targets, whose whole paths may be alike. */
export const sparedMax = 3;
export const sparedFrom = 8;
/** One of so many traces is whole. */
const wholeEvery = 8;

const versionOf = (address: Address): 'v4' | 'v6' => (address.includes(':') ? 'v6' : 'v4');

/** To be worked out anew now and then: a minute's delay does no harm. */
export function commonHops(all: Iterable<Judged>): CommonHops {
  const firsts: Record<'v4' | 'v6', { hops: readonly (Address | null)[]; count: number }> = {
    v4: { hops: [], count: 0 },
    v6: { hops: [], count: 0 },
  };
  for (const { address, paths } of all) {
    if (!paths.learnt) continue;
    const hops = paths.usual.hops.slice(0, sparedMax).map(({ addresses }) => {
      const [only = null] = addresses;
      return addresses.length === 1 && only !== address ? only : null;
    });
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

/** The TTL with which the next trace of a target may begin. */
export function firstHop({ address, paths, standing }: Judged, common: CommonHops): number {
  const isCurious = !paths.learnt || paths.suspicion !== null || paths.other !== null || standing.length > 0;
  if (isCurious || paths.usual.traces % wholeEvery === 0) return 1;
  return common[versionOf(address)] + 1;
}
