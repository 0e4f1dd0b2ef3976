/**
 * Titles of messages that say several things: a digest of what was owed within
 * a short while, and the summary of what stands unacknowledged. On a lock
 * screen the title may be all that is read, so it counts.
 */
import { type NotificationKind, notificationKinds } from './alert.ts';
import type { Item } from './message-content.ts';

/** `3 alerts: 1 urgent, 2 normal`; where different things happened, `3 raised (1 urgent), 2 cleared`. */
export function digestTitle(items: readonly Item[]): string {
  const kinds = notificationKinds.filter((kind) => items.some(({ event }) => event === kind));
  const [only] = kinds;
  if (kinds.length > 1) return kinds.map((kind) => kindCount(kind, items)).join(', ');
  const urgent = items.filter(({ level }) => level === 'urgent').length;
  if (only === undefined || !items.some(({ asks }) => asks)) return kindCount(only ?? 'raised', items);
  const alerts = only === 'raised' ? 'alerts' : `alerts ${kindWords[only]}`;
  const low = items.filter(({ level }) => level === 'low').length;
  const counts = [
    [urgent, 'urgent'],
    [items.length - urgent - low, 'normal'],
    [low, 'low'],
  ] as const;
  return `${items.length} ${alerts}: ${counts
    .filter(([count]) => count > 0)
    .map(([count, level]) => `${count} ${level}`)
    .join(', ')}`;
}

const kindWords: Readonly<Record<NotificationKind, string>> = {
  raised: 'raised',
  're-raised': 'raised again',
  reminder: 'still raised',
  acknowledged: 'acknowledged',
  cleared: 'cleared',
  test: 'test',
};

function kindCount(kind: NotificationKind, items: readonly Item[]): string {
  const these = items.filter(({ event }) => event === kind);
  const urgent = these.filter(({ asks, level }) => asks && level === 'urgent').length;
  return `${these.length} ${kindWords[kind]}${urgent === 0 ? '' : ` (${urgent} urgent)`}`;
}

/** `23 alerts are unacknowledged, 4 urgent`. */
export function summaryTitle(items: readonly Item[], total: number): string {
  const urgent = items.filter(({ level }) => level === 'urgent').length;
  // Urgent ones come first: more of them may follow only where all that are listed are urgent.
  const atLeast = urgent === items.length && total > items.length ? 'at least ' : '';
  const words = urgent === 0 ? '' : `, ${atLeast}${urgent} urgent`;
  return `${total === 1 ? '1 alert is' : `${total} alerts are`} unacknowledged${words}`;
}

/**
 * The code of an alert to answer about as an example: one that is still to be acknowledged by the last thing that the
 * message says of it. @param listed only the first so many items are shown.
 */
export function exampleCode(items: readonly Item[], listed: number): number | null {
  const last = new Map(items.map((item) => [item.alert, item]));
  const asking = items.slice(0, listed).filter(({ alert }) => last.get(alert)?.asks === true);
  return asking.find(({ code }) => code !== null)?.code ?? null;
}
