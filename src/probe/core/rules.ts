/**
 * When a verdict is raised and when it is cleared, as data. The defaults are
 * meant to be left alone: on an ordinary network, with jitter, load sharing,
 * silent routers and a few lost packets, they raise nothing.
 *
 * A verdict is raised by several measurements that agree and cleared only when
 * clearly more agree that it is over; so what lies at a limit does not flap.
 */
import { type Duration, days, minutes, seconds } from '../../time.ts';

export type Rules = {
  /** How paths are learnt and compared. Never off: the identity of paths and the place of every fault rest on it. */
  readonly path: PathRules;
  /** Null turns a verdict off, here and below. */
  readonly unreachable: UnreachableRule | null;
  readonly loss: LossRule | null;
  readonly slow: SlowRule | null;
  readonly jitter: JitterRule | null;
  readonly pathChanged: PathChangedRule | null;
  readonly moreHops: MoreHopsRule | null;
  readonly loop: LoopRule | null;
  /** Empty: off. */
  readonly via: readonly ViaRule[];
};

export type PathRules = {
  /** Rounds in which the usual path is learnt; where load is shared it takes longer by itself. */
  readonly learn: number;
  /** Traces that are wanted at once when a trace contradicts the usual path. */
  readonly confirm: number;
  /** A change is over when so many traces in a row have shown the usual path again. */
  readonly back: number;
  /** A new path that has stood for so long is the usual one. */
  readonly settle: Duration;
  /** … or for so many traces; null: only the time counts. */
  readonly settleTraces: number | null;
  /** An address that was not seen at its place for so long no longer belongs to the usual path. */
  readonly forget: Duration;
};

export type UnreachableRule = {
  /** So many pings in a row without a reply, if a trace sent meanwhile did not arrive either. A router's error counts double. */
  readonly lost: number;
  /** So many in a row where no trace tells. */
  readonly alone: number;
  /** The first and the last of them are at least so far apart. */
  readonly lasting: Duration;
  /** Cleared by so many replies. */
  readonly answered: number;
  /**
   * One that comes and goes is cleared only after it has answered for longer and longer, at most for so long; the first
   * time it is back at once. 0: always.
   */
  readonly steady: Duration;
};

export type LossRule = {
  /** Raised when so many percent of the last `of` pings were lost; sooner, when fewer pings leave no doubt. */
  readonly percent: number;
  /** At most `windowMax`. */
  readonly of: number;
};

export type SlowRule = {
  /** Raised when `count` of the last `of` delays are too long. */
  readonly count: number;
  readonly of: number;
  /** Too long for anybody, in milliseconds. */
  readonly over: number | null;
  /** Too long for this target. */
  readonly usual: ExcessRule | null;
  /** A smaller shift that stays: for four fifths of the last `of` delays. */
  readonly step: (ExcessRule & { readonly of: number }) | null;
  /** Cleared when so many delays, one after another, were good again. */
  readonly good: number;
  /** What has stood for so long is the usual delay. */
  readonly settle: Duration;
};

/** More than the usual delay by all three, and more than nearly all that was ever usual. */
export type ExcessRule = {
  readonly atLeast: number;
  readonly percent: number;
  /** Times the usual spread. */
  readonly spreads: number;
};

export type JitterRule = {
  /** Milliseconds from one ping to the next, for half of the last `of` pings. */
  readonly over: number;
  /** … and so many times what is usual for this target. */
  readonly times: number;
  /** At most `windowMax`. */
  readonly of: number;
};

export type PathChangedRule = Readonly<Record<string, never>>;
export type MoreHopsRule = { /** Raised for so many more. */ readonly by: number };
export type LoopRule = { /** Traces of the last three. */ readonly count: number };

export type ViaRule = {
  /** An address, or a network such as `192.0.2.0/24`. */
  readonly hop: string;
  /** `always`: raised when it is missing. `never`: raised when it appears. */
  readonly expect: 'always' | 'never';
};

/** How many pings are remembered one by one. */
export const windowMax = 128;
/** How many delays are, for judging what is slow. */
export const delaysMax = 40;

export const defaultRules: Rules = {
  path: { learn: 3, confirm: 2, back: 3, settle: minutes(30), settleTraces: null, forget: days(7) },
  unreachable: { lost: 4, alone: 8, lasting: seconds(1), answered: 3, steady: minutes(10) },
  loss: { percent: 20, of: 50 },
  slow: {
    count: 7,
    of: 8,
    over: null,
    usual: { atLeast: 10, percent: 10, spreads: 6 },
    step: { atLeast: 6, percent: 10, spreads: 3, of: 30 },
    good: 12,
    settle: days(1),
  },
  jitter: { over: 30, times: 5, of: 30 },
  pathChanged: {},
  moreHops: { by: 1 },
  loop: { count: 2 },
  via: [],
};

/** How long a target that comes and goes must answer; also where only loops are judged. */
export const steadyOf = ({ unreachable }: Rules): Duration => unreachable?.steady ?? minutes(10);
