/**
 * When each target is pinged and traced. Nobody waits in a queue: a round that
 * could not begin before the next one was due is skipped and counted, so load
 * beyond what is allowed makes rounds rarer for all alike and never late
 * without end.
 *
 * - Each target has a phase from a hash of its address, and each round a small
 *   delay of its own, so that 10,000 targets neither begin at once nor in step
 *   with what happens each full minute.
 * - One bucket of tokens holds all probes to a rate.
 * - A target has one trace under way at most. Those of targets that do not
 *   answer take long; they have places of their own and cannot use up the others'.
 *
 * A schedule is changed in place, unlike the rest of the core: there is one,
 * and it is not saved. It reads no clock; a clock that jumps is seen by the
 * times it is given, and then all begins anew from there.
 */
import {
  type Duration,
  type Instant,
  instant,
  milliseconds,
  minus,
  plus,
  seconds,
  since,
} from '../../time.ts';
import { hashOf } from './chance.ts';
import { first, type Heap, type HeapItem, put, takeOut } from './heap.ts';
import type { Address } from './record.ts';

export type ScheduleOptions = {
  readonly seed: number;
  /** Of all probes together. */
  readonly probesPerSecond: number;
  /** Traces under way at a time, of targets that answer and of those that do not. */
  readonly tracesMax: number;
  readonly unreachableTracesMax: number;
  /** How many probes a trace is reckoned at before the first one of its target has ended. */
  readonly probesPerTrace: number;
};

/** How often. Null: never. */
export type Intervals = { readonly ping: Duration | null; readonly trace: Duration | null };

export type Task = {
  readonly kind: 'ping' | 'trace';
  readonly address: Address;
  /** Not a round of its own but one that was asked for in between. */
  readonly extra: boolean;
  /** Of a ping: how many. */
  readonly pings: Pings;
};
/** So many, so far apart. */
export type Pings = { readonly count: number; readonly every: Duration };

export type Due =
  | { readonly task: Task; readonly late: Duration }
  /** Nothing before then; null: nothing until a target is added or a trace ends. */
  | { readonly wait: Instant | null };

type Pool = 'answering' | 'unreachable';

type Item = HeapItem & {
  readonly kind: 'ping' | 'trace';
  readonly target: Target;
  readonly interval: Duration;
  /** Where the rounds lie: round n is at `phase + n * interval`, and a little later. */
  readonly phase: number;
  round: number;
  /** Runs that are wanted in between. */
  extra: number;
  pool: Pool;
};

type Target = {
  readonly address: Address;
  readonly ping: Item | null;
  readonly trace: Item | null;
  cost: number;
};

export type Schedule = {
  readonly options: ScheduleOptions;
  readonly targets: Map<Address, Target>;
  readonly pings: Heap<Item>;
  readonly traces: Readonly<Record<Pool, Heap<Item>>>;
  /** The targets with a trace under way, and in whose places. */
  readonly flying: Map<Address, Pool>;
  readonly inFlight: Record<Pool, number>;
  readonly missed: { ping: number; trace: number };
  readonly lateness: number[];
  begun: number;
  /** When the next target that is added may begin. */
  nextStart: Instant;
  tokens: number;
  at: Instant;
  /** When it was to be asked again; null: not before something happens. */
  expected: Instant | null;
};

/** A round begins up to this part of its interval later than its nominal time. */
const jitterShare = 0.1;
/** The bucket holds what flows in in so long. */
const bucketHolds = milliseconds(50);
/** Asked so much later than agreed, or so much earlier than before, the clock has jumped. */
const jumpAhead = seconds(10);
const jumpBack = seconds(1);
/** First rounds of targets that are added together begin at least so far apart, and take this part of the rate at most. */
const startSpacing = milliseconds(5);
const startShare = 0.5;
/** Between pings that are wanted sooner: a tenth of the interval, within these. */
const hurryShare = 10;
const hurryLeast = milliseconds(100);
const hurryMost = seconds(1);
/** Between traces: one right after the other would make routers that answer a few probes a second look lossy. */
const traceHurryShare = 60;
/** They go together as long as that takes no longer: an engine may ping an address again only after the last answer. */
const burstMost = milliseconds(1900);
const burstCountMost = 16;
const extraMax = 64;
/** How many of the last starts are remembered for the lateness. */
export const latenessKept = 1024;

