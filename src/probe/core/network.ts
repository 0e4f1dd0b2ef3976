/**
 * A synthetic network: what pings and traces would find on a given topology. It
 * is data, with changes at given instants; chance is an argument. Tests of the
 * judging live on it, and so does the fake engine.
 *
 * It imitates what misleads a prober: load shared by flow or by packet, routers
 * that are silent, answer only now and then or slowly, ways back that are
 * longer, loss, refusal, black holes and loops. Time stands still during a trace.
 */
import type { Duration, Instant } from '../../time.ts';
import { attempts } from './attempts.ts';
import { type Chance, hashOf } from './chance.ts';
import type { Address, Hop, HopProbe, Method, PingRecord, Rtt, TraceEnd, TraceRecord } from './record.ts';

export type NetworkNode = {
  readonly v4: Address;
  readonly v6: Address;
  /** The part of expired probes that it answers: 0 is a silent router. */
  readonly answers: number;
  /** Milliseconds more for its own answers; packets that it passes on do not feel it. */
  readonly slow: Rtt;
  /** The part that it loses of what it passes on towards the target. */
  readonly loss: number;
  /** What becomes of packets that are to be passed on. */
  readonly passes: 'on' | 'nothing' | 'refused';
};

/** Delays one way, in milliseconds. Jitter is the mean of what is added by chance. */
export type NetworkLink = { readonly delay: Rtt; readonly jitter: Rtt };
/** Where a node sends packets: to one of these, by their flow or each by chance. */
export type NetworkRoute = { readonly to: readonly string[]; readonly by: 'flow' | 'packet' };

type Parts = {
  readonly nodes: Readonly<Record<string, NetworkNode>>;
  /** By their ends, in the direction of the target: `r1-r2`. */
  readonly links: Readonly<Record<string, NetworkLink>>;
  readonly routes: Readonly<Record<string, NetworkRoute>>;
};

/** What becomes different, from an instant on. */
export type NetworkChange = {
  readonly at: Instant;
  readonly nodes?: Readonly<Record<string, Partial<NetworkNode>>>;
  readonly links?: Readonly<Record<string, Partial<NetworkLink>>>;
  readonly routes?: Readonly<Record<string, NetworkRoute>>;
};

/** Packets start at `p`; the node `t` has every target's address. */
export type Network = Parts & {
  /** In the order of their instants. */
  readonly changes: readonly NetworkChange[];
};

export type PingOrder = { readonly address: Address; readonly timeout: Duration };
export type TraceOrder = PingOrder & {
  readonly method: Method;
  readonly firstHop: number;
  readonly maxHops: number;
  readonly probesPerHop: number;
  readonly retries: number;
  readonly gapLimit: number;
  readonly flow: number;
};

/** What became of a packet. */
type Fate =
  | { readonly kind: 'arrived' | 'expired' | 'refused'; readonly node: NetworkNode; readonly rtt: Rtt }
  | { readonly kind: 'gone' };

const start = 'p';
const end = 't';
const pingTtl = 64;
const gone: Fate = { kind: 'gone' };
export const refusal = 'network unreachable';

/** One trace, as a record. */
export function traceThrough(network: Network, order: TraceOrder, random: Chance, now: Instant): TraceRecord {
  const parts = partsAt(network, now);
  const hops: Hop[] = [];
  const done = (why: TraceEnd, said = ''): TraceRecord => {
    return { address: order.address, at: now, method: order.method, hops, end: why, said };
  };
  let silent = 0;
  for (let ttl = order.firstHop; ttl <= order.maxHops; ttl++) {
    const fates = probes(parts, order, ttl, random);
    hops.push({ ttl, probes: fates.map((fate) => answerOf(fate, order.address)) });
    if (fates.some(({ kind }) => kind === 'arrived')) return done('reached');
    if (fates.some(({ kind }) => kind === 'refused')) return done('unreachable', refusal);
    if (isLoop(hops)) return done('loop');
    silent = fates.every(({ kind }) => kind === 'gone') ? silent + 1 : 0;
    if (silent >= order.gapLimit) return done('silent');
  }
  return done('max-hops');
}

/** One ping, as a record. */
export function pingThrough(network: Network, order: PingOrder, random: Chance, now: Instant): PingRecord {
  const { address } = order;
  const fate = walk(partsAt(network, now), address, pingTtl, hashOf(address), random);
  if (fate.kind === 'gone' || fate.rtt > order.timeout)
    return { address, at: now, outcome: { kind: 'lost' } };
  if (fate.kind === 'arrived') return { address, at: now, outcome: { kind: 'reply', rtt: fate.rtt } };
  const why = fate.kind === 'refused' ? refusal : 'time exceeded';
  return { address, at: now, outcome: { kind: 'error', from: addressOf(fate.node, address), why } };
}

function probes(parts: Parts, order: TraceOrder, ttl: number, random: Chance): readonly Fate[] {
  const { count, all } = attempts(order);
  const fates: Fate[] = [];
  while (fates.length < count && (all || fates.every(({ kind }) => kind === 'gone'))) {
    const fate = walk(parts, order.address, ttl, order.flow, random);
    fates.push(fate.kind !== 'gone' && fate.rtt <= order.timeout ? fate : gone);
  }
  return fates;
}

const addressOf = (node: NetworkNode, target: Address): Address => (target.includes(':') ? node.v6 : node.v4);

