/**
 * What is known of one place on a path, that is of one TTL: the addresses that
 * answer there (several, where routers share load), the usual delay and loss,
 * and what the last traces brought. Each is bounded: 10,000 targets have a
 * dozen of these each.
 */
import { type Duration, hours, type Instant } from '../../time.ts';
import type { Address, Hop, Rtt } from './record.ts';
import { appended, medianOf } from './sample.ts';

export type KnownHop = {
  /** The usual addresses, the one that answered last first. */
  readonly addresses: readonly Address[];
  /** When each was seen; exact to an hour. */
  readonly seen: readonly Instant[];
  /** How many answers these rest on, counted up to `answersEnough`. */
  readonly answers: number;
  /** As it stands in the identity of the path. */
  readonly name: string;
  /** The least delay of some traces long ago and lately. */
  readonly delays: readonly Rtt[];
  /** The least delay of each of the last traces, the newest last; -1 where none answered. */
  readonly recent: readonly Rtt[];
  /** Probes and lost ones: of the last trace, or of all since there is doubt. */
  readonly probes: number;
  readonly lost: number;
  /** The same over the last hundred traces, without those in times of loss. */
  readonly usualProbes: number;
  readonly usualLost: number;
};

/** How many addresses of one place are remembered. */
export const addressesMax = 16;
const delaysMax = 16;
const recentMax = 3;
/** So many answers make sure that a second address of equal share would have been seen: once in 256 times it is not. */
export const answersEnough = 9;
/** While all is as usual the last trace counts, and hardly those before; in doubt, all since: so a loss shows at once. */
const lately = { calm: 0.15, doubt: 0.97 } as const;
const usually = 0.98;
/** `seen` is written anew only after so long: the age that matters is days. */
const seenStep = hours(1);
/** A first long-term delay is taken of each of these traces, then of every eighth. */
const delaysAtOnce = 16;
const delaysEvery = 8;

export const unknownHop: KnownHop = {
  addresses: [],
  seen: [],
  answers: 0,
  name: '',
  delays: [],
  recent: [],
  probes: 0,
  lost: 0,
  usualProbes: 0,
  usualLost: 0,
};

/** Whether its addresses are known so well that others contradict them. */
export const isKnownWell = (hop: KnownHop): boolean => hop.answers >= answersEnough;

/** The hop with these answers. Addresses that are new join; those not seen for long leave. */
export function withAnswers(
  hop: KnownHop,
  answered: readonly Address[],
  count: number,
  forget: Duration,
  now: Instant,
): KnownHop {
  const [first] = answered;
  if (first === undefined) return hop;
  const answers = Math.min(answersEnough, hop.answers + count);
  if (answered.length === 1 && hop.addresses[0] === first && isFresh(hop, forget, now)) {
    return answers === hop.answers ? hop : { ...hop, answers };
  }
  const kept = hop.addresses
    .map((address, index) => ({ address, seen: hop.seen[index] ?? now }))
    .filter(({ address, seen }) => !answered.includes(address) && now - seen <= forget);
  const members = [...answered.map((address) => ({ address, seen: now })), ...kept].slice(0, addressesMax);
  return {
    ...hop,
    answers,
    addresses: members.map(({ address }) => address),
    seen: members.map(({ seen }) => seen),
  };
}

/** Whether nothing has to be written: all were seen within the hour. A clock that was set back counts as not fresh. */
const isFresh = (hop: KnownHop, forget: Duration, now: Instant): boolean =>
  hop.seen.every(
    (seen, index) => now >= seen && now - seen <= (index === 0 ? Math.min(seenStep, forget) : forget),
  );

/** The hop with a trace's delays and losses. `calm`: they are usual ones. */
export function withMeasures(
  known: KnownHop,
  measured: Hop | undefined,
  traces: number,
  calm: boolean,
): KnownHop {
  if (measured === undefined) return { ...known, recent: appended(known.recent, -1, recentMax) };
  const probes = measured.probes.length;
  const lost = probes - countAnswers(measured);
  const least = leastDelay(measured);
  const fade = calm ? lately.calm : lately.doubt;
  // What fades becomes usual, later than the doubt that a fault brings: of a long doubt no more than of one trace.
  const learnt = known.probes === 0 ? 0 : Math.min(1 - fade, probes / known.probes);
  const wanted = calm && least !== null && (traces < delaysAtOnce || traces % delaysEvery === 0);
  return {
    addresses: known.addresses,
    seen: known.seen,
    answers: known.answers,
    name: known.name,
    delays: wanted ? appended(known.delays, least, delaysMax) : known.delays,
    recent: appended(known.recent, least ?? -1, recentMax),
    probes: short(known.probes * fade + probes),
    lost: short(known.lost * fade + lost),
    usualProbes: calm ? short(known.usualProbes * usually + known.probes * learnt) : known.usualProbes,
    usualLost: calm ? short(known.usualLost * usually + known.lost * learnt) : known.usualLost,
  };
}

/** To a thousandth, downwards so that what fades comes to nothing: half the bytes. */
const short = (figure: number): number => Math.floor(figure * 1000) / 1000;

export function countAnswers({ probes }: Hop): number {
  let count = 0;
  for (const { address } of probes) if (address !== null) count++;
  return count;
}

export function leastDelay({ probes }: Hop): Rtt | null {
  let least: Rtt | null = null;
  for (const { rtt } of probes) if (rtt !== null && (least === null || rtt < least)) least = rtt;
  return least;
}

/** The usual delay; null where too little is known. */
export const usualDelay = (hop: KnownHop): Rtt | null =>
  hop.delays.length < 2 ? null : medianOf(hop.delays);

/** The least delay of the last so many traces; null where it answered none of them. */
export function recentDelay(hop: KnownHop, traces: number): Rtt | null {
  const answered = hop.recent.slice(-Math.max(1, traces)).filter((rtt) => rtt >= 0);
  return answered.length === 0 ? null : Math.min(...answered);
}

/** From 0 to 1; null where nothing was sent. */
export const usualLoss = (hop: KnownHop): number | null =>
  hop.usualProbes === 0 ? null : hop.usualLost / hop.usualProbes;
export const recentLoss = (hop: KnownHop): number | null => (hop.probes === 0 ? null : hop.lost / hop.probes);
