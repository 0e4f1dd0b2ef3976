/**
 * The station's own alerts in a batch: that a message reached nobody, that
 * somebody can be reached again, and what test messages are recorded with. They
 * are decided on like any other alert, in the transaction of the receipt.
 */
import type { Alert, PersonId } from './core/alert.ts';
import type { Context } from './core/decide.ts';
import {
  concerned,
  reachable,
  tested,
  testMessage,
  unreachable,
  unreachableId,
  unreachablePerson,
} from './core/own-alerts.ts';
import { inboxName } from './core/policy.ts';
import { type Report, textMax } from './core/update.ts';
import type { Event, Outcome } from './door.ts';
import type { Settled, Unreached } from './receipts.ts';
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
  const { now } = own.context;
  if (unreached !== null) return await tellUnreached(own, unreached);
  if (reached === null) return;
  const before = await own.find(unreachableId(reached));
  if (stands(before)) await own.report(reachable(reached, now), before);
}

const stands = (alert: Alert | null): boolean => alert !== null && alert.phase.kind !== 'cleared';

async function tellUnreached(own: OwnAlerts, { alert, person, why }: Unreached): Promise<void> {
  const known = own.context.policy.people.get(person);
  if (known === undefined) return;
  const before = await own.find(unreachableId(person));
  const said = unreachable(known, why.slice(0, textMax.summary), own.context.now);
  const knows = (one: PersonId): boolean =>
    before !== null && (before.told.includes(one) || before.concerns.includes(one));
  const lost = new Set([person]);
  // Said once is enough, but another alert may concern others, who know nothing of it yet.
  if (stands(before) && concerned(own.current(alert), said, lost, own.context).every(knows)) return;
  const concerns = await reachableOf(own, lost, () => concerned(own.current(alert), said, lost, own.context));
  if (!stands(before)) {
    await own.report({ ...said, concerns }, before);
    return;
  }
  const others = concerns.filter((one) => !knows(one));
  if (others.length === 0) return;
  await own.report({ ...said, summary: '', concerns: [...(before?.concerns ?? []), ...others] }, before);
}

/** Without those of whom it is known that nothing reaches them, which may leave it to others. @param lost grows. */
async function reachableOf(
  own: OwnAlerts,
  lost: Set<PersonId>,
  concerned: () => readonly PersonId[],
): Promise<readonly PersonId[]> {
  for (;;) {
    const people = concerned();
    const before = lost.size;
    for (const one of people) if (stands(await own.find(unreachableId(one)))) lost.add(one);
    if (lost.size === before) return people;
  }
}

/**
 * That somebody cannot be reached who is no longer in the policy is nobody's concern: nothing would ever end it.
 * @param raised the station's own alerts that stand.
 */
export async function forgetGone(own: OwnAlerts, raised: readonly Alert[]): Promise<void> {
  const { now, policy } = own.context;
  for (const { id } of raised) {
    const person = unreachablePerson(id);
    if (person === null || policy.people.has(person)) continue;
    const before = await own.find(id);
    if (stands(before)) await own.report(reachable(person, now), before);
  }
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
