/**
 * The stream of what the probe finds, for whoever listens: the table, the JSON
 * lines, the sender of alerts, the metrics, and later the station.
 */
import type { Instant } from '../time.ts';
import type { VerdictChange } from './core/judge.ts';
import type { Address, PingRecord, TraceRecord } from './core/record.ts';
import type { Summary } from './core/statistics.ts';
import type { Target } from './target.ts';
import type { NameChange } from './unresolved.ts';

/** What nearly each record bears: on whose behalf the address is watched. */
type About = { readonly target: Target; readonly address: Address };

export type ProbeRecord =
  | (About & { readonly kind: 'ping'; readonly ping: PingRecord })
  | (About & {
      readonly kind: 'trace';
      readonly trace: TraceRecord;
      readonly pathId: string | null;
      /** Counts from 1; one that was asked for in between belongs to the round before it. */
      readonly round: number;
    })
  /** Only where a verdict changes. */
  | (About & { readonly kind: 'verdict'; readonly change: VerdictChange })
  /** Only where a name leads nowhere, and where it does again: of no address. */
  | { readonly kind: 'name'; readonly target: Target; readonly change: NameChange }
  /** The figures of a target up to then: with each new hour, and before they are dropped. */
  | (About & { readonly kind: 'stats'; readonly at: Instant; readonly summary: Summary });

export type Listener = (record: ProbeRecord) => void;