function answerOf(fate: Fate, target: Address): HopProbe {
  if (fate.kind === 'gone') return { address: null, rtt: null };
  return { address: fate.kind === 'arrived' ? target : addressOf(fate.node, target), rtt: fate.rtt };
}

/** A packet on its way from node to node, until its TTL ends or something else does. */
function walk(
  { nodes, links, routes }: Parts,
  target: Address,
  ttl: number,
  flow: number,
  random: Chance,
): Fate {
  let at = start;
  let rtt = 0;
  for (let step = 1; step <= ttl; step++) {
    const next = nextOf(routes[at], at, target, flow, random);
    const node = nodes[next];
    const link = links[`${at}-${next}`] ?? links[`${next}-${at}`];
    if (node === undefined || link === undefined || random() < (nodes[at]?.loss ?? 0)) return gone;
    rtt += 2 * link.delay + jitterOf(link, random) + jitterOf(link, random);
    at = next;
    if (at === end) return { kind: 'arrived', node, rtt };
    if (step === ttl) return answering('expired', node, rtt, random);
    if (node.passes === 'nothing') return gone;
    if (node.passes === 'refused') return answering('refused', node, rtt, random);
  }
  return gone;
}

function nextOf(
  route: NetworkRoute | undefined,
  at: string,
  target: Address,
  flow: number,
  random: Chance,
): string {
  const [only = ''] = route?.to ?? [];
  if (route === undefined || route.to.length < 2) return only;
  const share = route.by === 'packet' ? random() : hashOf(`${flow} ${target} ${at}`) / 2 ** 32;
  return route.to[Math.floor(share * route.to.length)] ?? only;
}

function answering(kind: 'expired' | 'refused', node: NetworkNode, rtt: Rtt, random: Chance): Fate {
  return random() < node.answers ? { kind, node, rtt: rtt + node.slow * (0.5 + random()) } : gone;
}

const jitterOf = ({ jitter }: NetworkLink, random: Chance): Rtt =>
  jitter === 0 ? 0 : -Math.log(1 - random()) * jitter;

/** As an engine sees it: an address that comes back after another one. */
function isLoop(hops: readonly Hop[]): boolean {
  const last = hops.at(-1);
  const before = hops.at(-2);
  const has = (hop: Hop | undefined, address: Address | null): boolean =>
    hop?.probes.some((one) => one.address === address) === true;
  return (last?.probes ?? []).some(
    ({ address }) =>
      address !== null && !has(before, address) && hops.slice(0, -2).some((hop) => has(hop, address)),
  );
}

/** The network as it is then, remembered for as long as it stays so. */
const remembered = new WeakMap<Network, { readonly changes: number; readonly parts: Parts }>();

function partsAt(network: Network, now: Instant): Parts {
  const changes = network.changes.filter(({ at }) => at <= now);
  if (changes.length === 0) return network;
  const known = remembered.get(network);
  if (known?.changes === changes.length) return known.parts;
  const parts = changes.reduce<Parts>(withChange, network);
  remembered.set(network, { changes: changes.length, parts });
  return parts;
}

function withChange({ nodes, links, routes }: Parts, change: NetworkChange): Parts {
  return {
    nodes: merged(nodes, change.nodes ?? {}),
    links: merged(links, change.links ?? {}),
    routes: { ...routes, ...change.routes },
  };
}

function merged<T extends object>(
  parts: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, Partial<T>>>,
): Readonly<Record<string, T>> {
  const next: Record<string, T> = { ...parts };
  for (const [name, change] of Object.entries(changes)) {
    const part = next[name];
    if (part !== undefined) next[name] = { ...part, ...change };
  }
  return next;
}

/**
 * Eleven hops, with a choice of ways in two places; a millisecond and a bit each way on every link:
 *
 *                   ea1 - ea2                    y1                  (as long)
 *                  /         \                 /    \
 *   p -- r1 -- r2             r3 -- r4 -------- r5 -------- r6 -- r7 -- r8 -- t
 *                  \         /                 \                  /
 *                   eb1 - eb2                   x1 -- x2 -- x3 --    (two hops more)
 */
export function exampleNetwork(changes: readonly NetworkChange[] = []): Network {
  const chains = [
    ['p', 'r1', 'r2', 'ea1', 'ea2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 't'],
    ['r2', 'eb1', 'eb2', 'r3'],
    ['r4', 'y1', 'r6'],
    ['r4', 'x1', 'x2', 'x3', 'r6'],
  ];
  const names = [...new Set(chains.flat())].filter((name) => name !== start);
  const nodes = Object.fromEntries(names.map((name, index) => [name, plainNode(index + 1)]));
  const pairs = chains.flatMap((chain) =>
    chain.slice(1).map((to, index) => [chain[index] ?? '', to] as const),
  );
  const links = Object.fromEntries(pairs.map(([from, to]) => [`${from}-${to}`, { delay: 1, jitter: 0.05 }]));
  const routes: Record<string, NetworkRoute> = {};
  for (const [from, to] of pairs) routes[from] ??= { to: [to], by: 'flow' };
  return { nodes, links, routes, changes };
}

/** A router like any other, with documentation addresses of that number. */
function plainNode(number: number): NetworkNode {
  const v4 = `192.0.2.${number}` as Address;
  const v6 = `2001:db8::${number.toString(16)}` as Address;
  return { v4, v6, answers: 1, slow: 0, loss: 0, passes: 'on' };
}
