/**
 * What the agent keeps of one address. Kept small, for there may be ten
 * thousand of them: of a trace only what the table and the metrics show.
 */
import type { Instant } from '../time.ts';
import {
  type Judged,
  newJudged,
  pingForgotten,
  pingSent,
  resetCounters,
  resumed,
  standing,
  type VerdictName,
} from './core/judge.ts';
import type { Address, Rtt, TraceEnd, TraceRecord } from './core/record.ts';
import { type Beginning, beginningOf } from './core/sparing.ts';
import { type Statistics, type Summary, summaryOf } from './core/statistics.ts';
import { Packed } from './packed.ts';
import type { Target } from './target.ts';

/** What survives a restart. */
export type Saved = {
  /** Packed as it is when it is watched: taken over, not packed again. */
  readonly judged: Packed<Judged>;
  readonly pathId: string | null;
};

export type LastTrace = {
  readonly at: Instant;
  readonly end: TraceEnd;
  /** The last TTL that was probed: where the target answered, if it did. */
  readonly hops: number;
};

/** For nearly all of many. */
const nothingRaised: readonly VerdictName[] = [];

/** Nearly all paths begin alike: the one that was found last, for all that have it. */
let foundLast: Beginning['hops'] | null = null;

function shared(beginning: Beginning['hops'] | null): Beginning['hops'] | null {
  if (beginning !== null && !areAlike(beginning, foundLast)) foundLast = beginning;
  return beginning === null ? null : foundLast;
}

function areAlike(one: Beginning['hops'] | null, other: Beginning['hops'] | null): boolean {
  return one?.length === other?.length && (one ?? []).every((hop, index) => hop === other?.[index]);
}

export class Watched {
  readonly address: Address;
  target: Target;
  readonly #packed: Packed<Judged>;
  /** Pings that are not in what is packed: sending one is to cost nothing. */
  #sent = 0;
  /** By name: all else that is said of them is packed. */
  raised = nothingRaised;
  /** How its usual path begins; null while that is not known. */
  beginning: Beginning['hops'] | null = null;
  traced: LastTrace | null = null;
  pathId: string | null;
  /** Traces that ended, confirming ones not counted. */
  rounds = 0;
  /** Traces that are still to come to confirm a suspicion. */
  confirming = 0;
  /** Of the last ping, in hours since 1970. */
  hour: number | null = null;

  constructor(address: Address, target: Target, saved: Saved | null, now: Instant) {
    this.address = address;
    this.target = target;
    const fresh = newJudged(address, now);
    const known = saved?.judged.value;
    // What another version judged by may mean something else here.
    const isKnown = known?.version === fresh.version;
    const judged = known !== undefined && isKnown ? resumed(known) : fresh;
    this.#packed = saved?.judged ?? new Packed(judged);
    this.judged = judged;
    this.pathId = isKnown ? (saved?.pathId ?? null) : null;
  }

  /** All that is known: made anew each time it is asked for. */
  get judged(): Judged {
    let judged = this.#packed.value;
    for (let n = 0; n < this.#sent; n++) judged = pingSent(judged);
    return judged;
  }

  set judged(judged: Judged) {
    this.#packed.value = judged;
    this.#sent = 0;
    this.#note(judged);
  }

  /** What is asked of all targets at once is kept at hand. */
  #note(judged: Judged): void {
    const raised = standing(judged);
    this.raised = raised.length === 0 ? nothingRaised : raised.map(({ verdict }) => verdict);
    const beginning = beginningOf(judged);
    if (!areAlike(beginning, this.beginning)) this.beginning = shared(beginning);
  }

  get statistics(): Statistics {
    return this.judged.statistics;
  }

  /** So many pings are sent now. */
  sent(count: number): void {
    this.#sent += count;
  }

  /** So many of those that were sent tell nothing. */
  forgotten(count: number): void {
    for (let n = 0; n < count; n++) this.judged = pingForgotten(this.judged);
  }

  noteTrace(trace: TraceRecord): void {
    const last = trace.hops.at(-1);
    this.traced = { at: trace.at, end: trace.end, hops: last?.ttl ?? 0 };
  }

  summary(now: Instant): Summary {
    return summaryOf(this.statistics, now);
  }

  /** Figures at zero; the averages and the hours' histograms go on. */
  reset(now: Instant): void {
    this.judged = resetCounters(this.judged, now);
  }

  /**
   * The figures, and what was learnt as usual: for when it is watched again. What is raised was cleared when it was let
   * go, and what is under way says nothing of then: so nothing stands, and all is judged anew.
   */
  learnt(now: Instant): Saved {
    const fresh = newJudged(this.address, now);
    const { statistics, pinged, answered, delay, paths } = this.judged;
    const judged: Judged = {
      ...fresh,
      statistics,
      pinged,
      answered,
      delay: { ...fresh.delay, ping: { ...delay.ping, waiting: [] }, trace: { ...delay.trace, waiting: [] } },
      paths: { ...paths, other: null, suspicion: null },
    };
    return { judged: new Packed(resumed(judged)), pathId: this.pathId };
  }
}

export type Percentages = { readonly loss: number; readonly err: number; readonly outd: number };

/** Of the pings sent, so many in a hundred. */
export function percentages({ sent, lost, errs, outd }: Summary): Percentages {
  const of = (count: number): number => (sent === 0 ? 0 : (100 * count) / sent);
  return { loss: of(lost), err: of(errs), outd: of(outd) };
}

/** To a thousandth of a millisecond: what lies beyond is noise. */
export const rounded = (rtt: Rtt | null): Rtt | null => (rtt === null ? null : Math.round(rtt * 1000) / 1000);
