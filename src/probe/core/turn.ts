/**
 * One turn of judging: each verdict is asked whether the evidence, as it stands
 * after a ping or a trace, raises or clears it. Nothing here moves evidence
 * except to let it begin anew where a verdict begins or ends.
 */
import type { Instant } from '../../time.ts';
import {
  hasTracesEnough,
  isGoodAgain,
  isInDoubt,
  isSettled,
  noDelay,
  slowness,
  withVerdict,
} from './delay.ts';
import { type Followed, hopsMore, isLengthSure, type Paths, pathNow, withoutDelays } from './follow.ts';
import {
  areAllLost,
  isLossDoubtful,
  isMuchMore,
  jumpOf,
  type Loss,
  lossOf,
  lostPing,
  mayJump,
  ordinaryTail,
  percentOf,
  withoutTail,
} from './loss.ts';
import { rowsOf } from './path.ts';
import { isOutageOpen, mayBeOutage } from './reach.ts';
import type { TraceRecord } from './record.ts';
import type { Rules } from './rules.ts';
import * as say from './say.ts';
import type { Judged } from './state.ts';
import {
  type Evidence,
  find,
  isDown,
  type VerdictChange,
  type VerdictName,
  withoutRaised,
  withRaised,
} from './verdict.ts';
import { brokenVia, isBroken, isUnseen, withViaTrace } from './via.ts';
import { type LossPlace, whereLossy } from './where.ts';

/** Answers that are asked for to be sure that a loop is over, where no rule says how many. */
const answeredLeast = 2;
/** Pings that are wanted at once in doubt whether a target answers, and how many it loses; asked for again as long as it lasts. */
const doubtPings = 8;
/** Where a router says so, its answers come at once: as many as the time takes in which an outage must last. */
const refusedPings = 10;
const lossPings = 16;
/** How sure traces must be of a loss before more traces are asked about it: three to one; and before pings are: twelve. */
const evidenceFor = { traces: 1.2, pings: 2.5 } as const;
/**
 * So many traces in a row are doubted at most, and asked where a loss begins: if pings do not confirm it by then, some
 * routers have begun to answer less, and that is learnt as usual.
 */
export const doubtedMax = 8;
/** After so many traces it is looked again where a loss begins: the first ones may have lost too little to tell. */
const lossLooks: readonly number[] = [2, 4, 8, 16, 32];
/** After so many the likeliest hop is named, though others are hardly less likely. */
const likeliestFrom = 8;

/** A judgement under way. */
export type Turn = {
  state: Judged;
  readonly rules: Rules;
  readonly now: Instant;
  readonly changes: VerdictChange[];
};

export const begin = (state: Judged, rules: Rules, now: Instant): Turn => ({
  state: { ...state, at: now },
  rules,
  now,
  changes: [],
});

export const stands = ({ state }: Turn, verdict: VerdictName): boolean =>
  find(state.standing, verdict) !== null;

/** @param began where it is known: until its end it stands since then. */
export function raise(turn: Turn, verdict: VerdictName, evidence: Evidence, began: Instant = turn.now): void {
  const change: VerdictChange = { verdict, state: 'raised', at: turn.now, ...evidence };
  turn.changes.push(change);
  const first = find(turn.state.standing, verdict);
  const kept = { ...change, at: first?.at ?? began };
  turn.state = { ...turn.state, standing: withRaised(turn.state.standing, kept) };
}

export function clear(turn: Turn, verdict: VerdictName, summary: (raised: VerdictChange) => string): void {
  const raised = find(turn.state.standing, verdict);
  if (raised === null) return;
  const said = {
    hop: raised.hop,
    summary: summary(raised),
    detailHtml: say.table(turn.state.paths, null, null),
  };
  turn.changes.push({ verdict, state: 'cleared', at: turn.now, ...said });
  turn.state = { ...turn.state, standing: withoutRaised(turn.state.standing, verdict) };
}

