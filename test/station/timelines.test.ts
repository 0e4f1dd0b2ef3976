/** What people hear, and when: timelines through the door, on a simulated clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hours, minutes } from '../../src/time.ts';
import { timeline } from '../kit/station.ts';

const minute = 60;
const hour = 3600;

/** Ann every 15 minutes, and Bob, the boss, every 6 hours once it is unacknowledged for an hour. */
const escalation = `version: 1
timezone: UTC
people:
  ann: {email: ann@example.net}
  bob: {email: bob@example.net}
groups:
  - name: default
    level: urgent
    acknowledge_for: 30m
    notify:
      - {name: duty, to: ann, every: 15m}
      - {name: boss, to: bob, every: 6h, during: {unacknowledged: 1h}}
settings: {initial_sleep: 5m, acknowledge_at_most: 15d}
`;

const nobodyAtNight = `version: 1
timezone: UTC
people:
  ann: {email: ann@example.net}
groups:
  - name: default
    level: normal
    notify: [{to: ann, every: 1h, during: {hours: working}}]
settings: {initial_sleep: 5m}
`;

describe('reminders', () => {
  it('come at their interval until somebody acknowledges, and again when the acknowledgement ends', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0, summary: 'disk full' }]);
      assert.deepEqual(t.told(), ['ann']);
      await t.at(15 * minute);
      await t.at(30 * minute);
      assert.deepEqual(t.told(), ['ann', 'ann']);
      await t.at(31 * minute);
      await t.act('test', { kind: 'acknowledge', for: hours(2), note: 'on it' });
      assert.deepEqual(t.told(), ['ann'], 'the acknowledgement itself');
      await t.at(2 * hour + 30 * minute);
      assert.deepEqual(t.told(), []);
      await t.at(2 * hour + 31 * minute);
      assert.deepEqual(t.told(), ['ann']);
      const alert = await t.alert();
      assert.deepEqual(alert.phase, { kind: 'raised', since: t.clock.now() });
      assert.equal(alert.episode, 2);
      await t.at(2 * hour + 46 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('reach the boss after an hour, at her own interval', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(59 * minute);
      assert.ok(!t.told().includes('bob'));
      await t.at(60 * minute);
      assert.deepEqual(t.told(), ['ann', 'bob']);
      await t.at(7 * hour - 1);
      assert.ok(!t.told().includes('bob'));
      await t.at(7 * hour);
      assert.ok(t.told().includes('bob'));
    }));

  it('an acknowledgement and a clear are told to the boss too, but only if he was told of the alert', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(5 * minute);
      await t.update([{ clear: 5 * minute }]);
      assert.deepEqual(t.told(), ['ann', 'ann']);
      await t.at(10 * minute);
      await t.update([{ raise: 10 * minute }]);
      await t.at(80 * minute);
      t.told();
      await t.act('test', { kind: 'acknowledge', for: null, note: '' });
      assert.deepEqual(t.told(), ['ann', 'bob']);
      await t.update([{ clear: 80 * minute }]);
      assert.deepEqual(t.told(), ['ann', 'bob']);
    }));

  it('a station that was busy for hours sends one, not all that it missed, and keeps its minutes', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.told();
      t.clock.jumpTo((t.start + (3 * hour + 7 * minute) * 1000) as never);
      await t.at(3 * hour + 7 * minute);
      assert.deepEqual(t.told(), ['ann', 'bob']);
      await t.at(3 * hour + 15 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('wait for the working hours when it is raised at night', () =>
    timeline({ policy: nobodyAtNight }, async (t) => {
      await t.at(2 * hour);
      await t.update([{ raise: 2 * hour }]);
      await t.at(9 * hour + 29 * minute);
      assert.deepEqual(t.told(), []);
      await t.at(9 * hour + 30 * minute);
      assert.deepEqual(t.told(), ['ann']);
      await t.at(17 * hour + 29 * minute);
      assert.equal(t.told().length, 7, 'on each half hour until the hours end');
      await t.at(33 * hour + 29 * minute);
      assert.deepEqual(t.told(), []);
      await t.at(33 * hour + 30 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));
});

describe('people act', () => {
  it('an acknowledgement lasts as long as the group says, at most the cap', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.act('test', { kind: 'acknowledge', for: null, note: '' });
      const first = (await t.alert()).phase;
      assert.ok(first.kind === 'acknowledged');
      assert.equal(t.ago(first.until), 30 * minute);
      await t.act('test', { kind: 'acknowledge', for: hours(24 * 100), note: '' }, 'bob');
      const second = (await t.alert()).phase;
      assert.ok(second.kind === 'acknowledged');
      assert.equal(t.ago(second.until), 15 * 24 * hour);
      assert.equal(second.by, 'bob');
    }));

  it('only a raised alert can be acknowledged, only an acknowledged one taken back', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ clear: 0 }]);
      const outcomes = [
        await t.act('test', { kind: 'acknowledge', for: null, note: '' }),
        await t.act('test', { kind: 'unacknowledge' }),
        await t.act('test', { kind: 'clear' }),
      ];
      const whys = outcomes.map((outcome) => (outcome.ok ? 'done' : outcome.why));
      assert.deepEqual(whys, ['not-raised', 'not-acknowledged', 'already-cleared']);
      assert.deepEqual(await t.history(), []);
    }));

  it('a person who clears by hand is in the history; "still raised" after it is a new episode', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(60);
      await t.act('test', { kind: 'clear' });
      assert.deepEqual(t.told(), ['ann', 'ann']);
      const [, cleared] = await t.history();
      assert.equal(cleared?.by, 'ann');
      await t.at(120);
      await t.update([{ raise: 0 }]);
      assert.equal((await t.alert()).episode, 2);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('a suppressed alert tells nobody; when that ends and it still stands, people are told', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(10);
      await t.update([{ clear: 10 }]);
      t.told();
      await t.act('test', { kind: 'suppress', for: minutes(60) });
      await t.at(20);
      await t.update([{ raise: 20 }]);
      await t.at(59 * minute);
      assert.deepEqual(t.told(), []);
      await t.at(60 * minute + 10);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('what cleared during a suppression is told at its end to those who knew it raised', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(t.told(), ['ann']);
      await t.act('test', { kind: 'suppress', for: minutes(10) });
      await t.at(60);
      await t.update([{ clear: 60 }]);
      assert.deepEqual(t.told(), []);
      await t.at(10 * minute);
      assert.deepEqual(t.told(), ['ann']);
      assert.match(t.sent.at(-1)?.title ?? '', /cleared/i);
    }));
});

