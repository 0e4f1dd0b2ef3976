/** An alert whose group depends on addresses that nobody knows yet waits for them, but never for long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert, AlertKey } from '../../src/station/core/alert.ts';
import { type Context, type Decision, decideDue, decideReport } from '../../src/station/core/decide.ts';
import { namingWait } from '../../src/station/core/mute.ts';
import type { Report } from '../../src/station/core/update.ts';
import { type Instant, instant, milliseconds, plus, seconds } from '../../src/time.ts';
import { policyOf } from './kit.ts';

const policy = policyOf(`version: 1
people: {ann: {email: ann@example.net}, bob: {email: bob@example.net}}
sources: {core: [192.0.2.0/24]}
groups:
  - {name: core, match: {subject: {in: core}}, level: urgent, notify: [{to: ann}]}
  - {name: default, notify: [{to: bob}]}
`);
const start = instant(Date.UTC(2026, 0, 5));

function contextAt(now: Instant, addresses: readonly string[] | undefined): Context {
  return {
    now,
    policy,
    startedAt: instant(0),
    sleepsUntil: instant(0),
    silences: [],
    names: { generation: 0, lookup: () => addresses },
    inhibitor: () => null,
  };
}

function raised(
  before: Alert | null,
  now: Instant,
  summary: string,
  addresses?: readonly string[],
): Decision {
  const ask = { kind: 'raise', at: now } as const;
  const nothing = { willRaiseAt: null, willClearAt: null, suppressUntil: null, importance: 0 };
  const report: Report = { id: 'link', subject: 'cr1.example.net', summary, detail: '', ask, ...nothing };
  return decideReport(before, 1 as AlertKey, 'probe', report, contextAt(now, addresses));
}

const told = ({ messages }: Decision): readonly string[] => messages.map(({ person }) => person);

describe('an alert whose group depends on an address', () => {
  test('that is known is told of at once', () => {
    assert.deepEqual(told(raised(null, start, 'down', ['192.0.2.7'])), ['ann']);
    assert.deepEqual(told(raised(null, start, 'down', [])), ['bob']);
  });

  test('that is not known yet waits for it, and then whoever is meant hears', () => {
    const waiting = raised(null, start, 'down');
    assert.deepEqual(told(waiting), []);
    assert.equal(waiting.after.wakeAt, plus(start, namingWait));
    const known = decideDue(waiting.after, contextAt(plus(start, seconds(1)), ['192.0.2.7']));
    assert.deepEqual(told(known), ['ann']);
  });

  test('that nobody finds out is told of after five seconds, as if there were none', () => {
    const waiting = raised(null, start, 'down').after;
    const early = decideDue(waiting, contextAt(plus(start, milliseconds(namingWait - 1)), undefined));
    assert.deepEqual(told(early), []);
    assert.deepEqual(told(decideDue(early.after, contextAt(plus(start, namingWait), undefined))), ['bob']);
  });

  test('waits no longer because its texts keep changing', () => {
    let alert = raised(null, start, 'down 0 s').after;
    for (let second = 1; second < namingWait / 1000; second++) {
      const decision = raised(alert, plus(start, seconds(second)), `down ${second} s`);
      assert.deepEqual(told(decision), []);
      alert = decision.after;
    }
    assert.deepEqual(told(raised(alert, plus(start, namingWait), 'down 5 s')), ['bob']);
  });
});
