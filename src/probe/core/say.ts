/**
 * What is said of each verdict when it is raised and when it is cleared: the
 * hop where it begins, before and after, since when. The phrases are words.ts's.
 */
import { type Duration, formatDuration, type Instant } from '../../time.ts';
import { type Delay, type Slowness, usualPing } from './delay.ts';
import { type PathEvent, type Paths, pathNow } from './follow.ts';
import { type Loss, lostPing, type Pings } from './loss.ts';
import { circle, circleNow, isFlapping, lastAnswer, type Reach } from './reach.ts';
import type { Rtt, TraceRecord } from './record.ts';
import type { SlowRule, ViaRule } from './rules.ts';
import { medianOf } from './sample.ts';
import type { Evidence, VerdictChange, VerdictName } from './verdict.ts';
import type { ViaFault } from './via.ts';
import { addressOf, type Place, whereSlow } from './where.ts';
import {
  addressWords,
  delayWords,
  escapeHtml,
  fitted,
  fromWords,
  hopsTable,
  lengthWords,
  placeWords,
  shareWords,
  timeWords,
} from './words.ts';

/** So many of the last pings say how long a delay is now. */
const pingsNow = 3;

export const table = hopsTable;

function evidence(summary: string, place: Place | null, paths: Paths, trace: TraceRecord | null): Evidence {
  const said = fitted(summary);
  const detailHtml = `<p>${escapeHtml(said)}</p>${hopsTable(paths, trace, place?.ttl ?? null)}`;
  return { hop: place?.address ?? null, summary: said, detailHtml };
}

export function unreachable(reach: Reach, paths: Paths, now: Instant): Evidence {
  const place = lastAnswer(reach, paths.usual);
  const since = `, since ${timeWords(reach.failedFrom ?? now)}`;
  const what = isFlapping(reach) ? 'comes and goes' : 'unreachable';
  const { said, failed } = reach;
  const circled = circleNow(reach);
  if (circled !== null) {
    const words = `${what}: it goes in circles${fromWords(circled.first)}${since}`;
    return evidence(words, circled.first, paths, failed);
  }
  if (said !== null && said.from !== null) {
    const ttl = place !== null && place.address === said.from ? ` (hop ${place.ttl})` : '';
    // Where its answer at its own place was lost, the last one is that of the hop before.
    const where = ttl === '' ? { ttl: (place?.ttl ?? 0) + 1, address: said.from } : place;
    return evidence(`${what}: ${said.from}${ttl} says ${said.why}${since}`, where, paths, reach.failed);
  }
  const words = place === null ? 'no answer' : `nothing answers beyond ${placeWords(place)}`;
  return evidence(`${what}: ${words}${since}`, place, paths, reach.failed);
}

export function answersAgain(reach: Reach, raised: VerdictChange, now: Instant): string {
  const length = lengthWords(raised.at, now);
  if (!isFlapping(reach) || reach.brokeAt === null) return fitted(`answers again, after ${length}`);
  return fitted(`answers again, for ${lengthWords(reach.brokeAt, now)} without a break, after ${length}`);
}

export function loop(trace: TraceRecord, paths: Paths, began: Instant): Evidence {
  const found = circle(trace);
  const since = `, since ${timeWords(began)}`;
  if (found === null) return evidence(`the way to it goes in circles${since}`, null, paths, trace);
  const between = found.second === null ? '' : ` and ${placeWords(found.second)}`;
  const words = found.second === null ? 'loop at ' : 'loop between ';
  return evidence(`${words}${placeWords(found.first)}${between}${since}`, found.first, paths, trace);
}

export const loopOver = (raised: VerdictChange, now: Instant): string =>
  fitted(`answers again and no loop any more, after ${lengthWords(raised.at, now)}`);

export const loopGone = (raised: VerdictChange, now: Instant): string =>
  fitted(`no loop any more, after ${lengthWords(raised.at, now)}`);

/** It is still cut off, and the other verdict says where. */
export const becameLoop = ({ hop }: Pick<Evidence, 'hop'>): string =>
  fitted(`still cut off, now known as a loop${hop === null ? '' : ` at ${hop}`}`);

export const becameUnreachable = (): string =>
  'still cut off, but no loop any more: now known as unreachable';

export function loss({ lost, of }: Loss, place: Place | null, paths: Paths): Evidence {
  const share = of === 0 ? 0 : lost / of;
  const words = `${shareWords(share)} loss${fromWords(place)}: ${lost} of the last ${of} pings lost`;
  return evidence(words, place, paths, null);
}

export function lossOver(pings: Pings, raised: VerdictChange, now: Instant): string {
  const lost = pings.filter((rtt) => rtt === lostPing).length;
  return fitted(
    `loss is over: ${lost} of the last ${pings.length} pings lost, after ${lengthWords(raised.at, now)}`,
  );
}

