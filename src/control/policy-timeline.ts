/** What `mauvectl policy explain` prints: for people, a timeline that reads at 80 columns; for programs, JSON. */
import { Temporal } from 'temporal-polyfill';
import type { ForecastEntry } from '../station/core/forecast.ts';
import type { Group, Policy } from '../station/core/policy.ts';
import { oneLine } from '../station/yaml-file.ts';
import { type Duration, formatDuration, type Instant, minutes, rfc3339, since } from '../time.ts';
import type { Explained } from './policy-explain.ts';
import { table, widthMax, wrapped } from './table.ts';

/** So many reminders of one rule in a row, evenly apart, are told as a row of them. */
const foldedLeast = 4;

export function explainedText(explained: Explained): string {
  const { alert, policy, group, forecast } = explained;
  const zone = policy.timezone;
  const subject = alert.subject === '' || alert.subject === alert.source ? '' : ` about ${alert.subject}`;
  const why = group.why ?? 'no group matches, and this is the last';
  const earlier = group.earlier.map((one) => [`not ${one.group}:`, one.why]);
  const acked = explained.ackedAt === null ? '' : `, acknowledged ${timeText(explained.ackedAt, zone)}`;
  const lines = [
    paragraph(`${alert.id} from ${alert.source}${subject}`),
    paragraph(`raised ${timeText(explained.raisedAt, zone)}${acked}; times are ${zone}`),
    '',
    paragraph(`Group: ${group.group.name}, ${group.group.level}: ${why}`),
  ].map((text) => `${text}\n`);
  const rows = timeline(forecast.entries, group.group, policy);
  const end = timeText(forecast.until, zone);
  const told = rows.length === 0 ? `Nobody is told until ${end}.\n` : `${table(rows)}\nUntil ${end}.\n`;
  const cut = forecast.cut ? 'There is more, which is left out: ask for a shorter time.\n' : '';
  return oneLines(`${lines.join('')}${table(earlier, '  ')}\n${told}${cut}`);
}

const paragraph = (text: string): string => wrapped(text, widthMax).join('\n');
/** Each line by itself: what somebody typed may hold control characters. */
const oneLines = (text: string): string => text.split('\n').map(oneLine).join('\n');

export function explainedJson(explained: Explained): string {
  const { alert, policy, raisedAt, ackedAt, group, forecast, unknown } = explained;
  const time = (at: Instant | null): string | null => (at === null ? null : rfc3339(at));
  const entries = forecast.entries.map((entry) => ({
    ...entry,
    ...('until' in entry ? { until: time(entry.until) } : {}),
    at: time(entry.at),
    local: localTime(entry.at, policy.timezone),
  }));
  return `${JSON.stringify({
    alert,
    raised_at: time(raisedAt),
    acked_at: time(ackedAt),
    timezone: policy.timezone,
    group: group.group.name,
    level: group.group.level,
    why: group.why,
    earlier: group.earlier,
    from: time(forecast.from),
    until: time(forecast.until),
    cut: forecast.cut,
    not_looked_up: unknown,
    entries,
  })}\n`;
}

// ---------------------------------------------------------------- the timeline

/** A day, or what happens at a moment. */
type Row = readonly [day: string] | readonly [time: string, who: string, what: string];
/** Entries that say the same of several people at one moment. */
type Event = {
  readonly at: Instant;
  readonly who: string;
  readonly what: string;
  readonly fold: string | null;
};

/** Rows of local time, who, and what they are told by which rule, or why they are not told. */
export function timeline(entries: readonly ForecastEntry[], group: Group, policy: Policy): readonly Row[] {
  const zone = policy.timezone;
  const rows: Row[] = [];
  let day = '';
  for (const { at, who, what } of folded(together(entries, group, zone))) {
    const date = dayText(at, zone);
    if (date !== day) rows.push([date]);
    day = date;
    rows.push([`  ${clockText(at, zone)}`, who, what]);
  }
  return rows;
}

/** One event for all whom one moment tells the same. */
function together(entries: readonly ForecastEntry[], group: Group, zone: string): readonly Event[] {
  const events: { at: Instant; people: string[]; what: string; fold: string | null }[] = [];
  for (const entry of entries) {
    const person = 'person' in entry ? entry.person : null;
    const { what, fold } = wordsOf(entry, group, zone);
    const same = events.find((event) => event.at === entry.at && event.what === what);
    if (same !== undefined && person !== null) same.people.push(person);
    else events.push({ at: entry.at, people: person === null ? [] : [person], what, fold });
  }
  return events.map(({ at, people, what, fold }) => ({ at, who: people.join(', '), what, fold }));
}

