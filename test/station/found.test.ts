/** Bugs that were found, each as the timeline that showed it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { type Duration, instant, minutes, seconds } from '../../src/time.ts';
import { type Timeline, timeline } from '../kit/station.ts';

const minute = 60;
const hour = 3600;
const day = 24 * hour;

const policy = (rules: string, more = ''): string => `version: 1
timezone: UTC
${more}
people:
  ann: {name: Ann, email: ann@example.net}
  bob: {name: Bob, email: bob@example.net}
groups:
  - name: default
    level: urgent
    notify:
${rules}
settings: {initial_sleep: 5m}
`;
const annOnce = policy('      - {name: duty, to: ann}');
const ok: SendResult = { kind: 'delivered', why: '250 ok' };
const retry: SendResult = { kind: 'retry', why: '451 later', notBefore: null };

const titles = (t: Timeline): readonly string[] =>
  t.sent.map(({ title }) => /raised|cleared/i.exec(title)?.[0].toLowerCase() ?? title);

/** A send that takes so long on the timeline's own clock. */
const slowly = (t: Timeline, wait: Duration, result: SendResult): Promise<SendResult> =>
  new Promise((resolve) => t.clock.after(wait, () => resolve(result)));

describe('the last word a person gets is how it stands', () => {
  it('a "cleared" that could not be sent is not sent after it was raised again', () =>
    timeline({ policy: annOnce }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(60);
      t.answer = () => retry;
      await t.at(90);
      await t.update([{ clear: 90 }]);
      await t.at(210);
      t.answer = () => ok;
      await t.update([{ raise: 210 }]);
      await t.at(20 * minute);
      assert.deepEqual(titles(t), ['raised', 'raised']);
    }));

  it('a slow "raised" does not arrive after its "cleared"', () =>
    timeline({ policy: annOnce }, async (t) => {
      let first = true;
      t.answer = () => {
        if (!first) return ok;
        first = false;
        return slowly(t, seconds(20), ok);
      };
      await t.update([{ raise: 0 }]);
      await t.at(5);
      await t.update([{ clear: 5 }]);
      await t.at(2 * minute);
      assert.deepEqual(titles(t), ['raised', 'cleared']);
    }));

  it('a reminder that fails slowly is not sent after the next one', () =>
    timeline({ policy: policy('      - {name: duty, to: ann, every: 1m}') }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.answer = () => slowly(t, seconds(25), retry);
      await t.at(2 * minute + 10);
      t.answer = () => ok;
      await t.at(4 * minute + 30);
      const minutesSent = t.sent.map((sent) => Math.floor((t.ago(sent.at) ?? 0) / minute));
      assert.ok(minutesSent.length >= 3);
      assert.deepEqual(minutesSent, [...new Set(minutesSent)], 'one a minute');
    }));

  it('whoever was told of an episode hears its end, even if a new one began unseen during a suppression', () =>
    timeline(
      {
        policy: policy(
          '      - {name: duty, to: ann}\n      - {name: boss, to: bob, during: {unacknowledged: 1h}}',
        ),
      },
      async (t) => {
        await t.update([{ raise: 0 }]);
        await t.at(hour);
        assert.deepEqual(t.told(), ['ann', 'bob']);
        await t.act('test', { kind: 'acknowledge', for: minutes(10), note: '' });
        assert.deepEqual(t.told(), ['ann', 'bob']);
        await t.act('test', { kind: 'suppress', for: minutes(30) });
        await t.at(hour + 20 * minute);
        await t.update([{ clear: hour + 20 * minute }]);
        await t.at(2 * hour);
        assert.deepEqual(t.told(), ['ann', 'bob']);
      },
    ));
});

