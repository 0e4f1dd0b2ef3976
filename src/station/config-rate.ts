/**
 * How fast a channel may send, as the station file writes it: `20/m` is twenty
 * messages a minute, `5/10s` five in ten seconds. Providers set such a pace, and
 * cut off who does not keep it.
 */
import * as z from 'zod';
import { type Duration, days, milliseconds, parseDuration } from '../time.ts';

export type Rate = { readonly count: number; readonly per: Duration };

/** More than any provider takes; a rate is there to limit. */
export const rateCountMax = 10_000;
const perMax = days(1);
const rateExpected = 'so many messages in so long are expected, such as 1/s, 20/m or 5/10s';

export const rateSchema = z.string({ error: rateExpected }).transform((written, context): Rate => {
  const [, digits = '', length = ''] = /^\s*(\d{1,9})\s*\/\s*(\d{0,4}[smhd])\s*$/.exec(written) ?? [];
  const count = Number(digits);
  const per = parseDuration(/^\d/.test(length) ? length : `1${length}`) ?? milliseconds(0);
  if (count >= 1 && count <= rateCountMax && per > 0 && per <= perMax) return { count, per };
  const message =
    digits === ''
      ? rateExpected
      : `1 to ${rateCountMax} messages in at most a day are expected, such as 20/m`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
