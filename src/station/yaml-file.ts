/**
 * Files that people write: YAML, checked by a zod schema. Whoever made a
 * mistake is told the file, the line, the column, what was expected and, for a
 * mistyped word, which one was probably meant.
 *
 * It never reads a file itself and never repeats a value in a message: a
 * value may be a password.
 */
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import * as z from 'zod';
import { type Duration, formatDuration, parseDuration } from '../time.ts';
import { didYouMean } from './nearest.ts';
import { soundRest } from './yaml-rest.ts';

export type FilePlace = { readonly file: string; readonly line: number; readonly column: number };
export type FileFault = FilePlace & { readonly message: string };

/** A way from the top of the document to a value: keys and positions. */
export type Path = readonly PropertyKey[];

export type YamlFile<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /**
       * Where the value at that path is written, or the nearest thing around it; a fault found later points there.
       * @param at `key`: where its key is written.
       */
      readonly fault: (path: Path, message: string, at?: 'value' | 'key') => FileFault;
    }
  | {
      readonly ok: false;
      readonly faults: readonly FileFault[];
      /** What is right in it, by a schema that may be more patient; not where the text itself is wrong. */
      readonly rest?: <Patient extends z.ZodType>(schema: Patient) => YamlRest<z.output<Patient>> | null;
    };

/** What could be taken of a file with faults: to look for further faults, never to act by. */
export type YamlRest<T> = {
  readonly value: T;
  /** All that is written, right or wrong. */
  readonly content: unknown;
  readonly fault: (path: Path, message: string, at?: 'value' | 'key') => FileFault;
  /** Whether nothing was left out of what is at that path. */
  readonly isWhole: (path: Path) => boolean;
};

/** In characters. The largest file that is looked at: no policy written by people comes near it. */
export const yamlFileMax = 4 * 1024 * 1024;
/** How many faults are told at once; beyond it, something else than the text is wrong. */
export const faultsMax = 500;
const aliasesMax = 1000;

/** `FILE:LINE:COL: message`, which editors and people can follow. */
export function formatFault(fault: FileFault): string {
  return oneLine(`${fault.file}:${fault.line}:${fault.column}: ${fault.message}`);
}

/**
 * @param file the name to show in faults, as the person who runs the station knows it.
 * @param text its content.
 */
export function parseYaml<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
): YamlFile<z.output<Schema>> {
  const start: FilePlace = { file, line: 1, column: 1 };
  if (text.length > yamlFileMax) {
    return refused([{ ...start, message: `is larger than ${yamlFileMax} characters` }]);
  }
  try {
    return parseWithin(file, text, schema);
  } catch (error) {
    // Both parsers recurse, so brackets nested by the thousand end here; a bug would not be a RangeError.
    if (error instanceof RangeError) return refused([{ ...start, message: 'is nested too deeply' }]);
    throw error;
  }
}

function parseWithin<Schema extends z.ZodType>(
  file: string,
  text: string,
  schema: Schema,
): YamlFile<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    // yaml compares each key with each other: 10,000 people would take seconds. `doubledKeys` takes one pass.
    uniqueKeys: false,
  });
  const place = (offset: number): FilePlace => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    return refused(document.errors.map((e) => ({ ...place(e.pos[0]), message: yamlWords(e) })));
  }
  const doubled = doubledKeys(document);
  const twice = doubled.map((offset) => ({ ...place(offset), message: 'this key is here twice' }));
  const resolved = aliasesResolved(document);
  if (!resolved.ok) return refused([...twice, { ...place(resolved.offset), message: resolved.why }]);
  const { content } = resolved;

  const top = document.contents;
  const fault = (path: Path, message: string, at: 'value' | 'key' = 'value'): FileFault => ({
    ...place(offsetOf(top, path, at === 'key')),
    message,
  });
  const checked = schema.safeParse(content);
  if (checked.success && twice.length === 0) return { ok: true, value: checked.data, fault };
  const issues = checked.success ? [] : checked.error.issues;
  const faults = issues.flatMap((issue) =>
    faultsOf(issue, schema, content).map(
      (found): FileFault => ({ ...place(offsetOf(top, found.path, found.atKey)), message: found.message }),
    ),
  );
  const all = [...twice, ...faults].sort((a, b) => a.line - b.line || a.column - b.column);
  // Of a key that is here twice nobody knows which was meant.
  if (twice.length > 0) return refused(all);
  return {
    ...refused(all),
    rest: (patient) => {
      const paths = (issue: Issue, left: unknown): readonly Path[] =>
        faultsOf(issue, patient, left).map(({ path }) => path);
      const rest = soundRest(content, patient, paths);
      if (rest === null) return null;
      const { value, written, isWhole } = rest;
      return {
        value,
        content,
        fault: (path, message, at) => fault(written(path), message, at),
        isWhole: (path) => isWhole(written(path)),
      };
    },
  };
}

