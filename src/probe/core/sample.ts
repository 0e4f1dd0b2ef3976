/**
 * What is usual: a bounded sample of a quantity over a long time, and figures
 * of it that a few odd values cannot move. The sample thins itself: once it is
 * full it keeps every second value and from then on takes only every second
 * one, and so on; so a young one knows the last minutes and an old one the day.
 */

export type Sample = {
  readonly values: readonly number[];
  /** Every so many-th value is taken. */
  readonly stride: number;
  readonly skipped: number;
  readonly median: number;
  /** The median distance from the median, times 1.4826: for a normal distribution its standard deviation. */
  readonly spread: number;
  /** Below and above these lie 5 % of the values. */
  readonly low: number;
  readonly high: number;
  /** The median change from one value to the next that was taken. */
  readonly change: number;
};

/** How many values are kept. */
export const sampleMax = 64;
/** With pings every 30 seconds, 64 values of which each stands for 32 cover 17 hours. */
export const strideMax = 32;
const asDeviation = 1.4826;
const tail = 0.05;

export const emptySample: Sample = {
  values: [],
  stride: 1,
  skipped: 0,
  median: 0,
  spread: 0,
  low: 0,
  high: 0,
  change: 0,
};

/**
 * The row with one more number at its end, and no longer than `max`. Filled one by one into an array of just that
 * size: spread and push would leave it with room to spare, or with each number in a box of its own, and there are
 * hundreds of thousands of these.
 */
export function appended(row: readonly number[], value: number, max: number): readonly number[] {
  const kept = Math.min(row.length, max - 1);
  const next = new Array<number>(kept + 1);
  for (let i = 0; i < kept; i++) next[i] = row[row.length - kept + i] ?? 0;
  next[kept] = value;
  return next;
}

/** The sample with one more value. */
export function admit(sample: Sample, value: number): Sample {
  if (sample.skipped + 1 < sample.stride) return { ...sample, skipped: sample.skipped + 1 };
  const isFull = sample.values.length >= sampleMax && sample.stride < strideMax;
  const kept = isFull ? sample.values.filter((_, index) => index % 2 === 1) : sample.values;
  const values = appended(kept, value, sampleMax);
  return { values, stride: isFull ? sample.stride * 2 : sample.stride, skipped: 0, ...figures(values) };
}

function figures(values: readonly number[]): Omit<Sample, 'values' | 'stride' | 'skipped'> {
  const sorted = Float64Array.from(values).sort();
  const median = middle(sorted);
  const last = sorted.length - 1;
  return {
    median,
    spread: asDeviation * middle(sorted.map((value) => Math.abs(value - median)).sort()),
    low: sorted[Math.floor(last * tail)] ?? median,
    high: sorted[Math.ceil(last * (1 - tail))] ?? median,
    change: medianChange(values),
  };
}

/** The median of how much each value differs from the one before; 0 for fewer than two. */
export function medianChange(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const changes = new Float64Array(values.length - 1);
  for (let i = 1; i < values.length; i++) changes[i - 1] = Math.abs((values[i] ?? 0) - (values[i - 1] ?? 0));
  return middle(changes.sort());
}

/** Null where there is none. */
export function medianOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : middle(Float64Array.from(values).sort());
}

/** A quarter of them lie above it. Null where there is none. */
export function upperQuartileOf(values: readonly number[]): number | null {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length * 0.75)] ?? null;
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}
