/** Scenarios: what they may say, what is wrong with one, and how a difference shows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMoment } from '../../src/station/rehearsal/moment.ts';
import { type Difference, play } from '../../src/station/rehearsal/run.ts';
import { meantBy, parseScenario } from '../../src/station/rehearsal/scenario.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { instant, rfc3339 } from '../../src/time.ts';
import { policyOf } from './kit.ts';

const policy = policyOf(`
version: 1
timezone: Europe/London
people:
  ann: {email: ann@example.net, sms: "+447700900123", channels: {urgent: [sms, email], normal: [email]}}
  bob: {email: bob@example.net, away: [{from: 2026-11-24, to: 2026-11-25, kind: holiday}]}
inhibit: [{while: {id: host-down}, mutes: {id: ping}, same: subject}]
groups:
  - {name: down, match: {id: "*-down"}, level: urgent, notify: [{to: ann, every: 15m}]}
  - {name: rest, notify: [{to: [ann, bob], every: 1h}]}
`);

function read(steps: string, start = '2026-11-23 09:00') {
  const parsed = parseScenario('a.scenario.yaml', `start: ${start}\nsteps:\n${steps}`);
  return parsed.ok ? meantBy(parsed.written, parsed.fault, policy) : parsed;
}

function faults(steps: string, start?: string): readonly string[] {
  const meant = read(steps, start);
  return meant.ok ? [] : meant.faults.map(formatFault);
}

async function differences(steps: string, start?: string): Promise<readonly Difference[]> {
  const meant = read(steps, start);
  if (!meant.ok) throw new Error(meant.faults.map(formatFault).join('\n'));
  return (await play(meant.scenario, policy)).differences;
}

const marks = (found: readonly Difference[]): readonly string[] =>
  found.flatMap(({ lines }) =>
    lines.map(({ mark, at, to, by, of }) => `${mark} ${rfc3339(at).slice(11, 16)} ${to} ${by ?? '*'} ${of}`),
  );

const raise = '  - {at: "09:00", raise: {source: m, subject: db1, id: host-down}';

describe('a scenario', () => {
  test('that says what happens passes: by minute, person, channel, kind and alert', async () => {
    const steps = `${raise}, expect: [{to: ann, by: [sms, email], of: raised, alert: host-down}]}
  - {at: "09:31", expect: [{at: ["09:15", "09:30"], to: ann, of: reminder}]}
  - {acknowledge: {by: bob, for: 1h}, expect: [{to: [ann, bob], of: acknowledged}]}
  - {expect_nothing_until: "10:30"}
  - {at: "+2m", unacknowledge: {by: bob}, alert: {state: raised, group: down, level: urgent, muted: "no"}, expect: [{at: "10:31", to: ann, of: re-raised}], others: ignore}
`;
    const found = await differences(steps);
    assert.deepEqual(
      found.map(({ message }) => message),
      ['this was refused: This alert is not acknowledged.'],
    );
  });

  test('shows a message that is missing beside the one that came instead', async () => {
    const found = await differences(`${raise}}
  - {at: "09:20", expect: [{at: "09:00", to: ann, by: sms, of: raised}, {at: "09:16", to: ann, of: reminder}]}
`);
    assert.deepEqual(marks(found), [
      'as-expected 09:00 ann sms raised',
      'unexpected 09:00 ann email raised',
      'unexpected 09:15 ann sms reminder',
      'unexpected 09:15 ann email reminder',
      'missing 09:16 ann * reminder',
    ]);
    assert.deepEqual(found.map(formatFault), [
      'a.scenario.yaml:4:27: other messages than expected: 1 missing, 3 not expected',
    ]);
  });

  test('says why somebody was not told', async () => {
    const steps = '  - {raise: {source: m, id: disk}, expect: [{to: [ann, bob], of: raised}]}\n';
    const [found] = await differences(steps, '2026-11-24 09:00');
    assert.deepEqual(
      found?.lines.filter(({ mark }) => mark === 'missing').map(({ to, why }) => [to, why]),
      [['bob', 'away: holiday']],
    );
  });

  test('what goes out after the last expectation is not expected either; one without any is about states alone', async () => {
    const late = `${raise}, expect: [{to: ann, of: raised}]}\n  - {at: "09:20", alert: {state: raised}}\n`;
    assert.deepEqual(marks(await differences(late)), [
      'unexpected 09:15 ann sms reminder',
      'unexpected 09:15 ann email reminder',
    ]);
    assert.deepEqual(await differences(`${raise}}\n  - {at: "09:20", alert: {state: raised}}\n`), []);
    const rest = `${raise}}\n  - {at: "09:20", expect: [{at: "09:15", to: ann, by: sms, of: reminder}], others: ignore}\n`;
    assert.deepEqual(await differences(rest), []);
  });

  test('a wrong state says how it is', async () => {
    const [found] = await differences(`${raise}, alert: {state: cleared}}\n`);
    assert.equal(
      found && formatFault(found),
      'a.scenario.yaml:3:83: state of host-down: cleared is expected, but it is raised',
    );
  });

  test('heartbeats, full updates, silences, inhibitions and channels that are down', async () => {
    const steps = `
  - {at: "09:00", heartbeat: {source: m, id: beat, raises_after: 10m}}
  - {at: "09:05", heartbeat: {source: m, id: beat, raises_after: 10m}, expect: []}
  - {at: "09:16", expect: [{at: "09:15", to: [ann, bob], of: raised, alert: beat}]}
  - {replace: {source: m, alerts: [{id: host-down, subject: db1}]}}
  - {raise: {source: n, subject: DB1, id: ping}, alert: [{id: ping, muted: inhibited}, {id: beat, state: cleared}]}
  - at: "09:17"
    expect:
      - {at: "09:16", to: [ann, bob], of: cleared, alert: beat}
      - {at: "09:16", to: ann, of: raised, alert: host-down}
  - {silence: {match: {id: disk}, for: 1h, by: ann, reason: test}}
  - {raise: {source: n, id: disk}, alert: {id: disk, muted: silenced}, expect: []}
  - {end_silence: {by: ann}, expect: [{to: [ann, bob], of: raised, alert: disk}]}
  - {suppress: {id: disk, by: ann, for: 10m}, alert: {id: disk, muted: suppressed}}
  - {at: "09:20", channels_down: [email], clear_by_hand: {id: host-down, by: ann}, expect: [{to: ann, by: sms, of: cleared}, {to: ann, by: sms, of: raised, alert: ping}], others: ignore}
`;
    // Pings are in the last group, told by mail: which is down.
    const found = await differences(steps);
    assert.deepEqual(
      marks(found).filter((mark) => mark.startsWith('missing')),
      ['missing 09:20 ann sms raised'],
    );
    assert.match(
      found[0]?.lines.find(({ mark }) => mark === 'missing')?.why ?? '',
      /^email: will-retry: it is down$/,
    );
  });
});

describe('the faults of a scenario', () => {
  test('have their place, and name what was probably meant', () => {
    const cases: readonly (readonly [string, string | RegExp])[] = [
      ['  - {at: "09:00", rase: {}}', '3:19: unknown key "rase" (did you mean "raise"?)'],
      [
        '  - {at: "25:00", expect: []}',
        '3:10: a time such as 10:30, mon 08:00, +5m or 2026-11-23 09:00 is expected',
      ],
      ['  - {at: "-5m", expect: []}', '3:10: this is before what comes before it'],
      ['  - {at: "09:00"}', /^3:5: this step does nothing: one of channels_down, raise, /],
      ['  - {clear: {id: dsk}}', '3:13: no step before this one names such an alert'],
      [
        `${raise}}\n  - {clear: {id: hst-down}}`,
        '4:13: no step before this one names such an alert (did you mean "host-down"?)',
      ],
      [
        `${raise}}\n  - {raise: {source: n, id: x}}\n  - {clear: {}}`,
        '5:13: which alert? its id is expected as well',
      ],
      [
        `${raise}, expect: [{to: anne, of: raised}]}`,
        '3:82: there is no person "anne" (did you mean "ann"?)',
      ],
      [
        `${raise}, expect: [{to: ann, of: rased}]}`,
        /one of raised, re-raised, .* is expected \(did you mean "raised"\?\)/,
      ],
      [
        `${raise}, expect: [{at: "10:00", to: ann, of: raised}]}`,
        '3:82: this is after the moment at which it is expected',
      ],
      [`${raise}, alert: {group: dwn}}`, '3:83: there is no group "dwn" (did you mean "down"?)'],
      ['  - {silence: {match: {}, for: 1h, by: ann, reason: r}}', /^3:23: at least one test is expected/],
      ['  - {end_silence: {by: ann}}', '3:19: there is no silence to end'],
      ['  - {others: ignore, raise: {source: a, id: b}}', '3:14: others goes with expect'],
    ];
    const told = cases.map(([steps]) =>
      (faults(`${steps}\n`)[0] ?? 'no fault').replace('a.scenario.yaml:', ''),
    );
    const wanted = cases.map(([, words], index) =>
      typeof words === 'string' || !words.test(told[index] ?? '') ? String(words) : told[index],
    );
    assert.deepEqual(told, wanted);
    assert.match(
      faults('  - {expect: []}\n', '09:00')[0] ?? '',
      /^a.scenario.yaml:1:8: a date and time such as/,
    );
  });
});

describe('a moment', () => {
  const from = instant(Date.UTC(2026, 10, 23, 9, 10, 30));
  const at = (
    text: string,
    timezone = 'Europe/London',
    timeOfDay: 'next' | 'same-day' = 'next',
  ): string | null => {
    const found = parseMoment(text, { from, timezone, timeOfDay });
    return found === null ? null : rfc3339(found.at);
  };
  test('is the next such time, or the one of the day', () => {
    assert.equal(at('09:11'), '2026-11-23T09:11:00Z');
    assert.equal(at('09:10'), '2026-11-23T09:10:00Z', 'the minute that runs');
    assert.equal(at('09:09'), '2026-11-24T09:09:00Z');
    assert.equal(at('9:09', 'Europe/London', 'same-day'), '2026-11-23T09:09:00Z');
    assert.equal(at('mon 08:00'), '2026-11-30T08:00:00Z');
    assert.equal(at('TUE 08:00:30'), '2026-11-24T08:00:30Z');
  });
  test('is counted, dated, or RFC 3339', () => {
    assert.equal(at('+1h30m'), '2026-11-23T10:40:30Z');
    assert.equal(at('-2h'), '2026-11-23T07:10:30Z');
    assert.equal(at('now'), '2026-11-23T09:10:30Z');
    assert.equal(at('2026-07-01 9:00'), '2026-07-01T08:00:00Z');
    assert.equal(at('2026-07-01T09:00:05', 'Asia/Kolkata'), '2026-07-01T03:30:05Z');
    assert.equal(at('2026-07-01T09:00:00+02:00'), '2026-07-01T07:00:00Z');
    assert.equal(at('2026-07-01t09:00:00z'), '2026-07-01T09:00:00Z');
  });
  test('shown twice is the first, one that is skipped is after the change', () => {
    assert.equal(at('2026-10-25 01:30'), '2026-10-25T00:30:00Z');
    assert.equal(at('2027-03-28 01:30'), '2027-03-28T01:30:00Z');
  });
  test('is none otherwise', () => {
    for (const text of [
      '',
      '24:00',
      '12',
      '2026-02-30 10:00',
      '2026-13-01 10:00',
      '+5',
      'xyz 10:00',
      '2026-11-23',
      'tomorrow',
    ]) {
      assert.equal(at(text), null, text);
    }
  });
});
