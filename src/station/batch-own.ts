/**
 * The station's own alerts in a batch: that a message reached nobody, that
 * somebody can be reached again, and what test messages are recorded with. They
 * are decided on like any other alert, in the transaction of the receipt.
 */
import type { Alert, PersonId } from './core/alert.ts';
import type { Context } from './core/decide.ts';
import { concerned, reachable, tested, testMessage, unreachable, unreachableId } from './core/own-alerts.ts';
import { inboxName } from './core/policy.ts';
import { type Report, textMax } from './core/update.ts';
import type { Event, Outcome } from './door.ts';
import type { Settled } from './receipts.ts';
import { refusal } from './refusals.ts';
import type { Transaction } from './store/store.ts';

export type TestEvent = Extract<Event, { kind: 'test-message' }>;

/** What the batch lends. */
export type OwnAlerts = {
  readonly context: Context;
  /** One of the station's own alerts; null where it is not known yet. */
  readonly find: (id: string) => Promise<Alert | null>;
  /** An alert as this batch has left it. */
  readonly current: (alert: Alert) => Alert;
  /** @returns the alert as it is then; null where the decision failed. */
  readonly report: (report: Report, before: Alert | null) => Promise<Alert | null>;
};

/** Where nothing has reached a person, others are told; where something has, that ends. */
export async function tellOfReach(own: OwnAlerts, { unreached, reached }: Settled): Promise<void> {
  const { now, policy } = own.context;
  if (unreached !== null) {
    const { alert, person, why } = unreached;
    const known = policy.people.get(person);
    const before = await own.find(unreachableId(person));
    // Said once is enough: what else does not reach them changes nothing.
    if (known === undefined || (before !== null && before.phase.kind !== 'cleared')) return;
    const concerns = concerned(own.current(alert), await lostBesides(own, person), own.context);
    await own.report(unreachable(known, why.slice(0, textMax.summary), concerns, now), before);
  }
  if (reached === null) return;
  const before = await own.find(unreachableId(reached));
  if (before !== null && before.phase.kind !== 'cleared') await own.report(reachable(reached, now), before);
}

/** This person, and all others of whom it is known. */
async function lostBesides(own: OwnAlerts, person: PersonId): Promise<ReadonlySet<PersonId>> {
  const lost = new Set([person]);
  for (const other of own.context.policy.people.keys()) {
    const alert = await own.find(unreachableId(other));
    if (alert !== null && alert.phase.kind !== 'cleared') lost.add(other);
  }
  return lost;
}

/** Owes a message that says nothing but that it arrives. */
export async function oweTest(own: OwnAlerts, tx: Transaction, event: TestEvent): Promise<Outcome> {
  const { now, policy } = own.context;
  const { channel, by } = event;
  const person = policy.people.get(event.person);
  if (person === undefined) return refusal('no-such-person');
  if (channel !== inboxName && person.addresses[channel] === undefined) {
    const known = [...Object.keys(person.addresses), inboxName].join(', ');
    return refusal(
      'no-such-channel',
      `The policy gives no ${channel} of ${person.name}: known here are ${known}.`,
    );
  }
  const report = tested(person.id, now);
  const alert = await own.report(report, await own.find(report.id));
  if (alert === null) throw new Error('a test message without an alert');
  const owed = testMessage(alert, person.id, channel, by, now);
  await tx.enqueue([owed], now);
  const message = (await tx.loadFates(owed.key)).find((fate) => fate.channel === channel)?.id;
  return { ok: true, alert, ...(message === undefined ? {} : { message }) };
}