export function slow(why: Slowness, delay: Delay, pings: Pings, paths: Paths, rule: SlowRule): Evidence {
  const [pingNow, pingUsual] = [delayNow(pings), usualPing(delay)];
  const excess = pingNow === null || pingUsual === null ? null : pingNow - pingUsual;
  const place = whereSlow(paths, delay.traces, excess);
  const now = place?.now ?? pingNow ?? 0;
  const usual = place?.usual ?? pingUsual;
  const since = delay.began === null ? '' : `, since ${timeWords(delay.began)}`;
  const before = usual === null ? '' : `, usually ${delayWords(usual)}`;
  if (why === 'over') {
    const limit = delayWords(rule.over ?? 0);
    return evidence(
      `${delayWords(now)}, more than ${limit}${fromWords(place)}${before}${since}`,
      place,
      paths,
      null,
    );
  }
  const more = delayWords(Math.max(0, now - (usual ?? 0)));
  return evidence(`+${more}${fromWords(place)}: ${delayWords(now)}${before}${since}`, place, paths, null);
}

function delayNow(pings: Pings): Rtt | null {
  return medianOf(pings.slice(-pingsNow).filter((rtt) => rtt !== lostPing));
}

export function slowOver(pings: Pings, raised: VerdictChange, now: Instant): string {
  const delay = delayNow(pings);
  const words = delay === null ? '' : `: ${delayWords(delay)}`;
  return fitted(`no longer slow${words}, after ${lengthWords(raised.at, now)}`);
}

export function slowSettled(pings: Pings, raised: VerdictChange, now: Instant): string {
  const delay = delayNow(pings);
  const words = delay === null ? 'this delay' : delayWords(delay);
  return fitted(`${words} has stood for ${lengthWords(raised.at, now)}: usual from now on`);
}

export function jitter(jump: Rtt, usual: Rtt, paths: Paths): Evidence {
  const words = `jitter: ${delayWords(jump)} from one ping to the next, usually ${delayWords(usual)}`;
  return evidence(words, null, paths, null);
}

export const jitterOver = (jump: Rtt, raised: VerdictChange, now: Instant): string =>
  fitted(`jitter is over: ${delayWords(jump)}, after ${lengthWords(raised.at, now)}`);

export const jitterUnseen = 'not known any more: pings are not answered';

export function pathChanged(event: PathEvent & { readonly kind: 'changed' }, paths: Paths): Evidence {
  const change = `${addressWords(event.from)} -> ${addressWords(event.to)}`;
  const place = { ttl: event.ttl, address: event.to[0] ?? null };
  return evidence(
    `path changed at hop ${event.ttl}: ${change}, since ${timeWords(event.since)}`,
    place,
    paths,
    null,
  );
}

/** `before`: the paths before it went back. */
export function pathBack(before: Paths, raised: VerdictChange, now: Instant): string {
  const ttl = before.other?.ttl ?? 1;
  const usual = before.usual.hops[ttl - 1]?.addresses ?? [];
  return fitted(
    `path is back: ${addressWords(usual)} at hop ${ttl} again, after ${lengthWords(raised.at, now)}`,
  );
}

export function pathSettled(before: Paths, raised: VerdictChange, now: Instant): string {
  const ttl = before.other?.ttl ?? 1;
  const hop = addressOf(before.other?.path.hops[ttl - 1]) ?? 'others';
  return fitted(
    `path with ${hop} at hop ${ttl} has stood for ${lengthWords(raised.at, now)}: usual from now on`,
  );
}

export function moreHops(paths: Paths, more: number): Evidence {
  const path = pathNow(paths);
  const ttl = paths.other?.ttl ?? 1;
  const place = { ttl, address: addressOf(path.hops[ttl - 1]) };
  const lengths = `${Math.min(...path.lengths)}, usually ${Math.max(...paths.usual.lengths)}`;
  const since = paths.other === null ? '' : `, since ${timeWords(paths.other.since)}`;
  return evidence(
    `${more} ${more === 1 ? 'hop' : 'hops'} more${fromWords(place)}: ${lengths}${since}`,
    place,
    paths,
    null,
  );
}

export const noMoreHops = (raised: VerdictChange, now: Instant): string =>
  fitted(`no more hops than usual, after ${lengthWords(raised.at, now)}`);

export function via({ rule, place }: ViaFault, paths: Paths): Evidence {
  if (rule.expect === 'never') {
    const hop = place?.address ?? rule.hop;
    const listed = hop === rule.hop ? '' : ` (${rule.hop})`;
    return evidence(`${hop}${listed} appears at hop ${place?.ttl ?? 0}: never expected`, place, paths, null);
  }
  const instead = place === null ? '' : `: ${placeWords(place)} is there instead`;
  return evidence(`${rule.hop} is missing from the path${instead}`, place, paths, null);
}

/** Whether that is what was said of that rule. */
export const isOfVia = ({ summary }: VerdictChange, { hop, expect }: ViaRule): boolean =>
  expect === 'always'
    ? summary.startsWith(`${hop} is missing`)
    : summary.startsWith(`${hop} appears`) || summary.includes(`(${hop}) appears`);

export const viaOver = (raised: VerdictChange, now: Instant): string =>
  fitted(`the path is as expected again, after ${lengthWords(raised.at, now)}`);

export const viaUnseen = (length: Duration): string =>
  `not known any more: no trace has arrived for ${formatDuration(length)}`;

export const noLongerJudged = (verdict: VerdictName): string => `${verdict} is no longer judged`;
