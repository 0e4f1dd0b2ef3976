/** Each key of the policy's language, and what it means for those who are told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Matched } from '../../src/station/core/match.ts';
import {
  absenceAt,
  type Group,
  groupOf,
  limitsDefault,
  type Person,
  type Policy,
  peopleOf,
} from '../../src/station/core/policy.ts';
import { isOpen } from '../../src/station/core/schedule.ts';
import { parseMatch } from '../../src/station/policy/match.ts';
import { days, hours, instant, minutes, seconds } from '../../src/time.ts';
import { anAlert, loadFrom, nobodyKnows, now, policyOf } from './kit.ts';

const at = (text: string) => instant(Date.parse(text));
const head = 'version: 1\ntimezone: Europe/London\n';
const all = 'groups: [{name: all, notify: [{to: ann}]}]\n';

function calendar(...events: readonly (readonly string[])[]): string {
  const lines = events.flatMap((event, index) => [
    'BEGIN:VEVENT',
    `UID:${index}@example.net`,
    'DTSTAMP:20260101T000000Z',
    ...event,
    'END:VEVENT',
  ]);
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:test', ...lines, 'END:VCALENDAR', ''].join('\r\n');
}
const event = (from: string, to: string, summary: string): readonly string[] => [
  `DTSTART:${from}`,
  `DTEND:${to}`,
  `SUMMARY:${summary}`,
];

function loadedFrom(files: Readonly<Record<string, string>>): Policy {
  const loaded = loadFrom(files);
  return loaded.ok ? loaded.policy : assert.fail(JSON.stringify(loaded.faults));
}

describe('a person', () => {
  const person = (text: string, files: Readonly<Record<string, string>> = {}): Person => {
    const policy = loadedFrom({ ...files, 'policy.yaml': `${head}people:\n  ann: {${text}}\n${all}` });
    return [...policy.people.values()][0] ?? assert.fail();
  };

  test('is reached at each address that they give', () => {
    const { addresses, channels } = person(
      'sms: "+447700900123", email: a@example.net, xmpp: a@chat.example.net, webhook: "https://example.net/x?y=1"',
    );
    assert.deepEqual(addresses, {
      sms: '+447700900123',
      email: 'a@example.net',
      xmpp: 'a@chat.example.net',
      webhook: 'https://example.net/x?y=1',
    });
    assert.deepEqual(channels.low, { kind: 'all-of', channels: ['sms', 'email', 'xmpp', 'webhook'] });
  });

  test('is reached by XMPP always, only while online, or in a room', () => {
    const xmpp = (text: string) => person(`xmpp: ${text}`).addresses.xmpp;
    assert.equal(xmpp('Ann@Chat.example.net'), 'ann@chat.example.net');
    assert.equal(xmpp('{address: ann@chat.example.net}'), 'ann@chat.example.net');
    assert.equal(xmpp('{address: ann@chat.example.net, when: online}'), 'ann@chat.example.net?online');
    assert.equal(xmpp('{room: ops@rooms.example.net}'), 'ops@rooms.example.net?join');
  });

  test('is the one whom a calendar names by their XMPP address, but not by their room', () => {
    const away = (xmpp: string): boolean => {
      const files = {
        'away.ics': calendar(event('20260101T000000Z', '20361231T000000Z', 'ann@chat.example.net')),
      };
      const text = `${head}people:\n  mia: {xmpp: ${xmpp}}\naway: [away.ics]\n${all.replace('ann', 'mia')}`;
      const [mia] = loadedFrom({ ...files, 'policy.yaml': text }).people.values();
      return (mia?.away.length ?? 0) > 0;
    };
    assert.equal(away('{address: ann@chat.example.net, when: online}'), true);
    assert.equal(away('ann@chat.example.net'), true);
    assert.equal(away('{room: ann@chat.example.net}'), false);
  });

  test('is told by the first channel that works, and by the next after a minute unless another time is given', () => {
    const { channels } = person(
      'sms: "+447700900123", email: a@example.net, channels: {urgent: {first_of: [sms, email, inbox]}, low: {first_of: [email], wait: 5m}}',
    );
    assert.deepEqual(channels.urgent, {
      kind: 'first-of',
      channels: ['sms', 'email', 'inbox'],
      wait: seconds(60),
    });
    assert.deepEqual(channels.low, { kind: 'first-of', channels: ['email'], wait: minutes(5) });
  });

  test('gets as many messages as their limits let through, five in ten minutes if they give none', () => {
    assert.deepEqual(person('limits: {5: 1m, 60: 1h}').limits, [
      { count: 5, per: minutes(1) },
      { count: 60, per: hours(1) },
    ]);
    assert.deepEqual(person('limits: none').limits, []);
    assert.deepEqual(person('').limits, limitsDefault);
  });

  test('is away on the days given, both included, in their own zone', () => {
    const { away } = person(
      'timezone: America/New_York, away: [{from: 2026-12-20, to: 2027-01-03, kind: holiday}]',
    );
    assert.deepEqual(away, [{ from: at('2026-12-20T05:00Z'), to: at('2027-01-04T05:00Z'), why: 'holiday' }]);
  });

  test('is away at the times given, with or without a zone of their own', () => {
    const { away } = person(
      'away: [{from: "2026-07-06 12:00", to: "2026-07-06T18:00:30Z"}, {from: "2026-08-06 12:00", to: 2026-08-06}]',
    );
    assert.deepEqual(away, [
      { from: at('2026-07-06T11:00Z'), to: at('2026-07-06T18:00:30Z'), why: 'away' },
      { from: at('2026-08-06T11:00Z'), to: at('2026-08-06T23:00Z'), why: 'away' },
    ]);
  });

  const leave = calendar(event('20260710T080000Z', '20260712T080000Z', 'skiing'));
  test('is away while an event of their calendar is under way', () => {
    const { away } = person('away: [leave.ics, {calendar: leave.ics, kind: sick}]', { 'leave.ics': leave });
    assert.deepEqual(away, [{ from: at('2026-07-10T08:00Z'), to: at('2026-07-12T08:00Z'), why: 'away' }]);
  });

  test('is away while a calendar for all names them, by login, name or address', () => {
    const rows = [
      event('20260710T080000Z', '20260711T080000Z', 'ann'),
      event('20260713T080000Z', '20260714T080000Z', 'Holiday: Ann Archer'),
      event('20260715T080000Z', '20260716T080000Z', 'bob'),
      [...event('20260717T080000Z', '20260718T080000Z', 'Day off'), 'ATTENDEE:mailto:Ann@example.net'],
    ];
    const policy = loadedFrom({
      'policy.yaml': `${head}people: {ann: {name: Ann Archer, email: ann@example.net}, bob: {}}\naway: [{calendar: all.ics, kind: holiday}]\n${all}`,
      'all.ics': calendar(...rows),
    });
    const [ann, bob] = [...policy.people.values()];
    const away = (person: Person | undefined, day: number) =>
      absenceAt(person ?? assert.fail(), at(`2026-07-${day}T12:00Z`))?.why ?? null;
    assert.deepEqual(
      [10, 13, 15, 17].map((day) => away(ann, day)),
      ['holiday', 'holiday', null, 'holiday'],
    );
    assert.equal(away(bob, 15), 'holiday');
  });

  test('is told all the same when away, always or on absences of some kinds', () => {
    const two =
      'away: [{from: 2026-07-06, to: 2026-07-06, kind: sick}, {from: 2026-07-08, to: 2026-07-08, kind: holiday}]';
    assert.deepEqual(
      person(`${two}, told_when_away: [holiday]`).away.map(({ why }) => why),
      ['sick'],
    );
    assert.deepEqual(person(`${two}, told_when_away: true`).away, []);
    assert.equal(person(`${two}, told_when_away: false`).away.length, 2);
  });

  test('who is away for two reasons at once is away until the later end', () => {
    const { away } = person(
      'away: [{from: 2026-07-06, to: 2026-07-10, kind: sick}, {from: 2026-07-08, to: 2026-07-12, kind: holiday}, {from: 2026-07-07, to: 2026-07-07, kind: sick}]',
    );
    assert.deepEqual(away, [
      { from: at('2026-07-05T23:00Z'), to: at('2026-07-10T23:00Z'), why: 'sick' },
      { from: at('2026-07-10T23:00Z'), to: at('2026-07-12T23:00Z'), why: 'holiday' },
    ]);
  });
});

describe('a list', () => {
  const files = (groups: string, more = '') => ({
    'policy.yaml': `${head}people: {ann: {}, bob: {notify: {every: 2h}}, cat: {}}\nlists: {on-call: {rota: rota.ics}, everyone: {members: [cat, on-call]}${more}}\ngroups: [${groups}]\n`,
    'rota.ics': calendar(
      event('20260701T080000Z', '20260702T080000Z', 'ann'),
      event('20260702T080000Z', '20260703T080000Z', 'bob & ann'),
    ),
  });
  const first = (policy: Policy): Group => policy.groups[0] ?? assert.fail();
  const told = (policy: Policy, time: string) =>
    first(policy).rules.map(({ id, who, every }) => [
      id.replace(/#[0-9a-f]+/, '#'),
      peopleOf(who, at(time)),
      every,
    ]);

  test('made from a rota means whoever has the shift, alone or within another list', () => {
    const policy = loadedFrom(files('{name: g, notify: [{to: everyone, every: 1h}]}'));
    assert.deepEqual(told(policy, '2026-07-01T12:00Z'), [['g/#', ['cat', 'ann'], hours(1)]]);
    assert.deepEqual(told(policy, '2026-07-02T12:00Z'), [['g/#', ['cat', 'bob', 'ann'], hours(1)]]);
    assert.deepEqual(told(policy, '2026-07-04T12:00Z'), [['g/#', ['cat'], hours(1)]]);
  });

  test('made from a rota keeps the rules of those who have some', () => {
    const policy = loadedFrom(files('{name: g, notify: [{to: on-call}]}'));
    assert.deepEqual(told(policy, '2026-07-02T12:00Z'), [
      ['g/#', ['ann'], null],
      ['g/#@bob', ['bob'], hours(2)],
    ]);
  });

  test('says how often and when, where the rule does not and before the person does', () => {
    const policy = loadedFrom(
      files(
        '{name: g, notify: [{name: r, to: [team, bob]}]}',
        ', team: {members: [ann, bob], notify: {every: 3h}}',
      ),
    );
    assert.deepEqual(told(policy, '2026-07-01T12:00Z'), [
      ['g/r@team', ['ann', 'bob'], hours(3)],
      ['g/r@bob', ['bob'], hours(2)],
    ]);
  });

  test('that is nested in the list that the rule names says nothing', () => {
    const more = ', team: {members: [ann, bob], notify: {every: 3h}}, all: {members: [team]}';
    const policy = loadedFrom(files('{name: g, notify: [{name: r, to: all}]}', more));
    assert.deepEqual(told(policy, '2026-07-01T12:00Z'), [
      ['g/r', ['ann'], null],
      ['g/r@bob', ['bob'], hours(2)],
    ]);
  });

  test('or person may have several rules, each a clause of its own', () => {
    const more =
      ', team: {members: [ann], notify: [{every: 10m, during: {hours: working}}, {every: 1h, during: {not: {hours: working}}}]}';
    const policy = loadedFrom(files('{name: g, notify: [{name: r, to: team}, {to: team, every: 5m}]}', more));
    const rules = first(policy).rules;
    assert.deepEqual(
      rules.map(({ id, every }) => [id.replace(/#[0-9a-f]+/g, '#'), every]),
      [
        ['g/r@team#', minutes(10)],
        ['g/r@team#', hours(1)],
        ['g/#@team#', minutes(5)],
        ['g/#@team#', minutes(5)],
      ],
    );
    assert.equal(new Set(rules.map(({ id }) => id)).size, 4);
  });

  test('and person have no say where the rule says never', () => {
    const policy = loadedFrom(files('{name: g, notify: [{name: r, to: bob, every: never}]}'));
    assert.deepEqual(told(policy, '2026-07-01T12:00Z'), [['g/r', ['bob'], null]]);
  });
});

test("hours in a person's own rules are hours of their zone, unless the hours have one", () => {
  const policy = policyOf(`${head}people:
  ann: {timezone: America/New_York, notify: {during: {hours: [working, utc]}}}
hours: {utc: {from: "01:00", to: "02:00", timezone: UTC}}
groups: [{name: g, notify: [{to: ann}, {to: ann, during: {hours: working}, every: 1h}]}]
`);
  const [own, given] = policy.groups[0]?.rules ?? [];
  const open = (rule: typeof own, time: string) =>
    isOpen(rule?.during ?? assert.fail(), { raisedAt: now }, at(time));
  assert.deepEqual(
    ['2026-07-01T09:00Z', '2026-07-01T14:00Z', '2026-07-01T01:30Z'].map((time) => open(own, time)),
    [false, true, true],
  );
  assert.deepEqual(
    ['2026-07-01T09:00Z', '2026-07-01T14:00Z', '2026-07-01T17:00Z'].map((time) => open(given, time)),
    [true, true, false],
  );
});

describe('a during', () => {
  const open = (during: string, time: string, raised = time, more = '') => {
    const policy = loadedFrom({
      'policy.yaml': `${head}people: {ann: {away: [{from: 2026-07-06, to: 2026-07-06}]}, bob: {}}\nlists: {ops: {members: [ann]}}\nholidays: [2026-07-01, {country: GB, region: ENG}, closed.ics]\n${more}groups: [{name: g, notify: [{to: bob, during: ${during}}]}]`,
      'closed.ics': calendar(['DTSTART;VALUE=DATE:20260714', 'DTEND;VALUE=DATE:20260715', 'SUMMARY:closed']),
    });
    const rule = policy.groups[0]?.rules[0] ?? assert.fail();
    return isOpen(rule.during, { raisedAt: at(raised) }, at(time));
  };
  /** London is an hour ahead of these. */
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['{days: sat-sun}', '2026-07-04T12:00Z', true],
    ['{days: sat-sun}', '2026-07-05T23:30Z', false],
    ['{hours_in_day: [0, [9, 17]]}', '2026-07-02T16:59:59Z', true],
    ['{hours_in_day: [0, [9, 17]]}', '2026-07-02T17:00Z', false],
    ['{hours_in_day: [0, [9, 17]]}', '2026-07-02T23:59Z', true],
    ['{hours_in_day: [0, [9, 17]]}', '2026-07-02T00:00Z', false],
    ['{hours_in_day: 3}', '2026-07-02T02:59Z', true],
    ['{hours_in_day: [[22, 5]]}', '2026-07-02T04:59Z', true],
    ['{hours_in_day: [[22, 5]]}', '2026-07-02T05:00Z', false],
    ['{hours_in_day: [[3, 3.5]]}', '2026-07-02T02:29:59Z', true],
    ['{hours_in_day: [[3, 3.5]]}', '2026-07-02T02:30Z', false],
    ['{hours_in_day: [["03:15", "03:30"]]}', '2026-07-02T02:14Z', false],
    ['{hours: {from: 9, to: 17}}', '2026-07-02T16:59Z', true],
    ['{hours: {from: 9.5, to: 17}}', '2026-07-02T16:00Z', false],
    ['{hours: {from: 0, to: 23}}', '2026-07-02T22:59Z', true],
    ['{hours: [working, {days: sat}]}', '2026-07-04T20:00Z', true],
    ['{hours: {timezone: Asia/Tokyo, from: "00:00", to: "01:00"}}', '2026-07-02T15:30Z', true],
    ['{holiday: true}', '2026-07-01T12:00Z', true],
    ['{holiday: true}', '2026-08-31T12:00Z', true],
    ['{holiday: true}', '2026-07-14T12:00Z', true],
    ['{holiday: true}', '2026-07-02T12:00Z', false],
    ['{holiday: false}', '2026-07-01T12:00Z', false],
    ['{holiday: false}', '2026-07-02T12:00Z', true],
    ['{hours: working}', '2026-07-01T12:00Z', false],
    ['{hours: daytime}', '2026-07-01T12:00Z', true],
    ['{hours: {from: 9, to: 17, only: holidays}}', '2026-07-01T12:00Z', true],
    ['{hours: {from: 9, to: 17, only: holidays}}', '2026-07-02T12:00Z', false],
    ['{hours: {from: 9, to: 17, except: holidays}}', '2026-07-01T12:00Z', false],
    ['{no_one_in: ops}', '2026-07-06T12:00Z', true],
    ['{no_one_in: [ops, bob]}', '2026-07-06T12:00Z', false],
    ['{no_one_in: ops}', '2026-07-07T12:00Z', false],
    ['{not: {hours: daytime}}', '2026-07-02T12:00Z', false],
    ['{any: [{days: sat}, {days: thu}]}', '2026-07-02T12:00Z', true],
    ['{all: [{days: sat}, {days: thu}]}', '2026-07-02T12:00Z', false],
    ['{days: thu, hours: daytime}', '2026-07-02T12:00Z', true],
    ['{days: thu, hours: dead-zone}', '2026-07-02T12:00Z', false],
  ];
  for (const [during, time, expected] of cases) {
    test(`${during} is ${expected ? 'open' : 'closed'} at ${time}`, () =>
      assert.equal(open(during, time), expected));
  }

  test('of times since the raise opens when they have passed', () => {
    assert.equal(
      open('{unacknowledged: 1h, raised_for: 2h}', '2026-07-02T12:00Z', '2026-07-02T10:30Z'),
      false,
    );
    assert.equal(
      open('{unacknowledged: 1h, raised_for: 2h}', '2026-07-02T12:30Z', '2026-07-02T10:30Z'),
      true,
    );
  });

  test('of hours that the policy defines knows their holidays and zone', () => {
    const more =
      'hours: {shop: {days: mon-sat, from: 9, to: 17, timezone: Europe/Paris, except: holidays}}\n';
    assert.equal(open('{hours: shop}', '2026-07-02T07:30Z', undefined, more), true);
    assert.equal(open('{hours: shop}', '2026-07-01T07:30Z', undefined, more), false);
  });
});

