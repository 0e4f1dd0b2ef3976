/**
 * The policy as the core sees it: data, already checked, every name resolved.
 * `policy-file.ts` makes it from YAML. Nothing here knows of files.
 */
import type { Duration, Instant } from '../../time.ts';
import { type Alert, type Level, type PersonId, type RuleId, unreachable } from './alert.ts';

/** Names of channels; which of them a station can use is set in the station file. */
export type ChannelName = string;

export type Person = {
  readonly id: PersonId;
  readonly name: string;
  /** By channel: where this person is reached. The inbox needs no address. */
  readonly addresses: Readonly<Record<ChannelName, string>>;
  /** All of these channels get each message of that level. */
  readonly channels: Readonly<Record<Level, readonly ChannelName[]>>;
  readonly timezone: string;
};

/** Days of the week, 1 = Monday … 7 = Sunday (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

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
};

/** When a rule speaks. */
export type During =
  | { readonly kind: 'always' }
  | { readonly kind: 'hours'; readonly hours: Hours }
  | { readonly kind: 'unacknowledged'; readonly for: Duration }
  | { readonly kind: 'raised-for'; readonly for: Duration }
  | { readonly kind: 'all'; readonly of: readonly During[] };

/** What a condition may look at besides the time. */
export type Episode = { readonly raisedAt: Instant };

export type Rule = {
  readonly id: RuleId;
  /** As written, for people to read: names of people and lists. */
  readonly to: readonly string[];
  /** Whom that means, each once, in the order written. */
  readonly people: readonly PersonId[];
  /** How often to remind; null: told once, never reminded. */
  readonly every: Duration | null;
  readonly during: During;
  /** A hash of `every` and `during`: a rule that keeps its name may change what it means. */
  readonly meaning: string;
};

/**
 * One test of one text field. Texts of host fields are folded already, see `foldHost`.
 * A glob holds what stands between its stars: `a*b` is `['a', 'b']`. A pattern has no flag but `i`.
 */
export type TextTest =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'glob'; readonly parts: readonly string[] }
  | { readonly kind: 'pattern'; readonly regex: RegExp };

export const matchFields = ['source', 'subject', 'id', 'summary'] as const;
export type MatchField = (typeof matchFields)[number];

/** Source and subject are mostly names of hosts, and compared as DNS does. */
export const hostFields: readonly MatchField[] = ['source', 'subject'];

/** A host's name as it is compared: without case, and without the dot that may end it. */
export function foldHost(text: string): string {
  return (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
}

/** All fields given must match, each by any of its tests. */
export type Match = { readonly [field in MatchField]?: readonly TextTest[] };

export type Group = {
  readonly name: string;
  readonly match: Match;
  readonly level: Level;
  readonly acknowledgeFor: Duration;
  readonly rules: readonly Rule[];
};

export type Policy = {
  /** Changes whenever the meaning may have changed: a hash of the files' content. */
  readonly version: string;
  readonly timezone: string;
  readonly people: ReadonlyMap<PersonId, Person>;
  /** At least one; the last is the default. */
  readonly groups: readonly Group[];
  readonly settings: {
    readonly acknowledgeAtMost: Duration;
    readonly initialSleep: Duration;
  };
};

/** The first group that matches, else the last: semantics, "Groups, rules, reminders". */
export function groupOf(policy: Policy, alert: Pick<Alert, MatchField>): Group {
  const found = policy.groups.find((group) => matches(group.match, alert)) ?? policy.groups.at(-1);
  if (found === undefined) throw new Error('a policy without groups');
  return found;
}

function matches(match: Match, alert: Pick<Alert, MatchField>): boolean {
  for (const field of matchFields) {
    const tests = match[field];
    if (tests === undefined) continue;
    const text = hostFields.includes(field) ? foldHost(alert[field]) : alert[field];
    if (!tests.some((test) => textMatches(test, text))) return false;
  }
  return true;
}

function textMatches(test: TextTest, text: string): boolean {
  switch (test.kind) {
    case 'exact':
      return test.text === text;
    case 'glob':
      return globMatches(test.parts, text);
    case 'pattern':
      return test.regex.test(text);
    default:
      return unreachable(test);
  }
}

/** Each part at the first place after the one before it: in one pass, however many stars there are. */
function globMatches(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || end < first.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= end;
}
