/** A message counts when a person has it: receipts that come late, channels that fail, and who is told when nothing arrives. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { type Timeline, timeline } from '../kit/station.ts';

const minute = 60;
const policy = `version: 1
people:
  ann:
    name: Ann
    email: ann@example.net
    sms: "+447700900123"
    xmpp: ann@example.net
    limits: none
    channels: {normal: {first_of: [sms, xmpp, email], wait: 60s}}
  bob: {email: bob@example.net, limits: none}
  eve: {email: eve@example.net, limits: none}
groups:
  - name: phones
    match: {source: test}
    level: normal
    notify: [{to: ann, every: 2h}, {to: bob}]
  - name: rest
    level: normal
    notify: [{to: ann}]
settings: {initial_sleep: 0s}
`;

const ok: SendResult = { kind: 'delivered', why: 'ok' };
const down: SendResult = { kind: 'retry', why: 'connection refused', notBefore: null };
const gone: SendResult = { kind: 'failed', why: 'no such number' };
const accepted = (reference: string): SendResult => ({ kind: 'accepted', why: 'queued', reference });

/** By whom and when a person of this address was sent something. */
const by = (t: Timeline, to: string): readonly (readonly [string, number | null])[] =>
  t.sent.filter((one) => one.to === to).map(({ channel, at }) => [channel, t.ago(at)]);
const annsMail = 'ann@example.net';
const annsPhone = '+447700900123';
const unreachable = 'mauve/unreachable/ann';

describe('a message that the provider took', () => {
  it('has arrived when the provider says so, and the history has each step', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      await t.update();
      await t.report('sms', { reference: 'SM1', state: 'sent', why: 'sent to the network' });
      await t.at(20);
      await t.report('sms', { reference: 'SM1', state: 'delivered', why: 'delivered to the handset' });
      await t.at(10 * minute);
      assert.deepEqual(await t.receipts('test', 'ann'), ['sms: accepted', 'sms: sent', 'sms: delivered']);
      assert.deepEqual(by(t, annsMail), [], 'no other channel was needed');
    }));

  it('moves on at once when it could not be delivered', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      await t.update();
      await t.at(9);
      await t.report('sms', { reference: 'SM1', state: 'undelivered', why: '30005: unknown number' });
      assert.deepEqual(by(t, annsMail), [['xmpp', 9]]);
      assert.deepEqual(await t.receipts('test', 'ann'), [
        'sms: accepted',
        'sms: moved-on',
        'xmpp: delivered',
      ]);
    }));

  it('moves on after its wait when the provider says nothing, or only that it was passed on', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      t.ask = (reference) => ({ reference, state: 'sent', why: 'sent to the network' });
      await t.update();
      await t.at(59);
      assert.deepEqual(by(t, annsMail), []);
      await t.at(61);
      assert.deepEqual(by(t, annsMail), [['xmpp', 60]]);
      await t.report('sms', { reference: 'SM1', state: 'delivered', why: 'at last' });
      assert.equal(
        (await t.receipts('test', 'ann')).at(-1),
        'sms: delivered',
        'what comes late is on record',
      );
    }));

  it('need not move on where the provider, asked, says that it arrived', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      t.ask = (reference) => ({ reference, state: 'delivered', why: 'delivered' });
      await t.update();
      await t.at(10 * minute);
      assert.deepEqual(by(t, annsMail), []);
      assert.deepEqual(await t.receipts('test', 'ann'), ['sms: accepted', 'sms: delivered']);
    }));

  it('may be reported before its receipt is on record', () =>
    timeline({ policy }, async (t) => {
      t.answer = async (_, to) => {
        if (to !== annsPhone) return ok;
        await t.deliver.report('sms', { reference: 'SM1', state: 'delivered', why: 'delivered' });
        return accepted('SM1');
      };
      await t.update();
      await t.at(1);
      assert.deepEqual(await t.receipts('test', 'ann'), ['sms: accepted', 'sms: delivered']);
    }));

  it('whose station ended while it was under way is sent again, and its history says why it may come twice', () =>
    timeline({ policy }, async (t) => {
      let asked = 0;
      t.answer = (_, to) => {
        asked += to === annsPhone ? 1 : 0;
        return to === annsPhone && asked === 1 ? new Promise(() => undefined) : ok;
      };
      await t.update();
      await t.restart();
      await t.at(1);
      assert.equal(asked, 2);
      assert.deepEqual(await t.receipts('test', 'ann'), ['sms: will-retry', 'sms: delivered']);
      const [why] = (await t.history('test', { quiet: true })).flatMap(({ change }) =>
        change.kind === 'receipt' && change.outcome === 'will-retry' ? [change.why] : [],
      );
      assert.match(why ?? '', /ended while it was under way: it is sent again, and may arrive twice/);
    }));

  it('is asked about after a restart in which its report was lost', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      await t.update();
      await t.restart();
      t.ask = (reference) => ({ reference, state: 'undelivered', why: '30003: unreachable' });
      await t.at(3 * minute);
      assert.deepEqual(by(t, annsMail).at(0)?.[0], 'xmpp');
    }));

  it('as a part of a digest is reported for all of them', () =>
    timeline({ policy, gathers: true }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
      await t.update([{ id: 'a' }, { id: 'b' }]);
      await t.report('sms', { reference: 'SM1', state: 'failed', why: '30008: unknown error' });
      await t.at(1);
      assert.equal((await t.receipts('a', 'ann')).includes('sms: moved-on'), true);
      assert.equal((await t.receipts('b', 'ann')).includes('sms: moved-on'), true);
      assert.deepEqual(
        t.sent.filter(({ channel }) => channel === 'xmpp').map(({ says }) => says),
        [2],
      );
    }));

  it('of a provider that cannot be asked and never reports is given up after a day, with others told long before', () =>
    timeline(
      { policy: policy.replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]') },
      async (t) => {
        t.answer = (_, to) => (to === annsPhone ? accepted('SM1') : ok);
        await t.update();
        await t.at(6 * minute);
        assert.equal((await t.alert(unreachable)).phase.kind, 'raised');
        await t.at(26 * 60 * minute);
        assert.ok((await t.receipts('test', 'ann')).includes('sms: failed'));
      },
    ));
});

