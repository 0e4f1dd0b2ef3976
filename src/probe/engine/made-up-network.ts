/**
 * A made-up network: every address has a path, delays and some loss, all out of
 * one seed. For the fake engine, so for tests, demonstrations and machines
 * without privilege. Pure.
 */
import type { Duration, Instant } from '../../time.ts';
import type { Address, Hop, HopProbe, Method, PingRecord, TraceRecord } from '../core/record.ts';

export type Network = {
  readonly seed: number;
  /** Of a thousand probes so many get lost. */
  readonly lossPerMille: number;
  /** Addresses that nothing answers for. */
  readonly down: ReadonlySet<Address>;
};

export type Random = () => number;

export const newNetwork = (seed: number): Network => ({ seed, lossPerMille: 0, down: new Set() });

type PingThrough = { readonly address: Address; readonly timeout: Duration };
type TraceThrough = PingThrough & {
  readonly method: Method;
  readonly firstHop: number;
  readonly maxHops: number;
  readonly probesPerHop: number;
  readonly gapLimit: number;
};

const hopsLeast = 4;
const hopsSpread = 9;
const delayLeast = 0.5;
const delaySpread = 6;
const jitterSpread = 0.3;

function hashOf(seed: number, text: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3ce5) >>> 0;
}

/** The way to an address: who is at each TTL, and how far away. */
function pathTo({ seed }: Network, address: Address): { address: Address; delay: number }[] {
  const count = hopsLeast + (hashOf(seed, address) % hopsSpread);
  let delay = 0;
  return Array.from({ length: count }, (_, index) => {
    const bits = hashOf(seed + index, address);
    delay += delayLeast + (bits % 1000) * (delaySpread / 1000);
    const router = address.includes(':')
      ? `2001:db8:${index + 1}::${(bits % 0xffff).toString(16)}`
      : `10.${index + 1}.${(bits >>> 8) & 0xff}.${bits & 0xff}`;
    return { address: index === count - 1 ? address : (router as Address), delay };
  });
}

const lostOne = (network: Network, random: Random): boolean => random() * 1000 < network.lossPerMille;
const measured = (delay: number, random: Random): number =>
  Math.round((delay + random() * jitterSpread) * 1000) / 1000;

export function pingThrough(network: Network, task: PingThrough, random: Random, now: Instant): PingRecord {
  const { address } = task;
  const rtt = measured(pathTo(network, address).at(-1)?.delay ?? 0, random);
  const lost = network.down.has(address) || lostOne(network, random) || rtt > task.timeout;
  return { address, at: now, outcome: lost ? { kind: 'lost' } : { kind: 'reply', rtt } };
}

export function traceThrough(
  network: Network,
  task: TraceThrough,
  random: Random,
  now: Instant,
): TraceRecord {
  const { address, method } = task;
  const path = pathTo(network, address);
  const hops: Hop[] = [];
  const ended = (end: TraceRecord['end']): TraceRecord => ({ address, at: now, method, hops, end, said: '' });
  let silent = 0;
  for (let ttl = task.firstHop; ttl <= task.maxHops; ttl++) {
    const place = path[Math.min(ttl, path.length) - 1];
    const dumb = place === undefined || (place.address === address && network.down.has(address));
    const probes = Array.from({ length: task.probesPerHop }, (): HopProbe => {
      if (dumb || lostOne(network, random)) return { address: null, rtt: null };
      return { address: place.address, rtt: measured(place.delay, random) };
    });
    hops.push({ ttl, probes });
    const heard = probes.some((probe) => probe.address !== null);
    if (heard && place?.address === address) return ended('reached');
    silent = heard ? 0 : silent + 1;
    if (silent >= task.gapLimit) return ended('silent');
  }
  return ended('max-hops');
}
