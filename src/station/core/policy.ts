/**
 * The policy as the core sees it: data, already checked, every name resolved,
 * every calendar read. `policy/file.ts` makes it from YAML. Nothing here knows
 * of files, and nothing here changes: what a calendar or a name server says
 * anew makes a new policy, or new names, and comes in through the door.
 */
import { type Duration, type Instant, minutes } from '../../time.ts';
import type { Alert, Level, PersonId, RuleId } from './alert.ts';
import { foldHost } from './host.ts';
import { type Condition, type HostNames, holds, type Matched } from './match.ts';

/** Names of channels; which of them a station can use is set in the station file. */
export type ChannelName = string;

/** The channel that needs nothing outside and disturbs nobody: a page. */
export const inboxName: ChannelName = 'inbox';

/** A stretch of time; `to` is excluded. */
export type Period = { readonly from: Instant; readonly to: Instant };

/** How a person hears of alerts of one level. */
export type ChannelPlan =
  /** Each of these channels gets the message. */
  | { readonly kind: 'all-of'; readonly channels: readonly ChannelName[] }
  /** The first gets it; the next, when that one failed or could not send it within `wait`. */
  | { readonly kind: 'first-of'; readonly channels: readonly ChannelName[]; readonly wait: Duration };

/** Once `count` messages were sent within `per`, further ones are held back until `per` has passed since the last. */
export type Limit = { readonly count: number; readonly per: Duration };

/** Of a person without limits: semantics, "Groups, rules, reminders". */
export const limitsDefault: readonly Limit[] = [{ count: 5, per: minutes(10) }];

/** A person is not to be told; `why` is a word for people: holiday, sick. */
export type Absence = Period & { readonly why: string };

export type Person = {
  readonly id: PersonId;
  readonly name: string;
  /** By channel: where this person is reached. The inbox needs no address. */
  readonly addresses: Readonly<Record<ChannelName, string>>;
  readonly channels: Readonly<Record<Level, ChannelPlan>>;
  readonly timezone: string;
  readonly limits: readonly Limit[];
  /** In order, merged, without those in which the person wants to be told all the same. */
  readonly away: readonly Absence[];
};

export type Shift = Period & { readonly people: readonly PersonId[] };

/** Who is on call when: shifts in order that do not overlap, as far ahead as the calendar was read. */
export type Rota = {
  readonly name: string;
  readonly shifts: readonly Shift[];
  /** Everybody who has a shift. */
  readonly people: ReadonlySet<PersonId>;
};

/** Whom a rule means. */
export type Who =
  | { readonly kind: 'people'; readonly people: readonly PersonId[] }
  /** Whoever has the shift; `only`: if they are one of these. */
  | { readonly kind: 'rota'; readonly rota: Rota; readonly only: ReadonlySet<PersonId> | null };

/** Days of the week, 1 = Monday … 7 = Sunday (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Days counted from 1970-01-01 = 0, as a calendar on the wall shows them: no zone meant. */
export type DayNumber = number;

/**
 * Named hours: on these days, from `from` to `to` in minutes after midnight, local time, the end excluded.
 * `from >= to` runs past midnight and belongs to the day on which it begins: 08:00-08:00 is 24 hours from 08:00.
 */
export type Hours = {
  readonly name: string;
  readonly timezone: string;
  readonly days: readonly Weekday[];
  readonly from: number;
  readonly to: number;
  /** Days on which they do not begin. */
  readonly except: ReadonlySet<DayNumber> | null;
  /** Where given, the only days on which they begin; `days` holds besides. */
  readonly only: ReadonlySet<DayNumber> | null;
};

/** When a rule speaks. Bank holidays and days of the week are hours, too: see `Hours.only`. */
export type During =
  | { readonly kind: 'always' }
  | { readonly kind: 'hours'; readonly hours: Hours }
  | { readonly kind: 'unacknowledged'; readonly for: Duration }
  | { readonly kind: 'raised-for'; readonly for: Duration }
  /** Nobody of these is there: the list is empty, nobody has the shift, or all are away. */
  | {
      readonly kind: 'no-one-in';
      readonly list: string;
      readonly who: readonly Who[];
      readonly people: ReadonlyMap<PersonId, Person>;
    }
  | { readonly kind: 'all'; readonly of: readonly During[] }
  | { readonly kind: 'any'; readonly of: readonly During[] }
  | { readonly kind: 'not'; readonly of: During };

/** What a condition may look at besides the time. */
export type Episode = { readonly raisedAt: Instant };

/**
 * A notify rule as the core follows it. Where a rule of the file leaves `every` or `during` to its lists and people,
 * it becomes several of these, each with an id of its own.
 */
export type Rule = {
  readonly id: RuleId;
  /** As written, for people to read: names of people and lists. */
  readonly to: readonly string[];
  readonly who: readonly Who[];
  /** How often to remind; null: told once, never reminded. */
  readonly every: Duration | null;
  readonly during: During;
  /** A hash of `every` and `during` as written: a rule that keeps its name may change what it means. */
  readonly meaning: string;
};