describe('plans', () => {
  it('a heartbeat that stops raises its alert, once; the next one clears it', () =>
    timeline({ policy: escalation }, async (t) => {
      for (let at = 0; at <= 300; at += 60) {
        await t.at(at);
        await t.update([{ id: 'hb', clear: at, raise: at + 310 }]);
      }
      await t.at(300 + 309);
      assert.deepEqual(t.told(), []);
      await t.at(300 + 310);
      assert.deepEqual(t.told(), ['ann']);
      assert.equal(t.ago((await t.alert('hb')).phase.since), 610);
      await t.at(900);
      await t.update([{ id: 'hb', clear: 900, raise: 1210 }]);
      assert.deepEqual(t.told(), ['ann']);
      assert.equal((await t.alert('hb')).phase.kind, 'cleared');
    }));

  it('that fall due together are taken in the order of their times: a raise at its minute, then its clear', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ id: 'x', raise: 100, clear: 200 }]);
      t.clock.jumpTo((t.start + 300_000) as never);
      await t.at(300);
      const kinds = (await t.history('x')).map(({ change }) => change.kind);
      assert.deepEqual(kinds, ['raised', 'cleared']);
      assert.equal(t.ago((await t.alert('x')).phase.since), 200);
      assert.deepEqual(t.told(), [], 'nobody is woken by what is over');
    }));

  it('a person’s clear keeps a scheduled raise', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.update([{ raise: 600, clear: 900 }]);
      await t.act('test', { kind: 'clear' });
      t.told();
      await t.at(600);
      assert.deepEqual(t.told(), ['ann']);
      await t.at(900);
      assert.equal((await t.alert()).phase.kind, 'cleared');
    }));

  it('a full update clears what it does not list, but not what it lists badly', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
      const tooFar = 4000 * 24 * hour;
      await t.at(60);
      await t.update([{ id: 'a' }, { id: 'b', raise: tooFar }], { replace: true });
      const states = await Promise.all(['a', 'b', 'c'].map(async (id) => (await t.alert(id)).phase.kind));
      assert.deepEqual(states, ['raised', 'raised', 'cleared']);
    }));
});

