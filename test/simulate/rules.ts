/**
 * A policy as the naive model follows it: who is meant by a rule, and when it
 * may speak, both asked of bitmaps that hold one bit for each minute.
 */
import { length, matches, type Texts } from './match.ts';
import type {
  Calendars,
  DuringSpec,
  GroupSpec,
  HoursSpec,
  Level,
  NotifySpec,
  PersonSpec,
  PolicySpec,
  RuleSpec,
} from './policies.ts';
import { type Minutes, minuteLong, weekday } from './wall.ts';

/** Whether a rule may speak at that moment, for an alert raised then. */
export type When = (at: number, raisedAt: number) => boolean;

export type NaiveRule = {
  /** The same as long as it is known for the same rule. */
  readonly id: string;
  readonly meaning: string;
  readonly to: readonly string[];
  readonly every: number | null;
  readonly open: When;
  /** As `open`, but only what its hours say. */
  readonly hoursOpen: (at: number) => boolean;
  /** Lengths of time after the raise at which it may open between two minutes. */
  readonly lengths: readonly number[];
  /** Between which moments it was found closed last, by when its alert was raised, where that matters. */
  readonly closed: Map<number, { readonly from: number; readonly until: number }>;
};

export type NaiveGroup = {
  readonly name: string;
  readonly level: Level;
  readonly acknowledgeFor: number;
  readonly hold: number;
  readonly rules: readonly NaiveRule[];
};

/** How far ahead an opening is looked for. */
const horizon = 8 * 24 * 60 * minuteLong;
/** Of so many alerts it is kept in mind when a rule is closed for them. */
const closedMax = 1000;
const daysOfWeek = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const builtIn: Readonly<Record<string, HoursSpec>> = {
  working: { days: 'mon-fri', from: '09:30', to: '17:30', except: 'holidays' },
  daytime: { from: '08:00', to: '22:00' },
  'dead-zone': { from: '03:00', to: '07:00' },
};

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

function daysOf(written: HoursSpec['days']): ReadonlySet<number> {
  const days = new Set<number>();
  for (const part of [written ?? 'mon-sun'].flat()) {
    const [from = '', to = from] = part.split('-');
    for (let i = daysOfWeek.indexOf(from); ; i = (i + 1) % 7) {
      days.add(i + 1);
      if (i === daysOfWeek.indexOf(to)) break;
    }
  }
  return days;
}

export class NaivePolicy {
  readonly spec: PolicySpec;
  readonly groups: readonly NaiveGroup[];
  readonly initialSleep: number;
  readonly acknowledgeAtMost: number;
  readonly digest: number;
  /** By channel; those that are not named have no summaries. */
  readonly summaryOver: Readonly<Record<string, number>>;
  readonly summaryEvery: number;
  readonly unreachableAfter: number;
  private readonly minutes: Minutes;
  private readonly calendars: Calendars;
  private readonly holidays: ReadonlySet<number>;
  private readonly hours = new Map<string, Uint8Array>();
  private readonly silenceBits: readonly Uint8Array[];

  constructor(spec: PolicySpec, calendars: Calendars, minutes: Minutes) {
    this.spec = spec;
    this.calendars = calendars;
    this.minutes = minutes;
    this.holidays = new Set(
      spec.holidays.flatMap((file) =>
        (calendars[file] ?? []).map(({ from }) => Math.floor(from / 86_400_000)),
      ),
    );
    this.groups = spec.groups.map((group) => this.groupOf(group));
    this.silenceBits = spec.silences.map(({ weekly }) => this.bitsOf(weekly));
    this.initialSleep = length(spec.settings.initial_sleep);
    this.acknowledgeAtMost = length(spec.settings.acknowledge_at_most);
    const { digest, summary, unreachable_after: after } = spec.settings;
    this.digest = length(digest ?? '30s');
    this.summaryOver = summary === 'never' ? {} : { sms: 5, xmpp: 10, email: 20, ...summary?.over };
    this.summaryEvery = length((summary === 'never' ? null : summary?.every) ?? '15m');
    this.unreachableAfter = length(after ?? '5m');
  }

  person(name: string): PersonSpec | undefined {
    return this.spec.people[name];
  }

  /** The first group that matches, else the last. */
  groupFor(alert: Texts): NaiveGroup {
    const found = this.spec.groups.findIndex(({ match }) => match === undefined || matches(match, alert));
    const group = this.groups[found] ?? this.groups.at(-1);
    if (group === undefined) throw new Error('a policy without groups');
    return group;
  }

  /** The longest that a new alert of that level is held back. */
  holdAtMost(level: Level): number {
    const { urgent_hold_at_most: urgent, hold_at_most: other } = this.spec.settings;
    return length(level === 'urgent' ? urgent : other);
  }