describe('a person whom no channel reaches', () => {
  it('is told of to everybody else who was told, by an alert of the station itself, and that one ends', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone || to === annsMail ? gone : ok);
      await t.update([{ subject: 'db1' }]);
      await t.at(1);
      const alert = await t.alert(unreachable);
      assert.equal(alert.phase.kind, 'raised');
      assert.equal(alert.subject, 'ann');
      assert.match(alert.summary, /^Ann cannot be reached: sms: no such number; xmpp: .*; email: /);
      const told = t.sent.filter(({ title }) => title.includes('cannot be reached'));
      assert.deepEqual(
        [...new Set(told.map(({ to }) => to))],
        ['bob@example.net'],
        'bob was told of it, too; eve was not',
      );
      t.answer = () => ok;
      await t.at(121 * minute);
      assert.equal((await t.alert(unreachable)).phase.kind, 'cleared', 'the next reminder arrives');
      assert.ok(
        t.sent.some(({ to, title }) => to === 'bob@example.net' && /cleared.*cannot be reached/i.test(title)),
      );
    }));

  it('is told of to all others where nobody else was to hear', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone || to === annsMail ? gone : ok);
      await t.update([{}], { source: 'elsewhere' });
      await t.at(1);
      const told = t.sent.filter(({ title }) => title.includes('cannot be reached')).map(({ to }) => to);
      assert.deepEqual(told.sort(), ['bob@example.net', 'eve@example.net']);
    }));

  it('is told of after five minutes in which a provider is down, and tried on', () =>
    timeline(
      { policy: policy.replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]') },
      async (t) => {
        t.answer = (_, to) => (to === annsPhone ? down : ok);
        await t.update();
        await t.at(5 * minute - 1);
        assert.equal(await t.find(unreachable), null);
        await t.at(5 * minute + 1);
        const alert = await t.alert(unreachable);
        assert.equal(alert.phase.kind, 'raised');
        assert.match(alert.summary, /sms: .*connection refused/);
        t.answer = () => ok;
        await t.at(20 * minute);
        assert.equal(by(t, annsPhone).length, 1, 'it goes out when the provider is back');
        assert.equal((await t.alert(unreachable)).phase.kind, 'cleared');
      },
    ));

  it('is not told of where another of several channels arrived', () =>
    timeline(
      { policy: policy.replace('{first_of: [sms, xmpp, email], wait: 60s}', '[sms, email]') },
      async (t) => {
        t.answer = (_, to) => (to === annsPhone ? gone : ok);
        await t.update();
        await t.at(30 * minute);
        assert.equal(await t.find(unreachable), null);
      },
    ));

  it('is not told of for what was acknowledged meanwhile', () =>
    timeline(
      { policy: policy.replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]') },
      async (t) => {
        t.answer = (_, to) => (to === annsPhone ? down : ok);
        await t.update();
        await t.at(2 * minute);
        await t.act('test', { kind: 'acknowledge', for: null, note: '' }, 'bob');
        await t.at(4 * minute);
        assert.equal(await t.find(unreachable), null);
      },
    ));

  it('is told of to whoever is left, and where nobody is, it ends with one alert each', () =>
    timeline({ policy }, async (t) => {
      t.answer = () => gone;
      await t.update();
      await t.at(30 * minute);
      for (const person of ['ann', 'bob', 'eve'])
        assert.equal((await t.alert(`mauve/unreachable/${person}`)).episode, 1);
    }));
});

