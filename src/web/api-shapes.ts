/** Alerts and history as the JSON API shows them. Times are RFC 3339; what there is none of is null. */
import { type Alert, isSuppressed, raisedAt } from '../station/core/alert.ts';
import { safeDetail } from '../station/html.ts';
import type { StoredHistory } from '../station/store/store.ts';
import { type Instant, rfc3339 } from '../time.ts';
import { levelOf } from './pages/words.ts';

const timeOrNull = (at: Instant | null): string | null => (at === null ? null : rfc3339(at));

/** @param base the station's address, without a slash at its end. */
export function alertJson(alert: Alert, now: Instant, base: string, detail?: 'with detail'): object {
  const { phase } = alert;
  const acknowledged = phase.kind === 'acknowledged' ? phase : null;
  return {
    id: alert.key,
    alert_id: alert.id,
    source: alert.source,
    subject: alert.subject,
    summary: alert.summary,
    ...(detail === undefined ? {} : { detail: safeDetail(alert.detail) }),
    importance: alert.importance,
    level: levelOf(alert),
    group: alert.group,
    state: phase.kind,
    suppressed: isSuppressed(alert, now),
    raised_at: timeOrNull(raisedAt(alert)),
    cleared_at: phase.kind === 'cleared' ? rfc3339(phase.since) : null,
    acknowledged_at: timeOrNull(acknowledged?.since ?? null),
    acknowledged_by: acknowledged?.by ?? null,
    acknowledged_until: timeOrNull(acknowledged?.until ?? null),
    note: acknowledged === null || acknowledged.note === '' ? null : acknowledged.note,
    will_raise_at: timeOrNull(alert.willRaiseAt),
    will_clear_at: timeOrNull(alert.willClearAt),
    suppress_until: timeOrNull(alert.suppressUntil),
    episode: alert.episode,
    first_seen_at: rfc3339(alert.firstSeenAt),
    heard_at: rfc3339(alert.heardAt),
    changed_at: rfc3339(alert.changedAt),
    url: `${base}/alerts/${alert.key}`,
  };
}

/** The data of an entry beside its seq, at, kind, by and quiet, under names like `raised_at`. */
export function historyJson(entry: StoredHistory): object {
  const { kind, ...data } = entry.change;
  const named = Object.entries(data).map(([name, value]) => [snakeCase(name), timed(name, value)]);
  return {
    ...Object.fromEntries(named),
    ...{ seq: entry.seq, at: rfc3339(entry.at), kind, by: entry.by, quiet: entry.quiet },
  };
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of a change that are instants, by name. */
const instantNames: ReadonlySet<string> = new Set([
  'raisedAt',
  'clearedAt',
  'until',
  'willRaiseAt',
  'willClearAt',
]);

function timed(name: string, value: unknown): unknown {
  return instantNames.has(name) && typeof value === 'number' ? rfc3339(value as Instant) : value;
}
