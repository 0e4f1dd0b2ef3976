/**
 * From what is written to what the core follows: every name replaced by what
 * it stands for, every calendar read, so that the core never looks anything up.
 * The names are known to belong together (policy/names.ts); what is found here
 * are faults of what the policy refers to.
 */
import { Temporal } from 'temporal-polyfill';
import { days, type Instant, milliseconds, since } from '../../time.ts';
import { daysOf, shiftsOf } from '../calendar/calendar.ts';
import { publicHolidays } from '../calendar/holidays.ts';
import { everyAlert } from '../core/match.ts';
import type { DayNumber, Group, Inhibit, Policy, Rota, Silence } from '../core/policy.ts';
import type { SourceList } from '../core/sources.ts';
import { type DuringReader, duringReader, momentIn, namedHours } from './during.ts';
import { conditionOf, matchContent } from './match.ts';
import type { Gathered, Placed } from './parts.ts';
import { dayOf, type PeopleNamed, peopleFinder, peopleOf, warnOfStrangers } from './people.ts';
import { eventsOf, readRef, type Sources } from './references.ts';
import { membersReader, type RulesOf, rulesReader, shortHash, whoFrom } from './rules.ts';
import {
  acknowledgeAtMostDefault,
  acknowledgeForDefault,
  digestDefault,
  holdAtMostDefault,
  initialSleepDefault,
  summaryEveryDefault,
  summaryOverDefault,
  timezoneDefault,
  unreachableAfterDefault,
  urgentHoldAtMostDefault,
  type WrittenGroup,
  type WrittenInhibit,
  type WrittenPolicy,
  type WrittenSilence,
} from './schema.ts';
import { parseSourceList, parseSourceText } from './source-list.ts';
import { policyLimits } from './words.ts';

/** Whose silences those of the policy are. */
const policyAuthor = 'the policy';

/** A policy without its version and templates. Faults and warnings are put into `sources`; with a fault, the policy is of no use. */
export function compiled(gathered: Gathered, sources: Sources): Omit<Policy, 'version' | 'templates'> {
  const timezone = gathered.timezone ?? timezoneDefault;
  const named = peopleFinder(gathered.people);
  const people = peopleOf(gathered, sources, named, timezone);
  const rotas = rotasOf(gathered, sources, named, timezone);
  const lists = sourceLists(gathered, sources);
  const membersOf = membersReader(gathered, rotas);
  const reader = duringReader({
    gathered,
    holidays: holidaysOf(gathered, sources, timezone),
    people,
    whoOf: (names) => whoFrom(membersOf(names)),
  });
  const rulesOf = rulesReader(gathered, membersOf, reader.during);
  const listOf = (name: string): SourceList => {
    const list = lists.get(name);
    // With a fault on record, the policy is thrown away.
    return list ?? { name, hosts: new Set(), patterns: [], networks: [], lookUp: false };
  };
  const { settings } = gathered;
  const acknowledgeAtMost = settings.acknowledge_at_most ?? acknowledgeAtMostDefault;
  const acknowledgeFor = milliseconds(Math.min(acknowledgeForDefault, acknowledgeAtMost));
  const holdAtMost = settings.hold_at_most ?? holdAtMostDefault;
  return {
    timezone,
    people,
    groups: groupsOf(gathered, sources, listOf, rulesOf, acknowledgeFor),
    silences: gathered.silences.map((placed) => silenceOf(placed, listOf, reader, timezone, sources)),
    inhibits: gathered.inhibit.map(({ written }) => inhibitOf(written, listOf)),
    hours: namedHours(gathered, reader),
    hosts: [...new Set([...lists.values()].flatMap(({ lookUp, hosts }) => (lookUp ? [...hosts] : [])))],
    settings: {
      acknowledgeAtMost,
      initialSleep: settings.initial_sleep ?? initialSleepDefault,
      holdAtMost: {
        low: holdAtMost,
        normal: holdAtMost,
        urgent: settings.urgent_hold_at_most ?? urgentHoldAtMostDefault,
      },
      digest: settings.digest ?? digestDefault,
      summary: summaryOf(settings.summary),
      unreachableAfter: settings.unreachable_after ?? unreachableAfterDefault,
    },
  };
}

