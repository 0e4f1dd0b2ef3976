/** Broken policies, and exactly what a person is told of each: file, line, column, what was expected. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadPolicy } from '../../src/station/policy/file.ts';
import { policyFileMax } from '../../src/station/policy/parts.ts';
import { policyLimits } from '../../src/station/policy/words.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { faultsOf, now, warningsOf } from './kit.ts';

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
    'a key of no version',
    `teams: []\n${tail}`,
    '4:1: unknown key "teams" (known here: version, timezone, include, people, lists, sources, hours, holidays, away, silences, inhibit, groups, settings)',
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
    '4:48: a length of time such as 90s, 15m or 1h30m is expected, or never',
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
    '4:49: at least one condition such as hours or unacknowledged is expected; without a during, a rule speaks at any time',
  ],
  [
    'a condition that there is not',
    'groups: [{name: all, notify: [{to: ann, during: {moon: full}}]}]\n',
    '4:50: unknown key "moon" (known here: hours, days, hours_in_day, holiday, unacknowledged, raised_for, no_one_in, not, any, all)',
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
    'hours of day that are none',
    'groups: [{name: all, notify: [{to: ann, during: {hours_in_day: [24]}}]}]\n',
    '4:65: at most 23 is expected',
  ],
  [
    'hours of day that run the wrong way',
    'groups: [{name: all, notify: [{to: ann, during: {hours_in_day: [[9, 25]]}}]}]\n',
    '4:69: an hour from 0 to 24, or a fraction of one in whole minutes such as 9.5, is expected',
  ],
  [
    'a holiday in a word',
    'groups: [{name: all, notify: [{to: ann, during: {holiday: yes}}]}]\n',
    '4:59: true or false is expected, not a text',
  ],
  [
    'hours that are never open',
    `hours: {h: {except: holidays, only: holidays}}\n${tail}`,
    '4:12: either except or only is expected: together they are never open',
  ],
  ['hours except on other days', `hours: {h: {except: birthdays}}\n${tail}`, '4:21: holidays is expected'],
  [
    'an importance between no numbers',
    'groups: [{name: all, match: {importance: {above: 5, below: 6}}, notify: []}]\n',
    '4:42: no number is within these bounds',
  ],
  [
    'an importance that is not said',
    'groups: [{name: all, match: {importance: {}}, notify: []}]\n',
    '4:42: at least one of above, at_least, below, at_most is expected',
  ],
  [
    'an importance in a word',
    'groups: [{name: all, match: {importance: high}, notify: []}]\n',
    '4:42: a number or a mapping of keys to values is expected, not a text',
  ],
  [
    'a pattern that could take too long on a detail',
    'groups: [{name: all, match: {detail: /a.*b/}, notify: []}]\n',
    '4:38: this pattern could take too long on some texts: begin it with ^, use at most two of * and +, bound the others ({1,9}), repeat no group that has choices within, or write several tests',
  ],
  [
    'a misspelt key deep in a match',
    'groups: [{name: all, match: {any: [{not: {idd: x}}]}, notify: []}]\n',
    '4:43: unknown key "idd" (did you mean "id"?)',
  ],
  [
    'a list of people and of a rota',
    `lists: {l: {members: [ann], rota: r.ics}}\n${tail}`,
    '4:12: exactly one of members, rota is expected',
  ],
  ['a list that says nothing', `lists: {l: {}}\n${tail}`, '4:12: exactly one of members, rota is expected'],
  [
    'own rules that say nothing',
    `lists: {l: {members: [ann], notify: {}}}\n${tail}`,
    '4:37: every, during or both are expected',
  ],
  [
    'a source list of nothing',
    `sources: {s: {dns: false}}\n${tail}`,
    '4:14: members, from or both are expected',
  ],
  [
    'a calendar from a strange place',
    `lists: {l: {rota: "ftp://x/y.ics"}}\n${tail}`,
    '4:19: the name of a file, or an address beginning with https:// or http://, is expected',
  ],
  [
    'a holiday on no day',
    `holidays: [2026-02-30]\n${tail}`,
    '4:12: there is no such day: one such as 2026-12-24 is expected',
  ],
  [
    'a country by its name',
    `holidays: [{country: England}]\n${tail}`,
    '4:22: two capital letters such as GB are expected',
  ],
  [
    'a silence of everything',
    `silences: [{name: s, match: {}, during: working}]\n${tail}`,
    '4:29: at least one test is expected; every alert is written {id: "*"}',
  ],
  [
    'a silence at no time',
    `silences: [{name: s, match: {id: x}}]\n${tail}`,
    '4:12: exactly one of weekly, during, or from and until is expected',
  ],
  [
    'a silence without an end',
    `silences: [{name: s, match: {id: x}, from: "2026-07-01 10:00"}]\n${tail}`,
    '4:12: exactly one of weekly, during, or from and until is expected',
  ],
  [
    'a silence until a day',
    `silences: [{name: s, match: {id: x}, from: "2026-07-01 10:00", until: 2026-07-02}]\n${tail}`,
    '4:71: a time such as "2026-12-24 18:00" is expected',
  ],
  [
    'a silence that ends before it begins',
    `silences: [{name: s, match: {id: x}, from: "2026-07-01 10:00", until: "2026-07-01 09:00"}]\n${tail}`,
    '4:71: is before from',
  ],
  [
    'an inhibition by another field',
    `inhibit: [{while: {id: a}, mutes: {id: b}, same: host}]\n${tail}`,
    '4:50: one of source, subject, id is expected',
  ],
  [
    'a key of a later version',
    `${tail}settings: {drills: 30d}\n`,
    '6:12: unknown key "drills" (known here: acknowledge_at_most, initial_sleep, urgent_hold_at_most, hold_at_most, digest, summary, unreachable_after, source_lookups, templates)',
  ],
  ['an address to include in a word', `include: parts\n${tail}`, '4:10: a list is expected, not a text'],
  [
    'several mistakes, all at once',
    'timezone: Nowhere\ngroups:\n  - {name: all, level: high, notify: [{to: ann, evry: 1h}]}\n',
    '4:11: no time zone is called that: one such as Europe/London or UTC is expected',
    '6:24: one of low, normal, urgent is expected',
    '6:49: unknown key "evry" (did you mean "every"?)',
  ],
  [
    'a wrong word does not hide a name that nobody has, nor a calendar that is not there',
    `lists: {duty: {rota: gone.ics}}
holidays: [2026-13-40, 2026-12-24, {country: UK}]
groups:
  - {name: a, level: high, match: {subject: {in: core}}, notify: [{to: anne, evry: 1h}]}
  - {name: b, notify: [{every: 1h}, {to: ann, every: 5, during: {hours: workin}}]}
silences: [{name: s, match: {id: a}, weekly: 5}, {name: s, match: {id: b}, during: nights}]
`,
    '4:22: gone.ics cannot be used: there is no such file',
    '5:12: there is no such day: one such as 2026-12-24 is expected',
    '5:46: no holidays are known of country "UK" (did you mean "GB"?)',
    '7:22: one of low, normal, urgent is expected',
    '7:50: no source list is called "core"',
    '7:72: no person or list is called "anne" (did you mean "ann"?)',
    '7:78: unknown key "evry" (did you mean "every"?)',
    '8:24: "to" is missing: a text or a list is expected',
    '8:54: a length of time such as 90s, 15m or 1h30m is expected, or never',
    '8:73: no hours are called "workin" (did you mean "working"?)',
    '9:46: a mapping of keys to values is expected, not a whole number',
    '9:84: no hours are called "nights" (there are: working, daytime, dead-zone)',
  ],
  [
    'a person, list or source list written wrongly is there all the same',
    `lists: {ops: {member: [ann]}}
sources: {core: 5}
hours: {late: {form: "20:00"}, later: 22}
groups:
  - {name: a, match: {subject: {in: core}}, notify: [{to: ops, during: {hours: [late, later]}}]}
`,
    '4:15: unknown key "member" (did you mean "members"?)',
    '5:17: a list or a mapping of keys to values is expected, not a whole number',
    '6:16: unknown key "form" (did you mean "from"?)',
    '6:39: a mapping of keys to values is expected, not a whole number',
  ],
  [
    'rules of which something is wrong do not seem to say the same, nor caps to be the usual ones',
    `groups:
  - name: a
    acknowledge_for: 20d
    notify: [{to: ann, every: 5}, {to: ann, every: 6}]
settings: {acknowledge_at_most: thirty days}
`,
    '7:31: a length of time such as 90s, 15m or 1h30m is expected, or never',
    '7:52: a length of time such as 90s, 15m or 1h30m is expected, or never',
    '8:33: a length of time such as 90s, 15m or 1h30m is expected',
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
    '3:3: "ann" is both a person and a list: also at policy.yaml:5:3',
    '5:3: "ann" is both a person and a list: also at policy.yaml:3:3',
  ],
  [
    'two groups of one name',
    'groups:\n  - {name: all, match: {id: x}, notify: []}\n  - name: all\n    notify: []\n',
    '5:12: group "all" is defined twice: also at policy.yaml:6:11',
    '6:11: group "all" is defined twice: also at policy.yaml:5:12',
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
    'nobody in somebody unknown',
    'groups: [{name: all, notify: [{to: ann, during: {any: [{no_one_in: ops}]}}]}]\n',
    '4:68: no person or list is called "ops"',
  ],
  [
    'own rules with hours that nobody defined',
    `lists: {l: {members: [ann], notify: {during: {hours: [working, workin]}}}}\n${tail}`,
    '4:64: no hours are called "workin" (did you mean "working"?)',
  ],
  [
    'a match in a source list that nobody defined',
    'groups: [{name: all, match: {subject: {in: core}}, notify: []}]\nsources: {cores: [x]}\n',
    '4:44: no source list is called "core" (did you mean "cores"?)',
  ],
  [
    'an inhibition in a source list that nobody defined',
    `inhibit: [{while: {source: [a, {in: s}]}, mutes: {not: {id: b, source: {in: t}}}}]\n${tail}`,
    '4:37: no source list is called "s"',
    '4:77: no source list is called "t"',
  ],
  [
    'a silence in hours that nobody defined',
    `silences: [{name: s, match: {id: x}, during: workin}]\n${tail}`,
    '4:46: no hours are called "workin" (did you mean "working"?)',
  ],
  ['an entry of a source list that is none', `sources: {s: [db1, "db["]}\n${tail}`, '4:20: …'],
  ['an entry under members that is none', `sources: {s: {members: [db1, "db["]}}\n${tail}`, '4:30: …'],
  ['a country that there is not', `holidays: [{country: XX}]\n${tail}`, '4:22: …'],
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
        const told = faultsOf(head + text).map((line) => line.replace(/^policy.yaml:/, ''));
        if (expected[0]?.endsWith('…')) {
          assert.ok(told[0]?.startsWith(expected[0].slice(0, -1)), told.join('\n'));
        } else if (expected[0]?.endsWith(':')) assert.ok(told[0]?.startsWith(expected[0]), told.join('\n'));
        else assert.deepEqual(told, expected);
      });
    }
  });
}

test('thousands of mistakes among thousands of people are told within seconds', { timeout: 60_000 }, () => {
  const people = Array.from({ length: 4000 }, (_, n) => `  p${n}: {emial: x}\n`).join('');
  const rules = Array.from({ length: 2000 }, (_, n) => `  - {name: g${n}, notify: [{to: pp${n}}]}\n`).join(
    '',
  );
  const told = faultsOf(`version: 1\npeople:\n${people}groups:\n${rules}`);
  assert.equal(told.length, 500);
  assert.equal(told[0], 'policy.yaml:3:8: unknown key "emial" (did you mean "email"?)');
});

describe('a person', () => {
  const person = (text: string): readonly string[] =>
    faultsOf(`version: 1\npeople:\n  bob: ${text}\n${tail.replace('ann', 'bob')}`);

  test('without an email address cannot be told by email', () => {
    assert.deepEqual(person('{channels: {urgent: [inbox, email]}}'), [
      'policy.yaml:3:36: bob has no email address: give one under people, bob',
    ]);
  });

  test('has addresses, limits and absences that could be some', () => {
    const wrong: readonly (readonly [string, string])[] = [
      [
        '{sms: "07700900123"}',
        '14: a telephone number such as "+447700900123", in quotes, is expected: + and 7 to 15 digits',
      ],
      [
        '{sms: +447700900123}',
        '14: a telephone number such as "+447700900123", in quotes, is expected: + and 7 to 15 digits',
      ],
      [
        '{xmpp: bob@example.net/desk}',
        '15: an XMPP address such as johnny@example.com, without a resource, is expected',
      ],
      ['{xmpp: bob}', '15: an XMPP address such as johnny@example.com, without a resource, is expected'],
      ['{xmpp: {room: ops}}', '22: a room such as ops@conference.example.com is expected'],
      ['{xmpp: {when: online}}', '15: exactly one of address, room is expected'],
      [
        '{xmpp: {room: a@example.net, address: b@example.net}}',
        '15: exactly one of address, room is expected',
      ],
      [
        '{xmpp: {room: a@example.net, when: online}}',
        '15: a room is always there: when goes with address only',
      ],
      ['{xmpp: {address: a@example.net, when: awake}}', '46: online is expected'],
      ['{xmpp: {romm: a@example.net}}', '16: unknown key "romm" (did you mean "room"?)'],
      ['{webhook: "ftp://example.net"}', '18: an address such as https://example.com/hook is expected'],
      ['{channels: {low: {first_of: []}}}', '36: at least 1 entry is expected'],
      [
        '{channels: {low: {first_of: [inbox, sms]}}}',
        '44: bob has no sms address: give one under people, bob',
      ],
      ['{channels: {low: {first_of: [inbox], wait: 1ms}}}', '51: a length of time from 1s to 1d is expected'],
      ['{limits: {many: 1h}}', '18: a number of messages is expected before the colon'],
      ['{limits: {}}', '17: at least one limit such as {5: 10m}, or none, is expected'],
      ['{limits: 5}', '17: none or a mapping of keys to values is expected, not a whole number'],
      ['{away: [{from: 2026-07-01}]}', '16: either calendar, or both from and to, are expected'],
      ['{away: [{from: 2026-07-02, to: 2026-07-01}]}', '39: is before from'],
      [
        '{away: [{from: 2026-07-32, to: 2026-08-01}]}',
        '23: a day such as 2026-12-24 or a time such as "2026-12-24 18:00" is expected',
      ],
      ['{told_when_away: []}', '25: at least 1 entry is expected'],
      ['{notify: {every: 1h, durin: {}}}', '29: unknown key "durin" (did you mean "during"?)'],
    ];
    for (const [text, expected] of wrong) assert.deepEqual(person(text), [`policy.yaml:3:${expected}`], text);
  });

  test('cannot be told through a channel that does not exist', () => {
    assert.deepEqual(person('{channels: {urgent: [pigeon]}}'), [
      'policy.yaml:3:29: one of sms, email, xmpp, webhook, inbox is expected',
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
    const loaded = loadPolicy(join(folder, name), { now });
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
    assert.deepEqual(told('large.yaml'), ['large.yaml:1:1: a policy of at most 3145728 bytes is expected']);
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

describe('there are at most so many', () => {
  const many = (count: number, one: (index: number) => string): string =>
    Array.from({ length: count }, (_, i) => one(i)).join(', ');
  const L = policyLimits;
  const cases: readonly (readonly [string, string, string])[] = [
    ['absences', `{away: [${many(L.away + 1, () => 'a.ics')}]}`, 'at most 50 entries are'],
    ['rate limits', `{limits: {${many(L.limits + 1, (i) => `${i + 1}: 1h`)}}}`, 'at most 5 limits are'],
    ['own rules', `{notify: [${many(L.ownRules + 1, () => '{every: 1h}')}]}`, 'at most 10 entries are'],
  ];
  for (const [what, person, expected] of cases) {
    test(`${what} of a person`, () =>
      assert.match(faultsOf(`version: 1\npeople: {ann: ${person}}\n${tail}`).join(), new RegExp(expected)));
  }

  const wholes: readonly (readonly [string, string, number])[] = [
    ['lists', `lists: {${many(L.lists + 1, (i) => `l${i}: {members: [ann]}`)}}`, L.lists],
    ['source lists', `sources: {${many(L.sources + 1, (i) => `s${i}: [a]`)}}`, L.sources],
    ['entries of a source list', `sources: {s: [${many(L.entries + 1, (i) => `h${i}`)}]}`, L.entries],
    ['hours', `hours: {${many(L.hours + 1, (i) => `h${i}: {days: mon}`)}}`, L.hours],
    ['holidays', `holidays: [${many(L.holidays + 1, () => '2026-12-24')}]`, L.holidays],
    ['included files', `include: [${many(L.include + 1, (i) => `${i}.yaml`)}]`, L.include],
    [
      'silences',
      `silences: [${many(L.silences + 1, (i) => `{name: s${i}, match: {id: x}, during: working}`)}]`,
      L.silences,
    ],
    ['inhibitions', `inhibit: [${many(L.inhibit + 1, () => '{while: {id: a}, mutes: {id: b}}')}]`, L.inhibit],
    [
      'conditions side by side',
      `silences: [{name: s, match: {any: [${many(L.conditions + 1, () => '{id: x}')}]}, during: working}]`,
      L.conditions,
    ],
    [
      'tests of a field',
      `silences: [{name: s, match: {id: [${many(L.tests + 1, (i) => `x${i}`)}]}, during: working}]`,
      L.tests,
    ],
  ];
  for (const [what, text, most] of wholes) {
    test(what, () =>
      assert.match(
        faultsOf(`${head}${text}\n${tail}`).join(),
        new RegExp(`at most ${most} (entries )?are expected`),
      ),
    );
  }

  test('conditions within each other', () => {
    const nested = (depth: number): string =>
      depth === 0 ? '{unacknowledged: 1h}' : `{not: ${nested(depth - 1)}}`;
    const faults = (depth: number) =>
      faultsOf(`${head}groups: [{name: all, notify: [{to: ann, during: ${nested(depth)}}]}]\n`);
    assert.deepEqual(faults(L.depth - 1), []);
    assert.deepEqual(faults(L.depth), ['policy.yaml:4:49: conditions are nested more than 8 deep']);
  });

  test('rules, once those are taken apart that leave how often to thousands of people', () => {
    const people = Array.from({ length: 1100 }, (_, i) => `  p${i}: {notify: {every: ${i + 1}m}}\n`).join('');
    const groups = Array.from(
      { length: 100 },
      (_, i) => `  - {name: g${i}, match: {id: "${i}"}, notify: [{to: all}]}\n`,
    );
    const list = `lists: {all: {members: [${many(1100, (i) => `p${i}`)}]}}\n`;
    assert.match(
      faultsOf(`version: 1\npeople:\n${people}${list}groups:\n${groups.join('')}`).join(),
      /there are more than 100000 rules/,
    );
  });
});

describe('what is allowed but hardly meant is told as a warning:', () => {
  test('groups that no alert can reach', () => {
    const groups =
      'groups:\n  - {name: all, notify: [{to: ann}]}\n  - {name: more, match: {id: x}, notify: []}\n';
    assert.deepEqual(warningsOf(head + groups), [
      'policy.yaml:5:5: "all" takes every alert: the groups after it are never reached',
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
