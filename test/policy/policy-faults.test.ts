/** Broken policies, and exactly what a person is told of each: file, line, column, what was expected. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadPolicy, policyFileMax } from '../../src/station/policy-file.ts';
import { policyLimits } from '../../src/station/policy-schema.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { faultsOf, warningsOf } from './kit.ts';

/** Lines 1 to 3; what a case adds begins in line 4. */
const head = 'version: 1\npeople:\n  ann: {email: ann@example.net}\n';
const tail = 'groups:\n  - {name: all, notify: [{to: ann}]}\n';

/** What is wrong, the text after the head, and each line that is shown, without the name of the file. */
type Broken = readonly [string, string, ...string[]];

const shapes: readonly Broken[] = [
  ['a wrong indentation', `${tail}    levle: low\n`, '6:1: is no valid YAML:'],
  [
    'a misspelt key of a group',
    'groups:\n  - name: all\n    levle: low\n    notify: []\n',
    '6:5: unknown key "levle" (did you mean "level"?)',
  ],
  [
    'a key of the full language',
    `silences: []\n${tail}`,
    '4:1: unknown key "silences" (known here: version, timezone, people, lists, hours, groups, settings)',
  ],
  ['a key twice', `timezone: UTC\ntimezone: UTC\n${tail}`, '5:1: this key is here twice'],
  ['no groups', 'groups: []\n', '4:9: at least 1 entry is expected'],
  ['no groups at all', '', '1:1: "groups" is missing: a list is expected'],
  [
    'a group that does not say whom to notify',
    'groups:\n  - name: all\n',
    '5:5: "notify" is missing: a list is expected',
  ],
  [
    'an unknown level',
    'groups: [{name: all, level: critical, notify: []}]\n',
    '4:29: one of low, normal, urgent is expected',
  ],
  [
    'a mistyped time zone',
    `timezone: Europe/Londn\n${tail}`,
    '4:11: no time zone is called that (did you mean "Europe/London"?): one such as Europe/London or UTC is expected',
  ],
  [
    'an invented time zone',
    `timezone: Mars/Olympus Mons\n${tail}`,
    '4:11: no time zone is called that: one such as Europe/London or UTC is expected',
  ],
  [
    'a reminder every nothing',
    'groups: [{name: all, notify: [{to: ann, every: 0s}]}]\n',
    '4:48: a length of time from 1s to 365d is expected',
  ],
  [
    'a reminder every half second',
    'groups: [{name: all, notify: [{to: ann, every: 500ms}]}]\n',
    '4:48: a length of time from 1s to 365d is expected',
  ],
  [
    'a length of time without a unit',
    'groups: [{name: all, notify: [{to: ann, every: 15}]}]\n',
    '4:48: a text is expected, not a whole number (put it in quotes)',
  ],
  [
    'a length of time that is none',
    'groups: [{name: all, notify: [{to: ann, every: hourly}]}]\n',
    '4:48: a length of time such as 90s, 15m or 1h30m is expected',
  ],
  [
    'a during in a word',
    'groups: [{name: all, notify: [{to: ann, during: working}]}]\n',
    '4:49: a mapping of keys to values is expected, not a text',
  ],
  [
    'a during that says nothing',
    'groups: [{name: all, notify: [{to: ann, during: {}}]}]\n',
    '4:49: at least one of hours, unacknowledged, raised_for is expected; without a during, a rule speaks at any time',
  ],
  [
    'a condition of the full language',
    'groups: [{name: all, notify: [{to: ann, during: {no_one_in: ops}}]}]\n',
    '4:50: unknown key "no_one_in" (known here: hours, unacknowledged, raised_for)',
  ],
  ['a rule for nobody', 'groups: [{name: all, notify: [{to: []}]}]\n', '4:36: at least 1 entry is expected'],
  ['a list of nobody', `lists: {ops: {members: []}}\n${tail}`, '4:24: at least 1 entry is expected'],
  [
    'a time of day without its zero',
    `hours: {early: {from: "6:00"}}\n${tail}`,
    '4:23: a time of day from "00:00" to "23:59" is expected',
  ],
  [
    'a time of day that is none',
    `hours: {early: {to: "25:00"}}\n${tail}`,
    '4:21: a time of day from "00:00" to "24:00" is expected',
  ],
  [
    'a day that is none',
    `hours: {early: {days: mon-fry}}\n${tail}`,
    '4:23: days are written mon, mon-fri or [mon, wed, sat-sun]',
  ],
  [
    'a test of an empty text',
    'groups: [{name: all, match: {id: ""}, notify: []}]\n',
    '4:34: at least 1 characters are expected',
  ],
  [
    'a pattern that is none',
    'groups: [{name: all, match: {id: "/(/"}, notify: []}]\n',
    '4:34: is no valid pattern: unterminated group',
  ],
  [
    'a pattern with a flag',
    'groups: [{name: all, match: {id: "/x/g"}, notify: []}]\n',
    '4:34: a pattern takes no flag but i: /…/i',
  ],
  [
    'a name with a space',
    `lists: {"the ops": {members: [ann]}}\n${tail}`,
    '4:9: a name of letters, digits and . _ - @ + is expected, beginning with a letter or a digit, at most 64 long',
  ],
  [
    'a rule whose name has a slash',
    'groups: [{name: all, notify: [{name: a/b, to: ann}]}]\n',
    '4:38: a name without / and not beginning with # is expected',
  ],
  [
    'several mistakes, all at once',
    'timezone: Nowhere\ngroups:\n  - {name: all, level: high, notify: [{to: ann, evry: 1h}]}\n',
    '4:11: no time zone is called that: one such as Europe/London or UTC is expected',
    '6:24: one of low, normal, urgent is expected',
    '6:49: unknown key "evry" (did you mean "every"?)',
  ],
];

