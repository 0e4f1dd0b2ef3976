/**
 * What a receipt does: settles its message in the outbox and leaves an entry in
 * the alert's history. A message that would be tried again, but has been
 * overtaken meanwhile, ends as obsolete.
 */
import { type Instant, plus } from '../time.ts';
import type { Alert, HistoryEntry, ReceiptOutcome } from './core/alert.ts';
import type { OwedMessage } from './core/notification.ts';
import type { Event } from './door.ts';
import type { Settlement, Transaction, UnsettledMessage } from './store/store.ts';

export type ReceiptEvent = Extract<Event, { kind: 'receipt' }>;

/** @returns the entries for the history; none for a message that was settled already. */
export async function settleReceipt(tx: Transaction, event: ReceiptEvent): Promise<readonly HistoryEntry[]> {
  const message = await tx.loadMessage(event.message);
  if (message === null) return [];
  const [alert] = await tx.loadKeyed([message.alert]);
  const settlement = settlementOf(event, message, alert);
  await tx.settle([settlement]);
  const outcome = settlement.kind === 'retry' ? 'will-retry' : settlement.kind;
  // A long queue is judged again whenever the limit ends: that it waits is on record already.
  if (outcome === 'held-back' && message.held) return [];
  return [receiptEntry(message, event.at, outcome, settlement.why)];
}

/** What became of a message, for its alert's history. */
export function receiptEntry(
  message: OwedMessage,
  at: Instant,
  outcome: ReceiptOutcome,
  why: string,
): HistoryEntry {
  const { alert, person, channel, kind } = message;
  const change = { kind: 'receipt', person, channel, of: kind, outcome, why } as const;
  return { alert, at, quiet: true, by: null, change };
}

function settlementOf(event: ReceiptEvent, message: UnsettledMessage, alert: Alert | undefined): Settlement {
  const { receipt, at } = event;
  const id = event.message;
  switch (receipt.kind) {
    case 'delivered':
      return { id, kind: 'delivered', at, title: receipt.title, text: receipt.text, why: receipt.why };
    case 'failed':
      return { id, kind: goesOn(message, alert) ? 'moved-on' : 'failed', at, why: receipt.why };
    case 'held-back': {
      const overtaken = alert === undefined ? 'the alert is gone' : overtakenBy(message, alert);
      if (overtaken !== null) return { id, kind: 'obsolete', at, why: `${overtaken}; ${receipt.why}` };
      return { id, kind: 'held-back', at, until: receipt.until, why: receipt.why };
    }
    case 'retry': {
      const overtaken = alert === undefined ? 'the alert is gone' : overtakenBy(message, alert);
      if (overtaken !== null) return { id, kind: 'obsolete', at, why: `${overtaken}; last: ${receipt.why}` };
      if (message.next !== null && plus(at, receipt.after) > plus(message.dueAt, message.next.wait)) {
        return { id, kind: 'moved-on', at, why: receipt.why };
      }
      return { id, kind: 'retry', at, notBefore: plus(at, receipt.after), why: receipt.why };
    }
    default:
      return receipt satisfies never;
  }
}

/** Whether the person's next channel is to take over. */
function goesOn(message: UnsettledMessage, alert: Alert | undefined): boolean {
  return message.next !== null && alert !== undefined && overtakenBy(message, alert) === null;
}

/** What has made a message pointless since it was owed; null while it still says something of use. */
export function overtakenBy(message: UnsettledMessage, alert: Alert): string | null {
  if (message.followed) return 'a newer message follows';
  if (alert.episode !== message.episode) return 'a new episode began';
  switch (message.kind) {
    case 'raised':
    case 're-raised':
    case 'reminder':
      return alert.phase.kind === 'raised' ? null : `${alert.phase.kind} before it could be sent`;
    case 'acknowledged':
      return alert.phase.kind === 'acknowledged' ? null : 'no longer acknowledged';
    case 'cleared':
      return alert.phase.kind === 'cleared' ? null : 'raised again';
    case 'test':
      return null;
    default:
      return message.kind satisfies never;
  }
}
