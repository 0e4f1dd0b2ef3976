/** Why an alert is in its group and in none before, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainGroup } from '../../src/station/core/explain.ts';
import { anAlert, nobodyKnows, policyOf } from './kit.ts';

const names = { ...nobodyKnows, lookup: () => [] };

function whyNot(match: string, alert: Partial<typeof anAlert>): string {
  const policy = policyOf(`
version: 1
people: {ann: {}}
sources: {core: [cr1.example.net]}
groups:
  - {name: first, match: ${match}, notify: [{to: ann}]}
  - {name: last, notify: [{to: ann}]}
`);
  const { group, earlier } = explainGroup(policy, { ...anAlert, ...alert }, names);
  assert.equal(group.name, 'last');
  return earlier[0]?.why ?? '';
}

test('each kind of condition says what the alert lacks', () => {
  const cases: readonly (readonly [string, Partial<typeof anAlert>, string])[] = [
    ['{subject: {in: core}}', { subject: 'db1' }, 'subject "db1" is not in core'],
    ['{source: backup}', { source: 'DB1.' }, 'source "DB1." is not "backup"'],
    ['{id: "link-*"}', { id: 'disk' }, 'id "disk" does not match "link-*"'],
    ['{id: [ping, "http*", /^ssh/]}', { id: 'disk' }, 'id "disk" is none of "ping", "http*", /^ssh/'],
    ['{importance: {below: 20}}', {}, 'importance 50 is not below 20'],
    ['{importance: {at_least: 60}}', {}, 'importance 50 is not at least 60'],
    ['{importance: {at_least: 60, at_most: 70}}', {}, 'importance 50 is not from 60 to 70'],
    ['{importance: 7}', {}, 'importance 50 is not 7'],
    [
      '{id: disk, not: {summary: /flap/i}}',
      { id: 'disk', summary: 'Flapping' },
      'not: summary "Flapping" matches /flap/i',
    ],
    [
      '{any: [{id: a}, {summary: b}]}',
      { id: 'disk' },
      'none of these holds: id "disk" is not "a"; summary "" is not "b"',
    ],
    ['{id: a, source: b}', { source: 'b', id: 'c' }, 'id "c" is not "a"'],
    ['{detail: secret}', { detail: 'long' }, 'detail is not "secret"'],
  ];
  for (const [match, alert, words] of cases) assert.equal(whyNot(match, alert), words);
});

test('a long text is quoted in part, and of many faults some', () => {
  assert.match(whyNot('{summary: a}', { summary: 'x'.repeat(500) }), /^summary "x{60}…" is not "a"$/);
  const many = `{any: [${Array.from({ length: 8 }, (_, n) => `{id: a${n}}`).join(', ')}]}`;
  assert.match(whyNot(many, { id: 'b' }), /; and 3 more$/);
});

test('the group says what it asks that the alert has, or that it is the last', () => {
  const policy = policyOf(`
version: 1
people: {ann: {}}
groups:
  - {name: db, match: {any: [{subject: "db*"}, {id: x}], not: {importance: {below: 20}}}, notify: [{to: ann}]}
  - {name: rest, match: {id: never}, notify: [{to: ann}]}
`);
  const why = (subject: string): string | null => explainGroup(policy, { ...anAlert, subject }, names).why;
  assert.equal(why('db7'), 'subject "db7" matches "db*"; importance 50 is not below 20');
  assert.equal(why('web'), null);
});