const names: readonly Broken[] = [
  [
    'a rule for somebody unknown',
    'groups: [{name: all, notify: [{to: anne}]}]\n',
    '4:36: no person or list is called "anne" (did you mean "ann"?)',
  ],
  [
    'a rule for several, one unknown',
    'groups: [{name: all, notify: [{to: [ann, ops]}]}]\n',
    '4:42: no person or list is called "ops"',
  ],
  [
    'a list with somebody unknown',
    `lists:\n  ops:\n    members:\n      - ann\n      - bob\n${tail}`,
    '8:9: no person or list is called "bob"',
  ],
  [
    'a list that contains itself',
    `lists: {ops: {members: [ann, ops]}}\n${tail}`,
    '4:30: a list contains itself: ops → ops',
  ],
  [
    'lists that contain each other',
    `lists:\n  a: {members: [b]}\n  b: {members: [ann, c]}\n  c: {members: [a]}\n${tail}`,
    '7:17: a list contains itself: a → b → c → a',
  ],
  [
    'a name that only JavaScript knows',
    'groups: [{name: all, notify: [{to: constructor, during: {hours: toString}}]}]\n',
    '4:36: no person or list is called "constructor"',
    '4:65: no hours are called "toString" (there are: working, daytime, dead-zone)',
  ],
  [
    'hours that nobody defined',
    'groups: [{name: all, notify: [{to: ann, during: {hours: workin}}]}]\n',
    '4:57: no hours are called "workin" (did you mean "working"?)',
  ],
  [
    'a person and a list of one name',
    `lists:\n  ann:\n    members: [ann]\n${tail}`,
    '3:3: "ann" is both a person and a list',
    '5:3: "ann" is both a person and a list',
    '6:15: a list contains itself: ann → ann',
  ],
  [
    'two groups of one name',
    'groups:\n  - {name: all, match: {id: x}, notify: []}\n  - name: all\n    notify: []\n',
    '5:12: 2 groups are called "all"',
    '6:11: 2 groups are called "all"',
  ],
  [
    'two rules of one name',
    'groups:\n  - name: all\n    notify:\n      - {name: first, to: ann}\n      - {name: first, to: ann, every: 1h}\n',
    '7:16: 2 rules of this group are called "first"',
    '8:16: 2 rules of this group are called "first"',
  ],
  [
    'two rules that say the same',
    'groups:\n  - name: all\n    notify:\n      - {to: ann, every: 1h}\n      - {to: [ann, ann], every: 60m}\n',
    '7:9: 2 rules of this group say the same',
    '8:9: 2 rules of this group say the same',
  ],
  [
    'an acknowledgement longer than any may be',
    'groups: [{name: all, acknowledge_for: 16d, notify: []}]\n',
    '4:39: is longer than acknowledge_at_most allows (15d)',
  ],
];

for (const [title, cases] of [
  ['a policy written wrongly', shapes],
  ['a policy whose names do not fit', names],
] as const) {
  describe(`${title} is refused: `, () => {
    for (const [what, text, ...expected] of cases) {
      test(what, () => {
        const told = faultsOf(head + text).map((line) => line.replace('policy.yaml:', ''));
        if (expected[0]?.endsWith(':')) assert.ok(told[0]?.startsWith(expected[0]), told.join('\n'));
        else assert.deepEqual(told, expected);
      });
    }
  });
}