export function newSchedule(options: ScheduleOptions, now: Instant): Schedule {
  return {
    options,
    targets: new Map(),
    pings: [],
    traces: { answering: [], unreachable: [] },
    flying: new Map(),
    inFlight: { answering: 0, unreachable: 0 },
    missed: { ping: 0, trace: 0 },
    lateness: [],
    begun: 0,
    nextStart: now,
    tokens: capacity(options),
    at: now,
    expected: null,
  };
}

const capacity = ({ probesPerSecond }: ScheduleOptions): number =>
  Math.max(1, (probesPerSecond * bucketHolds) / seconds(1));

/** Watches a target, from soon on; one that is watched already gets the new intervals. */
export function addTarget(schedule: Schedule, address: Address, intervals: Intervals, now: Instant): void {
  watchClock(schedule, now);
  removeTarget(schedule, address);
  const target: { -readonly [K in keyof Target]: Target[K] } = {
    address,
    ping: null,
    trace: null,
    cost: schedule.options.probesPerTrace,
  };
  target.ping = newItem(schedule, target, 'ping', intervals.ping, now);
  target.trace = newItem(schedule, target, 'trace', intervals.trace, now);
  schedule.targets.set(address, target);
  if (target.ping !== null) startSoon(schedule, target.ping, now);
  if (target.trace !== null && !schedule.flying.has(address)) startSoon(schedule, target.trace, now);
}

function newItem(
  { options }: Schedule,
  target: Target,
  kind: 'ping' | 'trace',
  interval: Duration | null,
  now: Instant,
): Item | null {
  if (interval === null) return null;
  const phase = chance(target.address, options.seed, kind === 'ping' ? 1 : 2) * interval;
  const item: Item = {
    ...{ kind, target, interval, phase, extra: 0, pool: 'answering', round: 0 },
    ...{ due: now, place: -1 },
  };
  item.round = roundAfter(item, now);
  return item;
}

const chance = (address: Address, seed: number, what: number): number =>
  hashOf(`${what} ${address}`, seed) / 2 ** 32;

/** The first round: at once for a target that is added alone, one after another for many, and as it comes for the last of very many. */
function startSoon(schedule: Schedule, item: Item, now: Instant): void {
  const due = schedule.nextStart > now ? schedule.nextStart : now;
  if (due - now >= item.interval) {
    put(heapOf(schedule, item), item, dueOf(schedule, item));
    return;
  }
  // The next one no sooner than half an interval later.
  if (since(due, nominal(item, item.round)) < item.interval / 2) item.round++;
  item.extra = 1;
  put(heapOf(schedule, item), item, due);
  const probes = item.kind === 'ping' ? 1 : item.target.cost;
  const { probesPerSecond } = schedule.options;
  const spacing = Math.ceil((probes * seconds(1)) / (probesPerSecond * startShare));
  schedule.nextStart = plus(due, milliseconds(Math.max(startSpacing, spacing)));
}

const nominal = ({ phase, interval }: Item, round: number): Instant => instant(phase + round * interval);
const roundAfter = ({ phase, interval }: Item, now: Instant): number =>
  Math.floor((now - phase) / interval) + 1;

function dueOf({ options }: Schedule, item: Item): Instant {
  const jitter = hashOf(`${item.round} ${item.target.address}`, options.seed) / 2 ** 32;
  return plus(nominal(item, item.round), milliseconds(jitter * jitterShare * item.interval));
}

const heapOf = (schedule: Schedule, item: Item): Heap<Item> =>
  item.kind === 'ping' ? schedule.pings : schedule.traces[item.pool];

