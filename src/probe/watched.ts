/**
 * What the agent keeps of one address. Kept small, for there may be ten
 * thousand of them: of a trace only what the table and the metrics show.
 */
import type { Instant } from '../time.ts';
import { type Judged, newJudged, resetCounters, resumed, standing, type VerdictName } from './core/judge.ts';
import type { Address, Rtt, TraceEnd, TraceRecord } from './core/record.ts';
import { type Summary, summaryOf } from './core/statistics.ts';
import type { Target } from './target.ts';

/** What survives a restart. */
export type Saved = {
  readonly judged: Judged;
  readonly pathId: string | null;
};

export type LastTrace = {
  readonly at: Instant;
  readonly end: TraceEnd;
  /** The last TTL that was probed: where the target answered, if it did. */
  readonly hops: number;
};

export class Watched {
  readonly address: Address;
  target: Target;
  judged: Judged;
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
    // What another version judged by may mean something else here.
    const known = saved !== null && saved.judged.version === fresh.version ? saved : null;
    this.judged = known === null ? fresh : resumed(known.judged);
    this.pathId = known?.pathId ?? null;
  }

  get raised(): readonly VerdictName[] {
    return standing(this.judged).map(({ verdict }) => verdict);
  }

  note(trace: TraceRecord): void {
    const last = trace.hops.at(-1);
    this.traced = { at: trace.at, end: trace.end, hops: last?.ttl ?? 0 };
  }

  summary(now: Instant): Summary {
    return summaryOf(this.judged.statistics, now);
  }

  /** Figures at zero; the averages and the hours' histograms go on. */
  reset(now: Instant): void {
    this.judged = resetCounters(this.judged, now);
  }

  saved(): Saved {
    return { judged: this.judged, pathId: this.pathId };
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
