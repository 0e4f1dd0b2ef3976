/** What every file that people write has in common: faults with their place, in words that help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { nearest } from '../../src/station/nearest.ts';
import { faultsMax, formatFault, oneLine, parseYaml, yamlFileMax } from '../../src/station/yaml-file.ts';

const person = z.strictObject({ email: z.string().optional(), sms: z.string().optional() });
type During = { readonly hours?: string | undefined; readonly all?: readonly During[] | undefined };
const during: z.ZodType<During> = z.lazy(() =>
  z.strictObject({ hours: z.string().optional(), all: z.array(during).optional() }),
);
const rule = z.strictObject({ to: z.union([z.string(), z.array(z.string())]), during: during.optional() });
const schema = z.strictObject({
  people: z
    .record(z.string().regex(/^[a-z]+$/, { error: 'a name in small letters is expected' }), person)
    .optional(),
  groups: z.array(z.strictObject({ notify: z.array(rule) })).optional(),
  first: z.union([z.string(), z.strictObject({ wait: z.number() })]).optional(),
});

function faultsOf(yaml: string): readonly string[] {
  const file = parseYaml('policy.yaml', yaml, schema);
  return file.ok ? [] : file.faults.map(formatFault);
}

test('a fault deep in a file is told where it is, with the keys that are known there', () => {
  assert.deepEqual(faultsOf('people:\n  ann:\n    emial: x\n'), [
    'policy.yaml:3:5: unknown key "emial" (did you mean "email"?)',
  ]);
  assert.deepEqual(faultsOf('people:\n  ann: {fax: x}\n'), [
    'policy.yaml:2:9: unknown key "fax" (known here: email, sms)',
  ]);
  const nested = 'groups:\n  - notify:\n      - to: ann\n        during: {all: [{hours: a}, {huors: b}]}\n';
  assert.deepEqual(faultsOf(nested), ['policy.yaml:4:37: unknown key "huors" (did you mean "hours"?)']);
});

test('of several ways to write a value, the fault is told of the one that was meant', () => {
  assert.deepEqual(faultsOf('groups: [{notify: [{to: [ann, 5]}]}]'), [
    'policy.yaml:1:31: a text is expected, not a whole number (put it in quotes)',
  ]);
  assert.deepEqual(faultsOf('groups: [{notify: [{to: {a: 1}}]}]'), [
    'policy.yaml:1:25: a text or a list is expected, not a mapping',
  ]);
  assert.deepEqual(faultsOf('first: {wait: soon}'), ['policy.yaml:1:15: a number is expected, not a text']);
  assert.deepEqual(faultsOf('first: {wiat: 5, wait: 5}'), [
    'policy.yaml:1:9: unknown key "wiat" (did you mean "wait"?)',
  ]);
});

test('a key that cannot be used as a name is told at the key', () => {
  assert.deepEqual(faultsOf('people:\n  Ann: {}\n'), [
    'policy.yaml:2:3: a name in small letters is expected',
  ]);
});

test('a fault found later can be told of any value, and of the nearest thing around one that is not there', () => {
  const file = parseYaml('p.yaml', 'people:\n  ann:\n    email: x\ngroups:\n- notify: [{to: bob}]\n', schema);
  assert.ok(file.ok);
  const place = (path: readonly PropertyKey[]): string => formatFault(file.fault(path, 'x'));
  assert.equal(place(['groups', 0, 'notify', 0, 'to']), 'p.yaml:5:17: x');
  assert.equal(place(['people', 'ann', 'sms']), 'p.yaml:3:5: x');
  assert.equal(place(['people', 'zoe']), 'p.yaml:2:3: x');
  assert.equal(place([]), 'p.yaml:1:1: x');
});

test('too much is refused: size, depth, and faults beyond the first', () => {
  assert.match(faultsOf(' '.repeat(yamlFileMax + 1))[0] ?? '', /larger than/);
  assert.equal(faultsOf(`people: {${'[], '.repeat(3)}}`).length > 0, true);
  const many = Array.from({ length: faultsMax + 1 }, (_, n) => `key${n}: 1`).join('\n');
  assert.equal(faultsOf(many).length, faultsMax);
  assert.equal(faultsOf(`first: ${'{a: '.repeat(50_000)}`).length > 0, true);
});

test('a number in quotes is told to be a number', () => {
  const version = z.strictObject({ version: z.literal(1) });
  const file = parseYaml('p.yaml', "version: '1'", version);
  assert.deepEqual(file.ok ? [] : file.faults.map(formatFault), [
    'p.yaml:1:10: 1 is expected, not a text (leave out the quotes)',
  ]);
});

test('a second document is refused in words, not in those of a library', () => {
  assert.deepEqual(faultsOf('people: {}\n---\npeople: {}\n'), [
    'policy.yaml:2:1: a second document begins here, but one is expected: take out the ---',
  ]);
});

test('a control character in a name is shown, and breaks no line', () => {
  assert.equal(oneLine('a\nb\tc\u001b\u007f\u0085\u2028d'), 'a\\nb\\tc\\u001b\\u007f\\u0085\\u2028d');
  assert.equal(formatFault({ file: 'a\nb', line: 1, column: 2, message: 'c\rd' }), 'a\\nb:1:2: c\\rd');
});

test('a control character in a key is not printed raw', () => {
  assert.equal(faultsOf('"\\e[31m": 1')[0]?.includes('\u001b'), false);
});

test('keys that objects have by birth are unknown like any other', () => {
  for (const key of ['__proto__', 'constructor', 'toString']) {
    assert.match(faultsOf(`${key}: 1`)[0] ?? '', /1:1: unknown key/, key);
  }
});

test('a mistyped word is known by few slips, and nothing is guessed from afar', () => {
  const known = ['policy', 'udp', 'web', 'data'];
  assert.equal(nearest('polciy', known), 'policy');
  assert.equal(nearest('POLICY', known), 'policy');
  assert.equal(nearest('dat', known), 'data');
  assert.equal(nearest('wbe', known), 'web');
  assert.equal(nearest('zebra', known), null);
  assert.equal(nearest('x'.repeat(10_000), known), null);
});
