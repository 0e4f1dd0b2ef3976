/** mauvectl policy: what is typed, what is printed, and how it ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type PolicyCommand, parseOptions } from '../../src/control/options.ts';
import { policyCommand } from '../../src/control/policy.ts';
import { projectFolder, run } from '../kit/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mauve-policy-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const good = file(
  'good.yaml',
  `version: 1
timezone: Europe/London
people:
  ann: {email: ann@example.net}
  boss: {email: boss@example.net}
  cat: {email: cat@example.net, away: [{from: 2026-11-01, to: 2026-12-01, kind: holiday}]}
groups:
  - {name: core, match: {source: core}, level: urgent, notify: [{to: [ann, cat], every: 15m}, {to: boss, during: {unacknowledged: 1h}}]}
  - {name: rest, notify: [{to: ann}]}
`,
);
const bad = file(
  'bad.yaml',
  'version: 1\npeople: {ann: {emial: a@example.net}}\ngroups:\n  - {name: all, notify: [{to: an}]}\n',
);
const warned = file(
  'warned.yaml',
  'version: 1\npeople: {ann: {}}\ngroups:\n  - {name: all, notify: [{to: ann}]}\n  - {name: never, notify: [{to: ann}]}\n',
);
file(
  'good.scenario.yaml',
  'start: 2026-11-23 09:00\nsteps:\n  - {raise: {source: core, id: x}, expect: [{to: ann, of: raised}]}\n',
);

/** As typed, but in this process. */
async function typed(...words: readonly string[]) {
  const asked = parseOptions(['policy', ...words], '1');
  if (asked.kind !== 'run') throw new Error(asked.kind === 'usage' ? asked.fault : asked.text);
  const { text, places = [], code = 0 } = await policyCommand(asked.command as PolicyCommand);
  return { text, places: places.map((line) => line.replaceAll(`${folder}/`, '')), code };
}

describe('mauvectl policy check', () => {
  test('says ok, or each fault at its place with what was probably meant', async () => {
    assert.deepEqual(await typed('check', good), { text: `${good}: ok\n`, places: [], code: 0 });
    const found = await typed('check', bad);
    assert.deepEqual([found.text, found.code], ['', 78]);
    assert.equal(found.places[0], 'bad.yaml:2:16: unknown key "emial" (did you mean "email"?)');
  });

  test('tells once that a calendar cannot be had, where the policy names it', async () => {
    const nowhere = file(
      'nowhere.yaml',
      'version: 1\ntimezone: UTC\npeople: {ann: {}}\nholidays: ["http://127.0.0.1:1/x.ics"]\ngroups:\n  - {name: all, notify: [{to: ann}]}\n',
    );
    const { places } = await typed('check', nowhere);
    assert.equal(places.length, 1, places.join('\n'));
    assert.match(
      places[0] ?? '',
      /^nowhere\.yaml:4:12: warning: http:\/\/127\.0\.0\.1:1\/x\.ics is not in use yet: /,
    );
  });

  test('lets warnings pass, unless it is to be strict', async () => {
    const lax = await typed('check', warned);
    assert.equal(lax.code, 0);
    assert.match(lax.text, /warned\.yaml: ok, \d warnings?\n$/);
    assert.ok(lax.places.every((line) => /^warned\.yaml:\d+:\d+: warning: /.test(line)));
    assert.equal((await typed('check', '--strict', warned)).code, 78);
  });

  test('a file that is not there is a fault of it, and scenarios are checked, too', async () => {
    const missing = await typed('check', join(folder, 'no.yaml'));
    assert.deepEqual(
      [missing.code, missing.places],
      [78, ['no.yaml:1:1: the policy cannot be read: there is no such file']],
    );
    assert.equal((await typed('check', join(folder, 'good.scenario.yaml'))).code, 0);
  });

  test('tells programs the same', async () => {
    const { text, places, code } = await typed('check', '--json', good, bad);
    const { files } = JSON.parse(text);
    assert.deepEqual([code, places, files.length], [78, [], 2]);
    assert.deepEqual(files[0], { file: good, ok: true, faults: [] });
    assert.deepEqual(Object.keys(files[1].faults[0]).sort(), [
      'column',
      'file',
      'line',
      'message',
      'severity',
    ]);
  });
});

const core = ['--source', 'core', '--subject', 'cr1', '--id', 'link-down'];

