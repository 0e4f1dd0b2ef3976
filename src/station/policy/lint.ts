/**
 * What a policy may say, but hardly means to: groups that nobody reaches, rules
 * that never speak, hours in which an urgent alert wakes nobody. Warnings, for
 * whoever wrote it knows best; but they are told before the night in which they
 * would be found out.
 */
import { days, formatDuration, type Instant, minutes, plus } from '../../time.ts';
import { levels, type PersonId } from '../core/alert.ts';
import { everyAlert } from '../core/match.ts';
import type { Group, Person, Policy, Rota, Rule } from '../core/policy.ts';
import type { FileFault, Path } from '../yaml-file.ts';
import { coverage } from './cover.ts';
import { duringContent } from './during.ts';
import { hoursBuiltIn, type WrittenDuring } from './hours.ts';
import { listsNamed, matchContent } from './match.ts';
import type { Gathered, Placed } from './parts.ts';
import { timezoneDefault, type WrittenGroup, type WrittenOwnRule, type WrittenRule } from './schema.ts';
import {
  both,
  either,
  gapsInWords,
  isNever,
  isSame,
  never,
  type Week,
  type WeekReader,
  weekReader,
} from './week.ts';

/** A shorter reminder is no reminder. */
const everyShort = minutes(1);
/** A rota must have a shift within this. */
const rotaHorizon = days(7);

/** All warnings of a policy that is otherwise right, in no order. */
export function lint(gathered: Gathered, policy: Policy, now: Instant): readonly FileFault[] {
  const used = usedBy(policy);
  return [
    ...groupsNeverReached(gathered, policy),
    ...zonesNotGiven(gathered),
    ...peopleOutOfReach(gathered, policy, used),
    ...everyTooShort(gathered),
    ...rotasWithoutShift(gathered, used, now),
    ...neverUsed(gathered),
    ...holdsCut(gathered, policy),
    ...rulesAndHours(gathered, policy, weekReader(policy.timezone, now)),
  ];
}

// ---------------------------------------------------------------- groups

function groupsNeverReached({ groups }: Gathered, policy: Policy): readonly FileFault[] {
  const covers = coverage();
  const before = new Map<string, string>();
  /** The last takes what no other does, whatever it asks for. */
  let takesAll: string | null = null;
  return groups.flatMap(({ written, fault }, index) => {
    const { name, match } = written;
    const path = match === undefined ? [] : ['match'];
    if (takesAll !== null) return [];
    const condition = policy.groups[index]?.match ?? everyAlert;
    const content = matchContent(match ?? {});
    const last = index === groups.length - 1;
    if (covers(condition, everyAlert)) {
      takesAll = name;
      return last ? [] : [fault(path, `"${name}" takes every alert: the groups after it are never reached`)];
    }
    const same = before.get(content);
    before.set(content, same ?? name);
    const earlier =
      same ?? policy.groups.slice(0, index).find((group) => covers(group.match, condition))?.name;
    if (earlier !== undefined && (same !== undefined || !last)) {
      return [fault(path, `is what "${earlier}" matches already: "${name}" is never reached`)];
    }
    return last ? [fault(path, `"${name}" is the last group: it also takes what no group matches`)] : [];
  });
}

function holdsCut({ groups }: Gathered, policy: Policy): readonly FileFault[] {
  return groups.flatMap(({ written, fault }) => {
    const most = policy.settings.holdAtMost[written.level ?? 'normal'];
    if (written.hold === undefined || written.hold <= most) return [];
    return [fault(['hold'], `is longer than the settings let it be: ${formatDuration(most)} count`)];
  });
}

// ---------------------------------------------------------------- zones and lengths

function zonesNotGiven(gathered: Gathered): readonly FileFault[] {
  if (gathered.timezone !== undefined) return [];
  const message = `no timezone is given at the top: these hours are ${timezoneDefault}`;
  const rules = gathered.groups.flatMap(({ written, fault }) =>
    written.notify.flatMap(({ during }, index) => {
      const path = clockIn(gathered, during);
      return path === null ? [] : [fault(['notify', index, 'during', ...path], message)];
    }),
  );
  const silences = gathered.silences.flatMap(({ written, fault }) =>
    written.weekly !== undefined && written.weekly.timezone === undefined ? [fault(['weekly'], message)] : [],
  );
  return [...rules, ...silences];
}

