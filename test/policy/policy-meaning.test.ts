/** What a policy means: who is told, how they are reached, which group takes an alert, what a rule is known by. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Group, groupOf, peopleOf } from '../../src/station/core/policy.ts';
import { isOpen } from '../../src/station/core/schedule.ts';
import { loadPolicy } from '../../src/station/policy/file.ts';
import { patternFault } from '../../src/station/policy/pattern-cost.ts';
import { policyJsonSchema } from '../../src/station/policy/schema.ts';
import { days, hours, instant, minutes, seconds } from '../../src/time.ts';
import { anAlert, nobodyKnows, now, policyOf } from './kit.ts';

const inProject = (path: string): URL => new URL(`../../${path}`, import.meta.url);

const team = `version: 1
timezone: Europe/London
people:
  ann: {name: Ann, email: ann@example.net, timezone: Europe/Paris}
  bob: {}
  cat: {email: cat@example.net, channels: {urgent: [email, inbox], low: []}}
lists:
  ops: {members: [cat, everyone-else]}
  everyone-else: {members: [bob, cat]}
`;
const group = (text: string): Group => {
  const [first] = policyOf(`${team}groups:\n  - {name: g, ${text}}\n`).groups;
  return first ?? assert.fail('no group');
};
const allOf = (...channels: string[]) => ({ kind: 'all-of' as const, channels });
const rules = (text: string) => group(`notify: [${text}]`).rules;

describe('the policy that comes with the station', () => {
  const loaded = loadPolicy(new URL('policies/default.yaml', new URL('../../', import.meta.url)).pathname, {
    now,
  });

  test('tells admin of a first alert in the inbox, at any hour, and again every hour', () => {
    assert.ok(loaded.ok);
    const disk = { ...anAlert, source: 'db1', subject: 'db1', id: 'disk', summary: 'disk is 97% full' };
    const found = groupOf(loaded.policy, disk, nobodyKnows);
    const [admin] = [...loaded.policy.people.values()];
    assert.equal(found.level, 'normal');
    assert.deepEqual(
      found.rules.map((rule) => [peopleOf(rule.who, now), rule.every, rule.during]),
      [[['admin'], hours(1), { kind: 'always' }]],
    );
    assert.deepEqual(admin?.channels.normal, allOf('inbox'));
  });

  test('has no faults and no warnings', () => {
    assert.deepEqual(loaded.ok && loaded.warnings, []);
  });

  test('is known to editors by a schema that is the one the station checks with', () => {
    const committed: unknown = JSON.parse(readFileSync(inProject('policies/policy.schema.json'), 'utf8'));
    assert.deepEqual(committed, JSON.parse(policyJsonSchema()), 'npm run schema makes it anew');
  });
});

test('every example in docs/policy.md is a policy without faults', () => {
  const examples = [
    ...readFileSync(inProject('docs/policy.md'), 'utf8').matchAll(/^```yaml\n(version:.*?)^```/gms),
  ];
  assert.ok(examples.length >= 2);
  for (const [, text = ''] of examples) policyOf(text);
});

describe('a person', () => {
  const people = policyOf(`${team}groups: [{name: g, notify: []}]`).people;
  const [ann, bob, cat] = [...people.values()];

  test('with an address is told there, without one in the inbox, unless the policy says otherwise', () => {
    const [byEmail, inInbox] = [allOf('email'), allOf('inbox')];
    assert.deepEqual(ann?.channels, { low: byEmail, normal: byEmail, urgent: byEmail });
    assert.deepEqual(bob?.channels, { low: inInbox, normal: inInbox, urgent: inInbox });
    assert.deepEqual(cat?.channels, { low: allOf(), normal: byEmail, urgent: allOf('email', 'inbox') });
  });

  test('has a name and a time zone of their own, or the login and the zone of the policy', () => {
    assert.deepEqual([ann?.name, ann?.timezone], ['Ann', 'Europe/Paris']);
    assert.deepEqual([bob?.name, bob?.timezone], ['bob', 'Europe/London']);
  });
});

describe('a rule', () => {
  test('names each person once, in the order written, however the lists overlap', () => {
    assert.deepEqual(peopleOf(rules('{to: [ops, ann, bob]}')[0]?.who ?? [], now), ['cat', 'bob', 'ann']);
  });

  test('without every is told once, without during at any time', () => {
    assert.deepEqual(
      [rules('{to: ann}')[0]?.every, rules('{to: ann}')[0]?.during],
      [null, { kind: 'always' }],
    );
  });

  test('keeps what it is known by when it moves or is written another way, and not when it says something else', () => {
    const [first, second] = rules('{to: [ann, bob], every: 1h}, {to: cat}');
    const [moved, rewritten] = rules('{to: cat}, {to: [bob, ann], every: 60m}');
    assert.equal(moved?.id, second?.id);
    assert.equal(rewritten?.id, first?.id);
    assert.notEqual(rules('{to: [ann, bob], every: 61m}')[0]?.id, first?.id);
    assert.equal(rules('{name: calls, to: ann, every: 61m}')[0]?.id, 'g/calls');
  });

  test('follows the hours that it names: built in, redefined, or written in place', () => {
    const at = (text: string) => instant(Date.parse(text));
    const rule = (text: string) => rules(`{to: ann, during: {hours: ${text}}}`)[0] ?? assert.fail();
    const openAt = (text: string, time: string) =>
      isOpen(rule(text).during, { raisedAt: at(time) }, at(time));
    assert.equal(openAt('working', '2026-07-06T08:30Z'), true, '09:30 in London in summer');
    assert.equal(openAt('working', '2026-07-05T09:30Z'), false, 'a Sunday');
    assert.equal(openAt('daytime', '2026-07-05T20:59Z'), true);
    assert.equal(openAt('dead-zone', '2026-07-05T02:00Z'), true);
    assert.equal(
      openAt('{days: [sat-mon, wed], from: "22:00", to: "02:00"}', '2026-07-07T00:59Z'),
      true,
      'Monday night',
    );
    assert.equal(
      openAt('{days: [sat-mon, wed], from: "22:00", to: "02:00"}', '2026-07-07T21:30Z'),
      false,
      'Tuesday night',
    );
    const redefined = policyOf(
      `${team}hours: {working: {days: sun}}\ngroups: [{name: g, notify: [{to: ann, during: {hours: working}}]}]`,
    );
    const during = redefined.groups[0]?.rules[0]?.during ?? assert.fail();
    assert.equal(isOpen(during, { raisedAt: at('2026-07-05T03:00Z') }, at('2026-07-05T03:00Z')), true);
  });

  test('has all the conditions that its during gives', () => {
    const during = rules('{to: ann, during: {hours: working, unacknowledged: 1h, raised_for: 90m}}')[0]
      ?.during;
    assert.ok(during?.kind === 'all');
    assert.deepEqual(during.of.slice(0, 2), [
      { kind: 'unacknowledged', for: hours(1) },
      { kind: 'raised-for', for: minutes(90) },
    ]);
    assert.equal(during.of[2]?.kind, 'hours');
  });
});

test('settings that are not given have their defaults, and no acknowledgement lasts longer than the longest', () => {
  const plain = policyOf(`${team}groups: [{name: g, notify: []}]`);
  assert.deepEqual(plain.settings, {
    acknowledgeAtMost: days(15),
    initialSleep: minutes(5),
    holdAtMost: { low: minutes(10), normal: minutes(10), urgent: seconds(30) },
    digest: seconds(30),
    summary: { over: { sms: 5, xmpp: 10, email: 20 }, every: minutes(15) },
    unreachableAfter: minutes(5),
  });
  const settings =
    'settings: {digest: 0s, summary: {over: {sms: never, email: 3}, every: 1h}, unreachable_after: 20m}';
  const own = policyOf(`${team}${settings}\ngroups: [{name: g, notify: []}]`).settings;
  assert.deepEqual([own.digest, own.unreachableAfter], [0, minutes(20)]);
  assert.deepEqual(own.summary, { over: { xmpp: 10, email: 3 }, every: hours(1) });
  const never = policyOf(`${team}settings: {summary: never}\ngroups: [{name: g, notify: []}]`).settings;
  assert.deepEqual(never.summary.over, {});
  assert.equal(plain.groups[0]?.acknowledgeFor, hours(1));
  const short = policyOf(`${team}settings: {acknowledge_at_most: 30m}\ngroups: [{name: g, notify: []}]`);
  assert.equal(short.groups[0]?.acknowledgeFor, minutes(30));
});

test('the version of a policy changes with its text and with nothing else', () => {
  const text = `${team}groups: [{name: g, notify: []}]`;
  assert.equal(policyOf(text).version, policyOf(text).version);
  assert.notEqual(policyOf(text).version, policyOf(`${text}\n`).version);
});

describe('an alert', () => {
  const alert = {
    ...anAlert,
    source: 'DB1.example.net.',
    subject: 'web-2',
    id: 'disk',
    summary: 'disk / is 97% full',
  };
  const takes = (match: string): boolean => {
    const policy = policyOf(
      `${team}groups:\n  - {name: g, match: {${match}}, notify: []}\n  - {name: rest, notify: []}\n`,
    );
    return groupOf(policy, alert, nobodyKnows).name === 'g';
  };
  const cases: readonly (readonly [string, boolean])[] = [
    ['source: db1.example.net', true],
    ['source: DB1.EXAMPLE.NET.', true],
    ['source: db1', false],
    ['source: "db*"', true],
    ['source: "*.example.net"', true],
    ['source: "*.example"', false],
    ['source: "/^db[0-9]+\\\\.example\\\\.net$/"', true],
    ['subject: WEB-2', true],
    ['id: disk', true],
    ['id: Disk', false],
    ['id: dis', false],
    ['id: "d*s*"', true],
    ['id: "*"', true],
    ['id: "**k"', true],
    ['id: "disk*disk"', false],
    ['id: "di*isk"', false],
    ['id: [cpu, disk]', true],
    ['id: [cpu, memory]', false],
    ['summary: "/FULL/"', false],
    ['summary: "/FULL/i"', true],
    ['summary: "*% full"', true],
    ['id: disk, subject: web-2', true],
    ['id: disk, subject: web-3', false],
    ['id: "/var/log"', false],
  ];
  for (const [match, expected] of cases) {
    test(`${expected ? 'belongs' : 'does not belong'} to a group that matches {${match}}`, () =>
      assert.equal(takes(match), expected));
  }

  test('belongs to the first group that matches, and to the last if none does, whatever the last one matches', () => {
    const policy = policyOf(
      `${team}groups:\n  - {name: a, match: {id: "d*"}, notify: []}\n  - {name: b, match: {id: disk}, notify: []}\n`,
    );
    assert.equal(groupOf(policy, alert, nobodyKnows).name, 'a');
    assert.equal(groupOf(policy, { ...alert, id: 'cpu' }, nobodyKnows).name, 'b');
  });
});

describe('a pattern', () => {
  const harmless = [
    'flap',
    '^db[0-9]+$',
    'error: .*timeout',
    '^host-.*interface.*down',
    '(foo|bar) failed',
    '[0-9a-f]{8}-[0-9a-f]{4}',
    '^(?!test)',
    'a\\*b\\+c',
    '[*+]{3}',
    '\\d{1,3}\\.\\d{1,3}',
  ];
  const dangerous = [
    '(a+)+$',
    '(a|a)*$',
    '^(\\w+\\s?)*$',
    'a.*b.*c',
    '.*.*.*x',
    '(a?){40}a{40}',
    'a?'.repeat(30) + 'a'.repeat(30),
    '(a)\\1',
    '(?<x>a)\\k<x>',
    '((a{1,9}){1,9}){1,9}',
    '^(([a-z])+.)+[A-Z]$',
  ];
  for (const body of harmless) test(`/${body}/ is taken`, () => assert.equal(patternFault(body), null));
  for (const body of dangerous)
    test(`/${body}/ is refused: some text would hold the station up`, () =>
      assert.notEqual(patternFault(body), null));

  test('that is taken never holds the station up, even on the texts that suit it worst', () => {
    const texts = ['a', '0', 'ab', 'host-interface'].map((text) => text.repeat(1024).slice(0, 1024));
    for (const body of ['^a*a*b', 'a*b', '^.*a.*b', '^(a|b){1,9}c', 'a{1,9}a{1,9}a{1,9}b']) {
      assert.equal(patternFault(body), null, body);
      const began = process.cpuUsage().user;
      for (const text of texts) new RegExp(body).test(text);
      assert.ok(process.cpuUsage().user - began < 200_000, `/${body}/ took more than 0.2 s of CPU`);
    }
  });
});
