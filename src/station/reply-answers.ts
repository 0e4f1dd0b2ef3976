/**
 * What the station answers to a person's message, in words short enough for a
 * text message: what was done to which alert, until when by their own clock,
 * and who hears next. An answer that is too long says less of what the alert
 * is called, never less of what was done.
 */
import { type Duration, days, type Instant, since } from '../time.ts';
import { type Alert, raisedAt } from './core/alert.ts';
import type { Forecast } from './core/forecast.ts';
import { oneLine } from './core/message-text.ts';
import type { Person, Policy } from './core/policy.ts';
import { clockTime, lengthOfTime } from './core/words.ts';

/** In characters, by the channel on which it is heard. */
export const answerMax = { sms: 300, listBySms: 600, xmpp: 2000 } as const;
/** The longest first; the first that fits is taken. */
const nameSizes = [160, 100, 60, 40, 24, 12];
/** So many alerts are named one by one; of more there is a number. */
export const namedMax = 5;

/** An alert as an answer speaks of it. */
export type Spoken = { readonly alert: Alert; readonly code: number | null };

/** From when and by whose clock an answer is told. */
export type Telling = {
  readonly now: Instant;
  readonly person: Person;
  readonly policy: Policy;
  readonly most: number;
};

/** As `build` makes it with names of the greatest size that fits. */
export function fitted(most: number, build: (size: number) => string): string {
  for (const size of nameSizes) {
    const text = build(size);
    if (text.length <= most) return text;
  }
  return shortened(build(nameSizes.at(-1) ?? 0), most);
}

/** With plain full stops: an ellipsis would make a text message twice as dear. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  let kept = '';
  for (const character of text.slice(0, max)) {
    if (kept.length + character.length > max - 2) break;
    kept += character;
  }
  return `${kept.trimEnd()}..`;
}

/** `12 db1: disk is 97% full`. */
export function called({ alert, code }: Spoken, size: number): string {
  const subject = oneLine(alert.subject) || oneLine(alert.source);
  const summary = oneLine(alert.summary) || oneLine(alert.id);
  const name = shortened(`${subject}: ${summary}`, size);
  return code === null ? name : `${code} ${name}`;
}

/** `12 db1`. */
function brief({ alert, code }: Spoken, size: number): string {
  const name = shortened(oneLine(alert.subject) || oneLine(alert.source), Math.min(size, 40));
  return code === null ? name : `${code} ${name}`;
}

export const whenWords = (at: Instant, { now, person }: Telling): string =>
  clockTime(at, now, person.timezone);

export function whoWords(id: string, { person, policy }: Telling): string {
  if (id === person.id) return 'you';
  const known = [...policy.people.values()].find((each) => each.id === id);
  return oneLine(known?.name ?? id);
}

// ---------------------------------------------------------------- who hears next

export type Next = { readonly at: Instant; readonly people: readonly string[] };

/** The first who will be told that something is to be done; null: nobody, as far as the forecast reaches. */
export function nextOf(forecasts: readonly Forecast[]): Next | null {
  const told = forecasts
    .flatMap(({ entries }) => entries)
    .filter((entry) => entry.kind === 'told' && ['raised', 're-raised', 'reminder'].includes(entry.of));
  const at = told.reduce<Instant | null>(
    (least, entry) => (least === null || entry.at < least ? entry.at : least),
    null,
  );
  if (at === null) return null;
  const people = told.flatMap((entry) => (entry.kind === 'told' && entry.at === at ? [entry.person] : []));
  return { at, people: [...new Set(people)] };
}

const peopleNamedMax = 3;

