/**
 * Who hears of it: compares what people were last told with how the alert
 * stands, and owes them the difference; then the reminders. Because it compares
 * states instead of reacting to events, a suppression, a restart or a reload
 * neither loses nor doubles a message.
 */
import { earliest, type Instant, minus, rfc3339 } from '../../time.ts';
import {
  type Announced,
  type NotificationKind,
  type PersonId,
  type Reminder,
  type RuleId,
  raisedAt,
} from './alert.ts';
import { type Draft, dueInFact, freshFor, record } from './draft.ts';
import type { HostNames } from './match.ts';
import { inhibitsOf, mute } from './mute.ts';
import type { NotificationFacts, OwedMessage } from './notification.ts';
import { isAbout } from './own-alerts.ts';
import {
  absenceAt,
  type ChannelPlan,
  type Episode,
  type Group,
  groupOf,
  inboxName,
  mayMean,
  type Person,
  peopleOf,
  type Rule,
} from './policy.ts';
import { firstDue, hoursOpen, isOpen, nextReminder } from './schedule.ts';

/** Owes what this decision makes due, and leaves in `wakeAt` when to look again (plans aside). */
export function settle(d: Draft): void {
  const { alert, context } = d;
  const { group, naming } = judged(d);
  alert.group = group.name;
  alert.level = group.level;
  alert.inhibits = inhibitsOf(d);
  const news = newsOf(d);
  if (mute(d, group, news, naming)) {
    alert.wakeAt = alert.muted?.until ?? null;
    return;
  }
  if (news !== null) {
    alert.announced = { kind: alert.phase.kind, episode: alert.episode };
    if (news === 'raised' || news === 're-raised') tellRaised(d, group, news);
    else tellEnded(d, group, news);
  } else {
    tellJoined(d, group);
    if (alert.phase.kind === 'raised') remind(d, group);
  }
  alert.wakeAt = earliest(
    ...alert.reminders.map(({ due, setAt }) => (due === null ? null : dueInFact(due, setAt, context))),
  );
}

/** The group, and whether it may change once an address is known that nobody has asked for yet. */
function judged({ alert, context }: Draft): { readonly group: Group; readonly naming: boolean } {
  let naming = false;
  const names: HostNames = {
    generation: context.names.generation,
    lookup: (host) => {
      const found = context.names.lookup(host);
      naming ||= found === undefined;
      return found;
    },
  };
  return { group: groupOf(context.policy, alert, names), naming };
}

/** What people have yet to be told of: how the alert stands, if it differs from what they last heard. */
function newsOf(d: Draft): Exclude<NotificationKind, 'reminder' | 'test'> | null {
  const { alert } = d;
  const told: Announced = alert.announced;
  switch (alert.phase.kind) {
    case 'cleared':
      return told.kind === 'cleared' ? null : 'cleared';
    case 'acknowledged':
      return told.kind === 'acknowledged' && told.episode === alert.episode ? null : 'acknowledged';
    case 'raised':
      if (told.kind === 'raised' && told.episode === alert.episode) return null;
      return told.kind === 'cleared' ? 'raised' : 're-raised';
    default:
      return alert.phase satisfies never;
  }
}

/** A new episode: whose rules are open hear now, the others at their next opening. */
function tellRaised(d: Draft, group: Group, kind: 'raised' | 're-raised'): void {
  const { alert, context } = d;
  const episode = { raisedAt: raisedAt(alert) ?? context.now };
  const people = new Map<PersonId, RuleId | null>();
  const reminders: Reminder[] = [];
  for (const rule of group.rules) {
    const due = firstDue(rule, episode, context.now);
    const open = due === context.now && isOpen(rule.during, episode, context.now);
    if (open) addPeople(people, rule, context.now);
    const next = open ? nextReminder(rule, episode, due, context.now) : due;
    reminders.push(reminderOf(rule, next, context.now, open ? 'something' : 'nothing'));
  }
  for (const person of alert.concerns) if (!people.has(person)) people.set(person, null);
  // Those who were told of the last episode were told how it went on; this one is news to all.
  alert.told = [];
  alert.reminders = reminders;
  owe(d, group, kind, people, context.now, (person) => `${alert.key}/${alert.episode}/${kind}/${person}`);
}

/**
 * An acknowledgement or a clear: whose rules are open, and everybody who was told of the episode or acted on
 * it, even if what brought them in holds no longer; their own hours still count.
 */
