/** When nothing reaches somebody, somebody who can hear it must: whoever is away, asleep to it, or of another alert. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { type Timeline, timeline } from '../kit/station.ts';

const ok: SendResult = { kind: 'delivered', why: 'ok' };
const gone: SendResult = { kind: 'failed', why: 'no such number' };
const down: SendResult = { kind: 'retry', why: 'connection refused', notBefore: null };
const phone = '+447700900123';
const minute = 60;

/** Who was told that Ann cannot be reached, and when. */
const heard = (t: Timeline): readonly (readonly [string, number | null])[] =>
  t.sent
    .filter(({ title, channel }) => /cannot be reached/.test(title) && channel !== 'inbox')
    .map(({ to, at }) => [to.replace('@example.net', ''), t.ago(at)]);

const phonesFail = (t: Timeline): void => {
  t.answer = (_, to) => (to === phone ? gone : ok);
};

describe('that somebody cannot be reached', () => {
  const policy = (bob: string): string => `version: 1
people:
  ann: {name: Ann, sms: "${phone}", limits: none, channels: {normal: [sms]}}
  bob: {email: bob@example.net, limits: none${bob}}
  eve: {email: eve@example.net, limits: none}
groups:
  - name: all
    level: normal
    notify: [{to: ann}, {to: bob, during: {unacknowledged: 1h}}]
settings: {initial_sleep: 0s}
`;

  for (const [what, bob] of [
    ['is away', ', away: [{from: 2011-07-01, to: 2011-09-01}]'],
    ['has no channel for it', ', channels: {normal: []}'],
    ['has nothing but the inbox for it', ', channels: {normal: [inbox]}'],
  ] as const) {
    it(`is told to others where whom the rules name ${what}`, () =>
      timeline({ policy: policy(bob) }, async (t) => {
        phonesFail(t);
        await t.update();
        await t.at(minute);
        assert.deepEqual(heard(t), [['eve', 0]]);
      }));
  }

  it('is told to whom the rules name where they can hear it, and to nobody besides', () =>
    timeline({ policy: policy('') }, async (t) => {
      phonesFail(t);
      await t.update();
      await t.at(minute);
      assert.deepEqual(heard(t), [['bob', 0]]);
    }));

  it('is told, once each, to those whom a later alert concerns', () =>
    timeline(
      {
        policy: `version: 1
people:
  ann: {name: Ann, sms: "${phone}", limits: none, channels: {normal: [sms], urgent: [sms]}}
  bob: {email: bob@example.net, limits: none}
  eve: {email: eve@example.net, limits: none}
groups:
  - {name: own, match: {source: mauve}, level: normal, notify: []}
  - {name: core, match: {subject: "db*"}, level: urgent, notify: [{to: ann}, {to: eve, during: {unacknowledged: 1h}}]}
  - {name: rest, level: normal, notify: [{to: ann}, {to: bob}]}
settings: {initial_sleep: 0s}
`,
      },
      async (t) => {
        phonesFail(t);
        await t.update([{ id: 'a', subject: 'web1' }]);
        await t.at(10);
        assert.deepEqual(heard(t), [['bob', 0]]);
        await t.update([{ id: 'b', subject: 'db1' }]);
        await t.at(20);
        await t.update([{ id: 'c', subject: 'db2' }]);
        await t.at(minute);
        assert.deepEqual(heard(t), [
          ['bob', 0],
          ['eve', 10],
        ]);
        t.answer = () => ok;
        await t.update([{ id: 'd', subject: 'db3' }]);
        await t.at(2 * minute);
        assert.deepEqual(
          heard(t)
            .slice(2)
            .map(([who]) => who)
            .sort(),
          ['bob', 'eve'],
          'both hear that it is over',
        );
      },
    ));
});

describe('the alert that somebody cannot be reached', () => {
  const policy = `version: 1
people:
  ann: {name: Ann, sms: "${phone}", limits: none, channels: {normal: [sms]}}
  bob: {email: bob@example.net, limits: none}
groups:
  - {name: own, match: {source: mauve}, level: normal, notify: [{to: bob, every: 1h}]}
  - {name: rest, level: normal, notify: [{to: ann}]}
settings: {initial_sleep: 0s}
`;
  const id = 'unreachable/ann';
  const name = `mauve/${id}`;

  it("is nobody else's to raise, which would keep the real one from being told", () =>
    timeline({ policy }, async (t) => {
      phonesFail(t);
      await t.update([{ id }, { id: 'disk' }], { source: 'mauve' });
      assert.equal(await t.find(name), null);
      assert.notEqual(await t.find('mauve/disk'), null, 'a machine of that name may send others');
      await t.update([{ subject: 'db1' }]);
      await t.at(minute);
      assert.deepEqual(heard(t), [['bob', 0]]);
    }));

  it("is nobody else's to clear", () =>
    timeline({ policy }, async (t) => {
      phonesFail(t);
      await t.update();
      await t.update([{ id, clear: 0 }], { source: 'mauve' });
      await t.update([{ id: 'disk' }], { source: 'mauve', replace: true });
      assert.equal((await t.alert(name)).phase.kind, 'raised');
    }));

  it('ends, and nobody is reminded of it, when the person leaves the policy', () =>
    timeline({ policy }, async (t) => {
      phonesFail(t);
      await t.update();
      await t.at(minute);
      await t.reload(policy.replace(/ {2}ann:.*\n/, '').replace('{to: ann}', '{to: bob}'));
      assert.equal((await t.alert(name)).phase.kind, 'cleared');
      await t.at(180 * minute);
      assert.equal(heard(t).length, 2, 'that it was so, and that it is over');
    }));
});

describe('a message whose channel the person has lost meanwhile', () => {
  const policy = (ann: string): string => `version: 1
people:
  ann: {name: Ann, ${ann}, limits: none}
  bob: {email: bob@example.net, limits: none}
groups:
  - name: all
    level: normal
    notify: [{to: ann}, {to: bob, during: {unacknowledged: 3h}}]
settings: {initial_sleep: 0s}
`;
  const mailOnly = policy('email: ann@example.net, channels: {normal: [email]}');

  it('goes on to the next one', () =>
    timeline(
      {
        policy: policy(
          `sms: "${phone}", email: ann@example.net, channels: {normal: {first_of: [sms, email], wait: 10m}}`,
        ),
      },
      async (t) => {
        t.answer = (_, to) => (to === phone ? down : ok);
        await t.update();
        await t.at(1);
        await t.reload(mailOnly);
        await t.at(10);
        assert.deepEqual(
          t.sent.map(({ channel, to }) => [channel, to]),
          [['email', 'ann@example.net']],
        );
      },
    ));

  it('has not reached them, and others are told', () =>
    timeline(
      { policy: policy(`sms: "${phone}", email: ann@example.net, channels: {normal: [sms]}`) },
      async (t) => {
        t.answer = (_, to) => (to === phone ? down : ok);
        await t.update();
        await t.at(1);
        await t.reload(mailOnly);
        await t.at(minute);
        assert.deepEqual(
          heard(t).map(([who]) => who),
          ['bob'],
        );
        assert.match((await t.alert('mauve/unreachable/ann')).summary, /has no sms of Ann any more/);
      },
    ));
});
