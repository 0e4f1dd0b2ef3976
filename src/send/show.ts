/**
 * What -v and -vv show of an update, in the words of the original, which
 * scripts may read: a brief line, or the whole update as protobuf text on one
 * line. Pure.
 */
import type { AlertUpdate } from '../wire/update.ts';

export const brief = (update: AlertUpdate): string => `${update.transmissionId} from ${update.source}`;

export function full(update: AlertUpdate): string {
  const alerts = update.alerts.map(
    (alert) =>
      `alert {   id: ${quoted(alert.id)}   raise_time: ${alert.raiseTime}   clear_time: ${alert.clearTime}` +
      `   subject: ${quoted(alert.subject)}   summary: ${quoted(alert.summary)}   detail: ${quoted(alert.detail)}` +
      `   importance: ${alert.importance}   suppress_until: ${alert.suppressUntil} }`,
  );
  return [
    `transmission_id: ${update.transmissionId}`,
    `source: ${quoted(update.source)}`,
    `replace: ${update.replace}`,
    ...alerts,
    'signature: ""',
    `transmission_time: ${update.transmissionTime}`,
  ].join(' ');
}

/** Quotes, backslashes and what cannot be printed are escaped; all other characters stand as they are. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}
