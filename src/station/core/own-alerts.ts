/**
 * The station's own alerts: that somebody cannot be reached. They are reported,
 * told, acknowledged and cleared like any other, under a source of their own.
 */
import { type Instant, rfc3339 } from '../../time.ts';
import type { Alert, PersonId } from './alert.ts';
import type { Context } from './draft.ts';
import type { OwedMessage } from './notification.ts';
import { absenceAt, groupOf, inboxName, type Person, peopleOf } from './policy.ts';
import { importanceDefault, ownSource, type Report } from './update.ts';

/** The id of the alert that this person cannot be reached. */
export const unreachableId = (person: PersonId): string => `${unreachableStart}${person}`;
const unreachableStart = 'unreachable/';

/** Of whom an alert with this id says so; null: it is another one. */
export const unreachablePerson = (id: string): PersonId | null =>
  id.startsWith(unreachableStart) ? (id.slice(unreachableStart.length) as PersonId) : null;

/** The id under which test messages to this person are on record. */
export const testId = (person: PersonId): string => `test/${person}`;

/** Whether the alert says that this very person cannot be reached: telling them of it would be in vain. */
export const isAbout = (alert: Pick<Alert, 'source' | 'id'>, person: PersonId): boolean =>
  alert.source === ownSource && alert.id === unreachableId(person);

/**
 * Who is to hear that somebody could not be told of an alert: those who were told of it besides; where there are none,
 * all others whom its rules name; where there are none of these either, everybody else. Who would not hear it just now
 * (they are away, or have nothing but the inbox for it) does not count as long as somebody else would.
 * @param said that the person cannot be reached. @param lost those of whom it is known that nothing reaches them.
 */
export function concerned(
  alert: Alert,
  said: Report,
  lost: ReadonlySet<PersonId>,
  context: Context,
): readonly PersonId[] {
  const { policy, now, names } = context;
  const { level } = groupOf(policy, { ...said, source: ownSource, importance: importanceDefault }, names);
  const others = (people: readonly PersonId[]): readonly PersonId[] =>
    [...new Set(people)].filter((one) => !lost.has(one) && policy.people.has(one));
  const hears = (one: PersonId): boolean => {
    const known = policy.people.get(one);
    if (known === undefined || absenceAt(known, now) !== null) return false;
    return known.channels[level].channels.some((channel) => channel !== inboxName);
  };
  const named = groupOf(policy, alert, names).rules.flatMap(({ who }) => peopleOf(who, now));
  const circles = [alert.told, named, [...policy.people.keys()]].map(others);
  const awake = circles.find((circle) => circle.some(hears));
  return awake ?? circles.find((circle) => circle.length > 0) ?? [];
}

/** That somebody cannot be reached, and why not. */
export function unreachable(person: Pick<Person, 'id' | 'name'>, why: string, at: Instant): Report {
  return {
    ...plain(unreachableId(person.id), { kind: 'raise', at }),
    subject: person.id,
    summary: `${person.name} cannot be reached: ${why}`,
  };
}

/** That somebody can be reached again. */
export const reachable = (person: PersonId, at: Instant): Report => ({
  ...plain(unreachableId(person), { kind: 'clear', at }),
  subject: person,
});

/** What test messages to somebody are recorded with: an alert that was never raised. */
export const tested = (person: PersonId, at: Instant): Report => ({
  ...plain(testId(person), { kind: 'clear', at }),
  subject: person,
  summary: 'test messages',
});

/** A test message to somebody, asked for by `by`. @param alert what `tested` made. */
export function testMessage(
  alert: Alert,
  person: PersonId,
  channel: string,
  by: string,
  at: Instant,
): OwedMessage {
  return {
    key: `${alert.key}/test/${rfc3339(at)}/${person}`,
    alert: alert.key,
    episode: alert.episode,
    kind: 'test',
    rule: null,
    person,
    channel,
    next: null,
    level: 'normal',
    dueAt: at,
    overdueAfter: null,
    facts: {
      source: alert.source,
      subject: alert.subject,
      summary: alert.summary,
      alertId: alert.id,
      raisedAt: null,
      at,
      by,
      acknowledgedUntil: null,
      note: '',
    },
  };
}

const plain = (id: string, ask: Report['ask']): Report => ({
  id,
  subject: '',
  summary: '',
  detail: '',
  importance: 0,
  ask,
  willRaiseAt: null,
  willClearAt: null,
  suppressUntil: null,
});
