/** A storm: the first message goes at once, what follows becomes one, a summary takes the place of reminders, nothing is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Timeline, timeline } from '../kit/station.ts';

const policy = (settings = '', person = 'limits: none'): string => `version: 1
people:
  ann: {email: ann@example.net, sms: "+447700900123", ${person}}
groups:
  - name: core
    match: {subject: "core*"}
    level: urgent
    notify: [{to: ann, every: 15m}]
  - name: all
    level: normal
    notify: [{to: ann, every: 15m}]
settings: {initial_sleep: 0s${settings}}
`;
const byMail = (settings = '', more = ''): string =>
  policy(settings, `limits: none, channels: {urgent: [email], normal: [email]}${more}`);

const raise = (t: Timeline, ...ids: readonly string[]): Promise<void> =>
  t.update(ids.map((id) => ({ id, subject: id })));
const sent = (t: Timeline): readonly (readonly [at: number | null, says: number])[] =>
  t.sent.map(({ at, says }) => [t.ago(at), says]);

describe('what one person is owed on one channel', () => {
  it('goes at once the first time, and what follows within 30 s goes together then', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, 'a');
      await t.at(5);
      await raise(t, 'b');
      await t.at(20);
      await raise(t, 'c', 'core1');
      await t.at(29);
      assert.deepEqual(sent(t), [[0, 1]]);
      await t.at(60);
      assert.deepEqual(sent(t), [
        [0, 1],
        [30, 3],
      ]);
      await raise(t, 'd');
      await t.at(120);
      assert.deepEqual(sent(t).slice(2), [[60, 1]], 'after a quiet while the next one goes at once again');
    }));

  it('is raised by one update: it goes as one at once', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, ...Array.from({ length: 40 }, (_, n) => `x${n}`));
      await t.at(1);
      assert.deepEqual(sent(t), [[0, 40]]);
    }));

  it('is listed with the urgent first, and the history of each says how it went', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, 'a');
      await t.at(1);
      await raise(t, 'b');
      await t.at(2);
      await raise(t, 'core1');
      await t.at(31);
      const { text = '' } = t.sent[1] ?? {};
      assert.match(text, /core1/);
      const [entry] = (await t.history('b', { quiet: true })).filter(
        ({ change }) => change.kind === 'receipt',
      );
      assert.ok(entry?.change.kind === 'receipt');
      assert.equal(entry.change.outcome, 'delivered');
      assert.match(entry.change.why, /in one message with 1 other\)/);
    }));

  it('is never dropped, however much it is: what one message cannot list is in the next', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, 'first');
      await t.at(1);
      for (let n = 0; n < 5; n++) await raise(t, ...Array.from({ length: 500 }, (_, i) => `x${n}-${i}`));
      await t.at(400);
      const says = sent(t).map(([, count]) => count);
      assert.equal(
        says.reduce((sum, count) => sum + count, 0),
        2501,
      );
      assert.deepEqual(says, [1, 1000, 1000, 500]);
    }));

  it('keeps its order within an alert, and goes together with what it follows', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, 'a');
      await t.at(1);
      await raise(t, 'b');
      await t.at(10);
      await t.update([{ id: 'b', clear: 10 }]);
      await t.at(31);
      assert.deepEqual(sent(t), [
        [0, 1],
        [30, 2],
      ]);
      assert.deepEqual(await t.receipts('b', 'ann'), ['email: delivered', 'email: delivered']);
    }));

  it('gathers on over a restart', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      await raise(t, 'a');
      await t.at(5);
      await raise(t, 'b');
      await t.restart();
      await raise(t, 'c');
      await t.at(40);
      assert.deepEqual(sent(t), [
        [0, 1],
        [30, 2],
      ]);
    }));

  it('goes together again when it could not be sent', () =>
    timeline({ policy: byMail(), gathers: true }, async (t) => {
      let down = true;
      t.answer = () =>
        down ? { kind: 'retry', why: 'refused', notBefore: null } : { kind: 'delivered', why: 'ok' };
      await raise(t, 'a', 'b', 'c');
      await t.at(3);
      down = false;
      await t.at(20);
      assert.equal(t.sent.length, 1);
      assert.equal(t.sent[0]?.says, 3);
    }));

  it('does not move on to the next channel because it is gathered', () =>
    timeline(
      {
        policy: policy('', 'limits: none, channels: {normal: {first_of: [sms, email], wait: 10s}}'),
        gathers: true,
      },
      async (t) => {
        await raise(t, 'a');
        await t.at(1);
        await raise(t, 'b', 'c');
        await t.at(100);
        assert.deepEqual(
          t.sent.map(({ channel, says, at }) => [channel, says, t.ago(at)]),
          [
            ['sms', 1, 0],
            ['sms', 2, 30],
          ],
        );
      },
    ));

  it('each goes by itself where the policy says so', () =>
    timeline({ policy: byMail(', digest: 0s'), gathers: true }, async (t) => {
      await raise(t, 'a', 'b', 'c');
      await t.at(1);
      assert.deepEqual(sent(t), [
        [0, 1],
        [0, 1],
        [0, 1],
      ]);
    }));

  it('counts as one message towards the limit, and what the limit holds back comes as one when it ends', () =>
    timeline(
      { policy: policy('', 'limits: {2: 10m}, channels: {urgent: [sms], normal: [sms]}'), gathers: true },
      async (t) => {
        await raise(t, 'a');
        await t.at(1);
        await raise(t, 'b', 'c', 'd');
        await t.at(31);
        await raise(t, 'e', 'f');
        await t.at(700);
        assert.deepEqual(sent(t), [
          [0, 1],
          [30, 3],
          [630, 2],
        ]);
      },
    ));

  it('on two channels is gathered on each, and counts once', () =>
    timeline(
      {
        policy: policy('', 'limits: {2: 10m}, channels: {urgent: [sms, email], normal: [sms, email]}'),
        gathers: true,
      },
      async (t) => {
        await raise(t, 'a');
        await t.at(1);
        await raise(t, 'b', 'c');
        await t.at(60);
        assert.deepEqual(t.sent.map(({ channel, says, at }) => [channel, says, t.ago(at)]).sort(), [
          ['email', 1, 0],
          ['email', 2, 30],
          ['sms', 1, 0],
          ['sms', 2, 30],
        ]);
      },
    ));
});

describe('reminders of more alerts than a person can keep in mind', () => {
  const settings = ', summary: {over: {email: 3}, every: 20m}';
  const many = ['a', 'b', 'c', 'd', 'e'];

  it('are given as one summary every so often, which the histories say', () =>
    timeline({ policy: byMail(settings), gathers: true }, async (t) => {
      for (const [n, id] of many.entries()) {
        await t.at(n * 60);
        await raise(t, id);
      }
      const before = t.sent.length;
      await t.at(15 * 60 + 40);
      assert.deepEqual(sent(t).slice(before), [[900, 1]], 'the first reminder brings the summary');
      await t.at(34 * 60);
      assert.equal(t.sent.length, before + 1, 'reminders due meanwhile wait for the next one');
      assert.ok((await t.receipts('b', 'ann')).includes('email: gathered'));
      await t.at(35 * 60 + 30);
      assert.equal(t.sent.length, before + 2);
      assert.deepEqual(t.ago(t.sent.at(-1)?.at ?? null), 35 * 60);
      const words = (await t.history('a', { quiet: true })).flatMap(({ change }) =>
        change.kind === 'receipt' && change.outcome === 'delivered' ? [change.why] : [],
      );
      assert.ok(
        words.some((why) => /in a summary of 5 alerts/.test(why)),
        words.join('\n'),
      );
    }));

  it('are single ones again when few are left, and news never waits for a summary', () =>
    timeline({ policy: byMail(settings), gathers: true }, async (t) => {
      await raise(t, ...many);
      await t.at(16 * 60);
      const before = t.sent.length;
      await raise(t, 'new');
      await t.at(16 * 60 + 31);
      assert.deepEqual(sent(t).slice(before), [[960, 1]], 'news goes');
      for (const id of ['a', 'b', 'c', 'new']) await t.act(id, { kind: 'acknowledge', for: null, note: '' });
      const then = t.sent.length;
      await t.at(46 * 60);
      assert.ok(
        t.sent.slice(then).some(({ title, says }) => /still raised/i.test(title) && says <= 2),
        'd and e are reminded of as ever',
      );
    }));
});
