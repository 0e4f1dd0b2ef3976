/**
 * How a policy writes what an alert must be like: in groups, silences and
 * inhibitions, and in the silences that people make on the web. What it means
 * is core/match.ts's to say.
 *
 * Whoever sends an alert chooses the texts that patterns are tried on, so none
 * may get past policy/pattern-cost.ts.
 */
import * as z from 'zod';
import { foldHost } from '../core/host.ts';
import {
  type Condition,
  detailMatchMax,
  hostFields,
  type MatchField,
  matchFields,
  type TextTest,
} from '../core/match.ts';
import type { SourceList } from '../core/sources.ts';
import { checkValue } from '../yaml-file.ts';
import { conditionsOf, shallow } from './hours.ts';
import { patternFault, textMax } from './pattern-cost.ts';
import { nameSchema, policyLimits, whenSound } from './words.ts';

/** A test as written: a source list is still a name. */
export type WrittenTest =
  | Exclude<TextTest, { readonly kind: 'in' }>
  | { readonly kind: 'in'; readonly list: string };

type Importance = { readonly least: number; readonly most: number };

export type WrittenMatch = { readonly [Field in MatchField]?: readonly WrittenTest[] | undefined } & {
  readonly importance?: Importance | undefined;
  readonly any?: readonly WrittenMatch[] | undefined;
  readonly all?: readonly WrittenMatch[] | undefined;
  readonly not?: WrittenMatch | undefined;
};

// ---------------------------------------------------------------- texts

/** `/…/` or `/…/i`. What ends otherwise, such as /var/log, is a text, unless it ends in what could be meant as flags. */
const patternSyntax = /^\/(.+)\/([dgimsuvy]*)$/s;

/** How long a text of the field can be that a pattern is tried on. */
const textMaxOf = (field: MatchField): number => (field === 'detail' ? detailMatchMax : textMax);

const textTest = (field: MatchField): z.ZodType<WrittenTest, string> =>
  z
    .string()
    .min(1)
    .max(policyLimits.text)
    .transform((written, context): WrittenTest => {
      const host = hostFields.includes(field);
      const [, body, flags = ''] = patternSyntax.exec(written) ?? [];
      if (body !== undefined) {
        const fault =
          flags === '' || flags === 'i'
            ? patternFault(body, textMaxOf(field))
            : 'a pattern takes no flag but i: /…/i';
        if (fault === null) return { kind: 'pattern', regex: new RegExp(body, host ? 'i' : flags) };
        context.addIssue({ code: 'custom', message: fault });
        return z.NEVER;
      }
      const text = host ? foldHost(written) : written;
      return text.includes('*') ? { kind: 'glob', parts: text.split('*') } : { kind: 'exact', text };
    });

const inTest = z
  .strictObject({ in: nameSchema })
  .transform((written): WrittenTest => ({ kind: 'in', list: written.in }))
  .meta({ description: 'A host of this source list.' });

/** @param lists whether source lists may be named. */
function testsSchema(field: MatchField, lists: boolean, what: string) {
  const one = lists ? z.union([textTest(field), inTest]) : textTest(field);
  return z
    .union([one, z.array(one).min(1).max(policyLimits.tests)])
    .transform((written): readonly WrittenTest[] => [written].flat())
    .optional()
    .meta({ description: `${what}: a text, one with * for anything, or /a pattern/ (/…/i: without case).` });
}

// ---------------------------------------------------------------- importance

const importanceMost = 2 ** 32 - 1;
const importanceNumber = z.int().min(0).max(importanceMost);

const importanceSchema = z
  .union([
    importanceNumber.transform((exact): Importance => ({ least: exact, most: exact })),
    z
      .strictObject({
        above: importanceNumber.optional(),
        at_least: importanceNumber.optional(),
        below: importanceNumber.optional(),
        at_most: importanceNumber.optional(),
      })
      .refine((written) => Object.values(written).some((bound) => bound !== undefined), {
        when: whenSound,
        error: 'at least one of above, at_least, below, at_most is expected',
      })
      .transform(
        ({ above = -1, at_least = 0, below = importanceMost + 1, at_most = importanceMost }): Importance => ({
          least: Math.max(above + 1, at_least),
          most: Math.min(below - 1, at_most),
        }),
      )
      .refine(({ least, most }) => least <= most, { error: 'no number is within these bounds' }),
  ])
  .optional()
  .meta({ description: 'A number, or {above, at_least, below, at_most}. Alerts have 50 unless they say.' });

// ---------------------------------------------------------------- the whole

const fieldWords: Readonly<Record<MatchField, string>> = {
  source: 'Who reported it',
  subject: 'What it is about, mostly a host',
  id: "The alert's own name",
  summary: 'What is wrong, in a line',
  detail: `The first ${detailMatchMax} characters of the details`,
};