  /** When the recurring silence that mutes it ends; null where none is in force. */
  silencedUntil(alert: Texts, at: number): number | null {
    const index = this.minutes.index(at);
    for (const [i, { match }] of this.spec.silences.entries()) {
      const bits = this.silenceBits[i];
      if (bits?.[index] !== 1 || !matches(match, alert)) continue;
      let end = index;
      while (bits[end] === 1) end += 1;
      return this.minutes.from + end * minuteLong;
    }
    return null;
  }

  /** Whom names of people and lists mean at that moment. */
  meant(names: readonly string[], at: number): readonly string[] {
    const people = new Set<string>();
    for (const name of names) {
      const list = this.spec.lists[name];
      if (list === undefined) people.add(name);
      else if (list.rota !== undefined) for (const one of this.onCall(list.rota, at)) people.add(one);
      else for (const one of this.meant(list.members ?? [], at)) people.add(one);
    }
    return [...people];
  }

  /** Whether they may mean that person at some time. */
  mayMean(names: readonly string[], person: string): boolean {
    return names.some((name) => {
      const list = this.spec.lists[name];
      if (list === undefined) return name === person;
      if (list.rota !== undefined) return (this.calendars[list.rota] ?? []).some(({ who }) => who === person);
      return this.mayMean(list.members ?? [], person);
    });
  }

  private onCall(rota: string, at: number): readonly string[] {
    return (this.calendars[rota] ?? [])
      .filter(({ from, until }) => from <= at && at < until)
      .map(({ who }) => who);
  }

  away(person: string, at: number): boolean {
    return (this.spec.people[person]?.away ?? []).some((file) =>
      (this.calendars[file] ?? []).some(({ from, until }) => from <= at && at < until),
    );
  }

  /** By which channels a person hears at that level, all that may come after the first included. */
  channels(
    person: string,
    level: Level,
  ): { readonly now: readonly string[]; readonly later: readonly string[] } {
    const spec = this.spec.people[person];
    const addresses = ['sms', 'email', 'xmpp'].filter((name) => spec !== undefined && name in spec);
    const plan = spec?.channels?.[level] ?? (addresses.length === 0 ? ['inbox'] : addresses);
    if (!('first_of' in plan)) return { now: plan, later: [] };
    return { now: plan.first_of.slice(0, 1), later: plan.first_of.slice(1) };
  }

  /** How long they wait for a channel before the next one takes over. */
  wait(person: string, level: Level): number {
    const plan = this.spec.people[person]?.channels?.[level];
    return length(plan !== undefined && 'first_of' in plan ? plan.wait : '60s');
  }

  /** The first moment from `from` on at which the rule is open; the end of the horizon where there is none. */
  opening(rule: NaiveRule, raisedAt: number, from: number): number {
    const exact = rule.lengths.map((long) => raisedAt + long);
    const about = exact.length === 0 ? 0 : raisedAt;
    const known = rule.closed.get(about);
    // It was found closed before: the walk goes on where that one ended.
    const walked = known !== undefined && known.from <= from && from < known.until;
    let at = walked ? known.until : from;
    while (at <= from + horizon && !rule.open(at, raisedAt)) {
      at = Math.min((Math.floor(at / minuteLong) + 1) * minuteLong, ...exact.filter((one) => one > at));
    }
    if (rule.closed.size > closedMax) rule.closed.clear();
    rule.closed.set(about, { from: walked ? known.from : from, until: at });
    return Math.min(at, from + horizon);
  }

  // -------------------------------------------------------------- rules

  private groupOf(group: GroupSpec): NaiveGroup {
    return {
      name: group.name,
      level: group.level ?? 'normal',
      acknowledgeFor: Math.min(
        length(group.acknowledge_for ?? '1h'),
        length(this.spec.settings.acknowledge_at_most),
      ),
      hold: length(group.hold ?? '0s'),
      rules: group.notify.flatMap((rule) => this.rulesOf(group.name, rule)),
    };
  }

  /** What a rule leaves to its lists and people is asked of them: each that says something of its own has its own rule. */
  private rulesOf(group: string, rule: RuleSpec): readonly NaiveRule[] {
    const id = `${group}/${rule.name ?? JSON.stringify(rule)}`;
    const written = [rule.to].flat();
    if (rule.every !== undefined && rule.during !== undefined) return [this.ruleOf(id, written, rule)];
    const parts = new Map<string, { readonly to: string[]; readonly notify: NotifySpec }>();
    const add = (name: string, own: NotifySpec): void => {
      const notify = { every: rule.every ?? own.every, during: rule.during ?? own.during };
      const known = parts.get(JSON.stringify(notify));
      if (known !== undefined) known.to.push(name);
      else parts.set(JSON.stringify(notify), { to: [name], notify: JSON.parse(JSON.stringify(notify)) });
    };
    for (const name of written) {
      const list = this.spec.lists[name];
      if (list === undefined) add(name, this.spec.people[name]?.notify ?? {});
      else if (list.rota !== undefined) add(name, list.notify ?? {});
      else {
        const people = this.flat(list.members ?? []);
        const own = people.some((one) => this.spec.people[one]?.notify !== undefined);
        if (!own) add(name, list.notify ?? {});
        else for (const one of people) add(one, { ...this.spec.people[one]?.notify, ...list.notify });
      }
    }
    return [...parts].map(([content, { to, notify }]) =>
      this.ruleOf(parts.size === 1 ? id : `${id} ${content}`, to, notify),
    );
  }

