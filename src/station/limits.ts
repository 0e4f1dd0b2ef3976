/**
 * Limits, asked in the transaction that leases messages, so that what several
 * messages to one person count for each other is exact. The rule is core's; here
 * it is given what was sent, as the outbox knows it.
 */
import { formatDuration, type Instant } from '../time.ts';
import type { PersonId } from './core/alert.ts';
import { heldUntil, sentToKnow } from './core/limit.ts';
import type { LimitNote } from './core/message.ts';
import type { Person, Policy } from './core/policy.ts';
import type { LeasedMessage, MessageId, SentMessage, Transaction } from './store/store.ts';

/** A message that goes out, and what it has to say of the limit. */
export type JudgedMessage = LeasedMessage & { readonly limit: LimitNote | null };

export type HeldMessage = { readonly message: LeasedMessage; readonly until: Instant; readonly why: string };

/** The inbox wakes nobody. */
const unlimited = 'inbox';

/**
 * Sorts what was just leased into what goes out and what a limit holds back.
 * @param holding messages that are held back, though their receipt is not committed yet.
 */
export async function judgeLimits(
  tx: Transaction,
  leased: readonly LeasedMessage[],
  policy: Policy,
  now: Instant,
  holding: ReadonlySet<MessageId>,
): Promise<{ readonly go: readonly JudgedMessage[]; readonly held: readonly HeldMessage[] }> {
  const go: JudgedMessage[] = [];
  const held: HeldMessage[] = [];
  const sent = new Map<PersonId, SentMessage[]>();
  // What was leased just now counts once it goes.
  const except = [...holding, ...leased.map(({ id }) => id)];
  for (const message of leased) {
    const person = policy.people.get(message.person);
    if (message.channel === unlimited || person === undefined || person.limits.length === 0) {
      go.push({ ...message, limit: null });
      continue;
    }
    const before = sent.get(person.id) ?? [
      ...(await tx.sentTo(person.id, sentToKnow(person.limits), except, now)),
    ];
    sent.set(person.id, before);
    // Another channel's copy of what went out already does not count again.
    const counted = before.some(({ key }) => key === message.key);
    const until = counted ? null : heldUntil(person.limits, before, message.level, now);
    if (until !== null) {
      held.push({ message, until, why: wordsOf(person) });
      continue;
    }
    const heldBack = counted ? 0 : await tx.heldBack(person.id, before[0]?.begunAt ?? (0 as Instant));
    if (!counted) before.unshift({ key: message.key, at: now, begunAt: now, level: message.level });
    const ends = heldUntil(person.limits, before, message.level, now);
    go.push({ ...message, limit: ends === null && heldBack === 0 ? null : { heldBack, until: ends } });
  }
  return { go, held };
}

function wordsOf({ limits }: Person): string {
  const words = limits.map(({ count, per }) => `${count} in ${formatDuration(per)}`);
  return `over the limit of ${words.join(', ')}`;
}