export type ValueChecked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/** Checks a value that comes from elsewhere than a file, such as a form; `why` names the place by its keys. */
export function checkValue<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
): ValueChecked<z.output<Schema>> {
  const checked = safely(() => schema.safeParse(value));
  if (checked === null) return { ok: false, why: 'is nested too deeply' };
  if (checked.success) return { ok: true, value: checked.data };
  const [first] = checked.error.issues.flatMap((issue) => faultsOf(issue, schema, value));
  if (first === undefined) throw new Error('refused without a reason');
  const where = first.path.length === 0 || first.atKey ? '' : `${first.path.join('.')}: `;
  return { ok: false, why: oneLine(`${where}${first.message}`) };
}

/** The parser recurses, so brackets nested by the thousand end here; a bug would not be a RangeError. */
function safely<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const refused = (faults: readonly FileFault[]): { ok: false; faults: readonly FileFault[] } => ({
  ok: false,
  faults: faults.slice(0, faultsMax),
});

type Resolved =
  | { readonly ok: true; readonly content: unknown }
  | { readonly ok: false; readonly offset: number; readonly why: string };

/** The content as plain values; aliases that lead nowhere, or to so much that it would fill the memory, are faults. */
function aliasesResolved(document: Document.Parsed): Resolved {
  try {
    return { ok: true, content: document.toJS({ maxAliasCount: aliasesMax }) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const name = /^Unresolved alias .*: (.*)$/.exec(error.message)?.[1];
    if (name === undefined) return { ok: false, offset: 0, why: 'uses too many aliases' };
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        if (alias.source !== name) return undefined;
        offset = startOf(alias) ?? 0;
        return visit.BREAK;
      },
    });
    return { ok: false, offset, why: `there is no anchor &${visible(name)} before this` };
  }
}

/** Where each key stands that its map has already. */
function doubledKeys(document: Document.Parsed): readonly number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) offsets.push(startOf(key) ?? 0);
        seen.add(name);
      }
    },
  });
  return offsets;
}

/** yaml's own words, on one line and starting as ours do; ours, where its own are for programmers. */
function yamlWords({ code, message }: Document.Parsed['errors'][number]): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here, but one is expected: take out the ---';
  const line = message.replace(/\s+/g, ' ').trim();
  return `is no valid YAML: ${line.charAt(0).toLowerCase()}${line.slice(1)}`;
}

// ---------------------------------------------------------------- where it is written

/** The offset of the value at `path`, or of its key; of what is nearest around it where it is not there. */
function offsetOf(top: Node | null, path: Path, atKey: boolean): number {
  let node: Node | null = top;
  let offset = startOf(top) ?? 0;
  for (const [depth, key] of path.entries()) {
    const item = childOf(node, key);
    // One value may be written where a list of them may: the first of it is then the value itself.
    if (item === null && key === 0) continue;
    if (item === null) return offset;
    const keyOffset = isPair(item) ? startOf(item.key) : null;
    const value: unknown = isPair(item) ? item.value : item;
    const last = depth === path.length - 1;
    offset = (last && atKey ? keyOffset : startOf(value)) ?? keyOffset ?? offset;
    node = isNode(value) ? value : null;
  }
  return offset;
}

