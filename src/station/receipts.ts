/**
 * What a receipt does: settles its message in the outbox and leaves an entry in
 * the alert's history. A message that would be tried again, but has been
 * overtaken meanwhile, ends as obsolete; one that did not arrive goes on to the
 * person's next channel; where there is none, somebody else must know.
 */
import { type Duration, days, hours, type Instant, minutes, plus, since } from '../time.ts';
import type { Alert, HistoryEntry, PersonId, ReceiptOutcome } from './core/alert.ts';
import type { OwedMessage } from './core/notification.ts';
import { inboxName } from './core/policy.ts';
import type { Event, Receipt } from './door.ts';
import type { MessageId, Settlement, Transaction, UnsettledMessage } from './store/store.ts';

export type ReceiptEvent = Extract<Event, { kind: 'receipt' }>;
export type ReportEvent = Extract<Event, { kind: 'report' }>;

/** How often a provider is asked again that has taken a message and does not say what became of it. */
const askAgain = hours(1);
/** A test message is given up after so long. */
export const testMost: Duration = minutes(10);
/** After so long it will not say any more. */
export const acceptedMost: Duration = days(1);

/** A person whom an alert's message did not reach by any of their channels. */
export type Unreached = { readonly alert: Alert; readonly person: PersonId; readonly why: string };

/** What came of receipts. */
export type Settled = {
  readonly history: readonly HistoryEntry[];
  readonly unreached: Unreached | null;
  /** Whom a message has reached. */
  readonly reached: PersonId | null;
};

const nothing: Settled = { history: [], unreached: null, reached: null };

/** An alert as it is by now, if what came before in the same transaction changed it. */
export type Current = (alert: Alert) => Alert;

/** @returns nothing for a message that was settled already. */
export async function settleReceipt(
  tx: Transaction,
  event: ReceiptEvent,
  current: Current,
): Promise<Settled> {
  const message = await tx.loadMessage(event.message);
  const about: ReadonlySet<string> = new Set(['pending', 'leased']);
  const late = event.receipt.kind === 'overdue' && message?.status === 'accepted';
  if (message === null || !(about.has(message.status) || late)) return nothing;
  const alert = await alertOf(tx, message, current);
  const settlement = settlementOf(event, message, alert);
  return await settle(tx, event.at, message, alert, settlement, event.receipt);
}

/** What the provider says of the messages that it took under one reference; null where none are known. */
export async function settleReport(
  tx: Transaction,
  event: ReportEvent,
  current: Current,
): Promise<readonly Settled[] | null> {
  const ids = await tx.loadReported(event.channel, event.report.reference);
  if (ids.length === 0) return null;
  const settled: Settled[] = [];
  for (const id of ids) {
    const message = await tx.loadMessage(id);
    if (message === null) continue;
    const alert = await alertOf(tx, message, current);
    const settlement = reportSettlement(id, event, message, alert);
    if (settlement !== null) settled.push(await settle(tx, event.at, message, alert, settlement, null));
  }
  return settled;
}

async function alertOf(
  tx: Transaction,
  message: UnsettledMessage,
  current: Current,
): Promise<Alert | undefined> {
  const [alert] = await tx.loadKeyed([message.alert]);
  return alert === undefined ? undefined : current(alert);
}

async function settle(
  tx: Transaction,
  at: Instant,
  message: UnsettledMessage,
  alert: Alert | undefined,
  settlement: Settlement,
  receipt: Receipt | null,
): Promise<Settled> {
  await tx.settle([settlement]);
  const history = entriesOf(message, settlement, at);
  const arrived = settlement.kind === 'delivered' || settlement.kind === 'confirmed';
  const by = receipt?.kind === 'delivered' ? receipt.by : message.channel;
  const reached = arrived && by !== inboxName ? message.person : null;
  const unreached = alert === undefined ? null : await unreachedBy(tx, message, alert, settlement);
  return { history, unreached, reached };
}

function entriesOf(
  message: UnsettledMessage,
  { kind, why }: Settlement,
  at: Instant,
): readonly HistoryEntry[] {
  const outcome = outcomes[kind];
  if (outcome === null) return [];
  // What waits is judged again and again: that it waits, and why, is on record already.
  if (kind === 'held-back' && message.held) return [];
  if ((kind === 'gathered' || kind === 'noted') && message.why === why) return [];
  if (why === quietly) return [];
  return [receiptEntry(message, at, outcome, why)];
}

const outcomes: Readonly<Record<Settlement['kind'], ReceiptOutcome | null>> = {
  accepted: 'accepted',
  noted: 'sent',
  waits: 'waits',
  delivered: 'delivered',
  confirmed: 'delivered',
  retry: 'will-retry',
  failed: 'failed',
  'moved-on': 'moved-on',
  'passed-on': 'moved-on',
  overdue: 'overdue',
  watched: 'overdue',
  obsolete: 'obsolete',
  'held-back': 'held-back',
  gathered: 'gathered',
};

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

/** The station ended after it took a message to send, and before it was on record what became of it. */
export const cutShort = (message: OwedMessage, at: Instant): HistoryEntry =>
  receiptEntry(
    message,
    at,
    'will-retry',
    'the station ended while it was under way: it is sent again, and may arrive twice',
  );

// ---------------------------------------------------------------- what a receipt means