/** Where a `during` first depends on a zone that it does not name. */
function clockIn(gathered: Gathered, during: WrittenDuring | undefined): Path | null {
  if (during === undefined) return null;
  const ownZone = (hours: NonNullable<WrittenDuring['hours']>[number]): boolean => {
    const meant =
      typeof hours === 'string' ? (gathered.hours.get(hours)?.written ?? hoursBuiltIn[hours]) : hours;
    return meant?.timezone !== undefined;
  };
  const hours = (during.hours ?? []).findIndex((one) => !ownZone(one));
  if (hours !== -1) return ['hours', hours];
  for (const key of ['days', 'hours_in_day', 'holiday'] as const) {
    if (during[key] !== undefined) return [key];
  }
  const within = clockIn(gathered, during.not);
  if (within !== null) return ['not', ...within];
  for (const key of ['any', 'all'] as const) {
    for (const [index, one] of (during[key] ?? []).entries()) {
      const path = clockIn(gathered, one);
      if (path !== null) return [key, index, ...path];
    }
  }
  return null;
}

function everyTooShort({ people, lists, groups }: Gathered): readonly FileFault[] {
  const short = (
    placed: Placed<{ readonly notify?: readonly (WrittenOwnRule | WrittenRule)[] | undefined }>,
  ) =>
    (placed.written.notify ?? []).flatMap(({ every }, index) =>
      every === undefined || every === 'never' || every >= everyShort
        ? []
        : [
            placed.fault(
              ['notify', index, 'every'],
              `a reminder every ${formatDuration(every)} is hardly meant`,
            ),
          ],
    );
  return [...people.values(), ...lists.values(), ...groups].flatMap(short);
}

// ---------------------------------------------------------------- people, lists, rotas

/** Whom rules mean, now or at another time, and at which levels. */
type Used = {
  readonly people: ReadonlyMap<PersonId, ReadonlySet<Group['level']>>;
  readonly rotas: ReadonlyMap<string, Rota>;
};

function usedBy(policy: Policy): Used {
  const people = new Map<PersonId, Set<Group['level']>>();
  const rotas = new Map<string, Rota>();
  // Rules share these arrays: each is looked at once a level.
  const seen = new Map<Group['level'], Set<unknown>>(levels.map((level) => [level, new Set()]));
  for (const { level, rules } of policy.groups) {
    for (const part of rules.flatMap(({ who }) => who)) {
      if (part.kind === 'rota') rotas.set(part.rota.name, part.rota);
      const meant = part.kind === 'people' ? part.people : (part.only ?? part.rota.people);
      if (seen.get(level)?.has(meant)) continue;
      seen.get(level)?.add(meant);
      for (const person of meant) people.set(person, (people.get(person) ?? new Set()).add(level));
    }
  }
  return { people, rotas };
}

function peopleOutOfReach(gathered: Gathered, policy: Policy, used: Used): readonly FileFault[] {
  return [...gathered.people].flatMap(([name, placed]) => {
    const person = policy.people.get(name as PersonId);
    const theirs = used.people.get(name as PersonId);
    if (person === undefined) return [];
    if (theirs === undefined) return [placed.fault([], `no rule notifies ${name}`, 'key')];
    return levels
      .filter((level) => theirs.has(level) && !hasChannel(person, level))
      .map((level) =>
        placed.fault(['channels', level], `${name} has no channel for ${level} alerts, of which rules tell`),
      );
  });
}

const hasChannel = (person: Person, level: Group['level']): boolean =>
  person.channels[level].channels.length > 0;

function rotasWithoutShift(gathered: Gathered, used: Used, now: Instant): readonly FileFault[] {
  const by = plus(now, rotaHorizon);
  return [...used.rotas].flatMap(([name, { shifts }]) => {
    if (shifts.some(({ from, to, people }) => to > now && from <= by && people.length > 0)) return [];
    const list = gathered.lists.get(name);
    const message = `nobody has a shift in this rota now, or within ${formatDuration(rotaHorizon)}`;
    return list === undefined ? [] : [list.fault(['rota'], message)];
  });
}

