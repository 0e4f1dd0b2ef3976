/**
 * Time: the only file that reads the clock and sets timers. Everything else is
 * given an `Instant`, so that a test can live through ten years in ten seconds.
 */

/** Whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly brand: 'Instant' };

/** Whole milliseconds. */
export type Duration = number & { readonly brand: 'Duration' };

export const instant = (milliseconds: number): Instant => Math.trunc(milliseconds) as Instant;
export const milliseconds = (n: number): Duration => Math.trunc(n) as Duration;
export const seconds = (n: number): Duration => milliseconds(n * 1000);
export const minutes = (n: number): Duration => seconds(n * 60);
export const hours = (n: number): Duration => minutes(n * 60);
export const days = (n: number): Duration => hours(n * 24);

export const plus = (at: Instant, duration: Duration): Instant => (at + duration) as Instant;
export const minus = (at: Instant, duration: Duration): Instant => (at - duration) as Instant;
export const since = (earlier: Instant, later: Instant): Duration => (later - earlier) as Duration;
export const earliest = (...instants: readonly (Instant | null)[]): Instant | null =>
  instants.reduce<Instant | null>(
    (least, at) => (at !== null && (least === null || at < least) ? at : least),
    null,
  );
export const latest = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** RFC 3339 in UTC, with milliseconds only where there are any. */
export function rfc3339(at: Instant): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

const units: Readonly<Record<string, Duration>> = {
  ms: milliseconds(1),
  s: seconds(1),
  m: minutes(1),
  h: hours(1),
  d: days(1),
  w: days(7),
};

/**
 * A length of time as people write it: `90s`, `15m`, `2h`, `1h30m`, `15d`.
 * @returns null where the text is none; a bare number has no unit and is none either, except `0`.
 */
export function parseDuration(text: string): Duration | null {
  if (text === '0') return milliseconds(0);
  if (!/^(\d{1,9}(ms|[smhdw]))+$/.test(text)) return null;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    total += Number(digits) * (units[unit ?? ''] ?? 0);
  }
  return milliseconds(total);
}

/** The shortest way to write a length of time: `90s` stays `1m30s`, `3600000` ms is `1h`. */
export function formatDuration(duration: Duration): string {
  let rest = Math.abs(duration);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const size = units[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

export type Cancel = () => void;

/** The clock of a process. A simulated one stands in for it in tests. */
export interface Clock {
  now(): Instant;
  /** Calls `run` once, at `at` or as soon after as possible; the timer alone never keeps the process alive. */
  wake(at: Instant, run: () => void): Cancel;
  /** Calls `run` once, after `wait`, whatever becomes of the wall clock meanwhile. */
  after(wait: Duration, run: () => void): Cancel;
}

/** The longest single wait: after it the wall clock is read again, for it may have been set meanwhile. */
const stepMax = minutes(1);

/** What setTimeout can hold; nothing waits so long. */
const waitMax = milliseconds(2 ** 31 - 1);

/** For a program that has nothing to do but wait: unlike a clock's timers, this keeps the process alive. */
export const pause = (wait: Duration): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(wait, waitMax)));

export const systemClock: Clock = {
  now: () => Date.now() as Instant,
  wake(at, run) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      timer = setTimeout(
        () => (Date.now() < at ? arm() : run()),
        Math.min(stepMax, Math.max(0, at - Date.now())),
      );
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
  after(wait, run) {
    const timer = setTimeout(run, Math.min(wait, waitMax));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Time that never goes back: what rounds are planned by, and short waits
 * counted. If somebody sets the clock of the machine back by an hour, pings must
 * not stop for that hour. (Set forwards, rounds are missed, skipped and counted:
 * from here that cannot be told from a machine that slept.)
 *
 * Only for planning. What is recorded and sent bears the clock's own time.
 */
export class Steady {
  readonly #clock: Clock;
  #last: Instant;
  #behind = milliseconds(0);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  now(): Instant {
    const wall = this.#clock.now();
    const behind = since(wall, this.#last);
    if (behind > this.#behind) this.#behind = behind;
    this.#last = plus(wall, this.#behind);
    return this.#last;
  }
}