  /** Members of nested lists, rotas left as they are. */
  private flat(names: readonly string[]): readonly string[] {
    return names.flatMap((name) => {
      const members = this.spec.lists[name]?.members;
      return members === undefined ? [name] : this.flat(members);
    });
  }

  private ruleOf(id: string, to: readonly string[], { every, during }: NotifySpec): NaiveRule {
    const lengths: number[] = [];
    const open = this.when(during ?? {}, lengths);
    const hours = this.hoursOf(during ?? {});
    return {
      id,
      to,
      open,
      lengths,
      closed: new Map(),
      meaning: JSON.stringify([every ?? null, this.spelledOut(during ?? {})]),
      every: every === undefined ? null : length(every),
      hoursOpen: (at) => hours?.(at) !== false,
    };
  }

  /** A `during` with its hours spelled out: what it means changes with them. */
  private spelledOut(during: DuringSpec): unknown {
    const { hours, any, not } = during;
    const spec = typeof hours === 'string' ? (this.spec.hours[hours] ?? builtIn[hours]) : hours;
    return {
      ...during,
      hours: spec === undefined ? null : { timezone: this.spec.timezone, ...spec },
      any: any?.map((one) => this.spelledOut(one)),
      not: not === undefined ? null : this.spelledOut(not),
    };
  }

  /** All that a `during` says must hold. */
  private when(during: DuringSpec, lengths: number[]): When {
    const all: When[] = [];
    if (during.hours !== undefined) {
      const bits = this.hoursNamed(during.hours);
      all.push((at) => bits[this.minutes.index(at)] === 1);
    }
    for (const text of [during.unacknowledged, during.raised_for]) {
      if (text === undefined) continue;
      const long = length(text);
      lengths.push(long);
      all.push((at, raisedAt) => at - raisedAt >= long);
    }
    const { no_one_in: list } = during;
    if (list !== undefined) {
      all.push((at) => this.meant([list], at).every((person) => this.away(person, at)));
    }
    if (during.any !== undefined) {
      const any = during.any.map((one) => this.when(one, lengths));
      all.push((at, raisedAt) => any.some((one) => one(at, raisedAt)));
    }
    if (during.not !== undefined) {
      const not = this.when(during.not, lengths);
      all.push((at, raisedAt) => !not(at, raisedAt));
    }
    const [only] = all;
    return all.length === 1 && only !== undefined
      ? only
      : (at, raisedAt) => all.every((one) => one(at, raisedAt));
  }

  /** What the hours alone say of a moment; null where there are none, or they leave it to other conditions. */
  private hoursOf(during: DuringSpec): ((at: number) => boolean | null) | null {
    const said: ((at: number) => boolean | null)[] = [];
    if (during.hours !== undefined) {
      const bits = this.hoursNamed(during.hours);
      said.push((at) => bits[this.minutes.index(at)] === 1);
    }
    if (during.any !== undefined) {
      const any = during.any.map((one) => this.hoursOf(one));
      said.push((at) => {
        const each = any.map((one) => one?.(at) ?? null);
        return each.includes(true) ? true : each.includes(null) ? null : false;
      });
    }
    if (during.not !== undefined) {
      const not = this.hoursOf(during.not);
      said.push((at) => {
        const one = not?.(at) ?? null;
        return one === null ? null : !one;
      });
    }
    if (said.length === 0) return null;
    return (at) => {
      const each = said.map((one) => one(at)).filter((one) => one !== null);
      return each.length === 0 ? null : each.every((one) => one);
    };
  }

  // -------------------------------------------------------------- hours

  private hoursNamed(written: string | HoursSpec): Uint8Array {
    if (typeof written !== 'string') return this.bitsOf(written);
    const spec = this.spec.hours[written] ?? builtIn[written];
    if (spec === undefined) throw new Error(`no hours ${written}`);
    const bits = this.hours.get(written) ?? this.bitsOf(spec);
    this.hours.set(written, bits);
    return bits;
  }

  private bitsOf(spec: HoursSpec): Uint8Array {
    const days = daysOf(spec.days);
    const from = minuteOf(spec.from ?? '00:00');
    const to = minuteOf(spec.to ?? '24:00');
    const begins = (date: number): boolean =>
      days.has(weekday(date)) &&
      !(spec.except !== undefined && this.holidays.has(date)) &&
      !(spec.only !== undefined && !this.holidays.has(date));
    return this.minutes.bits(spec.timezone ?? this.spec.timezone, (date, minute) => {
      if (from < to) return from <= minute && minute < to && begins(date);
      return (minute >= from && begins(date)) || (minute < to && begins(date - 1));
    });
  }
}
