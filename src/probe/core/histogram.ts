/**
 * Logarithmic histograms of delays: one for each of the last hours, and one
 * since counting began. The buckets end at powers of 2^(1/10), so each is 7 %
 * wider than the last, whatever the scale: what dashboards of meshping expect.
 *
 * The hour that runs is an array; the others are packed as one text, for there
 * are 48 of them for each of 10,000 targets.
 */
import { hours, type Instant } from '../../time.ts';
import type { Rtt } from './record.ts';

/** So many hours are kept. */
export const hoursMax = 48;
/** Buckets for each doubling. */
export const bucketsPerDoubling = 10;
/** The first bucket holds all below a microsecond, the last one all above two minutes. */
export const bucketLeast = -100;
export const bucketMost = 170;

/** `upTo` is the bucket's end in milliseconds, inclusive. */
export type Bucket = { readonly upTo: Rtt; readonly count: number };

/** The counts of neighbouring buckets, beginning with number `first`. */
type Counts = { readonly first: number; readonly counts: readonly number[] };
type Hour = Counts & { readonly hour: number };

export type Histograms = {
  readonly total: Counts;
  readonly open: Hour | null;
  /**
   * `HOUR|FIRST COUNT,COUNT,…|FIRST …`: the first hour, and for it and each that follows what it holds: nothing, or
   * counts, of which a zero is written as nothing. Empty where none is closed.
   */
  readonly closed: string;
};

const noCounts: Counts = { first: 0, counts: [] };
export const newHistograms: Histograms = { total: noCounts, open: null, closed: '' };

export const withoutTotal = (histograms: Histograms): Histograms => ({ ...histograms, total: noCounts });

/** The number of the bucket: its end is 2^(n/10) ms. */
export function bucketOf(rtt: Rtt): number {
  if (!(rtt > 0)) return bucketLeast;
  // A delay that is exactly a bucket's end belongs to it, whatever the logarithm's last digit.
  const n = Math.ceil(Math.log2(rtt) * bucketsPerDoubling - 1e-9);
  // Plus zero: a state that is saved knows no negative zero.
  return Math.min(bucketMost, Math.max(bucketLeast, n)) + 0;
}

export const bucketEnd = (bucket: number): Rtt => 2 ** (bucket / bucketsPerDoubling);

const hourOf = (at: Instant): number => Math.floor(at / hours(1));

export function addTo(histograms: Histograms, rtt: Rtt, now: Instant): Histograms {
  const bucket = bucketOf(rtt);
  const { open, closed } = opened(histograms, hourOf(now));
  return {
    total: counted(histograms.total, bucket),
    open: { hour: open.hour, ...counted(open, bucket) },
    closed,
  };
}

/** With that hour open. A clock that was set back finds the hour that was closed already. */
function opened(
  { open, closed }: Histograms,
  hour: number,
): { readonly open: Hour; readonly closed: string } {
  if (open?.hour === hour) return { open, closed };
  const all = [...unpacked(closed), ...(open === null ? [] : [open])];
  const found = all.find((one) => one.hour === hour) ?? { hour, ...noCounts };
  const others = all
    .filter((one) => one.hour !== hour && Math.abs(one.hour - hour) < hoursMax)
    .sort((a, b) => a.hour - b.hour)
    .slice(-(hoursMax - 1));
  return { open: found, closed: packed(others) };
}

function counted({ first, counts }: Counts, bucket: number): Counts {
  if (counts.length === 0) return { first: bucket, counts: [1] };
  const start = Math.min(first, bucket);
  const end = Math.max(first + counts.length, bucket + 1);
  const next = new Array<number>(end - start).fill(0);
  for (const [index, count] of counts.entries()) next[first - start + index] = count;
  next[bucket - start] = (next[bucket - start] ?? 0) + 1;
  return { first: start, counts: next };
}

const separator = '|';

/** @param all in the order of their hours, which lie less than a few days apart. */
function packed(all: readonly Hour[]): string {
  const [first] = all;
  if (first === undefined) return '';
  const parts: (string | number)[] = [first.hour];
  for (const hour of all) {
    while (parts.length <= hour.hour - first.hour) parts.push('');
    const counts = hour.counts.map((count) => (count === 0 ? '' : count.toString(36)));
    parts.push(`${hour.first} ${counts.join(',')}`);
  }
  // By joining, which makes one flat string: one put together by `+` keeps its parts.
  return parts.join(separator);
}

const countOf = (text: string): number => (text === '' ? 0 : Number.parseInt(text, 36));

function unpacked(text: string): readonly Hour[] {
  const [begins, ...parts] = text.split(separator);
  return parts.flatMap((part, index) => {
    const [first, counts] = part.split(' ');
    if (counts === undefined) return [];
    return [{ hour: Number(begins) + index, first: Number(first), counts: counts.split(',').map(countOf) }];
  });
}

/** Of the hour to which that instant belongs, or since counting began. Empty where nothing is known of it. */
export function bucketsOf(histograms: Histograms, at: Instant | null): readonly Bucket[] {
  const { first, counts } = at === null ? histograms.total : (findHour(histograms, hourOf(at)) ?? noCounts);
  return counts.flatMap((count, index) => (count === 0 ? [] : [{ upTo: bucketEnd(first + index), count }]));
}

function findHour({ open, closed }: Histograms, hour: number): Counts | null {
  if (open?.hour === hour) return open;
  return unpacked(closed).find((one) => one.hour === hour) ?? null;
}

/** The hours of which anything is known, in their order. */
export function hoursOf({ open, closed }: Histograms): readonly number[] {
  const known = unpacked(closed).map(({ hour }) => hour);
  if (open !== null) known.push(open.hour);
  return known.sort((a, b) => a - b);
}