function childOf(node: Node | null, key: PropertyKey): Pair | Node | null {
  if (node === null || !('items' in node) || !Array.isArray(node.items)) return null;
  if (!isMap(node)) {
    const item: unknown = typeof key === 'number' ? node.items[key] : undefined;
    return isNode(item) ? item : null;
  }
  return pairsOf(node).get(String(key)) ?? null;
}

/** By key, remembered: looking through ten thousand people for each of them would take seconds. */
const pairsKnown = new WeakMap<Node, ReadonlyMap<string, Pair>>();

function pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const known = pairsKnown.get(map);
  if (known !== undefined) return known;
  const name = ({ key }: Pair): string => String(isNode(key) && 'value' in key ? key.value : key);
  const pairs = new Map(map.items.map((pair) => [name(pair), pair] as const));
  pairsKnown.set(map, pairs);
  return pairs;
}

const startOf = (node: unknown): number | null => (isNode(node) && node.range ? node.range[0] : null);

// ---------------------------------------------------------------- in words

type Issue = z.core.$ZodIssue;
type Found = { readonly path: Path; readonly atKey: boolean; readonly message: string };

function faultsOf(issue: Issue, schema: z.ZodType, content: unknown): readonly Found[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const hint = didYouMean(key, knownKeys(schema, issue.path), 'known here');
        return { path: [...issue.path, key], atKey: true, message: `unknown key "${visible(key)}"${hint}` };
      });
    case 'invalid_union': {
      const inner = likeliestBranch(issue.errors, typeof valueAt(content, issue.path) === 'string');
      if (inner !== null) {
        return inner.flatMap((i) => faultsOf({ ...i, path: [...issue.path, ...i.path] }, schema, content));
      }
      return [{ path: issue.path, atKey: false, message: expectation(issue, content) }];
    }
    case 'invalid_key':
      return [
        {
          path: issue.path,
          atKey: true,
          message: issue.issues[0]?.message ?? 'this name cannot be used here',
        },
      ];
    default:
      return [{ path: issue.path, atKey: false, message: expectation(issue, content) }];
  }
}

/**
 * Of the ways a value could have been written, the one whose fault lies deepest is the one that was meant.
 * @param text whether it is a text: what is none cannot have been meant as one of some words.
 */
function likeliestBranch(branches: readonly (readonly Issue[])[], text: boolean): readonly Issue[] | null {
  const depth = (issues: readonly Issue[]): number =>
    Math.max(...issues.map((issue) => depthOf(issue, text)));
  const deepest = Math.max(0, ...branches.map(depth));
  if (deepest === 0) return null;
  return branches.find((issues) => depth(issues) === deepest) ?? null;
}

/** How far in a fault lies; a value of another kind altogether is no fault of this way of writing it. */
function depthOf(issue: Issue, text: boolean): number {
  const { length } = issue.path;
  if (issue.code === 'invalid_union') {
    return length + Math.max(0, ...issue.errors.flat().map((inner) => depthOf(inner, text)));
  }
  const otherKind = issue.code === 'invalid_type' || (issue.code === 'invalid_value' && !text);
  return length + (otherKind && length === 0 ? 0 : 0.5);
}