/** `Next: johnny at 05:10 today if it is still raised.` @param next undefined where it could not be worked out. */
export function nextWords(next: Next | null | undefined, telling: Telling, many = false): string {
  if (next === undefined) return '';
  if (next === null) return ` Nobody else hears of ${many ? 'them' : 'it'} for a week at least.`;
  const names = next.people.slice(0, peopleNamedMax).map((id) => shortened(whoWords(id, telling), 24));
  const more = next.people.length - names.length;
  const who = more > 0 ? `${names.join(', ')} and ${more} more` : listed(names);
  return ` Next: ${who} at ${whenWords(next.at, telling)} if ${many ? 'one' : 'it'} is still raised.`;
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

// ---------------------------------------------------------------- acknowledged

export type Acknowledged = {
  /** As they are afterwards. */
  readonly done: readonly Spoken[];
  /** As they were. */
  readonly before: readonly Spoken[];
  /** Those that were cleared meanwhile. */
  readonly cleared: readonly Spoken[];
  /** How long was asked for, where every hour counts. */
  readonly asked: Duration | null;
  readonly next: Next | null | undefined;
  /** Of all there are: so many were not touched. */
  readonly remaining: number;
};

export function acknowledgedWords(acknowledged: Acknowledged, telling: Telling): string {
  const { done, cleared, next, remaining } = acknowledged;
  const more = remaining === 0 ? '' : ` ${remaining} more are open: write ack all again.`;
  return fitted(telling.most, (size) => {
    const gone = clearedAlready(cleared, size);
    if (done.length === 0) return `Nothing done: ${gone}${more}`;
    const first = done.length === 1 ? one(acknowledged, telling, size) : several(acknowledged, telling, size);
    return `${first}${gone === '' ? '' : ` But ${gone}`}${nextWords(next, telling, done.length > 1)}${more}`;
  });
}

function one({ done, before, asked }: Acknowledged, telling: Telling, size: number): string {
  const [spoken] = done;
  if (spoken === undefined) return '';
  const until = untilWords(done, telling);
  const was = before.find(({ alert }) => alert.key === spoken.alert.key)?.alert.phase;
  const earlier =
    was?.kind === 'acknowledged'
      ? ` (before: by ${shortened(whoWords(was.by, telling), 24)} until ${whenWords(was.until, telling)})`
      : '';
  return `Acknowledged ${called(spoken, size)}${until}${cutWords(done, asked)}${earlier}.`;
}

function several({ done, asked }: Acknowledged, telling: Telling, size: number): string {
  const names =
    done.length <= namedMax || size === nameSizes[0]
      ? done.map((each) => brief(each, size)).join(', ')
      : `${done
          .slice(0, namedMax)
          .map((each) => brief(each, size))
          .join(', ')} and ${done.length - namedMax} more`;
  return `Acknowledged ${done.length} alerts${untilWords(done, telling)}${cutWords(done, asked)}: ${names}.`;
}

/** All the same, or from the first to the last. */
function untilWords(done: readonly Spoken[], telling: Telling): string {
  const ends = done.flatMap(({ alert: { phase } }) => (phase.kind === 'acknowledged' ? [phase.until] : []));
  const [first, last] = [Math.min(...ends) as Instant, Math.max(...ends) as Instant];
  if (ends.length === 0) return '';
  if (first === last) return ` until ${whenWords(first, telling)}`;
  return `, the first until ${whenWords(first, telling)}, the last until ${whenWords(last, telling)}`;
}

function cutWords(done: readonly Spoken[], asked: Duration | null): string {
  const cutShort = done.some(
    ({ alert: { phase } }) =>
      asked !== null && phase.kind === 'acknowledged' && since(phase.since, phase.until) < asked,
  );
  return cutShort ? ', as long as the policy allows' : '';
}

function clearedAlready(cleared: readonly Spoken[], size: number): string {
  const [first] = cleared;
  if (first === undefined) return '';
  if (cleared.length === 1) return `${called(first, size)} is cleared already.`;
  const names = cleared.slice(0, namedMax).map((each) => brief(each, size));
  const more = cleared.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} are cleared already.`;
}

// ---------------------------------------------------------------- others

/** How an alert stands, and who hears next. */
export function standsWords(spoken: Spoken, next: Next | null | undefined, telling: Telling): string {
  const { phase } = spoken.alert;
  return fitted(telling.most, (size) => {
    const name = called(spoken, size);
    switch (phase.kind) {
      case 'raised':
        return `${name} is raised since ${whenWords(phase.since, telling)}.${nextWords(next, telling)}`;
      case 'acknowledged': {
        const by = shortened(whoWords(phase.by, telling), 24);
        return `${name} is acknowledged by ${by} until ${whenWords(phase.until, telling)}.${nextWords(next, telling)}`;
      }
      case 'cleared':
        return `${name} is cleared since ${whenWords(phase.since, telling)}.`;
      default:
        return phase satisfies never;
    }
  });
}

/** What stands unacknowledged of which the person was told. */
export function openWords(open: readonly Spoken[], total: number, telling: Telling): string {
  if (total === 0) return 'Nothing that you were told of stands unacknowledged.';
  const more = (shown: number): string => (total > shown ? `\n${total - shown} more` : '');
  const heading = total === 1 ? '1 alert stands unacknowledged:' : `${total} alerts stand unacknowledged:`;
  const row = (spoken: Spoken, size: number): string => {
    const level = spoken.alert.level === 'urgent' ? 'URGENT ' : '';
    const raised = raisedAt(spoken.alert);
    const age = raised === null ? '' : ` (${lengthOfTime(since(raised, telling.now))})`;
    return `\n${level}${called(spoken, size)}${age}`;
  };
  for (let count = open.length; count > 0; count--) {
    for (const size of [60, 40]) {
      const rows = open.slice(0, count).map((spoken) => row(spoken, size));
      const text = `${heading}${rows.join('')}${more(count)}`;
      if (text.length <= telling.most) return text;
    }
  }
  return `${heading}${more(0)}`;
}

/** More than one is open, and none was named. */
export function whichWords(open: readonly Spoken[], total: number, verb: string, telling: Telling): string {
  return fitted(telling.most, (size) => {
    const names = open.slice(0, namedMax).map((each) => brief(each, size));
    const more = total > names.length ? ` and ${total - names.length} more` : '';
    const all = verb === 'ack' ? ', or ack all' : '';
    return `Which one? ${total} stand unacknowledged: ${names.join(', ')}${more}. Write ${verb} ${open[0]?.code ?? 12}${all}.`;
  });
}

export const helpWords =
  'ack 12: acknowledge alert 12. ack 12 2h on my way: for how long, and a note. ack all. unack 12. clear 12. note 12 text. who 12: who hears next. list: what is open. Lengths: 30m, 2h, 2 working hours, until 9:30.';

/** How far ahead is looked for who hears next, one after the other. */
export const lookAhead: readonly Duration[] = [days(1), days(8)];