describe('a restart', () => {
  it('loses and repeats nothing: reminders and acknowledgements go on where they were', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ id: 'a' }, { id: 'b' }]);
      await t.at(60);
      await t.act('b', { kind: 'acknowledge', for: hours(1), note: '' });
      t.told();
      await t.at(14 * minute);
      await t.restart();
      assert.deepEqual(t.told(), []);
      await t.at(19 * minute - 1);
      assert.deepEqual(t.told(), [], 'due at 15 minutes, but senders are heard first');
      await t.at(19 * minute);
      assert.deepEqual(t.told(), ['ann']);
      await t.at(61 * minute);
      assert.equal((await t.alert('b')).phase.kind, 'raised');
    }));

  it('does not page everybody for heartbeats that could not be heard', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ id: 'hb', clear: 0, raise: 310 }]);
      await t.restart({ downUntil: (t.start + 3_600_000) as never });
      await t.at(hour + 200);
      assert.deepEqual(t.told(), []);
      await t.update([{ id: 'hb', clear: hour + 200, raise: hour + 510 }]);
      await t.at(hour + 509);
      assert.deepEqual(t.told(), []);
      await t.at(hour + 510);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('still knows the transmissions that were taken', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{}], { transmissionId: 99n });
      await t.act('test', { kind: 'clear' });
      await t.restart();
      await t.update([{}], { transmissionId: 99n });
      assert.equal((await t.alert()).phase.kind, 'cleared');
      await t.at(301);
      await t.update([{}], { transmissionId: 99n });
      assert.equal((await t.alert()).phase.kind, 'raised');
    }));

  it('sends what was owed and had not been sent, once the mail server is back', () =>
    timeline({ policy: escalation }, async (t) => {
      t.answer = () => ({ kind: 'retry', why: 'connection refused', notBefore: null });
      await t.update([{ raise: 0 }]);
      await t.at(60);
      await t.restart();
      t.answer = () => ({ kind: 'delivered', why: '250 ok' });
      await t.at(120);
      assert.deepEqual(t.told(), ['ann']);
    }));
});

