/**
 * Whether a target is cut off, and by what. A loop and an outage are one fault,
 * so only one of them is said: `loop` while traces go in circles, for it is the
 * more exact, and `unreachable` otherwise. Where one turns out to be the other,
 * the new one is raised before the old one is cleared, with words that say what
 * it became: there is no gap in which nothing stands.
 */
import { withoutTail } from './loss.ts';
import {
  cutOff,
  isBack,
  isCircleNew,
  isCircling,
  isCutOff,
  isLooping,
  isOutOfCircles,
  isSteady,
  isStraight,
  knowledge,
  knownNow,
  outOfCircles,
  recounted,
} from './reach.ts';
import type { TraceRecord } from './record.ts';
import { steadyOf, type UnreachableRule } from './rules.ts';
import * as say from './say.ts';
import { clear, raise, stands, type Turn } from './turn.ts';
import { find } from './verdict.ts';

/** So many traces in a row must agree that it is cut off elsewhere by now. */
const elsewhereFrom = 5;

/** `trace`: the one that is judged; null for a ping. */
export function judgeOutage(turn: Turn, trace: TraceRecord | null): void {
  const { rules, state } = turn;
  const shown = trace?.end === 'loop' ? trace : state.reach.failed;
  if (stands(turn, 'loop')) judgeLoop(turn);
  else if (rules.loop !== null && shown !== null && isLooping(state.reach, state.pinged, rules.loop)) {
    raiseLoop(turn, shown);
  } else if (rules.unreachable !== null) judgeReach(turn, rules.unreachable, trace);
}

/** Answers and lost pings are counted anew from here. */
function begins(turn: Turn): void {
  const { reach, pings } = turn.state;
  turn.state = { ...turn.state, reach: cutOff(reach), pings: withoutTail(pings) };
}

function raiseLoop(turn: Turn, shown: TraceRecord): void {
  const { state, now } = turn;
  const began = state.reach.circledFrom ?? now;
  const before = find(state.standing, 'unreachable');
  const evidence = say.loop(shown, state.paths, began);
  raise(turn, 'loop', evidence, before?.at ?? began);
  if (before === null) begins(turn);
  else clear(turn, 'unreachable', () => say.becameLoop(evidence));
}

function judgeLoop(turn: Turn): void {
  const { state, rules, now } = turn;
  const { reach, paths } = state;
  const loop = find(state.standing, 'loop');
  if (loop === null) return;
  if (stands(turn, 'unreachable')) clear(turn, 'unreachable', () => say.becameLoop(loop));
  if (isStraight(reach)) {
    if (isSteady(reach, steadyOf(rules), now)) clear(turn, 'loop', (raised) => say.loopOver(raised, now));
    return;
  }
  if (!isOutOfCircles(reach)) return;
  if (rules.unreachable === null) clear(turn, 'loop', (raised) => say.loopGone(raised, now));
  else if (isCutOff(reach, paths.usual.lengths.length > 0, rules.unreachable)) {
    const left = outOfCircles(reach);
    raise(turn, 'unreachable', say.unreachable(left, paths, now), loop.at);
    turn.state = { ...turn.state, reach: recounted(left) };
    clear(turn, 'loop', say.becameUnreachable);
  }
}

function judgeReach(turn: Turn, rule: UnreachableRule, trace: TraceRecord | null): void {
  const { state, rules, now } = turn;
  const { reach, paths } = state;
  if (stands(turn, 'unreachable')) {
    if (isBack(reach, rule, now))
      clear(turn, 'unreachable', (raised) => say.answersAgain(reach, raised, now));
    // What a router says of pings may be that they went in circles: a trace tells.
    else if (trace !== null) tellWhere(turn, trace);
    return;
  }
  if (!isCutOff(reach, paths.usual.lengths.length > 0, rule)) return;
  // The traces that tell whether it is a loop are under way.
  if (rules.loop !== null && isCircleNew(reach, now)) return;
  begins(turn);
  raise(turn, 'unreachable', say.unreachable(turn.state.reach, paths, now), reach.failedFrom ?? now);
}

/** Where it is cut off is known better now than when that was said, or it is another fault. */
function tellWhere(turn: Turn, trace: TraceRecord): void {
  const { state, rules, now } = turn;
  const { told } = state.reach;
  const known = knownNow(state.reach);
  const isOut = told === knowledge.circled && isOutOfCircles(state.reach);
  const isIn = known === knowledge.circled && told !== known;
  if (!isOut && known <= told) {
    if (state.reach.failed === trace) tellElsewhere(turn);
    return;
  }
  // One trace in a circle is none yet, and more of them are a verdict of their own.
  if (isIn && (rules.loop !== null || !isCircling(state.reach))) return;
  const reach = isOut ? outOfCircles(state.reach) : state.reach;
  const evidence = say.unreachable(reach, state.paths, now);
  const before = find(state.standing, 'unreachable')?.hop ?? null;
  if (evidence.hop === null && !isOut) return;
  if (isOut || isIn || evidence.hop !== before) raise(turn, 'unreachable', evidence);
  turn.state = { ...turn.state, reach: { ...reach, told: knownNow(reach) } };
}

/** The fault may have moved, or another one have come before it. One trace that came less far tells of a router that answers seldom. */
function tellElsewhere(turn: Turn): void {
  const { reach, paths, standing } = turn.state;
  const evidence = say.unreachable(reach, paths, turn.now);
  const { hop } = evidence;
  const said = find(standing, 'unreachable')?.hop ?? null;
  if (hop === null || said === null || hop === said) {
    turn.state = { ...turn.state, reach: { ...reach, elsewhere: null } };
    return;
  }
  const traces = reach.elsewhere?.hop === hop ? reach.elsewhere.traces + 1 : 1;
  const isSure = traces >= elsewhereFrom;
  if (isSure) raise(turn, 'unreachable', evidence);
  turn.state = { ...turn.state, reach: { ...reach, elsewhere: isSure ? null : { hop, traces } } };
}
