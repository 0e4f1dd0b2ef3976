/** The configuration of a recorded case, in the words of our policy. */
import { days, type Instant, instant, plus, rfc3339 } from '../../src/time.ts';
import type { Case, Clause, Json } from './behaviour-cases.ts';

/** Recorded names of kinds of hours, and ours. */
const kinds: Readonly<Record<string, Json>> = {
  working_hours: { hours: 'working' },
  daytime_hours: { hours: 'daytime' },
  dead_zone: { hours: 'dead-zone' },
  bank_holiday: { holiday: true },
  never: { all: [{ hours_in_day: 0 }, { hours_in_day: 1 }] },
};
/** 0 is Sunday there. */
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Names in a policy have no spaces. */
const named = (name: string): string => name.replaceAll(' ', '-');

/** A recorded `during` as a policy writes it; null: always. */
export function duringOf(during: Json | undefined): Json | null {
  if (during === undefined || during === 'always') return null;
  if (typeof during === 'string') {
    const known = kinds[during];
    if (known !== undefined) return known;
  } else if (typeof during === 'object' && during !== null && !Array.isArray(during)) {
    const [[key = '', value = null] = []] = Object.entries(during);
    switch (key) {
      case 'hours_in_day':
        return { hours_in_day: value };
      case 'days_in_week':
        return { days: [value].flat().map((day) => dayNames[Number(day)] ?? '') };
      case 'unacknowledged':
      case 'raised_for':
        return { [key]: `${value}s` };
      case 'no_one_in':
        return { no_one_in: named(String(value)) };
      case 'not':
        return { not: duringOf(value) };
      case 'test_time_more_than':
        return { raised_for: `${value}s` };
    }
  }
  throw new Error(`no words for ${JSON.stringify(during)}`);
}

/** `to` is left out where a person's or a list's own rules are written. */
export function ruleOf({ who, every, during }: Partial<Clause>): Json {
  const when = duringOf(during);
  return {
    ...(who !== undefined && { to: [who].flat().map(named) }),
    ...(every !== undefined && { every: `${every}s` }),
    ...(when !== null && { during: when }),
  };
}

/** What a case's people, lists and groups are in a policy. It is JSON, and so it is YAML. */
export function policyOf(one: Case, start: Instant, extra: { readonly [key: string]: Json } = {}): string {
  const { config, calendar } = one.given;
  const people = Object.entries(config?.people ?? {}).map(([name, person]): [string, Json] => {
    const { email = name, notify, suppress_after: limits } = person;
    const told = [
      ...(person.notify_when_on_holiday ? ['holiday'] : []),
      ...(person.notify_when_off_sick ? ['sick'] : []),
    ];
    const away = [
      ...absences(calendar?.staff_holiday, name, 'holiday', start),
      ...absences(calendar?.sick_period, name, 'sick', start),
    ];
    const written = {
      email: email.includes('@') ? email : `${email}@example.net`,
      ...(notify !== undefined && { notify: notify.map(ruleOf) }),
      ...(limits !== undefined && {
        limits: Object.fromEntries(limits.map(([count, per]) => [count, `${per}s`])),
      }),
      ...(away.length > 0 && { away }),
      ...(told.length > 0 && { told_when_away: told }),
    };
    return [name, written];
  });
  const lists = Object.entries(config?.people_lists ?? {}).map(
    ([name, { members, notify }]): [string, Json] => [
      named(name),
      { members, ...(notify !== undefined && { notify: notify.map(ruleOf) }) },
    ],
  );
  const groups = (config?.groups ?? [{ name: 'default', notify: [] }]).map(
    ({ name, level = 'normal', match, notify = [] }): Json => ({
      name,
      level,
      ...(match !== undefined && { match: matchOf(match) }),
      notify: notify.map(ruleOf),
    }),
  );
  return JSON.stringify({
    version: 1,
    timezone: one.given.tz ?? 'UTC',
    people: people.length === 0 ? { somebody: {} } : Object.fromEntries(people),
    ...(lists.length > 0 && { lists: Object.fromEntries(lists) }),
    ...(calendar?.bank_holidays !== undefined && { holidays: calendar.bank_holidays }),
    groups,
    settings: { initial_sleep: `${config?.settings?.initial_sleep ?? 0}s` },
    ...extra,
  });
}

function matchOf(match: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(match).map(([field, text]) =>
      field.endsWith('_regex') ? [field.replace('_regex', ''), `/${text}/`] : [field, text],
    ),
  );
}

/** An absence whose end was not recorded lasts for days. */
function absences(
  periods: readonly [from: number, to: number | null, names: string[]][] | undefined,
  person: string,
  kind: string,
  start: Instant,
): readonly Json[] {
  return (periods ?? [])
    .filter(([, , names]) => names.includes(person))
    .map(([from, to]) => {
      const moment = (seconds: number): string => rfc3339(plus(start, days(seconds / 86_400)));
      return { from: moment(from), to: moment(to ?? from + 30 * 86_400), kind };
    });
}

/** The recording's starts are local times of UTC, or carry their offset. */
export function startOf(one: Case): Instant {
  const { start = '2011-08-01T00:00:00' } = one.given;
  return instant(Date.parse(/[+-]\d\d:\d\d$/.test(start) ? start : `${start}Z`));
}