describe('a match', () => {
  const alert: Matched = {
    ...anAlert,
    source: 'cr1.example.net',
    subject: 'db7',
    id: 'link-3',
    summary: 'link flaps',
    detail: `<p>interface down</p>${'x'.repeat(5000)}end`,
    importance: 40,
  };
  const takes = (match: string): boolean => {
    const policy = loadedFrom({
      'policy.yaml': `${head}people: {ann: {}}\nsources:\n  core: [cr*.example.net]\n  dbs: {members: [db1..3], from: dbs.txt, dns: false}\ngroups:\n  - {name: g, match: {${match}}, notify: []}\n  - {name: rest, notify: []}\n`,
      'dbs.txt': '# ours\ndb7 # the new one\n\n',
    });
    return groupOf(policy, alert, nobodyKnows).name === 'g';
  };
  const cases: readonly (readonly [string, boolean])[] = [
    ['source: {in: core}', true],
    ['subject: {in: core}', false],
    ['subject: [{in: core}, {in: dbs}]', true],
    ['subject: [web, {in: dbs}]', true],
    ['detail: "*interface down*"', true],
    ['detail: "/^<p>interface (up|down)/"', true],
    ['detail: "*end"', false],
    ['importance: 40', true],
    ['importance: 41', false],
    ['importance: {above: 39}', true],
    ['importance: {above: 40}', false],
    ['importance: {at_least: 40, at_most: 40}', true],
    ['importance: {below: 40}', false],
    ['importance: {below: 41}', true],
    ['any: [{id: x}, {summary: /FLAP/i}]', true],
    ['any: [{id: x}, {summary: /FLAP/}]', false],
    ['all: [{id: "link-*"}, {not: {importance: {below: 20}}}]', true],
    ['not: {id: "link-*"}', false],
    ['id: "link-*", not: {any: [{source: x}, {source: y}]}', true],
  ];
  for (const [match, expected] of cases) {
    test(`{${match}} ${expected ? 'takes' : 'leaves'} the alert`, () => assert.equal(takes(match), expected));
  }

  test('that a person writes for a silence is the same language without source lists', () => {
    const written = { any: [{ id: 'link-*' }, { importance: { below: 20 } }], subject: ['DB7.', '/^x/'] };
    const parsed = parseMatch(written);
    assert.ok(parsed.ok);
    assert.deepEqual(parseMatch(JSON.parse(JSON.stringify(parsed.written))), parsed);
    const why = (value: unknown) => {
      const result = parseMatch(value);
      return result.ok ? null : result.why;
    };
    assert.equal(why({}), 'at least one test is expected; every alert is written {id: "*"}');
    assert.equal(why({ any: [{ ids: 'x' }] }), 'unknown key "ids" (did you mean "id"?)');
    assert.match(why({ any: [{ id: '/(a+)+$/' }] }) ?? '', /^any\.0\.id: this pattern could take too long/);
    assert.match(why({ source: { in: 'core' } }) ?? '', /^source: a text or a list is expected/);
    assert.match(why(null) ?? '', /a mapping of keys to values is expected/);
    assert.match(why(nested(9)) ?? '', /nested more than 8 deep/);
  });
  const nested = (depth: number): unknown => (depth === 0 ? { id: 'x' } : { not: nested(depth - 1) });
});

