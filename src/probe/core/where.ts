/**
 * At which hop a fault begins. What one router does when it answers a traceroute
 * (slowly, seldom, never, or by another way back) says nothing of the packets
 * that it passes on; so a hop is named only if what is wrong at it is wrong at
 * all later hops that answer, up to the target.
 */
import { type Paths, pathNow } from './follow.ts';
import { type KnownHop, recentDelay, unknownHop, usualDelay, usualLoss } from './hop.ts';
import { ordinaryLoss, weights } from './loss.ts';
import type { Path } from './path.ts';
import type { Address, Rtt } from './record.ts';
import type { LossRule } from './rules.ts';
import { medianOf, upperQuartileOf } from './sample.ts';

export type Place = { readonly ttl: number; readonly address: Address | null };

/** Where a delay begins: also how long it is at the target, and usually was. */
export type DelayPlace = Place & { readonly now: Rtt; readonly usual: Rtt };

/** A hop has the delay of the target if it has at least this part of it. */
const shareOfExcess = 0.5;
/** A router whose own answers usually vary by such a part of that says nothing of it. */
const unsteadyShare = 0.25;
/** No more than this is noise, in milliseconds; nor does it tell where, if pings take far longer. */
const excessLeast = 1;
/** A hop that usually loses so much is one that answers as it likes: silent, or limited in how often. */
const answersAsItLikes = 0.1;
/** One that has lost nothing so far may lose that part all the same. */
const usualLeast = 0.01;

/** So much likelier (as a logarithm) must a loss begin at a hop than at any other for the two to be told apart: eleven to one. */
const toldApart = 2.4;

export const addressOf = (hop: KnownHop | undefined): Address | null => hop?.addresses[0] ?? null;

/**
 * The first hop from which on all that answer have become slower as the target has.
 * @param traces how many of the last traces were taken since it is slow.
 * @param excess how much longer pings take; null: not known.
 * @returns null where the traces do not show it.
 */
export function whereSlow(paths: Paths, traces: number, excess: Rtt | null): DelayPlace | null {
  const atLeast = Math.max(excessLeast, (excess ?? 0) * shareOfExcess);
  for (let last = traces; last > 0; last--) {
    const place = whereSlowIn(paths, last, atLeast);
    if (place !== null) return place;
  }
  return null;
}

function whereSlowIn(paths: Paths, traces: number, atLeast: Rtt): DelayPlace | null {
  const path = pathNow(paths);
  const target = lastAnswering(path, traces);
  if (target === null) return null;
  const now = recentDelay(path.hops[target] ?? unknownHop, traces);
  const usual = usualDelayOfTarget(paths);
  if (now === null || usual === null || now - usual < atLeast) return null;
  const least = (now - usual) * shareOfExcess;
  let begins = target;
  for (let index = target - 1; index >= 0; index--) {
    const excess = excessAt(paths, index, traces, least);
    if (excess === null) continue;
    if (excess < least) break;
    begins = index;
  }
  return { ttl: begins + 1, address: addressOf(path.hops[begins]), now, usual };
}

/** The index of the target, or of the last hop that answered. */
function lastAnswering(path: Path, traces: number): number | null {
  const index = path.hops.findLastIndex((hop) => recentDelay(hop, traces) !== null);
  return index < 0 ? null : index;
}

function usualDelayOfTarget({ usual }: Paths): Rtt | null {
  const known = usual.hops.findLast((hop) => usualDelay(hop) !== null);
  return known === undefined ? null : usualDelay(known);
}

/** How much slower a hop has become; null where that cannot be told: it is silent, unknown, or never steady. */
function excessAt(paths: Paths, index: number, traces: number, least: Rtt): Rtt | null {
  const hop = pathNow(paths).hops[index];
  const now = hop === undefined ? null : recentDelay(hop, traces);
  const known = hop === undefined ? null : usualHop(paths, index, hop);
  const usual = known === null ? null : usualDelay(known);
  if (now === null || known === null || usual === null) return null;
  const distances = known.delays.map((delay) => Math.abs(delay - usual));
  if ((medianOf(distances) ?? 0) > least * unsteadyShare) return null;
  const excess = now - usual;
  // By chance its own delays are so long in one trace of four: it does not speak against those behind it.
  const isHidden = excess < least && excess + (upperQuartileOf(distances) ?? 0) >= least;
  return isHidden ? null : excess;
}

/**
 * The hop whose usual delay is to be compared. On a path that is not the usual one a router may stand elsewhere; one
 * that is new is compared with the next router that is known: it is nearer, so it should be no slower.
 */
function usualHop(paths: Paths, index: number, hop: KnownHop): KnownHop | null {
  if (paths.other === null) return hop;
  for (const one of paths.other.path.hops.slice(index)) {
    const known = paths.usual.hops.find(({ addresses }) => addresses.some((a) => one.addresses.includes(a)));
    if (known !== undefined && usualDelay(known) !== null) return known;
  }
  return null;
}

/**
 * Where a loss begins, and how much likelier than an ordinary one it is that so much is lost that it is to be said; as
 * a logarithm. `sure`: whether the traces tell that hop from all others.
 */
export type LossPlace = Place & { readonly evidence: number; readonly sure: boolean };

/**
 * The first hop from which on a loss persists up to the target: the place at which a loss explains best what all hops
 * from there on have lost lately, and the hops before have not.
 * @returns null where the traces do not show it.
 */
export function whereLossy(paths: Paths, rule: LossRule): LossPlace | null {
  const { hops } = pathNow(paths);
  // Nearly always none was lost, and it is asked after each ping.
  if (!hops.some((hop) => hop.lost > 0)) return null;
  const ordinary = ordinaryLoss(rule);
  const { forLost, forReply } = weights(rule);
  const mayLose = Math.max(answersAsItLikes, ordinary);
  const judged: { readonly hop: KnownHop; readonly usual: number }[] = [];
  let [lost, probes, evidence] = [0, 0, 0];
  let best: (Place & { readonly evidence: number; readonly fit: number }) | null = null;
  const fits: number[] = [];
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = hops[index];
    if (hop === undefined || hop.addresses.length === 0 || hop.probes === 0) continue;
    const usual = usualLoss(hop) ?? 0;
    if (usual > mayLose) continue;
    judged.push({ hop, usual: Math.max(usualLeast, usual) });
    lost += hop.lost;
    probes += hop.probes;
    evidence += hop.lost * forLost + (hop.probes - hop.lost) * forReply;
    const share = lost / probes;
    if (share <= ordinary) continue;
    const fit = judged.reduce((sum, one) => sum + likelihood(one.hop, share, one.usual), 0);
    fits.push(fit);
    if (hop.lost > 0 && fit > (best?.fit ?? 0)) {
      best = { ttl: index + 1, address: addressOf(hop), evidence, fit };
    }
  }
  if (best === null) return null;
  const { fit, ...place } = best;
  return { ...place, sure: fits.filter((one) => one > fit - toldApart).length === 1 };
}

/** How much likelier it is that a hop loses what it has lost lately of `share` than of `ordinary`; 0 where that is no less. */
function likelihood({ lost, probes }: KnownHop, share: number, ordinary: number): number {
  const most = Math.min(0.99, share);
  if (most <= ordinary) return 0;
  return lost * Math.log(most / ordinary) + (probes - lost) * Math.log((1 - most) / (1 - ordinary));
}

/** What a hop's usual delays are about, for a table: their median, however few. */
export const usualShown = (hop: KnownHop | undefined): Rtt | null =>
  hop === undefined ? null : medianOf(hop.delays);
