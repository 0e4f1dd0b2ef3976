/** A forecast says what then happens: compared with the core, with a whole station, and with what people want to know. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Alert, AlertKey } from '../../src/station/core/alert.ts';
import {
  type Context,
  type Decision,
  decideAsk,
  decideDue,
  decideReport,
} from '../../src/station/core/decide.ts';
import {
  type Acknowledging,
  type Forecast,
  type ForecastEntry,
  forecast,
  forecastMax,
} from '../../src/station/core/forecast.ts';
import { everyAlert } from '../../src/station/core/match.ts';
import type { Policy } from '../../src/station/core/policy.ts';
import { Rehearsal } from '../../src/station/rehearsal/rehearsal.ts';
import {
  days,
  hours,
  type Instant,
  instant,
  milliseconds,
  minus,
  minutes,
  plus,
  seconds,
} from '../../src/time.ts';
import { nobodyKnows, policyOf } from './kit.ts';

/** A Monday, and the week in which clocks go back in London is two before. */
const monday = instant(Date.UTC(2026, 10, 2, 9));
const noNames = { ...nobodyKnows, lookup: () => [] };

function contextAt(policy: Policy, now: Instant): Context {
  return {
    now,
    policy,
    startedAt: instant(0),
    sleepsUntil: instant(0),
    silences: [],
    names: noNames,
    inhibitor: () => null,
  };
}

const report = {
  id: 'disk',
  subject: 'db1',
  summary: '',
  detail: '',
  importance: 0,
  ask: { kind: 'raise', at: monday },
  willRaiseAt: null,
  willClearAt: null,
  suppressUntil: null,
} as const;

/** An alert that was raised just before `at`, with what was said of that at once already said. */
function raisedAt(policy: Policy, at: Instant, more: Partial<typeof report> = {}): Alert {
  const ask = { kind: 'raise', at } as const;
  return decideReport(null, 1 as AlertKey, 'test', { ...report, ask, ...more }, contextAt(policy, at)).after;
}

const told = (entries: readonly ForecastEntry[]): readonly string[] =>
  entries.flatMap((entry) =>
    entry.kind === 'told' ? [`${clock(entry.at)} ${entry.person} ${entry.of}`] : [],
  );
const clock = (at: Instant): string => new Date(at).toISOString().slice(11, 16);

function ahead(
  policy: Policy,
  alert: Alert,
  length = hours(24),
  acknowledge: Acknowledging | null = null,
): Forecast {
  const now = plus(alert.changedAt, seconds(1));
  return forecast(alert, contextAt(policy, now), plus(now, length), acknowledge);
}

const escalation = policyOf(`
version: 1
people: {ann: {email: ann@example.net}, boss: {email: boss@example.net}}
groups:
  - name: all
    notify:
      - {to: ann, every: 30m}
      - {to: boss, during: {unacknowledged: 1h}}
`);

