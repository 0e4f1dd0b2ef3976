/**
 * How often a hop is probed: one rule for all engines, real and made up.
 */

const probesMax = 10;
const retriesMax = 9;

export type Attempts = {
  readonly count: number;
  /** All are sent; otherwise only until one is answered. */
  readonly all: boolean;
};

/**
 * Where several probes are wanted all of them are sent, and each is the
 * repetition of the others; else a probe is repeated until one is answered.
 */
export function attempts(order: { readonly probesPerHop: number; readonly retries: number }): Attempts {
  const probes = whole(order.probesPerHop, 1, probesMax);
  const repeated = 1 + whole(order.retries, 0, retriesMax);
  return probes > 1 ? { count: Math.max(probes, repeated), all: true } : { count: repeated, all: false };
}

/** A whole number between these. */
export const whole = (n: number, least: number, most: number): number =>
  Number.isFinite(n) ? Math.min(most, Math.max(least, Math.trunc(n))) : least;