function summaryOf(
  written: NonNullable<WrittenPolicy['settings']>['summary'],
): Policy['settings']['summary'] {
  if (written === 'never') return { over: {}, every: summaryEveryDefault };
  const given = Object.entries({ ...summaryOverDefault, ...written?.over });
  const over = given.flatMap(([channel, count]) => (typeof count === 'number' ? [[channel, count]] : []));
  return { over: Object.fromEntries(over), every: written?.every ?? summaryEveryDefault };
}

/**
 * Puts on record what is wrong with what the policy refers to and with its times, where its names do not belong
 * together, so that nothing can be made of it.
 */
export function checkReferences(gathered: Gathered, sources: Sources): void {
  const timezone = gathered.timezone ?? timezoneDefault;
  const named = peopleFinder(gathered.people);
  peopleOf(gathered, sources, named, timezone);
  rotasOf(gathered, sources, named, timezone);
  sourceLists(gathered, sources);
  holidaysOf(gathered, sources, timezone);
  for (const placed of gathered.silences) periodOf(placed, timezone, sources);
}

type ListOf = (name: string) => SourceList;

// ---------------------------------------------------------------- calendars

function rotasOf(
  gathered: Gathered,
  sources: Sources,
  named: PeopleNamed,
  timezone: string,
): ReadonlyMap<string, Rota> {
  const rotas = new Map<string, Rota>();
  for (const [name, placed] of gathered.lists) {
    const { rota } = placed.written;
    if (rota === undefined) continue;
    const events = eventsOf(sources, placed, ['rota'], rota, timezone);
    warnOfStrangers(events, named, rota, placed, ['rota'], sources, timezone);
    const shifts = shiftsOf(events, named);
    rotas.set(name, { name, shifts, people: new Set(shifts.flatMap(({ people }) => people)) });
  }
  return rotas;
}

function holidaysOf(gathered: Gathered, sources: Sources, timezone: string): ReadonlySet<DayNumber> {
  const all = new Set<DayNumber>();
  const year = (at: Instant): number => Number(dayOf(at, timezone).slice(0, 4));
  for (const placed of gathered.holidays) {
    const { written } = placed;
    if (written.kind === 'day') all.add(dayNumber(written.day));
    else if (written.kind === 'calendar') {
      const events = eventsOf(sources, placed, [], written.calendar, timezone);
      for (const day of daysOf(events, timezone)) all.add(day);
    } else {
      const { from, to } = sources.window;
      const found = publicHolidays(written.country, written.region ?? null, year(from), year(to));
      if (found.ok) for (const day of found.days) all.add(day);
      else
        sources.faults.push(placed.fault([written.region === undefined ? 'country' : 'region'], found.why));
    }
  }
  return all;
}

function dayNumber(day: string): DayNumber {
  const midnight = Temporal.PlainDate.from(day).toZonedDateTime('UTC').epochMilliseconds;
  return Math.floor(midnight / days(1));
}

// ---------------------------------------------------------------- source lists

function sourceLists(gathered: Gathered, sources: Sources): ReadonlyMap<string, SourceList> {
  const lookups = gathered.settings.source_lookups ?? true;
  const lists = new Map<string, SourceList>();
  for (const [name, placed] of gathered.sources) {
    const { members = [], from, dns = true } = placed.written;
    const lookUp = dns && lookups;
    const own = parseSourceList(name, members, lookUp);
    if (!own.ok) {
      const path = (index: number) => (placed.written.short ? [index] : ['members', index]);
      for (const { index, why } of own.faults) sources.faults.push(placed.fault(path(index), why));
      continue;
    }
    const fetched = from === undefined ? [] : fetchedEntries(name, placed, from, sources);
    const whole = fetched.length === 0 ? own : parseSourceList(name, [...members, ...fetched], lookUp);
    if (whole.ok) lists.set(name, whole.list);
    else for (const { why } of whole.faults) sources.faults.push(placed.fault(['from'], why));
  }
  return lists;
}

