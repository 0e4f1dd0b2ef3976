/** What a policy may say but hardly means to: told as warnings, before the night in which it would be found out. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadPolicy } from '../../src/station/policy/file.ts';
import { instant } from '../../src/time.ts';
import { now, toldOf, warningsOf } from './kit.ts';

/** Lines 1 to 3; what a case adds begins in line 4. */
const head = 'version: 1\ntimezone: Europe/London\npeople: {ann: {}, bob: {}}\n';
const all = '  - {name: all, notify: [{to: [ann, bob]}]}\n';

const cases: readonly (readonly [string, string, ...string[]])[] = [
  ['nothing', `groups:\n${all}`],
  [
    'people whom nobody notifies',
    'groups: [{name: all, notify: [{to: ann}]}]\n',
    '3:19: no rule notifies bob',
  ],
  [
    'groups that match what an earlier one does',
    `groups:\n  - {name: a, match: {id: [x, y], source: s}, notify: []}\n  - {name: b, match: {source: S, id: [y, x]}, notify: []}\n${all}`,
    '6:22: is what "a" matches already: "b" is never reached',
  ],
  [
    'groups that match only what an earlier one does',
    `groups:
  - {name: wide, match: {any: [{id: "disk-*"}, {importance: {at_least: 80}}]}, notify: []}
  - {name: one, match: {id: [disk-a, disk-*]}, notify: []}
  - {name: high, match: {source: x, importance: 90}, notify: []}
  - {name: both, match: {any: [{id: disk-b}, {importance: {above: 80}}]}, notify: []}
  - {name: other, match: {any: [{id: disk-b}, {id: net}]}, notify: []}
  - {name: lower, match: {importance: {at_least: 70}}, notify: []}
  - {name: star, match: {summary: ["x", "*"]}, notify: [{to: [ann, bob]}]}
  - {name: after, match: {id: y}, notify: []}
`,
    '6:24: is what "wide" matches already: "one" is never reached',
    '7:25: is what "wide" matches already: "high" is never reached',
    '8:25: is what "wide" matches already: "both" is never reached',
    '11:25: "star" takes every alert: the groups after it are never reached',
  ],
  [
    'a rule whose hours never meet',
    `groups:\n  - name: a\n    match: {id: x}\n    notify: [{to: ann, during: {hours: working, days: sat-sun}}]\n${all}`,
    '7:32: never holds: this rule can never speak',
  ],
  [
    'a rule whose hours never meet, said in another way',
    `groups:\n  - name: a\n    match: {id: x}\n    notify: [{to: ann, during: {not: {any: [{hours: daytime}, {hours_in_day: [[22, 7]]}]}}}]\n${all}`,
    '7:32: never holds: this rule can never speak',
  ],
  [
    'a rule for holidays where there are none',
    `groups:\n  - name: a\n    match: {id: x}\n    notify: [{to: ann, during: {holiday: true}}]\n${all}`,
    '7:32: never holds: this rule can never speak',
  ],
  [
    'no rule that waits for times or people',
    `groups:\n  - name: a\n    match: {id: x}\n    notify: [{to: ann, during: {unacknowledged: 1h, no_one_in: bob, not: {raised_for: 2h}}}]\n${all}`,
  ],
  [
    'a reminder more often than every minute',
    `lists: {l: {members: [ann], notify: {every: 30s}}}\ngroups:\n  - {name: a, match: {id: x}, notify: [{to: l, every: 59s}, {to: l}]}\n${all}`,
    '4:45: a reminder every 30s is hardly meant',
    '6:55: a reminder every 59s is hardly meant',
  ],
  [
    'hours in which nobody hears of what is urgent',
    `groups:\n  - {name: a, match: {id: x}, level: urgent, notify: [{to: ann, during: {hours: working}}]}\n${all}`,
    '5:46: "a" is urgent, but nobody is told: mon-fri 00:00-09:30 and 17:30-24:00, sat-sun',
  ],
  [
    'days on which nobody hears of what is urgent',
    `groups:\n  - {name: a, match: {id: x}, level: urgent, notify: [{to: ann, during: {days: mon-fri}}]}\n${all}`,
    '5:46: "a" is urgent, but nobody is told: sat-sun',
  ],
  [
    'no hours in which somebody else hears, in whichever zone',
    `groups:\n  - name: a\n    match: {id: x}\n    level: urgent\n    notify:\n      - {to: ann, during: {hours: {from: "06:00", to: "18:00", timezone: America/New_York}}}\n      - {to: bob, during: {hours: {from: "23:00", to: "11:00"}, unacknowledged: 1h}}\n${all}`,
  ],
  [
    'holidays on which nobody hears of what is urgent',
    `holidays: [2026-12-25]\ngroups:\n  - name: a\n    match: {id: x}\n    level: urgent\n    notify: [{to: ann, during: {holiday: false}}]\n${all}`,
    '9:5: "a" is urgent, but on holidays nobody is told: every day',
  ],
  [
    'what is urgent and told to nobody',
    `groups:\n  - {name: a, match: {id: x}, level: urgent, notify: []}\n${all}`,
    '5:46: "a" is urgent, but nobody is ever told',
  ],
  [
    'lists and source lists that nothing names',
    `lists: {l: {members: [ann]}}\nsources: {s: [db1]}\ngroups:\n${all}`,
    '4:9: nothing names this list',
    '5:11: nothing names this source list',
  ],
  [
    'alerts held back for longer than they may be',
    `groups:\n  - {name: a, match: {id: x}, level: urgent, hold: 1m, notify: [{to: ann}]}\n${all}`,
    '5:52: is longer than the settings let it be: 30s count',
  ],
];

describe('there is a warning of', () => {
  for (const [what, text, ...expected] of cases) {
    test(what, () =>
      assert.deepEqual(
        warningsOf(head + text).map((line) => line.replace(/^policy.yaml:/, '')),
        expected,
      ),
    );
  }

  test('a level at which somebody who is told of it has no channel, and of no other', () => {
    const people = head.replace('bob: {}', 'bob: {channels: {urgent: [], low: []}}');
    const groups = `groups:\n  - {name: a, match: {id: x}, level: low, notify: [{to: bob}]}\n${all}`;
    assert.deepEqual(warningsOf(people + groups), [
      'policy.yaml:3:53: bob has no channel for low alerts, of which rules tell',
    ]);
  });

  test('times of day in a zone that nobody named', () => {
    const text = `${head.replace('timezone: Europe/London\n', '')}silences: [{name: s, match: {id: x}, weekly: {days: sun}}]\ngroups:\n  - {name: a, match: {id: x}, notify: [{to: ann, during: {any: [{days: mon}, {unacknowledged: 1h}]}}]}\n${all}`;
    const words = 'no timezone is given at the top: these hours are UTC';
    assert.deepEqual(warningsOf(text), [`policy.yaml:3:46: ${words}`, `policy.yaml:5:72: ${words}`]);
  });
});

test('the policies that come with the station have no warnings, now or in years to come', () => {
  const folder = join(import.meta.dirname, '../../policies');
  const names = readdirSync(folder).filter(
    (name) => name.endsWith('.yaml') && !name.endsWith('.scenario.yaml'),
  );
  assert.ok(names.length >= 4);
  for (const name of names) {
    for (const at of [now, instant(Date.UTC(2029, 1, 20)), instant(Date.UTC(2031, 11, 26))]) {
      assert.deepEqual(toldOf(loadPolicy(join(folder, name), { now: at })), [], name);
    }
  }
});