/** A rule that was turned off while its verdict stood. */
export function clearWhatIsOff(turn: Turn): void {
  if (turn.state.standing.length === 0) return;
  const { rules } = turn;
  const isOff: Readonly<Record<VerdictName, boolean>> = {
    unreachable: rules.unreachable === null,
    loss: rules.loss === null,
    slow: rules.slow === null,
    jitter: rules.jitter === null,
    'path-changed': rules.pathChanged === null,
    'more-hops': rules.moreHops === null,
    loop: rules.loop === null,
    via: rules.via.length === 0,
  };
  for (const { verdict } of turn.state.standing) {
    if (isOff[verdict]) clear(turn, verdict, () => say.noLongerJudged(verdict));
  }
}

export function judgeLoss(turn: Turn): void {
  const rule = turn.rules.loss;
  const { state, now } = turn;
  if (rule === null || isDown(state.standing)) return;
  const pings = mayBeOutage(state.reach) ? withoutTail(state.pings) : state.pings;
  if (!stands(turn, 'loss')) {
    // A target that never answered a ping is one that answers none.
    if (!state.answered || !pings.includes(lostPing)) return;
    const place = whereLossy(state.paths, rule);
    const loss = lossOf(pings, rule, tracedLoss(place, state.paths));
    if (loss.isTooMuch) raiseLoss(turn, loss, place);
    return;
  }
  const good = ordinaryTail(state.pings, rule);
  if (good === 0) return;
  turn.state = { ...state, pings: state.pings.slice(-good) };
  clear(turn, 'loss', (raised) => say.lossOver(turn.state.pings, raised, now));
}

function raiseLoss(turn: Turn, loss: Loss, place: LossPlace | null): void {
  raise(turn, 'loss', say.loss(loss, isNamed(place, turn.state) ? place : null, turn.state.paths));
  turn.state = { ...turn.state, lossSaid: percentOf(loss) };
}

/** Whether the hop is said: a wrong one is worse than none for a few traces, and none for ever no better than the likeliest. */
const isNamed = (place: LossPlace | null, { lossTraces }: Judged): boolean =>
  place !== null && (place.sure || lossTraces >= likeliestFrom);

/** How sure traces are of a loss, at two hops at least: at the target alone it may just answer traces seldom. */
const tracedLoss = (place: LossPlace | null, paths: Paths): number =>
  place !== null && place.ttl < lastHop(paths) ? place.evidence : 0;

const lastHop = (paths: Paths): number =>
  pathNow(paths).hops.findLastIndex((hop) => hop.addresses.length > 0) + 1;

export function judgeSlow(turn: Turn): void {
  const rule = turn.rules.slow;
  const { state, now } = turn;
  if (rule === null) return;
  if (!stands(turn, 'slow')) {
    const why = isDown(state.standing) ? null : slowness(state.delay, rule);
    if (why === null) return;
    raise(turn, 'slow', say.slow(why, state.delay, state.pings, state.paths, rule));
    turn.state = { ...turn.state, delay: withVerdict(state.delay) };
  } else if (isGoodAgain(state.delay, rule)) {
    clear(turn, 'slow', (raised) => say.slowOver(state.pings, raised, now));
    turn.state = { ...turn.state, delay: { ...turn.state.delay, grades: [], began: null, traces: 0 } };
  } else if (isSettled(state.delay, rule, now)) {
    clear(turn, 'slow', (raised) => say.slowSettled(state.pings, raised, now));
    turn.state = { ...turn.state, delay: noDelay, paths: withoutDelays(state.paths) };
  }
}

