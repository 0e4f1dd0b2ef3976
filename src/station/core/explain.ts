/**
 * Why an alert is in its group, in words for a command line or a page: what the
 * group asks and the alert has, and of each group before it what the alert
 * lacks. Worked out from the conditions that decide, with the same `holds`, so
 * that the words cannot contradict what the station does.
 */
import { unreachable } from './alert.ts';
import {
  type Condition,
  type HostNames,
  holds,
  type Matched,
  passes,
  type TextTest,
  textOf,
} from './match.ts';
import { type Group, groupOf, type Policy } from './policy.ts';

export type GroupExplained = {
  readonly group: Group;
  /** What it asks and the alert has; null where the alert is here only because no group matches and this is the last. */
  readonly why: string | null;
  /** The groups before it, in order, each with what the alert lacks. */
  readonly earlier: readonly { readonly group: string; readonly why: string }[];
};

/** Which group an alert belongs to, and why not to one before it. */
export function explainGroup(policy: Policy, alert: Matched, names: HostNames): GroupExplained {
  const group = groupOf(policy, alert, names);
  const before = policy.groups.slice(0, policy.groups.indexOf(group));
  return {
    group,
    why: holds(group.match, alert, names) ? whyHolds(group.match, alert, names) : null,
    earlier: before.map(({ name, match }) => ({ group: name, why: whyNot(match, alert, names) })),
  };
}

/** Of an alert's text so many characters are quoted. */
const quotedMax = 60;
/** Of several tests, or of several conditions that do not hold, so many are named. */
const namedMax = 5;
/** An importance is an unsigned 32-bit number: with this as its upper end, a range has none. */
const importanceMost = 2 ** 32 - 1;

/** Why a condition that does not hold does not. */
function whyNot(condition: Condition, alert: Matched, names: HostNames): string {
  switch (condition.kind) {
    case 'text':
      return `${quoted(condition, alert)} ${isNot(condition.tests)}`;
    case 'importance':
      return `importance ${alert.importance} is not ${rangeWords(condition)}`;
    case 'all':
      return listed(
        condition.of.filter((one) => !holds(one, alert, names)).map((one) => whyNot(one, alert, names)),
        '; ',
      );
    case 'any':
      return `none of these holds: ${listed(
        condition.of.map((one) => whyNot(one, alert, names)),
        '; ',
      )}`;
    case 'not':
      return `not: ${whyHolds(condition.of, alert, names)}`;
    default:
      return unreachable(condition);
  }
}

/** Why a condition that holds does. */
function whyHolds(condition: Condition, alert: Matched, names: HostNames): string {
  switch (condition.kind) {
    case 'text': {
      const text = textOf(condition.field, alert);
      const test = condition.tests.find((one) => passes(one, text, names));
      return `${quoted(condition, alert)} ${test === undefined ? '' : does(test)}`;
    }
    case 'importance':
      return `importance ${alert.importance} is ${rangeWords(condition)}`;
    case 'all':
      if (condition.of.length === 0) return 'it takes every alert';
      return listed(
        condition.of.map((one) => whyHolds(one, alert, names)),
        '; ',
      );
    case 'any': {
      const first = condition.of.find((one) => holds(one, alert, names));
      return first === undefined ? '' : whyHolds(first, alert, names);
    }
    case 'not':
      return whyNot(condition.of, alert, names);
    default:
      return unreachable(condition);
  }
}

/** `subject "db1"`; of a detail, which may be long, only its name. */
function quoted({ field }: { readonly field: keyof Matched & string }, alert: Matched): string {
  if (field === 'detail') return 'detail';
  const text = String(alert[field]);
  return `${field} ${JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text)}`;
}

function isNot(tests: readonly TextTest[]): string {
  const [only] = tests;
  if (only === undefined || tests.length > 1) return `is none of ${listed(tests.map(testWords), ', ')}`;
  switch (only.kind) {
    case 'exact':
      return `is not ${testWords(only)}`;
    case 'glob':
    case 'pattern':
      return `does not match ${testWords(only)}`;
    case 'in':
      return `is not ${testWords(only)}`;
    default:
      return unreachable(only);
  }
}

function does(test: TextTest): string {
  switch (test.kind) {
    case 'exact':
    case 'in':
      return `is ${testWords(test)}`;
    case 'glob':
    case 'pattern':
      return `matches ${testWords(test)}`;
    default:
      return unreachable(test);
  }
}

/** As the policy writes it. */
function testWords(test: TextTest): string {
  switch (test.kind) {
    case 'exact':
      return JSON.stringify(test.text);
    case 'glob':
      return JSON.stringify(test.parts.join('*'));
    case 'pattern':
      return String(test.regex);
    case 'in':
      return `in ${test.list.name}`;
    default:
      return unreachable(test);
  }
}

function rangeWords({ least, most }: { readonly least: number; readonly most: number }): string {
  if (least === most) return String(least);
  if (most >= importanceMost) return `at least ${least}`;
  return least === 0 ? `below ${most + 1}` : `from ${least} to ${most}`;
}

function listed(words: readonly string[], between: string): string {
  const named = words.slice(0, namedMax).join(between);
  return words.length > namedMax ? `${named}${between}and ${words.length - namedMax} more` : named;
}