function settlementOf(event: ReceiptEvent, message: UnsettledMessage, alert: Alert | undefined): Settlement {
  const { receipt, at, message: id } = event;
  const overtaken = alert === undefined ? 'the alert is gone' : overtakenBy(message, alert);
  switch (receipt.kind) {
    case 'delivered': {
      const { title, text, why, reference } = receipt;
      return {
        id,
        kind: 'delivered',
        at,
        title,
        text,
        why,
        ...(reference === undefined ? {} : { reference }),
      };
    }
    case 'accepted': {
      const { title, text, why, reference } = receipt;
      return { id, kind: 'accepted', at, ask: plus(at, askAgain), title, text, why, reference };
    }
    case 'failed':
      return { id, kind: goesOn(message, overtaken) ? 'moved-on' : 'failed', at, why: receipt.why };
    case 'held-back':
    case 'gathered':
      if (overtaken !== null) return { id, kind: 'obsolete', at, why: `${overtaken}; ${receipt.why}` };
      return { id, kind: receipt.kind, at, until: receipt.until, why: receipt.why };
    case 'waits':
      return { id, kind: 'waits', at, why: receipt.why };
    case 'retry':
      // Whoever asked for it does not wait so long.
      if (message.kind === 'test' && since(message.dueAt, at) > testMost) {
        return { id, kind: 'failed', at, why: receipt.why };
      }
      if (overtaken !== null) return { id, kind: 'obsolete', at, why: `${overtaken}; last: ${receipt.why}` };
      // It would have moved on by then.
      if (message.next !== null && message.watchAt !== null && plus(at, receipt.after) > message.watchAt) {
        return { id, kind: 'moved-on', at, why: receipt.why };
      }
      return { id, kind: 'retry', at, notBefore: plus(at, receipt.after), why: receipt.why };
    case 'overdue':
      return overdueSettlement(id, receipt, at, message, overtaken);
    default:
      return receipt satisfies never;
  }
}

/** In place of a reason: what is overdue, but no longer of use, or known to be, is no news. */
const quietly = '';

function overdueSettlement(
  id: MessageId,
  { started, state, why: said }: Extract<Receipt, { kind: 'overdue' }>,
  at: Instant,
  message: UnsettledMessage,
  overtaken: string | null,
): Settlement {
  const why = message.why === '' || message.why === said ? said : `${said}; last: ${message.why}`;
  const isTaken = message.status === 'accepted';
  if (overtaken === null && message.next !== null) {
    return { id, kind: started || isTaken ? 'passed-on' : 'moved-on', at, why };
  }
  if (isTaken) return takenSettlement(id, state, at, message, { why, overtaken });
  if (overtaken === null) return { id, kind: 'overdue', at, why };
  // What was to move on is not sent by this channel any more.
  return message.next !== null && !started
    ? { id, kind: 'obsolete', at, why: overtaken }
    : { id, kind: 'overdue', at, why: quietly };
}

/** The provider has it and does not say that it arrived: it is asked again, until it will not say any more. */
function takenSettlement(
  id: MessageId,
  state: Extract<Receipt, { kind: 'overdue' }>['state'],
  at: Instant,
  message: UnsettledMessage,
  { why, overtaken }: { readonly why: string; readonly overtaken: string | null },
): Settlement {
  if (state === 'sent') return { id, kind: 'confirmed', at, why };
  if (since(message.sentAt ?? at, at) >= acceptedMost) return { id, kind: 'failed', at, why };
  const isNews = overtaken === null && isWatchedFirst(message);
  return { id, kind: 'watched', at, until: plus(at, askAgain), why: isNews ? why : quietly };
}

/** Whether it was not said yet that it is overdue. */
const isWatchedFirst = (message: UnsettledMessage): boolean => message.overdueAfter !== null;

/** Null where the report changes nothing. */
function reportSettlement(
  id: MessageId,
  { at, report: { state, why } }: ReportEvent,
  message: UnsettledMessage,
  alert: Alert | undefined,
): Settlement | null {
  switch (state) {
    case 'queued':
    case 'sent':
      return message.status === 'accepted' ? { id, kind: 'noted', at, why } : null;
    case 'delivered':
      return message.status === 'accepted' ? { id, kind: 'confirmed', at, why } : null;
    case 'undelivered':
    case 'failed': {
      if (message.status !== 'accepted' && message.status !== 'delivered') return null;
      const overtaken = alert === undefined ? 'the alert is gone' : overtakenBy(message, alert);
      return { id, kind: goesOn(message, overtaken) ? 'moved-on' : 'failed', at, why };
    }
    default:
      return state satisfies never;
  }
}

/** Whether the person's next channel is to take over. */
const goesOn = (message: UnsettledMessage, overtaken: string | null): boolean =>
  message.next !== null && overtaken === null;

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

// ---------------------------------------------------------------- whom nothing reaches

/** Whether this was the person's last channel for the message, and none of the others has brought it there. */
async function unreachedBy(
  tx: Transaction,
  message: UnsettledMessage,
  alert: Alert,
  settlement: Settlement,
): Promise<Unreached | null> {
  const { kind, id, why } = settlement;
  const ends = kind === 'failed' || kind === 'moved-on';
  const waits = (kind === 'overdue' || kind === 'watched') && why !== quietly;
  if (!(ends || waits) || message.kind === 'test' || message.channel === inboxName) return null;
  if (overtakenBy(message, alert) !== null) return null;
  // The inbox wakes nobody.
  const others = (await tx.loadFates(message.key)).filter(
    (fate) => fate.id !== id && fate.channel !== inboxName,
  );
  // What may still arrive elsewhere will say so itself.
  if (others.some(({ status, hopeful }) => status === 'delivered' || hopeful)) return null;
  const failed = others.filter(({ status }) => status === 'failed');
  const reasons = [...failed, { channel: message.channel, why }].map((one) => `${one.channel}: ${one.why}`);
  return { alert, person: message.person, why: reasons.join('; ') };
}
