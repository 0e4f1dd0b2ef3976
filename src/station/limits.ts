/**
 * Limits, asked in the transaction that leases messages, so that what several
 * messages to one person count for each other is exact. The rule is core's; here
 * it is given what was sent, as the outbox knows it. What goes out together
 * counts as one message.
 */
import { formatDuration, type Instant } from '../time.ts';
import type { PersonId } from './core/alert.ts';
import { heldUntil, sentToKnow } from './core/limit.ts';
import type { LimitNote } from './core/message.ts';
import { inboxName, type Person, type Policy } from './core/policy.ts';
import type { Group } from './gather.ts';
import type { LeasedMessage, MessageId, SentMessage, Transaction } from './store/store.ts';

/** What goes out as one message, and what it has to say of the limit. */
export type JudgedGroup = Group & { readonly limit: LimitNote | null };

export type HeldMessage = { readonly message: LeasedMessage; readonly until: Instant; readonly why: string };

/**
 * Sorts what was just leased into what goes out and what a limit holds back.
 * @param holding messages that are held back, though their receipt is not committed yet.
 */
export async function judgeLimits(
  tx: Transaction,
  groups: readonly Group[],
  policy: Policy,
  now: Instant,
  holding: ReadonlySet<MessageId>,
): Promise<{ readonly go: readonly JudgedGroup[]; readonly held: readonly HeldMessage[] }> {
  const go: JudgedGroup[] = [];
  const held: HeldMessage[] = [];
  const sent = new Map<PersonId, SentMessage[]>();
  // What was leased just now counts once it goes.
  const except = [...holding, ...groups.flatMap(({ messages }) => messages.map(({ id }) => id))];
  for (const group of groups) {
    const [first] = group.messages;
    const person = first === undefined ? null : limitedPerson(first, policy);
    if (first === undefined || person === null) {
      go.push({ ...group, limit: null });
      continue;
    }
    const before = sent.get(person.id) ?? [
      ...(await tx.sentTo(person.id, sentToKnow(person.limits), except, now)),
    ];
    sent.set(person.id, before);
    // Of those that go together the first counts for all, which is the most urgent.
    const { key, level } = first;
    // Another channel's copy of what went out already, by itself or with others, does not count again.
    const counted = before.some((one) => one.key === key) || (await wasSent(tx, key));
    const until = counted ? null : heldUntil(person.limits, before, level, now);
    if (until !== null) {
      held.push(...group.messages.map((message) => ({ message, until, why: wordsOf(person) })));
      continue;
    }
    const heldBack = counted ? 0 : await tx.heldBack(person.id, before[0]?.begunAt ?? (0 as Instant));
    if (!counted) before.unshift({ key, at: now, begunAt: now, level });
    const ends = heldUntil(person.limits, before, level, now);
    go.push({ ...group, limit: ends === null && heldBack === 0 ? null : { heldBack, until: ends } });
  }
  return { go, held };
}

async function wasSent(tx: Transaction, key: string): Promise<boolean> {
  return (await tx.loadFates(key)).some(({ channel, sent }) => sent && channel !== inboxName);
}

/** Whose limit counts for it; null: nobody's. The inbox wakes nobody, and whoever asks for a test wants to see it. */
function limitedPerson(message: LeasedMessage, policy: Policy): Person | null {
  if (message.channel === inboxName || message.kind === 'test') return null;
  const person = policy.people.get(message.person);
  return person === undefined || person.limits.length === 0 ? null : person;
}

function wordsOf({ limits }: Person): string {
  const words = limits.map(({ count, per }) => `${count} in ${formatDuration(per)}`);
  return `over the limit of ${words.join(', ')}`;
}
