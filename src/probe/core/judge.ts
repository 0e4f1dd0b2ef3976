/**
 * All that is known of one address, and what to say of it. Each ping and each
 * trace goes through here: it moves the evidence (statistics, reach, loss,
 * delay, paths), and then each verdict is asked whether it stands.
 *
 * The state is plain JSON data and never changed in place: it can be saved
 * between any two events and read back, and the judgements go on as if nothing
 * had been.
 */
import type { Instant } from '../../time.ts';
import { type Delay, isInDoubt, noDelay, withDelay, withDelayTrace } from './delay.ts';
import { type Followed, follow, noPaths } from './follow.ts';
import { isLossOrdinary, withPing } from './loss.ts';
import { judgeOutage } from './outage.ts';
import { noReach, withPingOutcome, withTraceOutcome } from './reach.ts';
import type { Address, PingRecord, TraceRecord } from './record.ts';
import { defaultRules, type Rules, steadyOf } from './rules.ts';
import type { Judged } from './state.ts';
import {
  addError,
  addLost,
  addReply,
  addSent,
  forgetOutstanding,
  newStatistics,
  resetStatistics,
  type Statistics,
  takeBackSent,
} from './statistics.ts';
import {
  begin,
  clearWhatIsOff,
  doTracesLose,
  doubtedMax,
  isLoopDoubtful,
  isLossPlaceOpen,
  judgeJitter,
  judgeLoss,
  judgePath,
  judgeSlow,
  judgeVia,
  lookAgain,
  stands,
  type Turn,
  wantedPings,
  wantsPlace,
} from './turn.ts';
import { isDown, type VerdictChange } from './verdict.ts';
import { isViaInDoubt } from './via.ts';

export type { Judged } from './state.ts';
export type { VerdictChange, VerdictName } from './verdict.ts';

const loopConfirm = 2;

export type Judgement = {
  readonly state: Judged;
  readonly verdicts: readonly VerdictChange[];
  /** How many more traces are wanted soon, to confirm a suspicion or to see where it begins (0: none). */
  readonly confirm: number;
  /** How many more pings are wanted sooner than they are due (0: none). */
  readonly pings: number;
  /** Of a trace: its identity by content; null where it shows no path. */
  readonly pathId: string | null;
};

export function newJudged(address: Address, now: Instant): Judged {
  return {
    version: 2,
    address,
    at: now,
    statistics: newStatistics(now),
    pinged: false,
    answered: false,
    reach: noReach,
    pings: [],
    delay: noDelay,
    paths: noPaths,
    via: {},
    calmPings: 0,
    doubted: 0,
    lossTraces: 0,
    lossSaid: 0,
    asked: false,
    standing: [],
  };
}

/** A ping is sent now; its outcome comes later. */
export const pingSent = (state: Judged): Judged => ({ ...state, statistics: addSent(state.statistics) });

/** A ping that was counted as sent brought nothing, through no fault of the target: the engine was lost with it. */
export const pingForgotten = (state: Judged): Judged => ({
  ...state,
  statistics: takeBackSent(state.statistics),
});

/** Read back after a pause: what was under way then will never be answered. */
export const resumed = (state: Judged): Judged => ({
  ...state,
  statistics: forgetOutstanding(state.statistics),
});

/** Statistics at zero, from now on. Verdicts, and what is usual, stay. */
export const resetCounters = (state: Judged, now: Instant): Judged => ({
  ...state,
  statistics: resetStatistics(state.statistics, now),
});

/** All that is raised, as it was said. */
export const standing = (state: Judged): readonly VerdictChange[] => state.standing;

/** What came of one ping. */
export function judgePing(state: Judged, ping: PingRecord, rules: Rules, now: Instant): Judgement {
  const turn = begin(state, rules, now);
  takePing(turn, ping);
  if (ping.outcome.kind !== 'unsent') {
    clearWhatIsOff(turn);
    judgeOutage(turn, null);
    judgeLoss(turn);
    judgeSlow(turn);
    judgeJitter(turn);
  }
  const asked = wantsPlace(turn);
  const isLossNew = turn.changes.some((one) => one.verdict === 'loss' && one.state === 'raised');
  const confirm = (asked && !state.asked) || (isLossNew && isLossPlaceOpen(turn)) ? 1 : 0;
  turn.state = { ...turn.state, asked };
  return ended(turn, confirm, null);
}

