/**
 * Whether one match takes all that another one would, so that a group after it
 * is never reached. It errs on one side only: what it says is so, but it does
 * not find everything, for what two patterns have in common nobody can tell in
 * general.
 */
import { type Condition, passes, type TextTest } from '../core/match.ts';

type Text = Extract<Condition, { kind: 'text' }>;

/** Comparing thousands of long matches each with each would take minutes: then the rest is not compared. */
const stepsMax = 2_000_000;

/** One for a policy: it tires. */
export function coverage(): (wide: Condition, narrow: Condition) => boolean {
  let steps = 0;
  const covers = (wide: Condition, narrow: Condition): boolean => {
    if (++steps > stepsMax) return false;
    if (wide.kind === 'all') return wide.of.every((one) => covers(one, narrow));
    if (wide.kind === 'text' && wide.tests.some(takesAny)) return true;
    if (narrow.kind === 'any') return narrow.of.every((one) => covers(wide, one));
    if (wide.kind === 'any' && wide.of.some((one) => covers(one, narrow))) return true;
    if (narrow.kind === 'all') return narrow.of.some((one) => covers(wide, one));
    if (wide.kind === 'text' && narrow.kind === 'text' && wide.field === narrow.field) {
      steps += wide.tests.length * narrow.tests.length;
      return steps <= stepsMax && narrow.tests.every((test) => coversTest(wide, test));
    }
    if (wide.kind === 'importance' && narrow.kind === 'importance') {
      return wide.least <= narrow.least && narrow.most <= wide.most;
    }
    return wide.kind === 'not' && narrow.kind === 'not' && covers(narrow.of, wide.of);
  };
  return covers;
}

/** `*`, or several of them. */
const takesAny = (test: TextTest): boolean =>
  test.kind === 'glob' && test.parts.length > 1 && test.parts.every((part) => part === '');

function coversTest(wide: Text, narrow: TextTest): boolean {
  // Of a name, lists may know addresses that are not known here.
  if (narrow.kind === 'exact') {
    return wide.tests.some((test) => test.kind !== 'in' && passes(test, narrow.text, noNames));
  }
  return wide.tests.some((test) => contentOf(test) === contentOf(narrow));
}

const noNames = { generation: 0, lookup: () => [] };

function contentOf(test: TextTest): string {
  switch (test.kind) {
    case 'exact':
      return `= ${test.text}`;
    case 'glob':
      return `* ${JSON.stringify(test.parts)}`;
    case 'pattern':
      return `/ ${test.regex}`;
    case 'in':
      return `in ${test.list.name}`;
    default:
      return test satisfies never;
  }
}