/** @returns whether it was watched. A trace that is under way still has to be reported as ended. */
export function removeTarget(schedule: Schedule, address: Address): boolean {
  const target = schedule.targets.get(address);
  if (target === undefined) return false;
  for (const item of [target.ping, target.trace]) {
    if (item !== null) takeOut(heapOf(schedule, item), item);
  }
  schedule.targets.delete(address);
  return true;
}

/** What is to be started now, if anything: it counts as started. To be asked again until it says to wait. */
export function nextDue(schedule: Schedule, now: Instant): Due {
  watchClock(schedule, now);
  const item = firstAllowed(schedule);
  if (item === null) return wait(schedule, null);
  if (item.due > now) return wait(schedule, item.due);
  const { probesPerSecond } = schedule.options;
  if (schedule.tokens <= 0) {
    const until = milliseconds(Math.ceil((-schedule.tokens * seconds(1)) / probesPerSecond) + 1);
    return wait(schedule, plus(now, until));
  }
  schedule.expected = now;
  return start(schedule, item, now);
}

/** When something is due next, if nothing else comes; null: nothing is. */
export const firstDueAt = (schedule: Schedule): Instant | null => firstAllowed(schedule)?.due ?? null;

function wait(schedule: Schedule, until: Instant | null): Due {
  schedule.expected = until;
  return { wait: until };
}

function firstAllowed({ pings, traces, inFlight, options }: Schedule): Item | null {
  const candidates = [
    first(pings),
    inFlight.answering < options.tracesMax ? first(traces.answering) : null,
    inFlight.unreachable < options.unreachableTracesMax ? first(traces.unreachable) : null,
  ];
  let found: Item | null = null;
  for (const one of candidates) if (one !== null && (found === null || one.due < found.due)) found = one;
  return found;
}

function start(schedule: Schedule, item: Item, now: Instant): Due {
  const { address } = item.target;
  const late = since(item.due, now);
  noteLateness(schedule, late);
  const isRound = item.due >= nominal(item, item.round);
  const pings = { count: isRound ? 1 : burstOf(item), every: hurryPause(item) };
  if (isRound) item.round++;
  else item.extra = Math.max(0, item.extra - pings.count);
  if (item.kind === 'ping') {
    schedule.tokens -= pings.count;
    arm(schedule, item, now, pings.count);
  } else {
    schedule.tokens -= item.target.cost;
    takeOut(heapOf(schedule, item), item);
    schedule.flying.set(address, item.pool);
    schedule.inFlight[item.pool]++;
  }
  return { task: { kind: item.kind, address, extra: !isRound, pings }, late };
}

function burstOf(item: Item): number {
  if (item.kind === 'trace') return 1;
  return Math.max(1, Math.min(burstCountMost, item.extra, Math.floor(burstMost / hurryPause(item))));
}

/** Sets when it is due next, and counts the rounds that have passed meanwhile. */
function arm(schedule: Schedule, item: Item, now: Instant, begun = 1): void {
  const next = roundAfter(item, now);
  // A round that has begun but is not due yet, by its own delay, is not missed.
  const isPending = next === item.round + 1 && dueOf(schedule, item) > now;
  if (next > item.round && !isPending) {
    schedule.missed[item.kind] += next - item.round;
    item.round = next;
  }
  const regular = dueOf(schedule, item);
  const sooner = plus(now, milliseconds(begun * hurryPause(item)));
  const due = item.extra > 0 && sooner < nominal(item, item.round) ? sooner : regular;
  put(heapOf(schedule, item), item, due);
}

function hurryPause({ kind, interval }: Item): Duration {
  const pause = kind === 'ping' ? Math.max(hurryLeast, interval / hurryShare) : interval / traceHurryShare;
  return milliseconds(Math.min(hurryMost, pause));
}

/**
 * A trace has ended, whatever came of it. `arrived`: whether the target answered; null where the engine was lost
 * with it. `probes`: how many it took, where that is known.
 */