describe('a policy', () => {
  const first = (text: string) => policyOf(`${head}people: {ann: {}}\n${text}`);

  test('holds new alerts of a group back, and never for longer than its settings say', () => {
    const policy = first(
      'groups: [{name: a, hold: 2m, notify: [{to: ann}]}]\nsettings: {hold_at_most: 20m, urgent_hold_at_most: 1m}\n',
    );
    assert.equal(policy.groups[0]?.hold, minutes(2));
    assert.deepEqual(policy.settings.holdAtMost, {
      low: minutes(20),
      normal: minutes(20),
      urgent: minutes(1),
    });
  });

  test('silences alerts every week, in named hours, or once', () => {
    const { silences } = first(`silences:
  - {name: backups, match: {source: backup}, weekly: {days: sun, from: "02:00", to: "04:00"}, reason: dumps}
  - {name: nights, match: {id: "*"}, during: dead-zone}
  - {name: move, match: {source: dc2}, from: "2026-07-04 20:00", until: "2026-07-05 08:00+02:00"}
${all}`);
    assert.deepEqual(
      silences.map(({ id, reason, author }) => [id, reason, author]),
      [
        ['backups', 'dumps', 'the policy'],
        ['nights', '', 'the policy'],
        ['move', '', 'the policy'],
      ],
    );
    const [weekly, named, once] = silences.map(({ during }) => during);
    assert.ok(weekly?.kind === 'recurring' && named?.kind === 'recurring');
    assert.deepEqual(
      [weekly.hours.name, weekly.hours.timezone, weekly.hours.days, weekly.hours.from, weekly.hours.to],
      ['sun 02:00-04:00', 'Europe/London', [7], 120, 240],
    );
    assert.equal(named.hours.name, 'dead-zone');
    assert.deepEqual(once, { kind: 'once', from: at('2026-07-04T19:00Z'), until: at('2026-07-05T06:00Z') });
  });

  test('inhibits what has the same subject, or the fields given', () => {
    const { inhibits } = first(
      `inhibit:\n  - {while: {id: down}, mutes: {id: ping}}\n  - {name: b, while: {id: down}, mutes: {id: ping}, same: [source, subject]}\n${all}`,
    );
    assert.deepEqual(
      inhibits.map(({ name, same }) => [name.replace(/^#[0-9a-f]{12}$/, '#'), same]),
      [
        ['#', ['subject']],
        ['b', ['source', 'subject']],
      ],
    );
  });

  test('knows the hosts whose addresses matter, unless look-ups are turned off', () => {
    const lists = 'sources: {a: [db1, "web*"], b: {members: [db2], dns: false}}\n';
    assert.deepEqual(first(lists + all).hosts, ['db1']);
    assert.deepEqual(first(`${lists}${all}settings: {source_lookups: false}\n`).hosts, []);
  });

  test('has all hours known by name, the built-in ones included', () => {
    const policy = first(`hours: {office: {days: mon-fri}}\n${all}`);
    assert.deepEqual([...policy.hours.keys()].sort(), ['daytime', 'dead-zone', 'office', 'working']);
  });

  test('that leaves every and during to ten thousand people is taken apart once', () => {
    const people = Array.from({ length: 3000 }, (_, i) => `  p${i}: {notify: {every: ${1 + (i % 3)}h}}\n`);
    const members = Array.from({ length: 3000 }, (_, i) => `p${i}`).join(', ');
    const groups = Array.from(
      { length: 500 },
      (_, i) => `  - {name: g${i}, match: {id: "${i}"}, notify: [{to: all}]}\n`,
    );
    const began = process.cpuUsage().user;
    const policy = policyOf(
      `version: 1\npeople:\n${people.join('')}lists: {all: {members: [${members}]}}\ngroups:\n${groups.join('')}`,
    );
    assert.equal(policy.groups[499]?.rules.length, 3);
    assert.equal(policy.groups[0]?.rules[0]?.who, policy.groups[499]?.rules[0]?.who);
    assert.ok(process.cpuUsage().user - began < 4_000_000, 'more than 4 s of CPU');
  });

  test('looks a year ahead and a month back', () => {
    const { people } = loadedFrom({
      'policy.yaml': `${head}people: {ann: {away: [a.ics]}}\n${all}`,
      'a.ics': calendar([
        'DTSTART:20200101T080000Z',
        'DTEND:20200101T090000Z',
        'RRULE:FREQ=DAILY',
        'SUMMARY:x',
      ]),
    });
    const away = [...people.values()][0]?.away ?? [];
    assert.ok(Math.abs((away[0]?.from ?? 0) - (now - days(35))) < days(2));
    assert.ok(Math.abs((away.at(-1)?.from ?? 0) - (now + days(400))) < days(2));
  });
});
