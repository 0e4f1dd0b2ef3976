/** Who hears of an alert, and when they are reminded: the naive model's own reading of the semantics. */
import type { Expected, Kind, NaiveAlert, Reminder } from './naive.ts';
import { personOf } from './own.ts';
import type { NaiveGroup, NaivePolicy, NaiveRule } from './rules.ts';

/** What one decision has to remember. */
export type Moment = { readonly now: number; endedEpisode: number | null; clearedBefore: number | null };

export class Telling {
  /** What is owed and was not fetched yet. */
  expected: Expected[] = [];
  private readonly policyNow: () => NaivePolicy;
  private readonly inFact: (due: number, recordedAt: number) => number;

  /** @param inFact when something recorded then is due in fact. */
  constructor(policyNow: () => NaivePolicy, inFact: (due: number, recordedAt: number) => number) {
    this.policyNow = policyNow;
    this.inFact = inFact;
  }

  private get policy(): NaivePolicy {
    return this.policyNow();
  }

  /** A new episode: whose rules are open hear now, the others at their next opening. */
  raised(alert: NaiveAlert, group: NaiveGroup, kind: Kind, now: number): void {
    const people = new Set<string>();
    alert.reminders = group.rules.map((rule) => {
      const open = rule.open(now, alert.raisedSince);
      if (open) for (const person of this.policy.meant(rule.to, now)) people.add(person);
      const due = open
        ? this.nextReminder(rule, alert.raisedSince, now, now)
        : this.policy.opening(rule, alert.raisedSince, now);
      return { rule: rule.id, meaning: rule.meaning, due, setAt: now, said: open ? 'something' : 'nothing' };
    });
    alert.told = new Set();
    for (const person of alert.concerns) people.add(person);
    for (const person of people) this.owe(alert, group, person, kind, now);
  }

  /** An acknowledgement or a clear: whose rules are open, and who was told before, in their own hours. */
  ended(alert: NaiveAlert, group: NaiveGroup, kind: Kind, moment: Moment): void {
    const { now } = moment;
    const raisedAt = alert.phase === 'cleared' ? (moment.endedEpisode ?? now) : alert.raisedSince;
    const people = new Set<string>();
    for (const rule of group.rules) {
      if (rule.open(now, raisedAt)) for (const person of this.policy.meant(rule.to, now)) people.add(person);
    }
    for (const person of alert.told) {
      if (people.has(person)) continue;
      const own = group.rules.filter(({ to }) => this.policy.mayMean(to, person));
      if (own.length === 0 || own.some((rule) => rule.hoursOpen(now))) people.add(person);
      else this.expect(alert, group, person, 'not-told', kind, 'outside the hours', now);
    }
    for (const person of people) this.owe(alert, group, person, kind, now);
  }

  /** Raised and known to be: each rule keeps its own time. */
  remind(alert: NaiveAlert, group: NaiveGroup, now: number): void {
    alert.reminders = this.carriedOver(alert, group, now);
    const heard = new Set<string>();
    for (const [index, reminder] of alert.reminders.entries()) {
      const rule = group.rules[index];
      if (rule === undefined || reminder.due === null) continue;
      const { raisedSince } = alert;
      if (reminder.said !== 'something' && reminder.due > now) {
        // It has yet to speak: who is there, and which hours are open, is asked anew.
        reminder.due = Math.min(reminder.due, this.policy.opening(rule, raisedSince, now));
      }
      if (this.inFact(reminder.due, reminder.setAt) > now) continue;
      if (rule.open(now, raisedSince)) {
        for (const person of this.policy.meant(rule.to, now)) {
          const knows = reminder.said === 'added' && alert.told.has(person);
          if (!heard.has(person) && !knows) this.owe(alert, group, person, 'reminder', now);
          heard.add(person);
        }
        reminder.due = this.nextReminder(rule, raisedSince, reminder.due, now);
        reminder.said = 'something';
      } else {
        reminder.due = this.policy.opening(rule, raisedSince, now);
      }
      reminder.setAt = now;
    }
  }

  /** `every` after the last one was due, or at the opening after that; what is past already is left out. */
  private nextReminder(rule: NaiveRule, raisedAt: number, due: number, now: number): number | null {
    if (rule.every === null) return null;
    let next = this.policy.opening(rule, raisedAt, due + rule.every);
    while (next <= now) {
      next = this.policy.opening(rule, raisedAt, rule.open(next, raisedAt) ? next + rule.every : next);
    }
    return next;
  }

  /** The reminders as the group's rules want them now: the group or the policy may be another one. */
  private carriedOver(alert: NaiveAlert, group: NaiveGroup, now: number): Reminder[] {
    const gone = alert.reminders.filter(({ rule }) => !group.rules.some(({ id }) => id === rule));
    const dues = gone.flatMap(({ due }) => due ?? []);
    return group.rules.map((rule): Reminder => {
      const base = { rule: rule.id, meaning: rule.meaning, setAt: now };
      const known = alert.reminders.find((one) => one.rule === rule.id);
      const opening = (): number => this.policy.opening(rule, alert.raisedSince, now);
      if (known !== undefined) {
        if (known.meaning === rule.meaning && known.setAt <= now) return known;
        if (known.said !== 'something') return { ...base, due: opening(), said: known.said };
        const next = this.nextReminder(rule, alert.raisedSince, now, now);
        const keep = next !== null && known.setAt <= now && known.due !== null && known.due < next;
        return { ...base, due: keep ? known.due : next, said: 'something' };
      }
      if (dues.length > 0) return { ...base, due: Math.min(...dues), said: 'something' };
      const allTold = this.policy.meant(rule.to, now).every((person) => alert.told.has(person));
      if (!allTold) return { ...base, due: opening(), said: 'added' };
      return { ...base, due: this.nextReminder(rule, alert.raisedSince, now, now), said: 'something' };
    });
  }

  private owe(alert: NaiveAlert, group: NaiveGroup, person: string, kind: Kind, now: number): void {
    const why =
      personOf(alert.source, alert.id) === person
        ? 'cannot be reached'
        : this.policy.person(person) === undefined
          ? 'no longer in the policy'
          : this.policy.away(person, now)
            ? 'away'
            : this.policy.channels(person, group.level).now.length === 0
              ? 'no channel'
              : null;
    this.expect(alert, group, person, why === null ? 'told' : 'not-told', kind, why ?? '', now);
    if (why === null) alert.told.add(person);
  }

  private expect(
    alert: NaiveAlert,
    group: NaiveGroup,
    person: string,
    what: Expected['what'],
    kind: Kind,
    why: string,
    at: number,
  ): void {
    const channels = what === 'told' ? this.policy.channels(person, group.level).now : [];
    this.expected.push({ what, at, alert, person, kind, level: group.level, channels, why });
  }
}
