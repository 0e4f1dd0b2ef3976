/**
 * What an alert must be like to belong to a group, a silence or an inhibition:
 * tests of its texts and its importance, joined by all, any and not.
 *
 * Everything here is bounded: globs are matched in one pass, patterns were
 * judged when the policy was read, and of a long detail only the beginning is
 * looked at, so that no text a sender chooses can hold up the station.
 */
import { type Alert, unreachable } from './alert.ts';
import { foldHost } from './host.ts';
import { type HostNames, inList, type SourceList } from './sources.ts';

export type { HostNames } from './sources.ts';

/**
 * One test of one text. Texts of host fields are folded already, see `foldHost`.
 * A glob holds what stands between its stars: `a*b` is `['a', 'b']`. A pattern has no flag but `i`.
 */
export type TextTest =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'glob'; readonly parts: readonly string[] }
  | { readonly kind: 'pattern'; readonly regex: RegExp }
  | { readonly kind: 'in'; readonly list: SourceList };

export const matchFields = ['source', 'subject', 'id', 'summary', 'detail'] as const;
export type MatchField = (typeof matchFields)[number];

/** Source and subject are mostly names of hosts, and compared as DNS does. */
export const hostFields: readonly MatchField[] = ['source', 'subject'];

/** Of a detail, tests look at so many characters; history keeps as many, so that a policy can be tried on the past. */
export const detailMatchMax = 4096;

export type Condition =
  /** Any of the tests. */
  | { readonly kind: 'text'; readonly field: MatchField; readonly tests: readonly TextTest[] }
  /** Both ends included. */
  | { readonly kind: 'importance'; readonly least: number; readonly most: number }
  /** `all` of nothing is every alert. */
  | { readonly kind: 'all'; readonly of: readonly Condition[] }
  | { readonly kind: 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

/** What matching looks at. */
export type Matched = Pick<Alert, MatchField | 'importance'>;

export const everyAlert: Condition = { kind: 'all', of: [] };

export function holds(condition: Condition, alert: Matched, names: HostNames): boolean {
  switch (condition.kind) {
    case 'text': {
      const text = textOf(condition.field, alert);
      return condition.tests.some((test) => passes(test, text, names));
    }
    case 'importance':
      return condition.least <= alert.importance && alert.importance <= condition.most;
    case 'all':
      return condition.of.every((one) => holds(one, alert, names));
    case 'any':
      return condition.of.some((one) => holds(one, alert, names));
    case 'not':
      return !holds(condition.of, alert, names);
    default:
      return unreachable(condition);
  }
}

/** A field as tests see it. */
export function textOf(field: MatchField, alert: Matched): string {
  if (field === 'detail') return alert.detail.slice(0, detailMatchMax);
  return hostFields.includes(field) ? foldHost(alert[field]) : alert[field];
}

export function passes(test: TextTest, text: string, names: HostNames): boolean {
  switch (test.kind) {
    case 'exact':
      return test.text === text;
    case 'glob':
      return globMatches(test.parts, text);
    case 'pattern':
      return test.regex.test(text);
    case 'in':
      return inList(test.list, text, names);
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
