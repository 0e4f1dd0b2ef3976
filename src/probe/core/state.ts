/**
 * The state of one address's judging: a type of its own, for all that judge it.
 */
import type { Instant } from '../../time.ts';
import type { Delay } from './delay.ts';
import type { Paths } from './follow.ts';
import type { Pings } from './loss.ts';
import type { Reach } from './reach.ts';
import type { Address } from './record.ts';
import type { Statistics } from './statistics.ts';
import type { Standing } from './verdict.ts';
import type { ViaState } from './via.ts';

/** Opaque to others. */
export type Judged = {
  readonly version: 2;
  readonly address: Address;
  /** The latest event. */
  readonly at: Instant;
  readonly statistics: Statistics;
  /** Whether a ping was judged, and whether one was ever answered. */
  readonly pinged: boolean;
  readonly answered: boolean;
  readonly reach: Reach;
  readonly pings: Pings;
  readonly delay: Delay;
  readonly paths: Paths;
  readonly via: ViaState;
  /** Pings since the jitter is low again. */
  readonly calmPings: number;
  /** Traces in a row that have lost much, though no loss was raised. */
  readonly doubted: number;
  /** Traces since a loss was raised. */
  readonly lossTraces: number;
  /** How much loss was said last, in percent; 0: none. */
  readonly lossSaid: number;
  /** A trace was asked for, to see where a loss or a delay begins; asked again only after the doubt has ended. */
  readonly asked: boolean;
  readonly standing: Standing;
};