describe('a forecast', () => {
  test('names the reminders and the escalation, with group and level', () => {
    const found = ahead(escalation, raisedAt(escalation, monday), minutes(90));
    assert.deepEqual(told(found.entries), [
      '09:30 ann reminder',
      '10:00 ann reminder',
      '10:00 boss reminder',
      '10:30 ann reminder',
    ]);
    assert.deepEqual([found.group, found.level, found.cut], ['all', 'normal', false]);
    const [first] = found.entries;
    assert.ok(first?.kind === 'told' && first.rule !== null && first.channels[0] === 'email');
  });

  test('of an acknowledgement: quiet until it lapses, then from the start', () => {
    const found = ahead(escalation, raisedAt(escalation, monday), hours(3), { for: hours(2), by: 'ann' });
    assert.deepEqual(told(found.entries), [
      '09:00 ann acknowledged',
      '11:00 ann re-raised',
      '11:30 ann reminder',
      '12:00 ann reminder',
      '12:00 boss reminder',
    ]);
    const kinds = found.entries.map(({ kind }) => kind).filter((kind) => kind !== 'told');
    assert.deepEqual(kinds, ['acknowledged', 're-raised']);
  });

  test('of an acknowledgement at a later moment', () => {
    const acknowledge = { for: hours(1), by: 'ann', at: plus(monday, minutes(45)) };
    const found = ahead(escalation, raisedAt(escalation, monday), hours(2), acknowledge);
    assert.deepEqual(told(found.entries), [
      '09:30 ann reminder',
      '09:45 ann acknowledged',
      '10:45 ann re-raised',
    ]);
  });

  test('an alert that will clear by itself ends there', () => {
    const alert = raisedAt(escalation, monday, { willClearAt: plus(monday, minutes(40)) as never });
    assert.deepEqual(told(ahead(escalation, alert).entries), ['09:30 ann reminder', '09:40 ann cleared']);
  });

  test('of a cleared alert is empty', () => {
    const cleared: Alert = {
      ...raisedAt(escalation, monday),
      phase: { kind: 'cleared', since: monday },
      announced: { kind: 'cleared', episode: 1 },
      reminders: [],
    };
    assert.deepEqual(ahead(escalation, cleared).entries, []);
  });

  test('says who is away, and that a silence keeps all quiet', () => {
    const policy = policyOf(`
version: 1
people:
  ann: {email: ann@example.net}
  bob: {email: bob@example.net, away: [{from: 2026-11-02, to: 2026-11-03, kind: holiday}]}
silences:
  - {name: nightly, match: {id: disk}, weekly: {days: mon, from: "10:00", to: "11:00"}, reason: backups}
groups: [{name: all, notify: [{to: [ann, bob], every: 1h}]}]
`);
    const { entries } = ahead(policy, raisedAt(policy, monday), hours(3));
    const words = entries.map((entry) => {
      const at = clock(entry.at);
      if (entry.kind === 'not-told') return `${at} ${entry.person} not: ${entry.why}`;
      if (entry.kind === 'muted')
        return `${at} ${entry.by}: ${entry.why} until ${entry.until && clock(entry.until)}`;
      return entry.kind === 'told' ? `${at} ${entry.person}` : `${at} ${entry.kind}`;
    });
    assert.deepEqual(words, [
      '10:00 silenced: backups until 11:00',
      '11:00 unmuted',
      '11:00 ann',
      '11:00 bob not: away: holiday',
      '12:00 ann',
      '12:00 bob not: away: holiday',
    ]);
  });

  test('says what it waits for where another alert inhibits it, also where that began before', () => {
    const policy = policyOf(`
version: 1
people: {ann: {email: ann@example.net}}
inhibit: [{while: {id: host-down}, mutes: {id: disk}, same: subject}]
groups: [{name: all, notify: [{to: ann, every: 1h}]}]
`);
    const hostDown = { alert: 2 as AlertKey, source: 'test', id: 'host-down', subject: 'db1' };
    const inhibitor = () => ({ ...hostDown, mutedBy: null });
    const context = { ...contextAt(policy, monday), inhibitor };
    const { after } = decideReport(null, 1 as AlertKey, 'test', report, context);
    assert.equal(after.muted?.kind, 'inhibited');
    const { entries } = forecast(
      after,
      { ...context, now: plus(monday, hours(1)) },
      plus(monday, days(1)),
      null,
    );
    assert.deepEqual(entries, [
      {
        kind: 'muted',
        at: plus(monday, hours(1)),
        by: 'inhibited',
        why: 'host-down of db1 is raised, until that is cleared',
        until: null,
      },
    ]);
  });

  test('waits for the end of the initial sleep after a start', () => {
    const alert = raisedAt(escalation, monday);
    const startedAt = plus(monday, minutes(28));
    const context = {
      ...contextAt(escalation, startedAt),
      startedAt,
      sleepsUntil: plus(startedAt, minutes(5)),
    };
    const { entries } = forecast(alert, context, plus(monday, hours(1)), null);
    assert.deepEqual(told(entries), ['09:33 ann reminder', '10:00 ann reminder', '10:00 boss reminder']);
  });

  test('counts a person’s limit: what is over it is held back, and goes out when it ends if it still stands', () => {
    const policy = policyOf(`
version: 1
people: {ann: {email: ann@example.net, limits: {2: 30m}}}
groups: [{name: all, notify: [{to: ann, every: 10m}]}]
`);
    const { entries } = ahead(policy, raisedAt(policy, monday), minutes(70));
    const words = entries.map(
      (entry) => `${clock(entry.at)} ${entry.kind}${entry.kind === 'not-told' ? `: ${entry.why}` : ''}`,
    );
    assert.deepEqual(words, [
      '09:10 told',
      '09:20 told',
      '09:30 not-told: over the limit of 2 in 30m, held back until 09:50 today',
      '09:40 not-told: over the limit of 2 in 30m, held back until 09:50 today',
      '09:50 told',
      '10:00 told',
      '10:10 not-told: over the limit of 2 in 30m, held back until 10:30 today',
    ]);
  });

  test('what is held back goes out by itself when the limit ends, but not once it is overtaken', () => {
    const policy = policyOf(`
version: 1
people: {ann: {email: ann@example.net, limits: {2: 30m}}}
groups: [{name: all, notify: [{to: ann, every: 25m, during: {hours: {from: "08:00", to: "10:16"}}}]}]
`);
    const alert = raisedAt(policy, monday);
    const before = ['09:25 ann reminder', '09:50 ann reminder'];
    assert.deepEqual(told(ahead(policy, alert, hours(2)).entries), [...before, '10:20 ann reminder']);
    // Cleared outside her hours: she is told neither of that nor of what it overtook.
    const clears = { ...alert, willClearAt: plus(monday, minutes(77)), wakeAt: plus(monday, minutes(25)) };
    assert.deepEqual(told(ahead(policy, clears, hours(2)).entries), before);
  });

  test('is bounded, and says that it was cut', () => {
    const policy = policyOf(`
version: 1
people: {ann: {}}
groups: [{name: all, notify: [{to: ann, every: 1m}]}]
`);
    const found = ahead(policy, raisedAt(policy, monday), days(2));
    assert.deepEqual([found.entries.length, found.cut], [forecastMax, true]);
  });

  test('takes no longer for a hundred rules that tell nobody, and says that it was cut', () => {
    const rules = Array.from({ length: 100 }, (_, n) => `{name: r${n}, to: all, every: 10s}`);
    const policy = policyOf(`
version: 1
people: {ann: {}}
lists: {all: {members: [ann]}}
groups: [{name: all, notify: [${rules.join(', ')}]}]
`);
    const nobody = {
      ...policy,
      groups: policy.groups.map((group) => ({
        ...group,
        rules: group.rules.map((rule) => ({ ...rule, who: [] })),
      })),
    };
    const found = ahead(nobody, raisedAt(nobody, monday));
    assert.deepEqual([found.entries.length, found.cut], [0, true]);
  });

  test('looks at each group, silence and inhibition once, however many steps it takes', () => {
    const policy = policyOf(`
version: 1
people: {ann: {}}
groups:
  - {name: other, match: {id: other}, notify: []}
  - {name: all, match: {id: no-other}, notify: [{to: ann, every: 1m}]}
silences:
  - {name: backups, match: {id: disk}, reason: backups, from: "2026-11-02 10:00", until: "2026-11-02 11:00"}
inhibit: [{name: host, while: {id: host}, mutes: {id: ping}}]
`);
    const alert = raisedAt(policy, monday);
    const looked = new Map<string, number>();
    const watched = <T extends object>(name: string, of: T, field: keyof T): T =>
      new Proxy(of, {
        get(target, key) {
          if (key === field) looked.set(name, (looked.get(name) ?? 0) + 1);
          return Reflect.get(target, key);
        },
      });
    const silence = { id: '7', author: 'ann', reason: '', match: { kind: 'not', of: everyAlert } } as const;
    const during = { kind: 'once', from: monday, until: plus(monday, days(9)) } as const;
    const whole = contextAt(policy, plus(alert.changedAt, seconds(1)));
    const context = {
      ...whole,
      silences: [watched('silence', { ...silence, during }, 'match')],
      policy: {
        ...policy,
        groups: policy.groups.map((group) => watched(group.name, group, 'match')),
        inhibits: policy.inhibits.map((rule) => watched('inhibition', rule, 'mutes')),
      },
    };
    const until = plus(monday, hours(3));
    const found = forecast(alert, context, until, null);
    assert.deepEqual(found, forecast(alert, whole, until, null));
    assert.equal(found.group, 'all');
    assert.ok(found.entries.some((entry) => entry.kind === 'muted' && entry.why === 'backups'));
    assert.deepEqual(
      [...looked].filter(([, count]) => count > 2),
      [],
    );
    assert.equal(looked.size, 4);
  });
});

