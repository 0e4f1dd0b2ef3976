/** A person's limit: what is held back, what the last message before it says, and what goes out when it ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instant, seconds } from '../../src/time.ts';
import { monday, type Timeline, timeline } from '../kit/station.ts';
import { heard, story, toldAt } from './mute-kit.ts';

const policyWith = (ann: string, groups = '  - {name: default, notify: [{to: ann}]}'): string => `version: 1
people:
  ann: {email: ann@example.net, sms: "+447700900123", ${ann}}
groups:
${groups}
settings: {initial_sleep: 0s}
`;
const twoInTen = policyWith('channels: {normal: [email]}, limits: {2: 10m}');
const levels = `  - {name: core, match: {id: "core*"}, level: urgent, notify: [{to: ann}]}
  - {name: noise, match: {id: "noise*"}, level: low, notify: [{to: ann}]}
  - {name: default, notify: [{to: ann}]}`;

const about = (t: Timeline): readonly string[] =>
  t.sent.map(({ title }) => /: (\w+)$/.exec(title)?.[1] ?? title);
const raise = (t: Timeline, ...ids: readonly string[]): Promise<void> =>
  t.update(ids.map((id) => ({ id, summary: id })));
const clear = (t: Timeline, at: number, ...ids: readonly string[]): Promise<void> =>
  t.update(ids.map((id) => ({ id, clear: at })));

describe('a person with a limit of two in ten minutes', () => {
  it('is told by the second that more are held back, and until when', () =>
    timeline({ policy: twoInTen }, async (t) => {
      await raise(t, 'one');
      assert.deepEqual(await heard(t), ['ann']);
      assert.doesNotMatch(t.sent[0]?.text ?? '', /limit/);
      await t.at(60);
      await raise(t, 'two');
      await raise(t, 'three');
      assert.deepEqual(await heard(t), ['ann']);
      assert.match(
        t.sent[1]?.text ?? '',
        /Your limit is reached: further messages are held back until\s+00:11 today/,
      );
      assert.deepEqual((await story(t, 'three')).slice(1), ['told ann: raised', 'ann email: held-back']);
    }));

  it('hears when it ends of what still stands, and that it was held back', () =>
    timeline({ policy: twoInTen }, async (t) => {
      await raise(t, 'one', 'two', 'three', 'four');
      await t.at(300);
      await clear(t, 300, 'three');
      assert.deepEqual(await toldAt(t, 300, 599, 600), [['ann', 'ann'], [], ['ann', 'ann']]);
      assert.deepEqual([...about(t).slice(2)].sort(), ['four', 'three'], 'four is raised, and three was');
    }));

  it('does not hear of what has come and gone meanwhile', () => {
    const ann = policyWith(
      'channels: {normal: [email]}, limits: {2: 10m}',
      '  - {name: default, notify: [{to: ann, every: 1h}]}',
    );
    return timeline({ policy: ann }, async (t) => {
      await raise(t, 'one', 'two', 'three');
      await t.at(60);
      await clear(t, 60, 'three');
      await t.at(120);
      await t.update([{ id: 'three', raise: 120, summary: 'three' }]);
      await t.at(180);
      await clear(t, 180, 'three');
      assert.deepEqual(await toldAt(t, 599), [['ann', 'ann']]);
      await toldAt(t, 700);
      const three = t.sent.filter(({ title }) => title.includes('three'));
      assert.equal(three.length, 1, 'one message, that it is cleared');
      assert.match(three[0]?.title ?? '', /^Cleared/);
      const outcomes = await story(t, 'three');
      assert.ok(outcomes.includes('ann email: obsolete'));
    });
  });

  it('gets one reminder of an alert when it ends, however many were held back', () => {
    const ann = policyWith(
      'channels: {normal: [email]}, limits: {2: 10m}',
      '  - {name: default, notify: [{to: ann, every: 1m}]}',
    );
    return timeline({ policy: ann }, async (t) => {
      await raise(t, 'one');
      assert.deepEqual(await toldAt(t, 0, 60, 659, 660), [['ann'], ['ann'], [], ['ann']]);
      const note = t.sent[2]?.text.replaceAll('\n', ' ') ?? '';
      assert.match(note, /messages were held back before this one/);
      assert.deepEqual(await toldAt(t, 719, 720, 721), [[], ['ann'], []]);
    });
  });

  it('still hears of what is more urgent, until the last two were that', () =>
    timeline(
      {
        policy: policyWith(
          'channels: {urgent: [email], normal: [email], low: [email]}, limits: {2: 10m}',
          levels,
        ),
      },
      async (t) => {
        await raise(t, 'noise1', 'noise2', 'noise3');
        await t.at(10);
        await raise(t, 'normal1', 'normal2', 'normal3');
        await t.at(20);
        await raise(t, 'core1', 'core2', 'core3');
        await t.at(30);
        assert.deepEqual(about(t), ['noise1', 'noise2', 'normal1', 'normal2', 'core1', 'core2']);
        // Ten minutes after the last, the most urgent first.
        await t.at(620);
        assert.deepEqual(about(t).slice(6), ['core3', 'normal3']);
        await t.at(1220);
        assert.deepEqual(about(t).slice(8), ['noise3']);
      },
    ));

  it('is limited over a restart, too', () =>
    timeline({ policy: twoInTen }, async (t) => {
      await raise(t, 'one', 'two', 'three');
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      await t.restart({ downUntil: instant(monday + 300_000) });
      assert.deepEqual(await toldAt(t, 300, 599, 600), [[], [], ['ann']]);
      assert.deepEqual(about(t).at(-1), 'three');
    }));

  it('gets a message on several channels, which counts as one', () =>
    timeline({ policy: policyWith('channels: {normal: [email, sms]}, limits: {2: 10m}') }, async (t) => {
      await raise(t, 'one', 'two', 'three');
      await heard(t);
      assert.deepEqual(t.sent.map(({ channel }) => channel).sort(), ['email', 'email', 'sms', 'sms']);
      await t.at(600);
      assert.deepEqual(
        t.sent
          .slice(4)
          .map(({ channel }) => channel)
          .sort(),
        ['email', 'sms'],
      );
    }));

  it('finds all of them in the inbox, which wakes nobody', () =>
    timeline({ policy: policyWith('channels: {normal: [inbox]}, limits: {2: 10m}') }, async (t) => {
      await raise(t, 'one', 'two', 'three');
      await heard(t);
      assert.equal(t.sent.length, 3);
    }));

  it('is not charged for what could not be sent', () =>
    timeline({ policy: twoInTen }, async (t) => {
      t.answer = () => ({ kind: 'failed', why: 'no such mailbox' });
      await raise(t, 'one', 'two');
      await heard(t);
      t.answer = () => ({ kind: 'delivered', why: '' });
      await raise(t, 'three', 'four', 'five');
      assert.deepEqual(await heard(t), ['ann', 'ann']);
    }));

  it('whose limit a reload takes away hears of the rest when it would have ended', () =>
    timeline({ policy: twoInTen }, async (t) => {
      await raise(t, 'one', 'two', 'three');
      await t.reload(policyWith('channels: {normal: [email]}, limits: none'));
      await raise(t, 'four');
      assert.deepEqual(await toldAt(t, 0, 600), [['ann', 'ann', 'ann'], ['ann']]);
      assert.deepEqual(about(t).at(-1), 'three');
    }));
});

describe('a person told by the first channel that works', () => {
  const policy = policyWith('channels: {normal: {first_of: [sms, email, inbox], wait: 60s}}, limits: none');
  const sentBy = (t: Timeline): readonly (readonly [string, number])[] =>
    t.sent.map(({ channel, at }) => [channel, (at - monday) / 1000]);

  it('is told by the first alone where it works', () =>
    timeline({ policy }, async (t) => {
      await raise(t, 'one');
      await t.at(600);
      assert.deepEqual(sentBy(t), [['sms', 0]]);
    }));

  it('is told by the next at once where one fails for good', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_message, _to, channel) =>
        channel === 'sms' ? { kind: 'failed', why: 'no such number' } : { kind: 'delivered', why: '' };
      await raise(t, 'one');
      await heard(t);
      assert.deepEqual(sentBy(t), [['email', 0]]);
      assert.ok((await story(t, 'one')).includes('ann sms: moved-on'));
      await t.at(600);
      assert.equal(t.sent.length, 1);
    }));

  it('is told by the next once one could not send for as long as it was given', () =>
    timeline({ policy }, async (t) => {
      const tries: number[] = [];
      t.answer = (_message, _to, channel) => {
        if (channel !== 'sms') return { kind: 'delivered', why: '' };
        tries.push((t.clock.now() - monday) / 1000);
        return { kind: 'retry', why: 'busy', notBefore: seconds(25) };
      };
      await raise(t, 'one');
      await t.at(600);
      // The try after the third would come too late.
      assert.deepEqual(tries, [0, 25, 50]);
      assert.deepEqual(sentBy(t), [['email', 50]]);
    }));

  it('is told by the next when a channel says nothing at all', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_message, _to, channel) =>
        channel === 'sms' ? new Promise(() => undefined) : { kind: 'delivered', why: '' };
      await raise(t, 'one');
      await t.at(120);
      assert.equal(t.sent.length, 1);
      const [[channel = '', at = 0] = []] = sentBy(t);
      assert.equal(channel, 'email');
      assert.ok(at > 0 && at <= 90, `after ${at} s`);
    }));

  it('goes down the list to its end, and is told in vain by the last', () =>
    timeline({ policy }, async (t) => {
      t.answer = () => ({ kind: 'failed', why: 'broken' });
      await raise(t, 'one');
      await heard(t);
      assert.deepEqual((await story(t, 'one')).slice(2), [
        'ann sms: moved-on',
        'ann email: moved-on',
        'ann inbox: failed',
      ]);
    }));

  it('does not hear by the next of what has cleared meanwhile', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_message, _to, channel) =>
        channel === 'sms'
          ? { kind: 'retry', why: 'busy', notBefore: seconds(40) }
          : { kind: 'delivered', why: '' };
      await raise(t, 'one');
      await t.at(30);
      await clear(t, 30, 'one');
      t.answer = () => ({ kind: 'delivered', why: '' });
      await t.at(600);
      assert.ok(t.sent.every(({ title }) => /^Cleared/.test(title)));
      assert.equal(t.sent.length, 1);
    }));

  it('is told by the next after a restart in between', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_message, _to, channel) =>
        channel === 'sms'
          ? { kind: 'retry', why: 'busy', notBefore: seconds(50) }
          : { kind: 'delivered', why: '' };
      await raise(t, 'one');
      await t.at(20);
      await t.restart({ downUntil: instant(monday + 70_000) });
      await t.at(200);
      assert.deepEqual(
        sentBy(t).map(([channel]) => channel),
        ['email'],
      );
    }));
});