function tellEnded(d: Draft, group: Group, kind: 'acknowledged' | 'cleared'): void {
  const { alert, context } = d;
  const episode = { raisedAt: raisedAt(alert) ?? d.endedEpisode ?? context.now };
  const people = new Map<PersonId, RuleId | null>();
  for (const rule of group.rules) {
    if (isOpen(rule.during, episode, context.now)) addPeople(people, rule, context.now);
  }
  for (const person of alert.told) {
    if (people.has(person)) continue;
    const own = group.rules.filter((rule) => mayMean(rule.who, person));
    if (own.length === 0 || own.some((rule) => hoursOpen(rule.during, context.now))) people.set(person, null);
    else record(d, { kind: 'not-told', person, of: kind, why: 'outside the hours of their rules' });
  }
  owe(d, group, kind, people, context.now, (person) => `${alert.key}/${alert.episode}/${kind}/${person}`);
}

/** One of the station's own, of which others are told already, concerns more people now. */
function tellJoined(d: Draft, group: Group): void {
  const { alert, before, context } = d;
  const { kind } = alert.phase;
  const joined = alert.concerns.filter(
    (person) => !alert.told.includes(person) && before?.concerns.includes(person) === false,
  );
  if (joined.length === 0 || kind === 'cleared') return;
  const people = new Map(joined.map((person) => [person, null]));
  owe(d, group, kind, people, context.now, (person) => `${alert.key}/${alert.episode}/${kind}/${person}`);
}

function reminderOf(rule: Rule, due: Instant | null, setAt: Instant, said: Reminder['said']): Reminder {
  return { rule: rule.id, meaning: rule.meaning, due, setAt, said };
}

/** Raised and known to be: each rule keeps its own time. */
function remind(d: Draft, group: Group): void {
  const { alert, context } = d;
  const episode = { raisedAt: raisedAt(alert) ?? context.now };
  const current = carryOver(d, group);
  const heard = new Set<PersonId>();
  alert.reminders = current.map((known) => {
    const rule = group.rules.find((one) => one.id === known.rule);
    if (rule === undefined || known.due === null) return known;
    const reminder = opensSooner(known, rule, episode, context.now);
    const due = reminder.due ?? known.due;
    if (dueInFact(due, reminder.setAt, context) > context.now) return reminder;
    if (!isOpen(rule.during, episode, context.now)) {
      return reminderOf(rule, firstDue(rule, episode, context.now), context.now, reminder.said);
    }
    const people = new Map<PersonId, RuleId | null>();
    for (const person of peopleOf(rule.who, context.now)) {
      const knows = reminder.said === 'added' && alert.told.includes(person);
      if (!heard.has(person) && !knows) people.set(person, rule.id);
      heard.add(person);
    }
    tellReminder(d, group, rule, people, due);
    return reminderOf(rule, nextReminder(rule, episode, due, context.now), context.now, 'something');
  });
}

/**
 * A rule that has yet to speak waits for an opening that was worked out from calendars as they were: who is there and
 * which days are holidays may have changed since, and nobody was told yet.
 */
function opensSooner(reminder: Reminder, rule: Rule, episode: Episode, now: Instant): Reminder {
  if (reminder.said === 'something' || reminder.due === null || reminder.due <= now) return reminder;
  const due = earliest(reminder.due, firstDue(rule, episode, now));
  return due === reminder.due ? reminder : { ...reminder, due };
}

function tellReminder(
  d: Draft,
  group: Group,
  rule: Rule,
  people: ReadonlyMap<PersonId, RuleId | null>,
  due: Instant,
): void {
  const { alert, context } = d;
  d.obsolete.push({
    alert: alert.key,
    kinds: ['raised', 're-raised', 'reminder'],
    people: [...people.keys()],
    dueBefore: minus(context.now, freshFor),
    why: 'replaced by the next reminder',
  });
  const key = `${alert.key}/${alert.episode}/${rule.id}/${rfc3339(due)}`;
  owe(d, group, 'reminder', people, due, (person) => `${key}/${person}`);
}

/**
 * The reminders as the group's rules want them now. A rule known by its identity keeps its time, unless it now
 * means something else. One that is new here (the alert moved to another group, or the policy changed) starts at
 * the next due time of those that went; where none went, it tells those at its opening who were not told yet.
 */