export function judgeJitter(turn: Turn): void {
  const rule = turn.rules.jitter;
  const { state, now } = turn;
  if (rule === null || isDown(state.standing)) return;
  const usual = state.delay.ping.sample.change;
  const limit = Math.max(rule.over, rule.times * usual);
  const stood = stands(turn, 'jitter');
  const jump = stood || mayJump(state.pings, rule.of, limit) ? jumpOf(state.pings, rule.of) : null;
  if (stood && areAllLost(state.pings, rule.of)) clear(turn, 'jitter', () => say.jitterUnseen);
  if (jump === null) return;
  if (!stood) {
    if (jump > limit) raise(turn, 'jitter', say.jitter(jump, usual, state.paths));
    return;
  }
  const calmPings = jump < limit / 2 ? state.calmPings + 1 : 0;
  turn.state = { ...state, calmPings };
  if (calmPings < rule.of) return;
  clear(turn, 'jitter', (raised) => say.jitterOver(jump, raised, now));
  turn.state = { ...turn.state, calmPings: 0 };
}

export function judgePath(turn: Turn, before: Paths, { paths, event }: Followed): void {
  const { rules, now } = turn;
  if (event?.kind === 'changed' && rules.pathChanged !== null) {
    raise(turn, 'path-changed', say.pathChanged(event, paths));
  }
  if (event?.kind === 'returned' || event?.kind === 'settled') {
    const words = event.kind === 'returned' ? say.pathBack : say.pathSettled;
    clear(turn, 'path-changed', (raised) => words(before, raised, now));
    clear(turn, 'more-hops', (raised) => words(before, raised, now));
    return;
  }
  const more = hopsMore(paths);
  const isMore = rules.moreHops !== null && more >= rules.moreHops.by;
  if (isMore && (!stands(turn, 'more-hops') || event?.kind === 'changed')) {
    raise(turn, 'more-hops', say.moreHops(paths, more));
  } else if (!isMore && isLengthSure(paths)) {
    clear(turn, 'more-hops', (raised) => say.noMoreHops(raised, now));
  }
}

export function judgeVia(turn: Turn, trace: TraceRecord): void {
  const { rules, state, now } = turn;
  if (rules.via.length === 0) return;
  if (trace.end !== 'reached') {
    if (stands(turn, 'via') && isUnseen(state.via, rules.path, now)) forgetVia(turn);
    return;
  }
  const rows = rowsOf(trace, state.paths.usual);
  const { usual } = state.paths;
  const via = withViaTrace(state.via, rules.via, rows, usual, now);
  turn.state = { ...state, via };
  const told = find(state.standing, 'via');
  if (told !== null && brokenVia(via, rules.via, rows, usual, true) === null) {
    clear(turn, 'via', (raised) => say.viaOver(raised, now));
    return;
  }
  // Another rule is broken by now, and the one that was told of no more.
  const isTold = told !== null && rules.via.some((rule) => say.isOfVia(told, rule) && isBroken(via, rule));
  const fault = isTold ? null : brokenVia(via, rules.via, rows, usual, false);
  if (fault !== null) raise(turn, 'via', say.via(fault, state.paths));
}

/** Traces that no longer arrive say nothing of the hops: what was said of them must not stand for ever. */
function forgetVia(turn: Turn): void {
  const { settle } = turn.rules.path;
  turn.state = { ...turn.state, via: {} };
  clear(turn, 'via', () => say.viaUnseen(settle));
}

/** A loss that is seen better where it begins now that more traces tell, or that has become much more. */
function lookAgainAtLoss(turn: Turn): void {
  const { state, rules } = turn;
  const raised = find(state.standing, 'loss');
  if (raised === null || rules.loss === null || isDown(state.standing)) return;
  const pings = mayBeOutage(state.reach) ? withoutTail(state.pings) : state.pings;
  const place = whereLossy(state.paths, rules.loss);
  const loss = lossOf(pings, rules.loss, tracedLoss(place, state.paths));
  const looks = raised.hop === null || place?.sure === true || lossLooks.includes(state.lossTraces);
  const isElsewhere =
    looks && isNamed(place, state) && place?.address !== null && place?.address !== raised.hop;
  if (isElsewhere || (loss.isTooMuch && isMuchMore(loss, state.lossSaid))) raiseLoss(turn, loss, place);
}