function expectation(issue: Issue, content: unknown): string {
  const found = valueAt(content, issue.path);
  const missing =
    found === undefined ? `${JSON.stringify(String(issue.path.at(-1) ?? ''))} is missing` : null;
  switch (issue.code) {
    case 'invalid_type': {
      // A schema may know better than the kind: a length of time, not any text in quotes.
      if (!issue.message.startsWith('Invalid'))
        return missing ? `${missing}: ${issue.message}` : issue.message;
      const wanted = kindWords[issue.expected] ?? issue.expected;
      if (missing) return `${missing}: ${wanted} is expected`;
      const quotes = issue.expected === 'string' && typeof found === 'number' ? ' (put it in quotes)' : '';
      return `${wanted} is expected, not ${kindOf(found)}${quotes}`;
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const wanted = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`;
      if (missing) return `${missing}: ${wanted} is expected`;
      if (typeof found === 'string' && values.includes(found))
        return `${wanted} is expected, not a text (leave out the quotes)`;
      return `${wanted} is expected${typeof found === 'string' ? didYouMean(found, values, null) : ''}`;
    }
    case 'invalid_union': {
      const wanted = issue.errors.flat().map((i) => {
        if (i.code === 'invalid_value') return i.values.map(String).join(', ');
        return i.code === 'invalid_type' ? (kindWords[i.expected] ?? i.expected) : i.message;
      });
      const either = [...new Set(wanted)].join(' or ');
      return missing ? `${missing}: ${either} is expected` : `${either} is expected, not ${kindOf(found)}`;
    }
    case 'too_big':
    case 'too_small': {
      const limit = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      if (issue.origin === 'string') return `${limit} characters are expected`;
      if (issue.origin === 'array')
        return `${limit} ${limit.endsWith(' 1') ? 'entry is' : 'entries are'} expected`;
      return `${limit} is expected`;
    }
    case 'custom':
      return issue.message;
    default:
      return issue.message.replace(/^Invalid/, 'invalid');
  }
}

const kindWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
};

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number';
  return String(value);
}

function valueAt(content: unknown, path: Path): unknown {
  let value = content;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

// ---------------------------------------------------------------- what else could have been meant

type SchemaNode = z.core.JSONSchema.BaseSchema;

/** Remembered: made for each of ten thousand unknown keys, it would take minutes. */
const shapesKnown = new WeakMap<z.ZodType, SchemaNode>();

function shapeOf(schema: z.ZodType): SchemaNode {
  const shape = shapesKnown.get(schema) ?? z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  shapesKnown.set(schema, shape);
  return shape;
}

const isSchemaNode = (node: unknown): node is SchemaNode => typeof node === 'object' && node !== null;

/** The keys that the schema knows at that path, from its JSON Schema, which has one shape for every kind of zod type. */
function knownKeys(schema: z.ZodType, path: Path): readonly string[] {
  const root = shapeOf(schema);
  const open = (node: unknown): readonly SchemaNode[] => {
    if (!isSchemaNode(node)) return [];
    const reference = node.$ref === '#' ? root : root.$defs?.[node.$ref?.replace('#/$defs/', '') ?? ''];
    const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
    return [node, ...(reference ? open(reference) : []), ...branches.flatMap(open)];
  };
  const step = (node: SchemaNode, key: PropertyKey): readonly SchemaNode[] => {
    if (typeof key === 'number') return open(node.items);
    const name = String(key);
    const own = Object.hasOwn(node.properties ?? {}, name) ? node.properties?.[name] : undefined;
    return open(own ?? node.additionalProperties);
  };
  let nodes = open(root);
  for (const key of path) nodes = nodes.flatMap((node) => step(node, key));
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** Text that holds what somebody typed, for the one line that it is to be: control characters show as they are escaped. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (character) =>
    character >= ' '
      ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
      : JSON.stringify(character).slice(1, -1),
  );
}

const shownMax = 64;

/** A name that somebody typed, safe to print on one line. */
const visible = (text: string): string =>
  JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text).slice(1, -1);

// ---------------------------------------------------------------- values that more than one file has

export const durationExpected = 'a length of time such as 90s, 15m or 1h30m is expected';

/** A schema for a length of time such as `90s`, `15m` or `1h30m`, within limits. */
export function durationBetween(least: Duration, most: Duration): z.ZodType<Duration, string> {
  return z.string({ error: durationExpected }).transform((text, context): Duration => {
    const duration = parseDuration(text);
    if (duration === null) {
      context.addIssue({ code: 'custom', message: durationExpected });
      return z.NEVER;
    }
    if (duration < least || duration > most) {
      const range = `${formatDuration(least)} to ${formatDuration(most)}`;
      context.addIssue({ code: 'custom', message: `a length of time from ${range} is expected` });
      return z.NEVER;
    }
    return duration;
  });
}