describe('mauvectl policy explain', () => {
  test('reads calendars around the time that is asked for, be it years away', async () => {
    const shift = (begins: string, who: string): string =>
      `BEGIN:VEVENT\nUID:${who}\nDTSTART:${begins}T000000Z\nDURATION:P7D\nSUMMARY:${who}\nEND:VEVENT\n`;
    const shifts = shift('20200106', 'ann') + shift('20440104', 'bob');
    file('rota.ics', `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n${shifts}END:VCALENDAR\n`);
    const rota = file(
      'rota.yaml',
      `version: 1
timezone: UTC
people: {ann: {}, bob: {}}
lists: {duty: {rota: rota.ics}}
groups: [{name: all, notify: [{to: duty}]}]
`,
    );
    for (const [at, who] of [
      ['2020-01-07 10:00', 'ann'],
      ['2044-01-05 10:00', 'bob'],
    ] as const) {
      const { text } = await typed(
        'explain',
        rota,
        '--source',
        'web',
        '--id',
        'x',
        '--at',
        at,
        '--for',
        '1h',
      );
      assert.match(text, new RegExp(`10:00  ${who}  raised by inbox`));
    }
  });

  test('shows the group, why not those before, and who is told when, by what, by which rule', async () => {
    const { text } = await typed('explain', good, '--source', 'web', '--id', 'x', '--at', '2026-11-23 10:00');
    assert.equal(
      text,
      `x from web
raised Mon 2026-11-23 10:00; times are Europe/London

Group: rest, normal: it takes every alert
  not core:  source "web" is not "core"

Mon 2026-11-23
  10:00       the alert is raised
  10:00  ann  raised by email (to ann once)

Until Tue 2026-11-24 10:00.
`,
    );
  });

  test('folds reminders that go on, says who is not told, and stays within 80 columns', async () => {
    const { text } = await typed('explain', good, ...core, '--at', '2026-11-23 10:00', '--for', '2h');
    assert.match(
      text,
      /10:15 {2}ann {3}reminder by email \(to ann, cat every 15m\); in all 8 times, 15m\n +apart\n/,
    );
    assert.match(text, /10:00 {2}cat {3}not told \(raised\): away: holiday\n/);
    assert.match(text, /11:00 {2}boss {2}reminder by email \(to boss once\)\n/);
    assert.ok(
      text.split('\n').every((line) => line.length <= 80),
      text,
    );
  });

  test('counts from the raise and the acknowledgement', async () => {
    const times = [
      '--at',
      '2026-11-23 10:00',
      '--raised-at',
      '-2h',
      '--acked-at',
      '+30m',
      '--ack-for',
      '90m',
    ];
    const { text } = await typed('explain', good, ...core, ...times, '--for', '20m');
    assert.match(text, /^raised Mon 2026-11-23 08:00, acknowledged Mon 2026-11-23 08:30;/m);
    assert.match(text, /10:00 +the alert is re-raised\n {2}10:00 {2}ann {2}re-raised by email/);
    const ahead = await typed(
      'explain',
      good,
      ...core,
      '--at',
      '2026-11-23 10:00',
      '--acked-at',
      '+20m',
      '--for',
      '1h',
    );
    assert.match(ahead.text, /10:20 +the alert is acknowledged\n {2}10:20 {2}ann +acknowledged by email/);
    assert.doesNotMatch(ahead.text, /10:30/);
  });

  test('tells programs the same, with times in UTC and on the clock there', async () => {
    const found = JSON.parse(
      (await typed('explain', good, '--json', ...core, '--at', '2026-07-01T09:00:00Z', '--for', '1m')).text,
    );
    assert.deepEqual(
      [found.group, found.level, found.timezone, found.cut],
      ['core', 'urgent', 'Europe/London', false],
    );
    const told = found.entries.find((entry: { kind: string }) => entry.kind === 'told');
    assert.deepEqual(
      [told.person, told.at, told.local, told.channels],
      ['ann', '2026-07-01T09:00:00Z', '2026-07-01T10:00:00+01:00', ['email']],
    );
  });

  test('refuses times that make no sense', async () => {
    const faults: readonly (readonly [readonly string[], RegExp])[] = [
      [['--at', 'noon'], /--at: a time such as 10:30/],
      [['--at', '10:00', '--raised-at', '+1h'], /--raised-at is after --at/],
      [['--at', '2026-11-23 10:00', '--acked-at', '2026-11-22 10:00'], /--acked-at is before --raised-at/],
    ];
    for (const [times, words] of faults)
      await assert.rejects(typed('explain', good, ...core, ...times), words);
  });

  test('of a policy with faults shows those', async () => {
    assert.equal((await typed('explain', bad, ...core)).code, 78);
  });
});