function neverUsed(gathered: Gathered): readonly FileFault[] {
  const names = new Set<string>();
  const add = (all: readonly string[] | undefined): void => {
    for (const name of all ?? []) names.add(name);
  };
  const conditions = (during: WrittenDuring | undefined): void => {
    if (during === undefined) return;
    add(during.no_one_in);
    for (const one of [during.not ?? [], during.any ?? [], during.all ?? []].flat()) conditions(one);
  };
  for (const { written } of gathered.lists.values()) add(written.members);
  for (const { written } of gathered.groups) add(written.notify.flatMap(({ to }) => to));
  for (const { written } of [...gathered.people.values(), ...gathered.lists.values(), ...gathered.groups]) {
    for (const { during } of written.notify ?? []) conditions(during);
  }
  const matches = [
    ...gathered.groups.flatMap(({ written }) => written.match ?? []),
    ...gathered.silences.map(({ written }) => written.match),
    ...gathered.inhibit.flatMap(({ written }) => [written.while, written.mutes]),
  ];
  const sources = new Set(matches.flatMap((match) => listsNamed(match).map(({ list }) => list)));
  return [
    ...[...gathered.lists]
      .filter(([name]) => !names.has(name))
      .map(([, { fault }]) => fault([], 'nothing names this list', 'key')),
    ...[...gathered.sources]
      .filter(([name]) => !sources.has(name))
      .map(([, { fault }]) => fault([], 'nothing names this source list', 'key')),
  ];
}

// ---------------------------------------------------------------- hours

function rulesAndHours(gathered: Gathered, policy: Policy, weeks: WeekReader): readonly FileFault[] {
  const known = new Map<string, Week>();
  const open = ({ during }: Rule, holiday: boolean): Week => {
    const key = `${holiday} ${duringContent(during)}`;
    const week = known.get(key) ?? weeks.openIn(during, holiday);
    known.set(key, week);
    return week;
  };
  const holidays = gathered.holidays.length > 0;
  return policy.groups.flatMap((group, index) => {
    const placed = gathered.groups[index];
    if (placed === undefined) throw new Error('a group that nobody wrote');
    return [
      ...silentRules(
        placed,
        group,
        (rule) => isNever(open(rule, false)) && (!holidays || isNever(open(rule, true))),
      ),
      ...(group.level === 'urgent' ? unheard(placed, group, policy, weeks, open, holidays) : []),
    ];
  });
}

function silentRules(
  placed: Placed<WrittenGroup>,
  group: Group,
  isSilent: (rule: Rule) => boolean,
): readonly FileFault[] {
  return placed.written.notify.flatMap((written, index) => {
    const clauses = group.rules.filter(({ to }) => to === written.to);
    const path = ['notify', index, ...(written.during === undefined ? [] : ['during'])];
    if (clauses.every(isSilent)) return [placed.fault(path, 'never holds: this rule can never speak')];
    return [];
  });
}

/** The hours in which nobody at all would be told of an alert that is urgent. */
function unheard(
  placed: Placed<WrittenGroup>,
  group: Group,
  policy: Policy,
  weeks: WeekReader,
  open: (rule: Rule, holiday: boolean) => Week,
  holidays: boolean,
): readonly FileFault[] {
  const counts = (id: PersonId): boolean => {
    const person = policy.people.get(id);
    return person !== undefined && hasChannel(person, group.level);
  };
  const heard = (holiday: boolean): Week =>
    group.rules
      .map((rule) => both(open(rule, holiday), weeks.staffed(rule.who, counts)))
      .reduce(either, never());
  const fault = (message: string): FileFault => placed.fault(['notify'], message, 'key');
  const week = heard(false);
  const onHolidays = holidays ? heard(true) : week;
  if (isNever(week) && isNever(onHolidays))
    return [fault(`"${group.name}" is urgent, but nobody is ever told`)];
  const found: FileFault[] = [];
  const gaps = gapsInWords(week);
  if (gaps !== null) found.push(fault(`"${group.name}" is urgent, but nobody is told: ${gaps}`));
  if (!isSame(week, onHolidays)) {
    const more = gapsInWords(onHolidays);
    if (more !== null)
      found.push(fault(`"${group.name}" is urgent, but on holidays nobody is told: ${more}`));
  }
  return found;
}