// ---------------------------------------------------------------- as it then happens

const length = fc.constantFrom('10m', '15m', '37m', '1h', '2h', '5h', '1d');
const during = fc.oneof(
  fc.constant(''),
  fc.constantFrom('working', 'daytime', 'dead-zone').map((name) => `, during: {hours: ${name}}`),
  fc
    .record({ kind: fc.constantFrom('unacknowledged', 'raised_for'), length })
    .map((one) => `, during: {${one.kind}: ${one.length}}`),
  length.map((one) => `, during: {not: {any: [{hours: daytime}, {raised_for: ${one}}]}}`),
);
const rule = fc
  .record({ to: fc.constantFrom('ann', 'bob', 'team'), every: fc.option(length), during })
  .map(({ to, every, during }) => `{to: ${to}${every === null ? '' : `, every: ${every}`}${during}}`);
const policyText = fc
  .record({
    zone: fc.constantFrom('UTC', 'Europe/London', 'Australia/Lord_Howe'),
    rules: fc.uniqueArray(rule, { minLength: 1, maxLength: 4 }),
    hold: fc.constantFrom('', '    hold: 5m\n'),
    silence: fc.constantFrom(
      '',
      'silences: [{name: n, match: {id: disk}, weekly: {days: mon-fri, from: "10:00", to: "11:30"}, reason: r}]\n',
    ),
    limits: fc.constantFrom('none', '{3: 1h}', '{2: 30m, 5: 4h}'),
  })
  .map(
    ({ zone, rules, hold, silence, limits }) =>
      (limited: boolean) =>
        `version: 1
timezone: ${zone}
people:
  ann: {email: ann@example.net, limits: ${limited ? limits : 'none'}, away: [{from: "2026-11-02 15:00", to: "2026-11-03 08:00", kind: sick}]}
  bob: {email: bob@example.net, limits: none}
lists: {team: {members: [ann, bob]}}
${silence}groups:
  - name: all
${hold}    notify: [${rules.join(', ')}]
`,
  );
