/**
 * People: how they are reached, when they are away, and whom an event of a
 * calendar means, in the words of people who write calendars: `ann`, `Ann
 * Smith`, `On call: Ann & bob`, or an invitation.
 */
import { Temporal } from 'temporal-polyfill';
import type { Instant } from '../../time.ts';
import { absencesOf, type CalendarEvent } from '../calendar/calendar.ts';
import type { Level, PersonId } from '../core/alert.ts';
import { type Absence, type ChannelPlan, limitsDefault, type Person } from '../core/policy.ts';
import { readXmppAddress } from '../core/xmpp-address.ts';
import { momentIn } from './during.ts';
import { shownRef } from './feeds.ts';
import type { Gathered, Placed } from './parts.ts';
import { eventsOf, refOf, type Sources } from './references.ts';
import type { WrittenPerson } from './schema.ts';
import { channelNames, channelWithoutAddress } from './words.ts';

export type PeopleNamed = (event: CalendarEvent) => readonly PersonId[];

/** In words; a longer name is found only where it stands alone. */
const nameWordsMax = 5;
/** Events of one calendar that name nobody, each in a warning of its own. */
const strangersShown = 5;
/** What absences are called whose calendar says nothing else. */
const awayDefault = 'away';
/** In characters, of a summary: what comes after is not looked at. */
const summaryMax = 1000;