function fetchedEntries(
  name: string,
  placed: Placed<unknown>,
  from: string,
  sources: Sources,
): readonly string[] {
  const entries = readRef(sources, placed, ['from'], from, (text) => {
    const read = parseSourceText(text);
    if (!read.ok) return read;
    const value = read.entries.map(({ entry }) => entry);
    const checked = parseSourceList(name, value, false);
    if (checked.ok) return { ok: true, value };
    const [{ index, why } = { index: 0, why: 'is no source list' }] = checked.faults;
    return { ok: false, why: `line ${read.entries[index]?.line ?? 1}: ${why}` };
  });
  return entries ?? [];
}

// ---------------------------------------------------------------- groups, silences, inhibitions

function groupsOf(
  gathered: Gathered,
  sources: Sources,
  listOf: ListOf,
  rulesOf: RulesOf,
  acknowledgeFor: Group['acknowledgeFor'],
): readonly Group[] {
  let clauses = 0;
  return gathered.groups.map((placed) => {
    const group = groupFrom(placed.written, listOf, rulesOf, acknowledgeFor);
    const within = clauses <= policyLimits.clauses;
    clauses += group.rules.length;
    if (within && clauses > policyLimits.clauses) {
      const message = `with what lists and people say for themselves, there are more than ${policyLimits.clauses} rules`;
      sources.faults.push(placed.fault(['notify'], message));
    }
    return group;
  });
}

function groupFrom(
  written: WrittenGroup,
  listOf: ListOf,
  rulesOf: RulesOf,
  acknowledgeFor: Group['acknowledgeFor'],
): Group {
  return {
    name: written.name,
    match: written.match === undefined ? everyAlert : conditionOf(written.match, listOf),
    level: written.level ?? 'normal',
    acknowledgeFor: written.acknowledge_for ?? acknowledgeFor,
    hold: written.hold ?? milliseconds(0),
    rules: written.notify.flatMap((rule) => rulesOf(written.name, rule)),
  };
}

function silenceOf(
  placed: Placed<WrittenSilence>,
  listOf: ListOf,
  { hours }: DuringReader,
  timezone: string,
  sources: Sources,
): Silence {
  const { name, match, weekly, during, reason = '' } = placed.written;
  const common = { id: name, match: conditionOf(match, listOf), reason, author: policyAuthor };
  const recurring = weekly ?? during;
  if (recurring !== undefined) {
    return { ...common, during: { kind: 'recurring', hours: hours(recurring, timezone) } };
  }
  const period = periodOf(placed, timezone, sources);
  if (period === null) throw new Error('a silence without a time passed the schema');
  return { ...common, during: { kind: 'once', ...period } };
}

/** Null: it is none that happens once. */
function periodOf(
  placed: Placed<WrittenSilence>,
  timezone: string,
  sources: Sources,
): { readonly from: Instant; readonly until: Instant } | null {
  const { from, until } = placed.written;
  if (from === undefined || until === undefined) return null;
  const period = { from: momentIn(from, timezone, false), until: momentIn(until, timezone, true) };
  if (since(period.from, period.until) <= 0) sources.faults.push(placed.fault(['until'], 'is before from'));
  return period;
}

function inhibitOf(written: WrittenInhibit, listOf: ListOf): Inhibit {
  const { mutes, same = ['subject' as const] } = written;
  const content = JSON.stringify([matchContent(written.while), matchContent(mutes), same]);
  return {
    name: written.name ?? `#${shortHash(content)}`,
    while: conditionOf(written.while, listOf),
    mutes: conditionOf(mutes, listOf),
    same,
  };
}