const minutesAhead = (most: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: most });
const story = fc.record({
  policy: policyText,
  // Around both changes of the clocks, and on a usual day.
  start: fc.constantFrom(monday, instant(Date.UTC(2026, 9, 24, 20)), instant(Date.UTC(2027, 2, 27, 20))),
  clears: fc.option(minutesAhead(3000)),
  suppressed: fc.option(minutesAhead(600)),
  acknowledge: fc.option(fc.record({ at: minutesAhead(1500), for: minutesAhead(600) })),
  extra: fc.array(minutesAhead(3000), { maxLength: 20 }),
});

const after = (at: Instant, wait: number | null): Instant | null =>
  wait === null ? null : plus(at, minutes(wait));

const propertyRuns = 150;
const stationRuns = 8;

/** What a station decides that looks whenever something is due, and at other moments, too. */
function lived(
  alert: Alert,
  context: Context,
  until: Instant,
  asked: Acknowledging | null,
  extra: readonly Instant[],
): readonly Decision[] {
  const decisions: Decision[] = [];
  let state = alert;
  let now = context.now;
  for (;;) {
    const ahead = [state.wakeAt, asked?.at ?? null, ...extra].filter((at) => at !== null && at > now);
    if (ahead.length === 0) return decisions;
    now = instant(Math.min(...ahead.map(Number)));
    if (now > until) return decisions;
    const then = { ...context, now };
    const ask = { kind: 'acknowledge', for: asked?.for ?? null, note: '' } as const;
    const acknowledged = asked?.at === now ? decideAsk(state, ask, 'ann', then) : 'not-raised';
    const decision = typeof acknowledged === 'string' ? decideDue(state, then) : acknowledged;
    decisions.push(decision);
    state = decision.after;
  }
}