describe('a rule that changes its meaning', () => {
  const duty = (rest: string): string => policy(`      - {name: duty, to: ann${rest}}`);

  it('begins to remind when it gets an interval', () =>
    timeline({ policy: duty('') }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(60);
      t.told();
      await t.reload(duty(', every: 15m'));
      await t.at(60 + 15 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('speaks at once when it was closed and is open now', () =>
    timeline({ policy: duty(', during: {unacknowledged: 10h}') }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(5 * minute);
      await t.reload(duty(', during: {unacknowledged: 1m}'));
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('speaks at once when its hours, known by name only, come to hold now', () => {
    const office = (from: string, to: string): string =>
      policy(
        '      - {to: ann, during: {hours: office}}',
        `hours:\n  office: {days: mon-sun, from: "${from}", to: "${to}"}`,
      );
    return timeline({ policy: office('20:00', '21:00') }, async (t) => {
      await t.at(hour);
      await t.update([{ raise: hour }]);
      assert.deepEqual(t.told(), []);
      await t.reload(office('00:00', '23:00'));
      assert.deepEqual(t.told(), ['ann']);
    });
  });

  it('does not wait out an old, longer interval', () =>
    timeline({ policy: duty(', every: 7d') }, async (t) => {
      await t.update([{ raise: 0 }]);
      t.told();
      await t.reload(duty(', every: 15m'));
      await t.at(15 * minute);
      assert.deepEqual(t.told(), ['ann']);
    }));

  it('a rule that is added tells only those who have not been told', () =>
    timeline({ policy: duty(', every: 1h') }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(60);
      t.told();
      await t.reload(
        policy('      - {name: duty, to: ann, every: 1h}\n      - {name: more, to: [ann, bob], every: 4h}'),
      );
      assert.deepEqual(t.told(), ['bob']);
      await t.at(60 + 4 * hour);
      assert.ok(t.told().includes('bob'));
    }));
});

describe('the initial sleep', () => {
  const every15 = policy('      - {name: duty, to: ann, every: 15m}');
  const told = (t: Timeline): readonly (number | null)[] => t.sent.map(({ at }) => t.ago(at));

  it('holds a reminder back, but does not move those after it', () =>
    timeline({ policy: every15 }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.restart({ downUntil: instant(t.start + 1_000_000) });
      await t.at(2700);
      assert.deepEqual(told(t), [0, 1300, 1800, 2700]);
    }));

  it('is the same for an alert that repeats, or changes its text, meanwhile', () =>
    timeline({ policy: every15 }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.restart({ downUntil: instant(t.start + 1_000_000) });
      await t.at(1010);
      await t.update([{ raise: 0, summary: 'now with a text' }]);
      await t.at(1100);
      await t.update([{ raise: 0 }]);
      await t.at(2700);
      assert.deepEqual(told(t), [0, 1300, 1800, 2700]);
    }));

  it('what waited for its end happens in the order in which it was planned, and in no other time', () =>
    timeline({ policy: every15 }, async (t) => {
      await t.update([{ raise: 100, clear: 200 }]);
      await t.restart({ downUntil: instant(t.start + 300_000) });
      await t.at(600);
      const alert = await t.alert();
      assert.deepEqual([alert.phase.kind, t.ago(alert.phase.since)], ['cleared', 600]);
      assert.deepEqual(told(t), []);
    }));
});

describe('a policy that changes while messages wait', () => {
  it('an address that was taken out is replaced by the inbox', () =>
    timeline({ policy: annOnce }, async (t) => {
      t.answer = (_message, address) => (address === '' ? ok : retry);
      await t.update([{ raise: 0 }]);
      await t.reload(annOnce.replace('name: Ann, email: ann@example.net', 'name: Ann'));
      await t.at(2 * minute);
      assert.equal(t.sent.length, 1);
    }));

  it('a person who was taken out while their message waited in line is not forgotten silently', () =>
    timeline({ policy: annOnce }, async (t) => {
      t.answer = () => new Promise(() => undefined);
      for (let n = 0; n < 6; n++) await t.update([{ id: `a${n}` }]);
      await t.reload(annOnce.replaceAll('ann', 'eve'));
      await t.at(2 * minute);
      const { pending, leased, failed } = await t.reads.outboxCounts();
      assert.equal(failed, 6 - pending - leased, 'each ends with a reason or is still tried');
      assert.equal(leased, 0);
    }));
});

describe('a wall clock that was wrong for a moment', () => {
  it('a year ahead and back: reminders go on', () =>
    timeline({ policy: policy('      - {name: duty, to: ann, every: 15m}') }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(60);
      t.clock.jumpTo(instant(t.start + 365 * day * 1000));
      await t.update([{ id: 'other' }]);
      await t.at(365 * day + 1);
      t.told();
      t.clock.jumpTo(instant(t.start + 120_000));
      await t.update([{ id: 'third' }]);
      await t.at(hour);
      assert.ok(t.told().length >= 6, 'each of three alerts reminded');
    }));
});

describe('full updates', () => {
  it('of many sources in one batch look only at their own alerts', () =>
    timeline(
      {
        policy: policy('      - {name: duty, to: ann, every: 12h}').replace(
          'notify:\n      - {name: duty, to: ann, every: 12h}',
          'notify: []',
        ),
      },
      async (t) => {
        const update = (source: string, round: bigint, alerts: number) => ({
          kind: 'update' as const,
          reception: t.clock.now(),
          update: {
            transmissionId: round,
            source,
            replace: true,
            transmissionTime: 0n,
            signature: new Uint8Array(),
            alerts: Array.from({ length: alerts }, (_, n) => ({
              ...{ id: `a${n}`, subject: '', summary: '', detail: '', importance: 0 },
              ...{ raiseTime: 0n, clearTime: 0n, suppressUntil: 0n },
            })),
          },
        });
        const sources = Array.from({ length: 300 }, (_, n) => `s${n}`);
        await t.station.handle(sources.map((source) => update(source, 1n, 5)));
        await t.station.handle(sources.map((source) => update(source, 2n, 4)));
        assert.deepEqual(await t.reads.counts(), { raised: 1200, acknowledged: 0, cleared: 300 });
      },
    ));
});
