/** A target's histograms as the control socket and the metrics show them. */
import { rfc3339 } from '../time.ts';
import { histogram, hoursKnown, type Statistics } from './core/statistics.ts';

export type Bars = { readonly [bound: string]: number };

/** The upper bound of a bar in milliseconds, as short as it is exact enough. */
export const boundText = (bound: number): string => String(Number(bound.toPrecision(6)));

/** By the hour in which it began, the latest last: how many answers came within which bound, and above the bound before. */
export function histogramsOf(statistics: Statistics): Readonly<Record<string, Bars>> {
  return Object.fromEntries(
    hoursKnown(statistics).map((began) => {
      const bars = histogram(statistics, began).map(({ upTo, count }) => [boundText(upTo), count] as const);
      return [rfc3339(began), Object.fromEntries(bars)];
    }),
  );
}