describe('what is forecast', () => {
  test('is what the core then decides, whenever it is asked in between', () => {
    let judged = 0;
    fc.assert(
      fc.property(story, ({ policy: text, start, clears, suppressed, acknowledge, extra }) => {
        const policy = policyOf(text(false), { now: start });
        const plans = { willClearAt: after(start, clears), suppressUntil: after(start, suppressed) };
        const context = contextAt(policy, start);
        const ask = { kind: 'raise', at: start } as const;
        const alert = decideReport(null, 1 as AlertKey, 'test', { ...report, ...plans, ask }, context).after;
        const until = plus(start, days(2));
        const asked =
          acknowledge === null
            ? null
            : { for: minutes(acknowledge.for), by: 'ann', at: plus(start, minutes(acknowledge.at)) };
        const { entries, cut } = forecast(alert, context, until, asked);
        if (cut) return assert.equal(entries.length, forecastMax);
        judged += 1;
        const moments = extra.map((wait) => plus(start, minutes(wait)));
        const seen = lived(alert, context, until, asked, moments).flatMap(({ history }) =>
          history.flatMap(({ at, change }) =>
            change.kind === 'told' || change.kind === 'not-told'
              ? [`${at} ${change.person} ${change.of} ${change.kind}`]
              : [],
          ),
        );
        const foreseen = entries.flatMap((entry) =>
          entry.kind === 'told' || entry.kind === 'not-told'
            ? [`${entry.at} ${entry.person} ${entry.of} ${entry.kind}`]
            : [],
        );
        assert.deepEqual(foreseen.sort(), seen.sort());
      }),
      { numRuns: propertyRuns },
    );
    assert.ok(judged > propertyRuns / 2, 'most forecasts are short enough to be compared');
  });

  test('is what a whole station then sends, with its limits', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ policy: text, start, clears, acknowledge }) => {
        const policy = policyOf(text(true), { now: start });
        const rehearsal = await Rehearsal.open(policy, start);
        try {
          const until = plus(start, hours(30));
          const wire = (at: Instant | null): bigint => (at === null ? 0n : BigInt(at / 1000));
          const said = {
            id: 'disk',
            subject: '',
            summary: '',
            detail: '',
            importance: 0,
            raiseTime: wire(start),
            clearTime: wire(after(start, clears)),
            suppressUntil: 0n,
          };
          // What is said of the raise itself counts towards the limits that are forecast: it is foreseen by a plan.
          const planned = decideReport(
            null,
            1 as AlertKey,
            'test',
            {
              ...report,
              subject: '',
              ask: { kind: 'stand' } as never,
              willRaiseAt: start as never,
              willClearAt: after(start, clears) as never,
            },
            contextAt(policy, minus(start, milliseconds(1))),
          ).after;
          // Not at the very moment of a reminder, which either may win.
          const asked =
            acknowledge === null
              ? null
              : {
                  for: minutes(acknowledge.for),
                  by: 'ann',
                  at: plus(start, milliseconds(minutes(acknowledge.at) + seconds(20))),
                };
          const { entries, cut } = forecast(planned, contextAt(policy, start), until, asked);
          if (cut) return assert.equal(entries.length, forecastMax);
          await rehearsal.update('test', [said], false);
          if (asked !== null) {
            await rehearsal.advanceTo(asked.at);
            const alert = await rehearsal.alert({ source: 'test', id: 'disk' });
            assert.ok(alert);
            await rehearsal.handle({
              kind: 'acknowledge',
              alert: alert.key,
              by: 'ann',
              for: asked.for,
              note: '',
              at: asked.at,
            });
          }
          await rehearsal.advanceTo(until);
          const sent = rehearsal.sent.map(
            ({ at, person, kind }) => `${new Date(at).toISOString()} ${person} ${kind}`,
          );
          const foreseen = entries.flatMap((entry) =>
            entry.kind === 'told' ? [`${new Date(entry.at).toISOString()} ${entry.person} ${entry.of}`] : [],
          );
          assert.deepEqual(foreseen.sort(), sent.sort());
        } finally {
          await rehearsal.close();
        }
      }),
      { numRuns: stationRuns, endOnFailure: true },
    );
  });
});