export function traceEnded(
  schedule: Schedule,
  address: Address,
  { arrived, probes }: { readonly arrived: boolean | null; readonly probes: number | null },
  now: Instant,
): void {
  watchClock(schedule, now);
  const pool = schedule.flying.get(address);
  if (pool === undefined) return;
  schedule.flying.delete(address);
  schedule.inFlight[pool]--;
  const target = schedule.targets.get(address);
  if (target === undefined || target.trace === null) return;
  if (probes !== null) {
    schedule.tokens -= probes - target.cost;
    target.cost = Math.max(1, probes);
  }
  if (arrived !== null) target.trace.pool = arrived ? 'answering' : 'unreachable';
  arm(schedule, target.trace, now);
}

/** So many more traces: the first at once, each of the others a sixtieth of the interval after the one before. */
export function traceAgain(schedule: Schedule, address: Address, count: number, now: Instant): void {
  watchClock(schedule, now);
  const item = schedule.targets.get(address)?.trace ?? null;
  if (item === null || count <= 0) return;
  item.extra = Math.min(extraMax, Math.max(item.extra, count));
  if (!schedule.flying.has(address)) arm(schedule, item, now, 0);
}

/** So many pings sooner than they are due, a tenth of the interval apart. None: those asked for before are not wanted any more. */
export function pingAgain(schedule: Schedule, address: Address, count: number, now: Instant): void {
  watchClock(schedule, now);
  const item = schedule.targets.get(address)?.ping ?? null;
  if (item === null || (count <= 0 && item.extra === 0)) return;
  if (count <= 0) {
    item.extra = 0;
    arm(schedule, item, now);
    return;
  }
  const wasHurried = item.extra > 0;
  item.extra = Math.min(extraMax, Math.max(item.extra, count));
  if (!wasHurried) arm(schedule, item, now);
}

/** Time has passed, or jumped. */
function watchClock(schedule: Schedule, now: Instant): void {
  const { at, expected, options } = schedule;
  const isBack = now < minus(at, jumpBack);
  const isAhead = expected !== null && since(expected > at ? expected : at, now) > jumpAhead;
  const passed = isBack || isAhead ? 0 : Math.max(0, now - at);
  const flown = (passed * options.probesPerSecond) / seconds(1);
  schedule.tokens = Math.min(capacity(options), schedule.tokens + flown);
  schedule.at = isBack || now > at ? now : at;
  if (isBack || isAhead) beginAnew(schedule, isAhead, now);
}

/** Every target goes on with its next round from now, in its own phase: what was missed is not made up for. */
function beginAnew(schedule: Schedule, counts: boolean, now: Instant): void {
  const { targets, flying } = schedule;
  for (const { ping, trace, address } of targets.values()) {
    for (const item of [ping, trace]) {
      if (item === null) continue;
      const next = roundAfter(item, now);
      if (counts && next > item.round) schedule.missed[item.kind] += next - item.round;
      item.round = next;
      item.extra = 0;
      if (item.kind === 'ping' || !flying.has(address))
        put(heapOf(schedule, item), item, dueOf(schedule, item));
    }
  }
}

function noteLateness(schedule: Schedule, late: Duration): void {
  schedule.lateness[schedule.begun % latenessKept] = late;
  schedule.begun++;
}

export type Load = {
  readonly targets: number;
  readonly tracesUnderWay: number;
  readonly missedPings: number;
  readonly missedTraces: number;
  /** How late the last rounds began, in milliseconds. */
  readonly late: { readonly p50: number; readonly p99: number; readonly max: number };
};

/** How it keeps up. */
export function loadOf({ targets, flying, missed, lateness }: Schedule): Load {
  const sorted = [...lateness].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    targets: targets.size,
    tracesUnderWay: flying.size,
    missedPings: missed.ping,
    missedTraces: missed.trace,
    late: { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 },
  };
}