function takePing(turn: Turn, ping: PingRecord): void {
  const { state, rules, now } = turn;
  const { outcome } = ping;
  if (outcome.kind === 'unsent') {
    turn.state = pingForgotten(state);
    return;
  }
  const isReply = outcome.kind === 'reply';
  const counts = isReply || !isDown(state.standing);
  turn.state = {
    ...state,
    statistics: withOutcome(state.statistics, ping, now),
    pinged: true,
    answered: state.answered || isReply,
    reach: withPingOutcome(state.reach, ping, steadyOf(rules)),
    pings: counts ? withPing(state.pings, isReply ? outcome.rtt : null, rules) : state.pings,
    delay: isReply
      ? withDelay(state.delay, 'ping', outcome.rtt, ping.at, slowRule(rules), stands(turn, 'slow'))
      : state.delay,
  };
}

function withOutcome(statistics: Statistics, { outcome }: PingRecord, now: Instant): Statistics {
  if (outcome.kind === 'reply') return addReply(statistics, outcome.rtt, now);
  return outcome.kind === 'lost' ? addLost(statistics) : addError(statistics);
}

/** What is usual is learnt even where nothing is judged by it: other verdicts rest on it, and the rule may come back. */
const slowRule = (rules: Rules): NonNullable<Rules['slow']> =>
  rules.slow ?? { ...(defaultRules.slow as NonNullable<Rules['slow']>), over: null };

/** What one trace shows. */
export function judgeTrace(state: Judged, trace: TraceRecord, rules: Rules, now: Instant): Judgement {
  const turn = begin(state, rules, now);
  const known = state.paths;
  const followed = takeTrace(turn, trace);
  clearWhatIsOff(turn);
  judgePath(turn, known, followed);
  judgeOutage(turn, trace);
  judgeSlow(turn);
  judgeVia(turn, trace);
  lookAgain(turn, state);
  const isViaNew = trace.end === 'reached' && !stands(turn, 'via') && isViaInDoubt(turn.state.via);
  const confirm = Math.max(
    followed.confirm,
    isLoopDoubtful(turn) ? loopConfirm : 0,
    isViaNew ? rules.path.confirm : 0,
    isLossPlaceOpen(turn) ? 1 : 0,
  );
  return ended(turn, confirm, followed.pathId);
}

function takeTrace(turn: Turn, trace: TraceRecord): Followed {
  const { state, rules, now } = turn;
  const wasDown = isDown(state.standing);
  const doubted = doTracesLose(state, rules) ? Math.min(doubtedMax, state.doubted + 1) : 0;
  const isTraced = doubted > 0 && doubted < doubtedMax;
  // As long as pings are lost, too, what routers lose is not their habit.
  const arePingsLost = rules.loss !== null && !isLossOrdinary(state.pings, rules.loss);
  const isLossy = isTraced || arePingsLost || stands(turn, 'loss');
  const isSlow = stands(turn, 'slow') || isInDoubt(state.delay);
  const alive = !wasDown && state.reach.failing < 2 && (state.answered || !state.pinged);
  const followed = follow(
    state.paths,
    trace,
    { calm: !wasDown && !isLossy && !isSlow, alive },
    rules.path,
    now,
  );
  turn.state = {
    ...state,
    paths: followed.paths,
    reach: withTraceOutcome(state.reach, trace, steadyOf(rules)),
    delay: trace.end === 'reached' ? withTargetDelays(turn, trace) : state.delay,
    doubted,
    lossTraces: stands(turn, 'loss') ? state.lossTraces + 1 : 0,
  };
  return followed;
}

/** The delays at the place where the target answered first. */
function withTargetDelays(turn: Turn, trace: TraceRecord): Delay {
  const rule = slowRule(turn.rules);
  const isSlow = stands(turn, 'slow');
  const isTarget = ({ address }: { readonly address: Address | null }): boolean => address === trace.address;
  const hop = trace.hops.find(({ probes }) => probes.some(isTarget)) ?? trace.hops.at(-1);
  let { delay } = turn.state;
  for (const { rtt } of hop?.probes ?? []) {
    if (rtt !== null) delay = withDelay(delay, 'trace', rtt, trace.at, rule, isSlow);
  }
  return withDelayTrace(delay, trace.at);
}

function ended(turn: Turn, confirm: number, pathId: string | null): Judgement {
  return { state: turn.state, verdicts: turn.changes, confirm, pings: wantedPings(turn), pathId };
}
