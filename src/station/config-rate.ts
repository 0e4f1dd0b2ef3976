/**
 * How fast a channel may send, as the station file writes it: `20/m` is twenty
 * messages a minute. Providers set such a pace, and cut off who does not keep it.
 */
import { z } from 'zod';
import { type Duration, days, hours, minutes, seconds } from '../time.ts';

export type Rate = { readonly count: number; readonly per: Duration };

/** More than any provider takes; a rate is there to limit. */
export const rateCountMax = 1_000_000;
const units: Readonly<Record<string, Duration>> = { s: seconds(1), m: minutes(1), h: hours(1), d: days(1) };
const rateExpected = 'so many messages a second, minute, hour or day are expected, such as 1/s or 20/m';

export const rateSchema = z.string({ error: rateExpected }).transform((written, context): Rate => {
  const [, digits = '', unit = ''] = /^\s*(\d{1,9})\s*\/\s*([smhd])\s*$/.exec(written) ?? [];
  const count = Number(digits);
  const per = units[unit];
  if (per !== undefined && count >= 1 && count <= rateCountMax) return { count, per };
  const message =
    per === undefined ? rateExpected : `a number from 1 to ${rateCountMax} is expected before /`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
