/**
 * Times, levels and states in words. Times are shown in the policy's time zone,
 * short where they are near, and always with the full time to be had.
 */
import { html } from 'hono/html';
import type { Alert, Level } from '../../station/core/alert.ts';
import { type Duration, days, type Instant, minutes, rfc3339, seconds, since } from '../../time.ts';

export type Html = ReturnType<typeof html>;
export const nothing: Html = html``;

/** The moment and the place from which a page is seen. */
export type View = { readonly now: Instant; readonly timezone: string };

/** How a length of time is said at a glance: one unit, rounded down. */
export function roughly(duration: Duration): string {
  const size = Math.abs(duration);
  if (size < seconds(1)) return '0s';
  if (size < minutes(1)) return `${Math.floor(size / 1000)}s`;
  if (size < minutes(60)) return `${Math.floor(size / 60_000)}m`;
  if (size < days(2)) {
    const wholeHours = Math.floor(size / 3_600_000);
    const rest = Math.floor((size % 3_600_000) / 60_000);
    return rest === 0 || wholeHours >= 10 ? `${wholeHours}h` : `${wholeHours}h ${rest}m`;
  }
  return `${Math.floor(size / 86_400_000)}d`;
}

type Formats = { readonly full: Intl.DateTimeFormat; readonly parts: Intl.DateTimeFormat };
const formats = new Map<string, Formats>();

function formatsOf(timezone: string): Formats {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const fields = { timeZone: timezone, hourCycle: 'h23' } as const;
  const made: Formats = {
    full: new Intl.DateTimeFormat('en-GB', {
      ...fields,
      ...{ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
      ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
    }),
    parts: new Intl.DateTimeFormat('en-GB', {
      ...fields,
      ...{
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        year: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
      },
    }),
  };
  formats.set(timezone, made);
  return made;
}

/** `05:10` today, `Mon 23 Nov, 05:10` within the year, with the year beyond. */
export function clockTime(at: Instant, view: View): string {
  const { parts } = formatsOf(view.timezone);
  const read = (when: Instant): Record<string, string> =>
    Object.fromEntries(parts.formatToParts(when).map(({ type, value }) => [type, value]));
  const then = read(at);
  const now = read(view.now);
  const time = `${then.hour}:${then.minute}`;
  if (then.day === now.day && then.month === now.month && then.year === now.year) return time;
  const year = then.year === now.year ? '' : ` ${then.year}`;
  return `${then.weekday} ${then.day} ${then.month}${year}, ${time}`;
}

export const fullTime = (at: Instant, view: View): string => formatsOf(view.timezone).full.format(at);

/** What an alert is called: its subject, or its id where the subject shows nothing. */
export const nameOf = ({ subject, id }: Pick<Alert, 'subject' | 'id'>): string =>
  /[\p{L}\p{N}\p{P}\p{S}]/u.test(subject) ? subject : id;

/** "14m", with the full time on asking; the page's script keeps it up to date. */
export function age(at: Instant, view: View): Html {
  const text = roughly(since(at, view.now));
  return html`<time datetime="${rfc3339(at)}" title="${fullTime(at, view)}" data-age>${text}</time>`;
}

/** "05:10". */
export function time(at: Instant, view: View): Html {
  return html`<time datetime="${rfc3339(at)}" title="${fullTime(at, view)}">${clockTime(at, view)}</time>`;
}

/** "05:10 (in 2h)" or "03:00 (14m ago)"; the page's script keeps the distance up to date. */
export function timeAndDistance(at: Instant, view: View): Html {
  const distance = roughly(since(at, view.now));
  return html`${time(at, view)} <span class="quiet" data-distance="${rfc3339(at)}">(${at > view.now ? `in ${distance}` : `${distance} ago`})</span>`;
}

export const levelOf = (alert: Alert): Level => alert.level ?? 'normal';

/** By word and, from the style sheet, by shape; the colour says it a third time. */
export function levelMark(level: Level): Html {
  return html`<span class="level ${level}">${level}</span>`;
}

/** `#12`: what people write in a reply, and say on the telephone. */
export function codeMark(code: number | null): Html {
  return code === null ? nothing : html` <span class="code"><span class="sr">code </span>#${code}</span>`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