describe('a channel that does not work', () => {
  const many = Array.from({ length: 12 }, (_, n) => ({ id: `x${n}` }));

  it('hands over at once once that is known, and is left alone for a while', () =>
    timeline({ policy }, async (t) => {
      let tries = 0;
      t.answer = (_, to) => {
        if (to !== annsPhone) return ok;
        tries += 1;
        return down;
      };
      await t.update(many);
      await t.at(20);
      assert.equal(t.sent.filter(({ channel }) => channel === 'xmpp').length, 12, 'nobody waits for it');
      assert.ok(tries <= 20, `${tries} tries`);
      const before = tries;
      await t.update([{ id: 'late' }]);
      await t.at(21);
      assert.equal(tries - before <= 1, true);
      assert.match(t.deliver.problems()[0] ?? '', /^sms has not worked since .*connection refused/);
    }));

  it('hands over what waits for its turn there, too', () =>
    timeline({ policy: policy.replace('wait: 60s', 'wait: 10m') }, async (t) => {
      const asked: ((result: SendResult) => void)[] = [];
      t.answer = (_, to) => (to === annsPhone ? new Promise((resolve) => asked.push(resolve)) : ok);
      await t.update(many);
      await t.at(1);
      // Four are under way, four more wait for their places; the first answers say that nothing works.
      for (let n = 0; n < 6; n++) {
        asked.shift()?.(down);
        await t.at(2 + n);
      }
      await t.at(20);
      const texts = t.sent.filter(({ channel }) => channel === 'xmpp').length;
      assert.ok(texts >= 8, `${texts} went on`);
    }));

  it('that hangs holds up nobody on another one, and the urgent go first when it works again', () =>
    timeline(
      {
        policy: policy
          .replace('level: normal', 'level: normal')
          .replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]'),
      },
      async (t) => {
        const hung = new Promise<SendResult>(() => undefined);
        t.answer = (_, to) => (to === annsPhone ? hung : ok);
        await t.update(many);
        await t.at(2);
        assert.equal(t.sent.filter(({ to }) => to === 'bob@example.net').length, 12);
      },
    ));

  it('is why a message waits, and its history says so once', () =>
    timeline(
      { policy: policy.replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]') },
      async (t) => {
        t.answer = (_, to) => (to === annsPhone ? down : ok);
        await t.update(many);
        await t.at(30);
        await t.update([{ id: 'late' }]);
        await t.at(4 * minute);
        const waits = (await t.history('late', { quiet: true })).flatMap(({ change }) =>
          change.kind === 'receipt' && change.outcome === 'waits' ? [change.why] : [],
        );
        assert.equal(waits.length, 1);
        assert.match(waits[0] ?? '', /^sms has not worked since .*, and is left alone for a while$/);
      },
    ));

  it('is found to work again by one message within minutes, and then all go at once', () =>
    timeline(
      { policy: policy.replace('first_of: [sms, xmpp, email], wait: 60s', 'first_of: [sms]') },
      async (t) => {
        let works = false;
        t.answer = (_, to) => (to === annsPhone && !works ? down : ok);
        await t.update(many);
        await t.at(40 * minute);
        works = true;
        await t.at(46 * minute);
        assert.equal(by(t, annsPhone).length, 12);
        assert.deepEqual(t.deliver.problems(), []);
      },
    ));
});

