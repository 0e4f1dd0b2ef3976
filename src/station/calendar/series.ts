/**
 * A series, and what a calendar says of single occurrences of it: left out,
 * added, moved, renamed, cancelled, or changed from one of them on.
 */
import type { Instant } from '../../time.ts';
import { hours, minus, plus } from '../../time.ts';
import type { DayNumber, Period } from '../core/policy.ts';
import { type Entry, endOf, type Moment } from './events.ts';
import { type Budget, occurrences } from './recurrence.ts';
import type { Length } from './values.ts';
import { dayOf, instantOf, type Wall, wall, wallOf } from './wall-time.ts';

/** An occurrence, and the entry whose words are its own. */
export type Occurrence = Period & { readonly entry: Entry };

/** No zone ever set its clocks further. */
const slack = hours(25);
/** An occurrence that is looked at, in steps of a rule. */
const candidateCost = 4;

/** Everything that the entries make happen in the window, entry by entry. */
export function* occurrencesOf(
  entries: readonly Entry[],
  window: Period,
  budget: Budget,
): Generator<Occurrence, void> {
  for (const [uid, all] of byUid(entries)) {
    const single = newest(all.filter(({ instead }) => instead !== null));
    const exceptions = exceptionsOf(single);
    for (const entry of single) {
      if (!entry.cancelled) yield* inWindow({ from: entry.start.at, to: entry.end, entry }, window);
    }
    const series = all.filter(({ instead }) => instead === null);
    const sequence = series.reduce((most, entry) => Math.max(most, entry.sequence), 0);
    for (const entry of series) {
      // Of several copies of one event the newest counts.
      if (entry.cancelled || (uid !== null && entry.sequence < sequence)) continue;
      for (const one of written(entry, exceptions, window, budget)) yield* inWindow(one, window);
    }
  }
}

function* inWindow(one: Occurrence, window: Period): Generator<Occurrence, void> {
  const { from, to, entry } = one;
  // A whole day may be one that a zone left out when it crossed the date line.
  if (from === to && (entry.start.date || from < window.from)) return;
  if (from < window.to && (to > window.from || from === to)) yield one;
}

/** Entries without a UID have nothing to do with each other. */
function* byUid(entries: readonly Entry[]): Generator<readonly [string | null, readonly Entry[]], void> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.uid === '') {
      yield [null, [entry]];
      continue;
    }
    const group = groups.get(entry.uid);
    if (group === undefined) groups.set(entry.uid, [entry]);
    else group.push(entry);
  }
  yield* groups;
}

/** Of several that stand for one occurrence, the newest, or the last. */
function newest(single: readonly Entry[]): readonly Entry[] {
  const chosen = new Map<Instant, Entry>();
  for (const entry of single) {
    if (entry.instead === null) continue;
    const other = chosen.get(entry.instead.at);
    if (other === undefined || other.sequence <= entry.sequence) chosen.set(entry.instead.at, entry);
  }
  return [...chosen.values()];
}

/** Occurrences named by their moment, or by their day. */
type Named = {
  readonly moments: ReadonlySet<Instant>;
  readonly days: ReadonlySet<DayNumber>;
  readonly anyDays: ReadonlySet<DayNumber>;
};

function named(moments: readonly Moment[]): Named {
  return {
    moments: new Set(moments.filter(({ date }) => !date).map(({ at }) => at)),
    days: new Set(moments.filter(({ date }) => date).map((moment) => dayOf(moment.wall))),
    anyDays: new Set(moments.map((moment) => dayOf(moment.wall))),
  };
}

/** Some programs name an occurrence by its day, and a whole day by its midnight. */
function names({ moments, days: named, anyDays }: Named, entry: Entry, shown: Wall, at: Instant): boolean {
  return entry.start.date ? anyDays.has(dayOf(shown)) : moments.has(at) || named.has(dayOf(shown));
}

/** `following`: those that stand for all later ones too, in order. */
type Exceptions = { readonly replaced: Named; readonly following: readonly Entry[]; readonly reach: number };

function exceptionsOf(single: readonly Entry[]): Exceptions {
  const following = single
    .filter(({ andFollowing }) => andFollowing)
    .sort((a, b) => (a.instead?.at ?? 0) - (b.instead?.at ?? 0));
  const reach = following.reduce(
    (most, entry) => Math.max(most, Math.abs(moved(entry)) + total(entry.length)),
    0,
  );
  return { replaced: named(single.flatMap(({ instead }) => instead ?? [])), following, reach };
}

const moved = (entry: Entry): number => entry.start.wall - (entry.instead?.wall ?? entry.start.wall);
const total = (length: Length): number => length.nominal + length.exact;

function* written(
  entry: Entry,
  { replaced, following, reach }: Exceptions,
  window: Period,
  budget: Budget,
): Generator<Occurrence, void> {
  const except = named(entry.except);
  for (const { at, shown, length } of candidates(entry, reach, window, budget)) {
    if (names(replaced, entry, shown, at) || names(except, entry, shown, at)) continue;
    const changed = following.findLast(({ instead }) => instead !== null && instead.at < at);
    if (changed === undefined) {
      const asWritten = shown === entry.start.wall && length === entry.length;
      yield { from: at, to: asWritten ? entry.end : endOf(shown, length, entry.zone), entry };
    } else if (!changed.cancelled) {
      const start = wall(wallOf(at, changed.zone) + moved(changed));
      yield {
        from: instantOf(start, changed.zone),
        to: endOf(start, changed.length, changed.zone),
        entry: changed,
      };
    }
  }
}

type Candidate = { readonly at: Instant; readonly shown: Wall; readonly length: Length };

/** When the series happens near the window, each time once. */
function* candidates(
  entry: Entry,
  reach: number,
  window: Period,
  budget: Budget,
): Generator<Candidate, void> {
  const longest = Math.max(total(entry.length), reach);
  const from = wallOf(minus(window.from, slack), entry.zone);
  const to = wallOf(plus(window.to, slack), entry.zone);
  // A day that a zone left out begins when the next one does, and is another day all the same.
  const seen = new Set<number>();
  const one = (shown: Wall, length: Length): readonly Candidate[] => {
    const at = instantOf(shown, entry.zone);
    const key = entry.start.date ? shown : at;
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ at, shown, length }];
  };
  const ruled = (rules: Entry['rules']): readonly Iterable<Wall>[] =>
    rules.map((rule) => occurrences(rule, entry.start.wall, wall(from - longest), wall(to + reach), budget));
  const excepted = new Set(ruled(entry.exceptRules).flatMap((set) => [...set]));
  for (const { start, length } of entry.extras) yield* one(start.wall, length ?? entry.length);
  for (const set of entry.rules.length === 0 ? [[entry.start.wall]] : ruled(entry.rules)) {
    for (const shown of set) {
      budget.left -= candidateCost;
      if (shown < from - longest || excepted.has(shown)) continue;
      yield* one(shown, entry.length);
    }
  }
}
