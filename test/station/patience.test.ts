/** How long a message that moved on, or was taken by a provider that says no more, is waited for, and what is done then. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { type Timeline, timeline } from '../kit/station.ts';

const minute = 60;
const hour = 60 * minute;
const policy = (plan: string): string => `version: 1
people:
  ann:
    email: ann@example.net
    sms: "+447700900123"
    xmpp: ann@chat.example.net
    limits: none
    channels: {normal: ${plan}}
  bob: {email: bob@example.net, limits: none}
groups:
  - name: phones
    match: {source: test}
    level: normal
    notify: [{to: [ann, bob]}]
  - name: rest
    level: normal
    notify: []
settings: {initial_sleep: 0s}
`;

const ok: SendResult = { kind: 'delivered', why: 'ok' };
const busy: SendResult = { kind: 'retry', why: 'try again later', notBefore: null };
const gone: SendResult = { kind: 'failed', why: 'no such recipient' };
const taken: SendResult = { kind: 'accepted', why: 'queued', reference: 'SM1' };
const unreachable = 'mauve/unreachable/ann';

const sentBy = (t: Timeline, channel: string): readonly (number | null)[] =>
  t.sent.filter((one) => one.channel === channel && !one.to.startsWith('bob')).map(({ at }) => t.ago(at));
const phase = async (t: Timeline): Promise<string> => (await t.find(unreachable))?.phase.kind ?? 'none';

describe('a message that is in the inbox only', () => {
  it('has not arrived: others are told once the channels before it have failed', () =>
    timeline({ policy: policy('{first_of: [sms, inbox]}') }, async (t) => {
      t.answer = (_, __, channel) => (channel === 'sms' ? gone : ok);
      await t.update();
      await t.at(1);
      assert.equal(await phase(t), 'raised');
      assert.ok((await t.receipts('test', 'ann')).includes('inbox: delivered'));
    }));

  it('is waited for where it is still on its way besides', () =>
    timeline({ policy: policy('{first_of: [sms, inbox], wait: 60s}') }, async (t) => {
      t.answer = (_, __, channel) => (channel === 'sms' ? taken : ok);
      await t.update();
      await t.at(5 * minute);
      assert.equal(await phase(t), 'none', 'the phone may still ring');
      await t.at(6 * minute + 1);
      assert.equal(await phase(t), 'raised');
      await t.report('sms', { reference: 'SM1', state: 'delivered', why: 'at last' });
      assert.equal(await phase(t), 'cleared');
    }));

  it('has arrived where the inbox is all that the person has', () =>
    timeline({ policy: policy('[inbox]') }, async (t) => {
      await t.update();
      await t.at(hour);
      assert.equal(await phase(t), 'none');
    }));
});

describe('a message that moved on while it was under way', () => {
  it('is not forgotten when the last channel fails', () =>
    timeline({ policy: policy('{first_of: [sms, email], wait: 60s}') }, async (t) => {
      t.answer = (_, to, channel) => {
        if (to.startsWith('bob')) return ok;
        return channel === 'sms' ? taken : gone;
      };
      await t.update();
      await t.at(6 * minute - 1);
      assert.equal(await phase(t), 'none');
      await t.at(6 * minute + 1);
      assert.equal(await phase(t), 'raised');
    }));

  it('is told of once only, however often the provider is asked', () =>
    timeline({ policy: policy('{first_of: [sms, email], wait: 60s}') }, async (t) => {
      t.answer = (_, to, channel) => {
        if (to.startsWith('bob')) return ok;
        return channel === 'sms' ? taken : gone;
      };
      await t.update();
      await t.at(7 * minute);
      t.answer = (_, __, channel) => (channel === 'sms' ? { ...taken, reference: 'SM2' } : ok);
      await t.update([{ id: 'other' }]);
      await t.report('sms', { reference: 'SM2', state: 'delivered', why: 'on the handset' });
      assert.equal(await phase(t), 'cleared');
      await t.at(20 * hour);
      assert.equal((await t.alert(unreachable)).episode, 1);
      assert.equal((await t.receipts('test', 'ann')).filter((one) => one === 'sms: overdue').length, 1);
    }));

  it('ends as failed after a day, also where it was overtaken meanwhile', () =>
    timeline({ policy: policy('{first_of: [sms, email], wait: 60s}') }, async (t) => {
      t.answer = (_, __, channel) => (channel === 'sms' ? taken : ok);
      await t.update();
      await t.at(3 * minute);
      await t.update([{ id: 'quick' }]);
      await t.act('quick', { kind: 'acknowledge', for: null, note: '' }, 'bob');
      await t.at(26 * hour);
      for (const alert of ['test', 'quick'])
        assert.equal((await t.receipts(alert, 'ann')).includes('sms: failed'), true, alert);
      assert.equal(await phase(t), 'none', 'the mail had arrived');
    }));
});

describe('the second channel of `first_of`', () => {
  it('has the whole wait for itself, and may fail for now', () =>
    timeline({ policy: policy('{first_of: [xmpp, sms, email], wait: 60s}') }, async (t) => {
      let tries = 0;
      t.answer = (_, __, channel) => {
        if (channel === 'xmpp') return busy;
        return channel === 'sms' && ++tries < 3 ? busy : ok;
      };
      await t.update();
      await t.at(3 * minute);
      assert.equal(tries, 3);
      assert.equal(sentBy(t, 'sms').length, 1);
      assert.deepEqual(sentBy(t, 'email'), []);
    }));
});

describe('a message that waits because the station gathers', () => {
  const quick = (settings: string): string =>
    policy('{first_of: [sms, email], wait: 20s}').replace(
      'initial_sleep: 0s',
      `initial_sleep: 0s${settings}`,
    );

  it('does not move on before it was sent', () =>
    timeline({ policy: quick(''), gathers: true }, async (t) => {
      await t.update([{ id: 'a' }]);
      await t.at(2);
      await t.update([{ id: 'b' }]);
      await t.at(5 * minute);
      assert.deepEqual(sentBy(t, 'sms'), [0, 30]);
      assert.deepEqual(sentBy(t, 'email'), []);
    }));

  it('moves on a wait after it could have gone, where what it waits for hangs', () =>
    timeline({ policy: quick(''), gathers: true }, async (t) => {
      t.answer = (_, __, channel) => (channel === 'sms' ? new Promise(() => undefined) : ok);
      await t.update([{ id: 'a' }]);
      await t.at(2);
      await t.update([{ id: 'b' }]);
      await t.at(2 * minute);
      assert.deepEqual(sentBy(t, 'email'), [20, 50]);
      assert.ok((await t.receipts('b', 'ann')).includes('email: delivered'));
    }));

  it('is no sign that its receiver cannot be reached, in whatever storm', () =>
    timeline(
      { policy: quick(', unreachable_after: 1m').replace('[sms, email]', '[sms]'), gathers: true },
      async (t) => {
        await t.update([{ id: 'first' }]);
        await t.at(1);
        for (let n = 0; n < 8; n++)
          await t.update(Array.from({ length: 100 }, (_, i) => ({ id: `x${n}-${i}` })));
        await t.at(10 * minute);
        assert.deepEqual(sentBy(t, 'sms'), [0, 30, 60, 90, 120]);
        assert.equal(await phase(t), 'none');
      },
    ));

  it('for a summary says so, also where news goes first', () =>
    timeline(
      {
        policy: policy('[email]')
          .replace('{to: [ann, bob]}', '{to: ann, every: 10m}')
          .replace('initial_sleep: 0s', 'initial_sleep: 0s, summary: {over: {email: 1}}'),
        gathers: true,
      },
      async (t) => {
        await t.update([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
        await t.at(10 * minute - 1);
        await t.update([{ id: 'd' }]);
        for (let n = 0; n < 30; n++) {
          await t.at(10 * minute + n * 25);
          await t.update([{ id: `news-${n}` }]);
        }
        assert.ok((await t.receipts('a', 'ann')).includes('email: gathered'));
        await t.at(30 * minute);
        assert.equal(await phase(t), 'none');
      },
    ));
});

describe('what is overdue at one moment', () => {
  const plans = `version: 1
people:
  ann: {email: ann@example.net, sms: "+447700900123", limits: none, channels: {normal: [email], urgent: [sms]}}
  bob: {email: bob@example.net, limits: none}
groups:
  - name: both
    match: {id: both}
    level: normal
    notify: [{to: [ann, bob]}]
  - name: loud
    match: {id: loud}
    level: urgent
    notify: [{to: ann}]
  - name: quiet
    match: {id: quiet}
    level: normal
    notify: [{to: ann}]
  - name: rest
    level: normal
    notify: []
settings: {initial_sleep: 0s}
`;

  it('is judged in order: that somebody can be reached again is no news once they cannot', () =>
    timeline({ policy: plans }, async (t) => {
      t.answer = (_, to) => (to === 'ann@example.net' ? gone : ok);
      await t.update([{ id: 'both' }]);
      await t.at(1);
      assert.equal(await phase(t), 'raised');
      await t.at(minute);
      t.answer = (_, __, channel) => (channel === 'email' ? busy : ok);
      await t.update([{ id: 'quiet' }, { id: 'loud' }]);
      await t.at(minute + 1);
      assert.equal(await phase(t), 'cleared', 'the telephone reached her');
      await t.at(6 * minute + 1);
      assert.equal(await phase(t), 'raised', 'the mail did not');
      assert.equal(await t.find('mauve/unreachable/bob'), null, 'what bob was to hear of it is overtaken');
    }));
});