function carryOver(d: Draft, group: Group): readonly Reminder[] {
  const { alert, context } = d;
  const { now } = context;
  const same =
    alert.reminders.length === group.rules.length &&
    group.rules.every((rule, index) => {
      const reminder = alert.reminders[index];
      return reminder?.rule === rule.id && reminder.meaning === rule.meaning && reminder.setAt <= now;
    });
  if (same) return alert.reminders;
  const episode = { raisedAt: raisedAt(alert) ?? now };
  const gone = alert.reminders.filter((reminder) => !group.rules.some((rule) => rule.id === reminder.rule));
  const inherited = earliest(...gone.map((reminder) => reminder.due));
  return group.rules.map((rule) => {
    const known = alert.reminders.find((reminder) => reminder.rule === rule.id);
    if (known !== undefined) return keepTime(known, rule, episode, now);
    if (inherited !== null) return reminderOf(rule, inherited, now, 'something');
    const allTold = peopleOf(rule.who, now).every((person) => alert.told.includes(person));
    const due = allTold ? nextReminder(rule, episode, now, now) : firstDue(rule, episode, now);
    return reminderOf(rule, due, now, allTold ? 'something' : 'added');
  });
}

/** A rule's reminder after its meaning changed, or after the clock was set back behind the moment it was set. */
function keepTime(known: Reminder, rule: Rule, episode: Episode, now: Instant): Reminder {
  if (known.meaning === rule.meaning && known.setAt <= now) return known;
  if (known.said !== 'something') return reminderOf(rule, firstDue(rule, episode, now), now, known.said);
  const next = nextReminder(rule, episode, now, now);
  // Sooner if the rule now reminds more often, but never later than was promised.
  const due = next === null || known.setAt > now ? next : earliest(known.due, next);
  return reminderOf(rule, due, now, 'something');
}

function addPeople(people: Map<PersonId, RuleId | null>, rule: Rule, now: Instant): void {
  for (const person of peopleOf(rule.who, now)) if (!people.has(person)) people.set(person, rule.id);
}

/** Owes each of them a message, by the channels that they have for this level. */
function owe(
  d: Draft,
  group: Group,
  kind: NotificationKind,
  people: ReadonlyMap<PersonId, RuleId | null>,
  dueAt: Instant,
  keyOf: (person: PersonId) => string,
): void {
  const { alert, context } = d;
  const facts = factsOf(d);
  const told: PersonId[] = [];
  for (const [id, rule] of people) {
    const person = context.policy.people.get(id);
    const why = isAbout(alert, id) ? 'cannot be reached' : whyNot(person, group, context.now);
    if (person === undefined || why !== null) {
      record(d, { kind: 'not-told', person: id, of: kind, why: why ?? '' });
      continue;
    }
    const { level } = group;
    const ways = waysOf(person.channels[level]);
    for (const { channel, next } of ways) {
      const { key: of, episode } = alert;
      d.messages.push({
        key: keyOf(id),
        alert: of,
        episode,
        kind,
        rule,
        person: id,
        channel,
        next,
        level,
        dueAt,
        overdueAfter:
          channel === inboxName && next === null ? null : context.policy.settings.unreachableAfter,
        facts,
      });
    }
    record(d, { kind: 'told', person: id, of: kind, rule, channels: ways.map(({ channel }) => channel) });
    if (!alert.told.includes(id)) told.push(id);
  }
  if (told.length > 0) alert.told = [...alert.told, ...told];
}

function whyNot(person: Person | undefined, group: Group, now: Instant): string | null {
  if (person === undefined) return 'no longer in the policy';
  const absence = absenceAt(person, now);
  if (absence !== null) return `away: ${absence.why}`;
  return person.channels[group.level].channels.length === 0 ? `no channel for ${group.level} alerts` : null;
}

type Way = Pick<OwedMessage, 'channel' | 'next'>;

function waysOf(plan: ChannelPlan): readonly Way[] {
  if (plan.kind === 'all-of') return plan.channels.map((channel) => ({ channel, next: null }));
  const [channel, ...channels] = plan.channels;
  if (channel === undefined) return [];
  return [{ channel, next: channels.length === 0 ? null : { channels, wait: plan.wait } }];
}

function factsOf(d: Draft): NotificationFacts {
  const { alert } = d;
  const acknowledged = alert.phase.kind === 'acknowledged' ? alert.phase : null;
  return {
    source: alert.source,
    subject: alert.subject,
    summary: alert.summary,
    alertId: alert.id,
    raisedAt: raisedAt(alert) ?? d.endedEpisode,
    at: alert.phase.kind === 'cleared' || acknowledged === null ? alert.phase.since : acknowledged.since,
    by: acknowledged?.by ?? d.by,
    acknowledgedUntil: acknowledged?.until ?? null,
    note: acknowledged?.note ?? '',
  };
}
