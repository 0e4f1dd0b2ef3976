/**
 * Slows down guessing. Each failure of one name from one network makes the next
 * attempt wait longer, and so do many failures from one network whatever the
 * names; a success forgives the name, never the network. Nobody is locked out
 * from elsewhere by a stranger's guessing.
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

type Failures = { readonly count: number; readonly last: Instant; readonly until: Instant };

export interface Throttle {
  /** How long this name must wait at this address; null: not at all. */
  wait(name: string, address: string): Duration | null;
  failed(name: string, address: string): void;
  succeeded(name: string, address: string): void;
}

export function openThrottle(clock: Clock): Throttle {
  const kept = new LRUCache<string, Failures>({ max: remembered });
  const keys = (name: string, address: string): readonly { key: string; free: number }[] => {
    const network = networkOf(address);
    return [
      { key: `${network} ${name}`, free: freeFailures.name },
      { key: network, free: freeFailures.network },
    ];
  };
  return {
    wait(name, address) {
      const now = clock.now();
      const until = Math.max(...keys(name, address).map(({ key }) => kept.get(key)?.until ?? 0));
      return until > now ? milliseconds(until - now) : null;
    },
    failed(name, address) {
      const now = clock.now();
      for (const { key, free } of keys(name, address)) {
        const before = kept.get(key);
        const stale = before === undefined || since(before.last, now) > forgetAfter;
        const count = stale ? 1 : before.count + 1;
        const wait = count < free ? 0 : Math.min(longestWait, firstWait * 2 ** (count - free));
        kept.set(key, { count, last: now, until: plus(now, milliseconds(wait)) });
      }
    },
    succeeded(name, address) {
      const [own] = keys(name, address);
      if (own !== undefined) kept.delete(own.key);
    },
  };
}

function networkOf(address: string): string {
  // A proxy that is trusted may still pass on what a stranger wrote.
  return isIP(address) === 0 ? '?' : ipKeyGenerator(address, ipv6Prefix);
}