/** A fault that was raised before it was seen where it begins, or by too few traces. `before`: the last one. */
export function lookAgain(turn: Turn, before: Judged): void {
  lookAgainAtLoss(turn);
  lookAgainAtDelay(turn, hasTracesEnough(turn.state.delay) && !hasTracesEnough(before.delay));
}

/** One trace may have been slower than all others; what is told by as many as are remembered is told once more. */
function lookAgainAtDelay(turn: Turn, isBetterKnown: boolean): void {
  const { state, rules } = turn;
  const slow = find(state.standing, 'slow');
  if (slow === null || rules.slow === null || (slow.hop !== null && !isBetterKnown)) return;
  const why = slowness(state.delay, rules.slow);
  const evidence = why === null ? null : say.slow(why, state.delay, state.pings, state.paths, rules.slow);
  if (evidence !== null && evidence.hop !== null && evidence.hop !== slow.hop) raise(turn, 'slow', evidence);
}

/** Whether the last trace is the first that went in circles, or the first that no longer did, so that more are wanted at once. */
export function isLoopDoubtful(turn: Turn): boolean {
  const { reach, pinged } = turn.state;
  const [last, ...before] = reach.circles;
  if (stands(turn, 'loop')) return last === false && before[0] === true;
  // Where load is shared over ways of unequal length a trace may look like a circle; then pings are answered.
  const mayLoop = turn.rules.loop !== null && (reach.failing > 0 || !pinged);
  return mayLoop && last === true && !before.includes(true);
}

/** Whether a trace is wanted to see where a fault begins that pings have found. */
export function wantsPlace({ state, rules }: Turn): boolean {
  if (state.paths.usual.traces === 0) return false;
  if (rules.loss !== null && isLossDoubtful(state.pings, rules.loss)) return true;
  const isSlow = rules.slow !== null && isInDoubt(state.delay) && state.delay.traces === 0;
  return isSlow || (state.reach.failing >= 2 && state.reach.failed === null);
}

/** Whether traces have lost so much lately, at two hops at least, that more are to be asked about it. */
export const doTracesLose = ({ paths }: Judged, { loss }: Rules): boolean =>
  loss !== null && tracedLoss(whereLossy(paths, loss), paths) >= evidenceFor.traces;

/**
 * Whether one more trace is wanted soon: a loss stands, or traces make it likely, and they do not tell yet where it
 * begins. Asked after each of them, so it goes on until they do, the doubt has ended, or so many have not told.
 */
export function isLossPlaceOpen(turn: Turn): boolean {
  const { state, rules } = turn;
  if (rules.loss === null || isDown(state.standing)) return false;
  const isSaid = stands(turn, 'loss');
  if ((isSaid ? state.lossTraces : state.doubted) >= doubtedMax) return false;
  const place = whereLossy(state.paths, rules.loss);
  return place?.sure !== true && (isSaid || tracedLoss(place, state.paths) >= evidenceFor.traces);
}

/** How many pings are wanted sooner: in doubt, and to be sure that a target is back. */
export function wantedPings({ state, rules }: Turn): number {
  const { reach } = state;
  if (isDown(state.standing)) {
    const asked = rules.unreachable?.answered ?? answeredLeast;
    return reach.answers > 0 && reach.answers < asked ? asked : 0;
  }
  if (rules.unreachable !== null && isOutageOpen(reach, rules.unreachable)) {
    // As many more as make it an outage, if none of them is answered.
    return Math.max(reach.said === null ? doubtPings : refusedPings, rules.unreachable.alone - 1);
  }
  if (rules.loss === null || !state.answered || find(state.standing, 'loss') !== null) return 0;
  if (isLossDoubtful(state.pings, rules.loss)) return lossPings;
  const traced = tracedLoss(whereLossy(state.paths, rules.loss), state.paths);
  return state.doubted < doubtedMax && traced >= evidenceFor.pings ? lossPings : 0;
}
