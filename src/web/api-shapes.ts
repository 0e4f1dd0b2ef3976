/** Alerts and history as the JSON API shows them. Times are RFC 3339; what there is none of is null. */
import { type Alert, type AlertKey, isSuppressed, type Muted, raisedAt } from '../station/core/alert.ts';
import type { Forecast } from '../station/core/forecast.ts';
import { safeDetail } from '../station/html.ts';
import type { InboxMessage, StoredHistory, StoredSilence } from '../station/store/store.ts';
import { type Instant, rfc3339 } from '../time.ts';
import { aheadText } from './pages/ahead.ts';
import { inForce } from './pages/silences.ts';
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
    muted: mutedJson(alert.muted),
    episode: alert.episode,
    first_seen_at: rfc3339(alert.firstSeenAt),
    heard_at: rfc3339(alert.heardAt),
    changed_at: rfc3339(alert.changedAt),
    url: `${base}/alerts/${alert.key}`,
  };
}

/** Why nobody is told just now. */
function mutedJson(muted: Muted | null): object | null {
  if (muted === null) return null;
  const { kind, by, why, since, until } = muted;
  // By what another alert inhibits it is the station's own affair: `why` names that alert.
  const silence = kind === 'silenced' ? by : null;
  return { kind, silence, why, since: rfc3339(since), until: timeOrNull(until) };
}

/** @param now by which it is in force or not. */
export function silenceJson(silence: StoredSilence, now: Instant): object {
  const { id, match, reason, author, from, until, ended } = silence;
  return {
    id,
    match: JSON.parse(match),
    reason,
    author,
    from: rfc3339(from),
    until: rfc3339(until),
    in_force: inForce(silence, now),
    ended_at: timeOrNull(ended?.at ?? null),
    ended_by: ended?.by ?? null,
  };
}

/** A message owed to a person, and how far it has come. */
export function messageJson(message: InboxMessage): object {
  return {
    id: message.id,
    alert: message.alert,
    person: message.person,
    channel: message.channel,
    kind: message.kind,
    level: message.level,
    status: message.status,
    why: message.why,
    due_at: rfc3339(message.dueAt),
    settled_at: timeOrNull(message.settledAt),
    title: message.title,
  };
}

export function forecastJson(alert: AlertKey, forecast: Forecast): object {
  const { group, level, from, until, entries, cut } = forecast;
  const all = entries.map((entry) => ({ ...dataJson(entry), text: aheadText(entry) }));
  return { alert, group, level, from: rfc3339(from), until: rfc3339(until), cut, entries: all };
}

/** The data of an entry beside its seq, at, kind, by and quiet, under names like `raised_at`. */
export function historyJson(entry: StoredHistory): object {
  const { seq, at, by, quiet, change } = entry;
  return { ...dataJson(change), ...{ seq, at: rfc3339(at), kind: change.kind, by, quiet } };
}

/**
 * Fields under names like `raised_at`, with times as texts. By what an alert is muted is its `cause`: `by` is who did
 * something.
 */
const dataJson = (data: object): object =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name === 'by' ? 'cause' : snakeCase(name),
      timed(name, value),
    ]),
  );

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of a change that are instants, by name. */
const instantNames: ReadonlySet<string> = new Set([
  'at',
  'raisedAt',
  'clearedAt',
  'until',
  'willRaiseAt',
  'willClearAt',
]);

function timed(name: string, value: unknown): unknown {
  return instantNames.has(name) && typeof value === 'number' ? rfc3339(value as Instant) : value;
}