describe('a message', () => {
  it('that cannot be put into words costs itself, not the others, and is tried on', () =>
    timeline({ policy }, async (t) => {
      let broken = true;
      const { render } = t;
      t.render = (say, context) => {
        if (broken && context.person.id === 'ann') throw new Error('planted');
        return render(say, context);
      };
      t.errors = [];
      await t.update();
      await t.at(1);
      assert.deepEqual(by(t, 'bob@example.net').length, 1);
      assert.match(t.errors[0] ?? '', /could not be rendered/);
      broken = false;
      await t.at(30);
      assert.equal(by(t, annsPhone).length, 1);
    }));

  it('is as short as its channel takes it', () =>
    timeline({ policy }, async (t) => {
      t.longest = 90;
      await t.update([{ subject: 'db1.example.net', summary: 'x '.repeat(400) }]);
      await t.at(1);
      const [sms] = t.sent.filter(({ channel }) => channel === 'sms');
      assert.ok((sms?.text.length ?? 1000) <= 90, sms?.text);
      assert.match(sms?.text ?? '', /http:\/\/mauve\.example\.net\/alerts\/1/);
    }));
});

describe('a test message', () => {
  it('goes out whatever limits there are, says nothing of alerts, and has a receipt', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_, to) => (to === annsPhone ? accepted('SM9') : ok);
      const at = t.clock.now();
      const [outcome] = await t.station.handle([
        { kind: 'test-message', at, by: 'bob', person: 'ann' as never, channel: 'sms' },
      ]);
      assert.ok(outcome?.ok === true && outcome.message !== undefined);
      await t.at(1);
      assert.equal(by(t, annsPhone).length, 1);
      await t.report('sms', { reference: 'SM9', state: 'delivered', why: 'delivered' });
      const [message] = await t.reads.inbox({ person: 'ann' as never, limit: 1, before: null });
      assert.deepEqual([message?.id, message?.kind, message?.status], [outcome.message, 'test', 'delivered']);
      assert.equal((await t.alert('mauve/test/ann')).phase.kind, 'cleared');
    }));

  it('to nobody, or by a channel without an address, is refused', () =>
    timeline({ policy }, async (t) => {
      const ask = async (person: string, channel: string) => {
        const [outcome] = await t.station.handle([
          { kind: 'test-message', at: t.clock.now(), by: 'bob', person: person as never, channel },
        ]);
        return outcome?.ok === false ? outcome.why : 'done';
      };
      assert.equal(await ask('nobody', 'sms'), 'no-such-person');
      assert.equal(await ask('bob', 'sms'), 'no-such-channel');
      assert.equal(await ask('bob', 'inbox'), 'done');
    }));
});
