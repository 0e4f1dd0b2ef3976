/**
 * Slows down guessing. Each failure of one name from one network makes the next
 * attempt wait longer, and so do many failures from one network whatever the
 * names; a success forgives the name, never what the network did before. Nobody
 * is locked out from elsewhere by a stranger's guessing.
 *
 * What it remembers is bounded, and lost at a restart: a restart is rarer than
 * the longest wait.
 */
import { isIP } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import { LRUCache } from 'lru-cache';
import {
  type Clock,
  type Duration,
  type Instant,
  milliseconds,
  minutes,
  plus,
  seconds,
  since,
} from '../time.ts';

/** So many failures cost nothing: people mistype. */
const freeFailures = { name: 4, network: 20 } as const;
const firstWait = seconds(2);
const longestWait = minutes(15);
/** After so long without a failure all is forgotten. */
const forgetAfter = minutes(60);
const remembered = 10_000;
/** One household or server has a whole /64. */
const ipv6Prefix = 64;
/** Hashes that may be under way or wait at once: each takes 32 MB while it runs. */
export const hashesAtOnceMax = 16;

type Counted = { readonly key: string; readonly free: number };
type Failures = { readonly count: number; readonly last: Instant; readonly until: Instant };

export interface Throttle {
  /** How long this name must wait at this address; null: not at all. */
  wait(name: string, address: string): Duration | null;
  /** Counts an attempt as failed, until it is known to be right. */
  attempt(name: string, address: string): Attempt;
}

export interface Attempt {
  /** Takes back what this attempt counted, and forgives the name. */
  succeeded(): void;
}

export function openThrottle(clock: Clock): Throttle {
  const kept = new LRUCache<string, Failures>({ max: remembered });
  const keys = (name: string, address: string): readonly [Counted, Counted] => {
    const network = networkOf(address);
    return [
      { key: `${network} ${name}`, free: freeFailures.name },
      { key: network, free: freeFailures.network },
    ];
  };
  const failures = ({ free }: Counted, count: number, last: Instant): Failures => {
    const wait = count < free ? 0 : Math.min(longestWait, firstWait * 2 ** (count - free));
    return { count, last, until: plus(last, milliseconds(wait)) };
  };
  /** @returns what takes it back. */
  const count = (counted: Counted): (() => void) => {
    const { key } = counted;
    const now = clock.now();
    const found = kept.get(key);
    const before = found === undefined || since(found.last, now) > forgetAfter ? undefined : found;
    const after = failures(counted, (before?.count ?? 0) + 1, now);
    kept.set(key, after);
    return () => {
      const present = kept.get(key);
      // Others may have failed meanwhile: theirs stays counted.
      if (present === after && before !== undefined) kept.set(key, before);
      else if (present === after) kept.delete(key);
      else if (present !== undefined) kept.set(key, failures(counted, present.count - 1, present.last));
    };
  };
  return {
    wait(name, address) {
      const now = clock.now();
      const until = Math.max(...keys(name, address).map(({ key }) => kept.get(key)?.until ?? 0));
      return until > now ? milliseconds(until - now) : null;
    },
    attempt(name, address) {
      const [own, network] = keys(name, address);
      count(own);
      const takeBack = count(network);
      return {
        succeeded() {
          kept.delete(own.key);
          takeBack();
        },
      };
    },
  };
}

/** Whom an address stands for: one household or server has many. */
export function networkOf(address: string): string {
  // A proxy that is trusted may still pass on what a stranger wrote.
  return isIP(address) === 0 ? '?' : ipKeyGenerator(address, ipv6Prefix);
}