const separators = /[,;:/&|()[\]"]|\s-\s|\s(?:and|und|et|with)\s/i;

/** @param people all of the policy: known by their login, their name and their addresses. */
export function peopleFinder(people: ReadonlyMap<string, Placed<WrittenPerson>>): PeopleNamed {
  /** Null: two people have this name, so it says nothing. */
  const known = new Map<string, PersonId | null>();
  for (const [id, { written }] of people) {
    const names = [written.name, written.email, personsJid(written.xmpp)];
    for (const word of new Set(names.map((text) => fold(text ?? '')))) {
      if (word !== '') known.set(word, known.has(word) ? null : (id as PersonId));
    }
  }
  // A login is nobody else's, whatever others are called.
  for (const id of people.keys()) known.set(fold(id), id as PersonId);

  const exactly = (texts: readonly string[]): readonly PersonId[] =>
    unique(texts.flatMap((text) => known.get(fold(text)) ?? []));
  return ({ summary, attendees }) => {
    const text = summary.slice(0, summaryMax);
    for (const texts of [[text], text.split(separators)]) {
      const found = exactly(texts);
      if (found.length > 0) return found;
    }
    const within = namesWithin(text, known);
    return within.length > 0 ? within : exactly(attendees);
  };
}

/** A room is nobody's name. */
function personsJid(written: string | undefined): string | undefined {
  const address = written === undefined ? null : readXmppAddress(written);
  return address?.kind === 'person' ? address.jid : undefined;
}

/** The names in a text, the longest first at each word. */
function namesWithin(text: string, known: ReadonlyMap<string, PersonId | null>): readonly PersonId[] {
  const words = fold(text).split(/[\s,;:/&|()[\]"]+/);
  const found: PersonId[] = [];
  for (let at = 0; at < words.length; at++) {
    for (let length = nameWordsMax; length >= 1; length--) {
      const person = known.get(words.slice(at, at + length).join(' '));
      if (person === undefined || person === null) continue;
      found.push(person);
      at += length - 1;
      break;
    }
  }
  return unique(found);
}

const unique = (people: readonly PersonId[]): readonly PersonId[] => [...new Set(people)];

const fold = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();

/** Events that name nobody who is known are hardly meant: a shift of nobody, an absence of a stranger. */
export function warnOfStrangers(
  events: readonly CalendarEvent[],
  named: PeopleNamed,
  calendar: string,
  placed: Placed<unknown>,
  path: readonly (string | number)[],
  sources: Sources,
  timezone: string,
): void {
  const shown = shownRef(refOf(calendar, placed.folder));
  const strangers = new Map<string, CalendarEvent>();
  for (const event of events) {
    if (!strangers.has(event.summary) && named(event).length === 0) strangers.set(event.summary, event);
  }
  for (const event of [...strangers.values()].slice(0, strangersShown)) {
    const message = `${shown}: the event of ${dayOf(event.from, timezone)} names nobody who is known`;
    sources.warnings.push(placed.fault(path, message));
  }
  if (strangers.size > strangersShown) {
    const message = `${shown}: so do ${strangers.size - strangersShown} more events`;
    sources.warnings.push(placed.fault(path, message));
  }
}

export const dayOf = (at: Instant, timezone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone).toPlainDate().toString();

// ---------------------------------------------------------------- how they are reached

/** All people of the policy, with the absences that calendars for all give them. */
export function peopleOf(
  gathered: Gathered,
  sources: Sources,
  named: PeopleNamed,
  timezone: string,
): ReadonlyMap<PersonId, Person> {
  const away = new Map<PersonId, Absence[]>();
  for (const placed of gathered.away) {
    const { calendar, kind = awayDefault } = placed.written;
    const path = placed.written.kind === undefined ? [] : ['calendar'];
    const events = eventsOf(sources, placed, path, calendar, timezone);
    warnOfStrangers(events, named, calendar, placed, path, sources, timezone);
    const theirs = new Map<PersonId, CalendarEvent[]>();
    for (const event of events) {
      for (const id of named(event)) theirs.set(id, [...(theirs.get(id) ?? []), event]);
    }
    for (const [id, own] of theirs) away.set(id, [...(away.get(id) ?? []), ...absencesOf(own, kind)]);
  }
  return new Map(
    [...gathered.people].map(([name, placed]) => {
      const id = name as PersonId;
      return [id, personFrom(id, placed, away.get(id) ?? [], sources, placed.written.timezone ?? timezone)];
    }),
  );
}

function personFrom(
  id: PersonId,
  placed: Placed<WrittenPerson>,
  elsewhere: readonly Absence[],
  sources: Sources,
  timezone: string,
): Person {
  const { written } = placed;
  const addresses: Record<string, string> = {};
  for (const channel of channelNames) {
    const address = channel === channelWithoutAddress ? undefined : written[channel];
    if (address !== undefined) addresses[channel] = address;
  }
  const reachable = Object.keys(addresses);
  const byDefault = reachable.length > 0 ? reachable : [channelWithoutAddress];
  const plan = (level: Level): ChannelPlan => {
    const given = written.channels?.[level];
    if (given === undefined) return { kind: 'all-of', channels: byDefault };
    return { ...given, channels: [...new Set(given.channels)] };
  };
  return {
    id,
    name: written.name ?? id,
    addresses,
    channels: { low: plan('low'), normal: plan('normal'), urgent: plan('urgent') },
    timezone,
    limits: limitsFrom(written),
    away: awayOf(placed, elsewhere, sources, timezone),
  };
}

function limitsFrom({ limits }: WrittenPerson): Person['limits'] {
  if (limits === undefined) return limitsDefault;
  if (limits === 'none') return [];
  return Object.entries(limits).map(([count, per]) => ({ count: Number(count), per }));
}

/** When a person is away, without the times in which they want to be told all the same. */
function awayOf(
  placed: Placed<WrittenPerson>,
  elsewhere: readonly Absence[],
  sources: Sources,
  timezone: string,
): readonly Absence[] {
  const { away = [], told_when_away: told = false } = placed.written;
  const all = away.flatMap((absence, index): readonly Absence[] => {
    const { calendar, from, to, kind = awayDefault } = absence;
    const path = ['away', index];
    if (calendar !== undefined) {
      return absencesOf(eventsOf(sources, placed, [...path, 'calendar'], calendar, timezone), kind);
    }
    if (from === undefined || to === undefined) return [];
    const period = { from: momentIn(from, timezone, false), to: momentIn(to, timezone, true), why: kind };
    if (period.from < period.to) return [period];
    sources.faults.push(placed.fault([...path, 'to'], 'is before from'));
    return [];
  });
  if (told === true) return [];
  return inOrder([...all, ...elsewhere].filter(({ why }) => told === false || !told.includes(why)));
}

/** In order and without overlaps: of two absences at once, the one that began first counts until its end. */
function inOrder(absences: readonly Absence[]): readonly Absence[] {
  const merged: Absence[] = [];
  for (const absence of [...absences].sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = merged.at(-1);
    if (last === undefined || last.to < absence.from) merged.push(absence);
    else if (last.why === absence.why) {
      if (absence.to > last.to) merged[merged.length - 1] = { ...last, to: absence.to };
    } else if (absence.to > last.to) merged.push({ ...absence, from: last.to });
  }
  return merged;
}