function matchShape(lists: boolean): z.ZodType<WrittenMatch> {
  const tests = (field: MatchField) => testsSchema(field, lists, fieldWords[field]);
  const shape: z.ZodType<WrittenMatch> = z.lazy(() => object);
  const object = z.strictObject({
    source: tests('source'),
    subject: tests('subject'),
    id: tests('id'),
    summary: tests('summary'),
    detail: tests('detail'),
    importance: importanceSchema,
    any: conditionsOf(shape).optional().meta({ description: 'One of these must match.' }),
    all: conditionsOf(shape).optional().meta({ description: 'All of these must match.' }),
    not: shape.optional().meta({ description: 'This must not match.' }),
  });
  return shape
    .refine(shallow.check, { when: whenSound, error: shallow.error })
    .meta({ description: 'All that is given must match, each field by any of its tests.' });
}

/** Of a group: `{}` is every alert. */
export const matchSchema = matchShape(true);

const saysSomething = (match: WrittenMatch): boolean => !takesAll(match);
const saysNothing = {
  when: whenSound,
  error: 'at least one test is expected; every alert is written {id: "*"}',
};
/** Of silences and inhibitions: a match of every alert must be meant. */
export const someMatchSchema = matchSchema.refine(saysSomething, saysNothing);
const personsMatchSchema = matchShape(false).refine(saysSomething, saysNothing);

/** Whether every alert matches, because nothing is asked of it. */
function takesAll(match: WrittenMatch): boolean {
  return Object.values(match).every((part) => part === undefined);
}

/** What a match says, as one text: the same however it is written. */
export function matchContent(match: WrittenMatch): string {
  const parts = Object.entries(match)
    .filter(([, part]) => part !== undefined)
    .map(([key, part]) => {
      if (key === 'not') return [key, matchContent(match.not ?? {})];
      if (key === 'any' || key === 'all') return [key, (match[key] ?? []).map(matchContent).sort()];
      if (key === 'importance') return [key, part];
      const tests = match[key as MatchField] ?? [];
      return [key, tests.map((test) => JSON.stringify(test, patternsAsText)).sort()];
    });
  return JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

const patternsAsText = (_: string, value: unknown): unknown =>
  value instanceof RegExp ? String(value) : value;

/** The source lists that a match names, and where in it. */
export function listsNamed(
  match: WrittenMatch,
  path: readonly (string | number)[] = [],
): readonly { readonly list: string; readonly path: readonly (string | number)[] }[] {
  const own = matchFields.flatMap((field) =>
    (match[field] ?? []).flatMap((test, index) =>
      test.kind === 'in' ? [{ list: test.list, path: [...path, field, index, 'in'] }] : [],
    ),
  );
  const within = (['any', 'all'] as const).flatMap((key) =>
    (match[key] ?? []).flatMap((one, index) => listsNamed(one, [...path, key, index])),
  );
  return [...own, ...within, ...(match.not === undefined ? [] : listsNamed(match.not, [...path, 'not']))];
}

/** @param listOf the source list of that name, which is known to exist. */
export function conditionOf(match: WrittenMatch, listOf: (name: string) => SourceList): Condition {
  const of: Condition[] = [];
  for (const field of matchFields) {
    const tests = match[field]?.map(
      (test): TextTest => (test.kind === 'in' ? { kind: 'in', list: listOf(test.list) } : test),
    );
    if (tests !== undefined) of.push({ kind: 'text', field, tests });
  }
  if (match.importance !== undefined) of.push({ kind: 'importance', ...match.importance });
  const each = (matches: readonly WrittenMatch[]): readonly Condition[] =>
    matches.map((one) => conditionOf(one, listOf));
  if (match.any !== undefined) of.push({ kind: 'any', of: each(match.any) });
  if (match.all !== undefined) of.push({ kind: 'all', of: each(match.all) });
  if (match.not !== undefined) of.push({ kind: 'not', of: conditionOf(match.not, listOf) });
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind: 'all', of };
}

export type MatchParsed =
  /** `written` can be kept as JSON, and parsed again. */
  | { readonly ok: true; readonly match: Condition; readonly written: unknown }
  | { readonly ok: false; readonly why: string };

/**
 * A match that a person wrote elsewhere than in a policy, for a silence: the same language, but without the policy's
 * source lists, for a later policy may not have them.
 */
export function parseMatch(written: unknown): MatchParsed {
  const checked = checkValue(written, personsMatchSchema);
  if (!checked.ok) return checked;
  const listOf = (): never => {
    throw new Error('a source list in a match that may name none');
  };
  return { ok: true, match: conditionOf(checked.value, listOf), written };
}