export type Group = {
  readonly name: string;
  readonly match: Condition;
  readonly level: Level;
  readonly acknowledgeFor: Duration;
  /** How long a newly raised alert must stand before anybody is told; 0: at once. */
  readonly hold: Duration;
  readonly rules: readonly Rule[];
};

/** Alerts that match are not told of while it lasts: made by a person until a time, or recurring in the policy. */
export type Silence = {
  /** A number for those that people made; the name of those in the policy. */
  readonly id: string;
  readonly match: Condition;
  readonly reason: string;
  readonly author: string;
  readonly during:
    | { readonly kind: 'once'; readonly from: Instant; readonly until: Instant }
    | { readonly kind: 'recurring'; readonly hours: Hours };
};

export const inhibitFields = ['source', 'subject', 'id'] as const;
export type InhibitField = (typeof inhibitFields)[number];

/** While an alert that matches `while` is raised, those that match `mutes` and agree with it in `same` are not told of. */
export type Inhibit = {
  readonly name: string;
  readonly while: Condition;
  readonly mutes: Condition;
  readonly same: readonly InhibitField[];
};

export type Policy = {
  /** Changes whenever the meaning may have changed: a hash of the content of the files, calendars and lists read. */
  readonly version: string;
  readonly timezone: string;
  readonly people: ReadonlyMap<PersonId, Person>;
  /** At least one; the last is the default. */
  readonly groups: readonly Group[];
  /** Those written in the policy. */
  readonly silences: readonly Silence[];
  readonly inhibits: readonly Inhibit[];
  /** Hours known by name, the built-in ones included: for acknowledgements counted in working hours and the like. */
  readonly hours: ReadonlyMap<string, Hours>;
  /** Host names written in source lists, whose addresses have to be known; empty where nothing is looked up. */
  readonly hosts: readonly string[];
  /** Words of messages that take the place of the channels' own, by the name of their file; they change no meaning. */
  readonly templates: ReadonlyMap<string, string>;
  readonly settings: {
    readonly acknowledgeAtMost: Duration;
    readonly initialSleep: Duration;
    /** The longest that a group's `hold` keeps an alert back, by level, however often it is raised and cleared. */
    readonly holdAtMost: Readonly<Record<Level, Duration>>;
    /** What one person is owed on one channel within so long after a message goes out as one; 0: each by itself. */
    readonly digest: Duration;
    /**
     * While more alerts than this that a person was told of stand unacknowledged, one summary `every` so often takes
     * the place of single reminders; by channel, and one without an entry has no summaries.
     */
    readonly summary: { readonly over: Readonly<Record<ChannelName, number>>; readonly every: Duration };
    /** When a message has not arrived for so long, others are told that its receiver cannot be reached. */
    readonly unreachableAfter: Duration;
  };
};

/** The first group that matches, else the last: semantics, "Groups, rules, reminders". */
export function groupOf(policy: Policy, alert: Matched, names: HostNames): Group {
  const found = policy.groups.find((group) => holds(group.match, alert, names)) ?? policy.groups.at(-1);
  if (found === undefined) throw new Error('a policy without groups');
  return found;
}

/** Whom `who` means at that moment, each once, in the order written. */
export function peopleOf(who: readonly Who[], at: Instant): readonly PersonId[] {
  const [only] = who;
  if (who.length === 1 && only?.kind === 'people') return only.people;
  const people = new Set<PersonId>();
  for (const part of who) {
    const meant = part.kind === 'people' ? part.people : (shiftAt(part.rota, at)?.people ?? []);
    for (const person of meant) {
      if (part.kind === 'people' || part.only === null || part.only.has(person)) people.add(person);
    }
  }
  return [...people];
}

/** Whether `who` means that person now or at another time. */
export function mayMean(who: readonly Who[], person: PersonId): boolean {
  return who.some((part) =>
    part.kind === 'people'
      ? part.people.includes(person)
      : part.rota.people.has(person) && (part.only === null || part.only.has(person)),
  );
}

export function shiftAt(rota: Rota, at: Instant): Shift | null {
  return periodAt(rota.shifts, at);
}

/** The absence that a person has at that moment. */
export function absenceAt(person: Pick<Person, 'away'>, at: Instant): Absence | null {
  return periodAt(person.away, at);
}

/** Of periods in order that do not overlap, the one that holds `at`. */
export function periodAt<T extends Period>(periods: readonly T[], at: Instant): T | null {
  const period = periods[firstEndingAfter(periods, at)];
  return period !== undefined && period.from <= at ? period : null;
}

/** The index of the first period that ends after `at`. */
export function firstEndingAfter(periods: readonly Period[], at: Instant): number {
  let low = 0;
  let high = periods.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((periods[middle]?.to ?? at) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The fields by which an inhibit rule compares two alerts, as one text; see `Alert.inhibits`. */
export function inhibitToken(rule: Inhibit, alert: Pick<Alert, InhibitField>): string {
  return [rule.name, ...rule.same.map((field) => fold(field, alert[field]))].join('\u0000');
}

const fold = (field: InhibitField, text: string): string => (field === 'id' ? text : foldHost(text));