describe('mauvectl policy test', () => {
  test('plays the scenarios beside a policy, or one by itself', async () => {
    const name = join(folder, 'good.scenario.yaml');
    for (const given of [good, name]) {
      assert.deepEqual(await typed('test', given), {
        text: `${name}: ok, 1 step, 1 message\n`,
        places: [],
        code: 0,
      });
    }
  });

  test('shows what differs, message by message, and ends with 1', async () => {
    const wrong = file(
      'wrong.yaml',
      'version: 1\npeople: {ann: {}, bob: {}}\ngroups: [{name: all, notify: [{to: ann}]}]\n',
    );
    file(
      'wrong.scenario.yaml',
      'start: 2026-11-23 09:00\nsteps:\n  - {raise: {source: core, id: x}, expect: [{to: bob, of: raised}]}\n',
    );
    const { text, code } = await typed('test', wrong);
    assert.equal(code, 1);
    assert.equal(
      text.replaceAll(`${folder}/`, ''),
      `wrong.scenario.yaml:3:44: other messages than expected: 1 missing, 1 not expected (up to Mon 2026-11-23 09:00)
  + 09:00  ann by inbox  raised x  sent, but not expected
  - 09:00  bob           raised    expected, but not sent
`,
    );
    const { scenarios } = JSON.parse((await typed('test', '--json', wrong)).text);
    assert.deepEqual(
      scenarios[0].differences[0].lines.map((line: { mark: string }) => line.mark),
      ['unexpected', 'missing'],
    );
  });

  test('faults of the scenario or of its policy come first', async () => {
    const broken = file('bad.scenario.yaml', 'start: 2026-11-23 09:00\nsteps: [{expect: []}]\n');
    const { places, code } = await typed('test', broken);
    assert.equal(code, 78);
    assert.match(
      places[0] ?? '',
      /^bad\.scenario\.yaml:1:1: the policy bad\.yaml has faults, which mauvectl policy check shows$/,
    );
    assert.match(places[1] ?? '', /^bad\.yaml:2:16: /);
    file('shape.scenario.yaml', 'policy: good.yaml\nstart: 2026-11-23 09:00\nstpes: []\n');
    const shape = await typed('test', join(folder, 'shape.scenario.yaml'));
    assert.ok(
      shape.places.includes('shape.scenario.yaml:3:1: unknown key "stpes" (did you mean "steps"?)'),
      shape.places.join(),
    );
  });

  test('without a scenario there is nothing to test', async () => {
    await assert.rejects(
      typed('test', warned),
      /^Error: there is no scenario beside .*warned\.yaml: one is expected at .*warned\.scenario\.yaml$/,
    );
  });

  test('the policies that come with the station do what their scenarios say', async () => {
    const policies = ['default', 'one-admin', 'small-team', 'isp'].map((name) =>
      join(projectFolder, 'policies', `${name}.yaml`),
    );
    const { text, places, code } = await typed('test', ...policies);
    assert.deepEqual([code, places], [0, []], text);
    assert.ok(text.split('\n').length > policies.length);
  });
});

describe('as a command', () => {
  test('faults go to stderr as lines that editors follow, the answer to stdout', () => {
    const checked = run('mauvectl', ['policy', 'check', good, bad]);
    assert.deepEqual([checked.code, checked.stdout], [78, `${good}: ok\n`]);
    assert.match(checked.stderr, /^\S+bad\.yaml:2:16: unknown key/);
    const explained = run('mauvectl', ['policy', 'explain', good, ...core, '--at', '-1h']);
    assert.deepEqual([explained.code, explained.stderr], [0, '']);
    assert.match(explained.stdout, /^link-down from core about cr1\n/);
    assert.equal(run('mauvectl', ['policy', 'test', good]).code, 0);
  });

  test('wrong words end with 64 and the nearest option, no scenario with 66', () => {
    const wrong = run('mauvectl', ['policy', 'explain', good, '--sorce', 'x']);
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [64, 'mauvectl: unknown option --sorce (did you mean "--source"?); see mauvectl --help\n'],
    );
    const none = run('mauvectl', ['policy', 'test', warned]);
    assert.equal(none.code, 66);
    assert.match(none.stderr, /^mauvectl: there is no scenario beside /);
  });
});