describe('a new policy', () => {
  it('neither repeats nor swallows a reminder when the rules stay', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.told();
      await t.at(5 * minute);
      await t.reload(
        escalation.replace('timezone: UTC', 'timezone: UTC\nhours:\n  lunch: {from: "12:00", to: "13:00"}'),
      );
      assert.deepEqual(t.told(), []);
      await t.at(15 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('a rule that changes goes on at the old one’s next due time', () =>
    timeline({ policy: escalation.replaceAll(/name: \w+, to/g, 'to') }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.told();
      await t.at(5 * minute);
      await t.reload(escalation.replaceAll(/name: \w+, to/g, 'to').replace('15m', '20m'));
      await t.at(15 * minute);
      assert.deepEqual(t.told(), ['ann']);
      await t.at(35 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('somebody added to the policy hears of what stands', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.told();
      await t.at(5 * minute);
      const more = escalation
        .replace('groups:', '  eve: {email: eve@example.net}\ngroups:')
        .replace('      - {name: boss', '      - {name: eve, to: eve}\n      - {name: boss');
      await t.reload(more);
      await t.at(5 * minute + 1);
      assert.deepEqual(t.told(), ['eve']);
    }));
});

describe('delivery', () => {
  it('a server that refuses for now is asked again, ever more slowly, until it takes the message', () =>
    timeline({ policy: escalation.replace('every: 15m', 'every: 12h') }, async (t) => {
      const tries: number[] = [];
      t.answer = () => {
        tries.push((t.clock.now() - t.start) / 1000);
        return tries.length < 6
          ? { kind: 'retry', why: '451 try later', notBefore: null }
          : { kind: 'delivered', why: '250 ok' };
      };
      await t.update([{ raise: 0 }]);
      await t.at(30 * minute);
      assert.equal(tries.length, 6);
      const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
      for (const [index, wait] of waits.entries())
        assert.ok(index === 0 || wait > (waits[index - 1] ?? 0), String(waits));
      assert.deepEqual(t.told(), ['ann']);
      const receipts = (await t.history('test', { quiet: true })).filter(
        ({ change }) => change.kind === 'receipt',
      );
      assert.equal(receipts.length, 6);
    }));

  it('a message that waits for a broken server is dropped with a reason once the alert is cleared', () =>
    timeline({ policy: escalation }, async (t) => {
      t.answer = () => ({ kind: 'retry', why: 'connection refused', notBefore: null });
      await t.update([{ raise: 0 }]);
      await t.at(60);
      await t.update([{ clear: 60 }]);
      t.answer = () => ({ kind: 'delivered', why: '250 ok' });
      await t.at(5 * minute);
      assert.equal(t.sent.length, 1);
      assert.match(t.sent[0]?.title ?? '', /cleared/i);
      const entries = (await t.history('test', { quiet: true })).map(({ change }) => change);
      assert.ok(entries.some((change) => change.kind === 'receipt' && change.outcome === 'obsolete'));
    }));

  it('an address that is refused for good is not tried again, and the history says why', () =>
    timeline({ policy: escalation }, async (t) => {
      let tries = 0;
      t.answer = ({ title }) => {
        // That they cannot be reached is told to others: in vain, too.
        if (!title.includes('cannot be reached')) tries += 1;
        return { kind: 'failed', why: '550 no such person' };
      };
      await t.update([{ raise: 0 }]);
      await t.at(14 * minute);
      assert.equal(tries, 1);
      const entries = (await t.history('test', { quiet: true })).map(({ change }) => change);
      assert.ok(
        entries.some((one) => one.kind === 'receipt' && one.outcome === 'failed' && one.why.includes('550')),
      );
    }));

  it('a channel that never answers holds up nobody else, and is tried again', () =>
    timeline(
      { policy: escalation.replace('{name: duty, to: ann', '{name: duty, to: [ann, bob]') },
      async (t) => {
        let hung = 0;
        t.answer = (_message, address) => {
          if (address.startsWith('ann') && hung++ === 0) return new Promise(() => undefined);
          return { kind: 'delivered', why: '250 ok' };
        };
        await t.update([{ raise: 0 }]);
        assert.deepEqual(t.told(), ['bob']);
        await t.at(2 * minute);
        assert.deepEqual(t.told(), ['ann']);
      },
    ));

  it('a person without a channel for the level is skipped, and the history says so', () =>
    timeline(
      {
        policy: escalation.replace(
          'ann: {email',
          'ann: {channels: {low: [email], normal: [email], urgent: []}, email',
        ),
      },
      async (t) => {
        await t.update([{ raise: 0 }]);
        assert.deepEqual(t.told(), []);
        const entries = (await t.history('test', { quiet: true })).map(({ change }) => change);
        assert.ok(entries.some((one) => one.kind === 'not-told' && one.why.includes('no channel')));
      },
    ));
});

describe('the clock', () => {
  it('set back by a day, neither repeats what was sent nor is silent for a day', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.at(24 * hour);
      await t.update([{}]);
      t.told();
      t.clock.jumpTo((t.start + 1000) as never);
      await t.update([{}]);
      await t.at(15 * minute);
      assert.deepEqual(t.told(), []);
      await t.at(15 * minute + 1);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('a sender whose clock is days ahead is heard as if it were right', () =>
    timeline({ policy: escalation }, async (t) => {
      await t.update([{ raise: 86_400 * 3, clear: 86_400 * 3 + 600 }], { transmissionTime: 86_400 * 3 });
      assert.equal((await t.alert()).phase.kind, 'raised');
      await t.at(600);
      assert.equal((await t.alert()).phase.kind, 'cleared');
    }));
});