type Words = { readonly what: string; readonly fold: string | null };

function wordsOf(entry: ForecastEntry, group: Group, zone: string): Words {
  const still = (what: string): Words => ({ what, fold: null });
  switch (entry.kind) {
    case 'told': {
      const rule = group.rules.find(({ id }) => id === entry.rule);
      const by = rule === undefined ? 'was told before' : ruleText(rule);
      const what = `${entry.of} by ${entry.channels.join(' and ')} (${by})`;
      return { what, fold: entry.of === 'reminder' ? what : null };
    }
    case 'not-told':
      return { what: `not told (${entry.of}): ${entry.why}`, fold: `not told (${entry.of})${entry.until}` };
    case 'muted': {
      const until = entry.until === null ? '' : ` until ${timeText(entry.until, zone)}`;
      const why = entry.why === '' || entry.by === 'settling' ? '' : ` (${entry.why})`;
      return still(`nobody is told${until}: ${mutedWords[entry.by]}${why}`);
    }
    case 'unmuted':
      return still(`people are told again: no longer ${entry.by}`);
    default:
      return still(`the alert is ${entry.kind}`);
  }
}

const mutedWords = {
  suppressed: 'suppressed',
  silenced: 'silenced',
  inhibited: 'inhibited',
  settling: 'its group holds new alerts back for a while',
  naming: 'the addresses of its subject are being looked up',
} as const;

/** `archie, every 6h`: what tells one rule of a group from another, for a reader. */
function ruleText({ id, to, every }: Group['rules'][number]): string {
  const name = id.slice(id.indexOf('/') + 1);
  const often = every === null ? 'once' : `every ${formatDuration(every)}`;
  return name.startsWith('#') ? `to ${to.join(', ')} ${often}` : name;
}

/** Reminders of one rule to the same people, evenly apart with nothing else between, become one row. */
function folded(events: readonly Event[]): readonly Event[] {
  const done = new Set<Event>();
  const result: Event[] = [];
  const breaks = events.filter(({ fold }) => fold === null).map(({ at }) => at);
  for (const [index, event] of events.entries()) {
    if (done.has(event)) continue;
    const run = event.fold === null ? [event] : runFrom(event, events.slice(index + 1), breaks);
    const [, second] = run;
    const last = run.at(-1);
    if (second === undefined || last === undefined || run.length < foldedLeast) {
      result.push(event);
      continue;
    }
    for (const one of run) done.add(one);
    result.push({ ...event, what: `${event.what}${thenText(run.length, since(event.at, second.at))}` });
  }
  return result;
}

const thenText = (count: number, every: Duration): string =>
  `; in all ${count} times, ${formatDuration(every)} apart`;

function runFrom(first: Event, later: readonly Event[], breaks: readonly Instant[]): readonly Event[] {
  const run = [first];
  let gap: Duration | null = null;
  for (const event of later) {
    if (event.fold !== first.fold || event.who !== first.who) continue;
    const last = run.at(-1) ?? first;
    const apart = since(last.at, event.at);
    const broken = breaks.some((at) => last.at < at && at <= event.at);
    if (broken || (gap !== null && apart !== gap)) break;
    gap = apart;
    run.push(event);
  }
  return run;
}

// ---------------------------------------------------------------- times

const zoned = (at: Instant, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** `Mon 2026-11-23` */
export const dayText = (at: Instant, zone: string): string => {
  const there = zoned(at, zone);
  return `${days[there.dayOfWeek - 1] ?? ''} ${there.toPlainDate().toString()}`;
};

/** `09:15`, with seconds where there are any. */
export function clockText(at: Instant, zone: string): string {
  const smallestUnit = at % minutes(1) === 0 ? 'minute' : 'second';
  return zoned(at, zone).toPlainTime().toString({ smallestUnit, roundingMode: 'trunc' });
}

/** `Mon 2026-11-23 09:15` */
export const timeText = (at: Instant, zone: string): string => `${dayText(at, zone)} ${clockText(at, zone)}`;

/** As a clock on the wall shows it, with its distance from UTC. */
const localTime = (at: Instant, zone: string): string =>
  zoned(at, zone).toString({ timeZoneName: 'never', smallestUnit: 'second' });