describe('a person', () => {
  const person = (text: string): readonly string[] =>
    faultsOf(`version: 1\npeople:\n  bob: ${text}\n${tail.replace('ann', 'bob')}`);

  test('without an email address cannot be told by email', () => {
    assert.deepEqual(person('{channels: {urgent: [inbox, email]}}'), [
      'policy.yaml:3:36: bob has no email address: give one under people, bob',
    ]);
  });

  test('cannot be told through a channel that does not exist', () => {
    assert.deepEqual(person('{channels: {urgent: [pigeon]}}'), [
      'policy.yaml:3:29: one of email, inbox is expected',
    ]);
  });

  test('has an email address that could be one', () => {
    for (const address of [
      'bob',
      'bob@',
      '@example.net',
      'a b@example.net',
      'bob@-x',
      'bob@example..net',
      '"b<o>b@example.net"',
      '"bob@example.net\\nBcc: eve@example.net"',
      'bob@example.net.',
    ]) {
      const told = person(`{email: ${address === '@example.net' ? `"${address}"` : address}}`);
      assert.deepEqual(
        told,
        ['policy.yaml:3:16: an email address such as johnny@example.com is expected'],
        address,
      );
    }
    for (const address of [
      'bob@localhost',
      'bob+mauve@example.co.uk',
      "o'brien@xn--bcher-kva.example",
      'jörg@bücher.example',
    ]) {
      assert.deepEqual(person(`{email: "${address}"}`), [], address);
    }
  });
});

describe('a policy file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-policy-'));
  after(() => rmSync(folder, { recursive: true }));
  const told = (name: string): readonly string[] => {
    const loaded = loadPolicy(join(folder, name));
    return loaded.ok ? [] : loaded.faults.map((fault) => formatFault({ ...fault, file: name }));
  };

  test('that is not there, or is a folder, is named', () => {
    assert.deepEqual(told('none.yaml'), ['none.yaml:1:1: the policy cannot be read: there is no such file']);
    assert.deepEqual(told('.'), ['.:1:1: the policy cannot be read: it is a folder, not a file']);
  });

  test('that is empty, or holds only comments, is no policy', () => {
    writeFileSync(join(folder, 'empty.yaml'), ' \n');
    assert.deepEqual(told('empty.yaml'), ['empty.yaml:1:1: the file is empty: a policy is expected']);
    writeFileSync(join(folder, 'comments.yaml'), '# later\n');
    assert.deepEqual(told('comments.yaml'), [
      'comments.yaml:1:1: a mapping of keys to values is expected, not nothing',
    ]);
  });

  test('that is not UTF-8 is refused where it stops being so', () => {
    writeFileSync(
      join(folder, 'latin.yaml'),
      Buffer.from('version: 1\npeople:\n  j: {name: J\xf6rg}\n', 'latin1'),
    );
    assert.deepEqual(told('latin.yaml'), ['latin.yaml:3:14: UTF-8 text is expected']);
  });

  test('that is too large is not looked at', () => {
    writeFileSync(join(folder, 'large.yaml'), '#'.repeat(policyFileMax + 1));
    assert.deepEqual(told('large.yaml'), ['large.yaml:1:1: a policy of at most 1048576 bytes is expected']);
  });

  test('with brackets nested by the thousand, or a bomb of aliases, is refused in no time', () => {
    assert.match(faultsOf(`version: ${'['.repeat(100_000)}`).join(), /is nested too deeply|is no valid YAML/);
    const bomb = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join(
      '\n',
    );
    assert.match(faultsOf(`a0: &a0 [x]\n${bomb}\n`).join(), /too many aliases/);
  });

  test('has at most so many people, groups and rules', () => {
    const many = (count: number, line: (index: number) => string): string =>
      Array.from({ length: count }, (_, i) => line(i)).join('');
    const groups = many(policyLimits.groups + 1, (i) => `  - {name: g${i}, match: {id: x}, notify: []}\n`);
    assert.deepEqual(faultsOf(`${head}groups:\n${groups}`), [
      'policy.yaml:5:3: at most 2000 entries are expected',
    ]);
    const people = many(policyLimits.people, (i) => `  p${i}: {}\n`);
    assert.deepEqual(faultsOf(head + people + tail), ['policy.yaml:3:3: at most 10000 are expected']);
    const rules = many(policyLimits.rules + 1, (i) => `{to: ann, every: ${i + 1}s},`);
    assert.deepEqual(faultsOf(`${head}groups: [{name: all, notify: [${rules}]}]`), [
      'policy.yaml:4:30: at most 100 entries are expected',
    ]);
  });
});

describe('what is allowed but hardly meant is told as a warning:', () => {
  test('groups that no alert can reach', () => {
    const groups = 'groups:\n  - {name: all, notify: []}\n  - {name: more, match: {id: x}, notify: []}\n';
    assert.deepEqual(warningsOf(head + groups), [
      'policy.yaml:5:5: "all" takes every alert: the groups after it are never reached',
      'policy.yaml:6:25: "more" is the last group: it also takes what no group matches',
    ]);
  });

  test('hours of nobody knows which zone', () => {
    const rule = 'groups: [{name: all, notify: [{to: ann, during: {hours: working}}]}]\n';
    assert.deepEqual(warningsOf(head + rule), [
      'policy.yaml:4:57: no timezone is given at the top: these hours are UTC',
    ]);
    assert.deepEqual(warningsOf(`${head}timezone: UTC\n${rule}`), []);
  });
});
