/**
 * How much one network may ask of what is open to strangers. What it remembers
 * is bounded, and lost at a restart.
 */
import { LRUCache } from 'lru-cache';
import { type Pace, type Spent, spend } from '../station/core/pace.ts';
import { type Clock, type Duration, since } from '../time.ts';
import { networkOf } from './throttle.ts';

const remembered = 10_000;

export interface NetworkPace {
  /** Counts one more. @returns how long to wait, where it was one too many; null: go on. */
  take(address: string): Duration | null;
  /** How long to wait before the next, without counting. */
  wait(address: string): Duration | null;
}

export function openPace(clock: Clock, pace: Pace): NetworkPace {
  const kept = new LRUCache<string, Spent>({ max: remembered });
  const next = (network: string): ReturnType<typeof spend> & { readonly wait: Duration | null } => {
    const now = clock.now();
    const found = spend(kept.get(network), pace, now);
    return { ...found, wait: found.until === null ? null : since(now, found.until) };
  };
  return {
    take(address) {
      const network = networkOf(address);
      const { spent, wait } = next(network);
      kept.set(network, spent);
      return wait;
    },
    wait: (address) => next(networkOf(address)).wait,
  };
}

/** For the header `Retry-After`. */
export const retryAfter = (wait: Duration): string => String(Math.ceil(wait / 1000));
