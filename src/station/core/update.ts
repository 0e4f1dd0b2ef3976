/**
 * What an update says of each alert, in the station's own terms: texts cleaned
 * and cut, times moved to the station's clock and sorted into now and later.
 * Pure; the rules are those of docs/semantics.md, "Times" and "Fields".
 */
import { days, type Instant, plus, seconds } from '../../time.ts';
import type { AlertUpdate, UpdateAlert } from '../../wire/update.ts';
import type { PersonId } from './alert.ts';

/** In characters, not bytes: what is longer is cut at a character and counted. */
export const textMax = { id: 256, source: 512, subject: 512, summary: 1024, detail: 65_535 } as const;
/** A time up to this far ahead of the reception is "now": clocks and networks are not exact. */
export const nowTolerance = seconds(5);
/** A time further away than this, either way, is a mistake. */
export const timeHorizon = days(3650);
/** How many alerts of one update are taken; the sender's datagram cannot hold many more. */
export const alertsMax = 20_000;

export const importanceDefault = 50;
const tagLayersMax = 10;

/** What is asked of one alert's phase: the table of semantics, "Times". */
export type Ask =
  | { readonly kind: 'raise'; readonly at: Instant }
  | { readonly kind: 'clear'; readonly at: Instant }
  /** Only later times were given: the phase stands. */
  | { readonly kind: 'stand' };

/** One alert of an update, ready to be decided on. */
export type Report = {
  readonly id: string;
  /** Empty texts keep what was known. */
  readonly subject: string;
  readonly summary: string;
  readonly detail: string;
  /** 0 keeps what was known. */
  readonly importance: number;
  readonly ask: Ask;
  readonly willRaiseAt: Instant | null;
  readonly willClearAt: Instant | null;
  readonly suppressUntil: Instant | null;
  /** Of the station's own: see `Alert.concerns`. */
  readonly concerns?: readonly PersonId[];
};

/** Why one alert of an update was refused; the others stand. Each is a metric's label. */
export const reportRefusals = ['time-too-far', 'empty-id', 'too-many-alerts', 'reserved-id'] as const;
export type ReportRefusal = (typeof reportRefusals)[number];

/** The source of the station's own alerts. */
export const ownSource = 'mauve';
const ownIds = ['unreachable/', 'test/'] as const;

/**
 * The ids of the station's own alerts: what anybody may send must neither raise nor clear them. A machine of that name
 * may send any others.
 */
export const isReserved = (source: string, id: string): boolean =>
  source === ownSource && ownIds.some((start) => id.startsWith(start));

export type Reports = {
  readonly source: string;
  readonly reports: readonly Report[];
  readonly refused: readonly { readonly id: string; readonly why: ReportRefusal }[];
  /** How many texts were cut. */
  readonly cut: number;
};

/**
 * Reads an update as of its reception.
 * @returns null when the source is empty once cleaned: such an update says nothing of anybody.
 */
export function readUpdate(update: AlertUpdate, reception: Instant): Reports | null {
  const cutting = { count: 0 };
  const source = plainText(update.source, textMax.source, cutting);
  if (source === '') return null;
  const offset = clockOffset(update.transmissionTime, reception);
  const reports: Report[] = [];
  const refused: { id: string; why: ReportRefusal }[] = [];
  for (const alert of update.alerts) {
    const id = plainText(alert.id, textMax.id, cutting);
    const report =
      reports.length < alertsMax
        ? readAlert(source, id, alert, offset, reception, cutting)
        : 'too-many-alerts';
    if (typeof report === 'string') refused.push({ id, why: report });
    else reports.push(report);
  }
  return { source, reports, refused, cut: cutting.count };
}

function readAlert(
  source: string,
  id: string,
  alert: UpdateAlert,
  offset: number,
  reception: Instant,
  cutting: { count: number },
): Report | ReportRefusal {
  if (id === '') return 'empty-id';
  if (isReserved(source, id)) return 'reserved-id';
  const raise = readTime(alert.raiseTime, offset, reception);
  const clear = readTime(alert.clearTime, offset, reception);
  const suppress = readTime(alert.suppressUntil, offset, reception);
  if (raise === 'too-far' || clear === 'too-far' || suppress === 'too-far') return 'time-too-far';
  const nowEnds = plus(reception, nowTolerance);
  const later = (at: Instant | null): Instant | null => (at !== null && at > nowEnds ? at : null);
  return {
    id,
    subject: plainText(alert.subject, textMax.subject, cutting),
    summary: plainText(alert.summary, textMax.summary, cutting),
    detail: cutText(alert.detail, textMax.detail, cutting),
    importance: alert.importance,
    ask: askOf(raise, clear, reception, nowEnds),
    willRaiseAt: later(raise),
    willClearAt: later(clear),
    suppressUntil: suppress !== null && suppress > reception ? suppress : null,
  };
}

/** The table of semantics, "Times", row by row. */
function askOf(raise: Instant | null, clear: Instant | null, reception: Instant, nowEnds: Instant): Ask {
  const atMostReception = (at: Instant): Instant => (at < reception ? at : reception);
  const raiseNow = raise !== null && raise <= nowEnds;
  const clearNow = clear !== null && clear <= nowEnds;
  if (raise === null && clear === null) return { kind: 'raise', at: reception };
  if (raiseNow && clearNow) {
    return raise > clear
      ? { kind: 'raise', at: atMostReception(raise) }
      : { kind: 'clear', at: atMostReception(clear) };
  }
  if (raiseNow) return { kind: 'raise', at: atMostReception(raise) };
  if (clearNow) return { kind: 'clear', at: atMostReception(clear) };
  // Only later times are left: a later raise alone clears now, a later clear leaves the phase as it is.
  return clear === null ? { kind: 'clear', at: reception } : { kind: 'stand' };
}

/** How far the sender's clock is behind ours, in ms, rounded to whole seconds; 0 where it does not say. */
function clockOffset(transmissionTime: bigint, reception: Instant): number {
  if (transmissionTime === 0n || transmissionTime > BigInt(Number.MAX_SAFE_INTEGER)) return 0;
  return Math.round(reception / 1000 - Number(transmissionTime)) * 1000;
}

function readTime(wireSeconds: bigint, offset: number, reception: Instant): Instant | null | 'too-far' {
  if (wireSeconds === 0n) return null;
  // Beyond this a double would no longer be exact; it is some 285,000 years away.
  if (wireSeconds > 9_000_000_000_000n) return 'too-far';
  const at = Number(wireSeconds) * 1000 + offset;
  return Math.abs(at - reception) > timeHorizon ? 'too-far' : (at as Instant);
}

/** Text without markup: what is inside the tags goes, what is between them stays. */
function plainText(text: string, max: number, cutting: { count: number }): string {
  let plain = text;
  // What is left of one tag may stand around another; more than a few such layers nobody writes.
  for (let layer = 0; layer < tagLayersMax && plain.includes('<'); layer++) {
    const stripped = plain.replace(/<[a-zA-Z/!][^<>]*>/g, '');
    if (stripped === plain) break;
    plain = stripped;
  }
  return cutText(plain, max, cutting);
}

function cutText(text: string, max: number, cutting: { count: number }): string {
  // A NUL cannot be kept by every database, and helps nobody.
  const kept = text.includes('\u0000') ? text.replaceAll('\u0000', '\ufffd') : text;
  if (kept.length <= max) return kept;
  let units = 0;
  let characters = 0;
  for (const character of kept) {
    if (characters === max) {
      cutting.count += 1;
      return kept.slice(0, units);
    }
    units += character.length;
    characters += 1;
  }
  return kept;
}
