/** What was found by trying to break the policy's core: each name says what somebody would have noticed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wakenAtOnce } from '../../src/station/batch-waking.ts';
import { instant } from '../../src/time.ts';
import { monday, type Said, timeline } from '../kit/station.ts';
import { annHears, endSilence, heard, silenced, story, toldAt } from './mute-kit.ts';

const about = (id: string, more: Said = {}): Said => ({ id, subject: 'db1', summary: id, ...more });

describe('an inhibition that is written otherwise', () => {
  const inhibit = 'inhibit: [{while: {id: host-down}, mutes: {id: ping}, same: subject}]';
  const edits = [
    ['mutes more', inhibit.replace('ping', '[ping, ssh]')],
    ['has a name now', inhibit.replace('{while', '{name: hosts, while')],
    ['compares more', inhibit.replace('same: subject', 'same: [subject, source]')],
  ] as const;
  for (const [how, edited] of edits) {
    it(`and ${how} pages nobody of what it goes on muting`, () =>
      timeline({ policy: annHears(inhibit) }, async (t) => {
        // So ping is the older of the two, and is looked at first when the policy changes.
        await t.update([about('ping', { clear: 0 })]);
        await t.update([about('host-down')]);
        await t.update([about('ping')]);
        assert.deepEqual(await heard(t), ['ann']);
        await t.reload(annHears(edited));
        await t.restart({ policy: annHears(inhibit), downUntil: instant(monday + 60_000) });
        assert.deepEqual(await toldAt(t, 60), [[]]);
        await t.update([about('host-down', { clear: 60 })]);
        assert.deepEqual(await heard(t), ['ann', 'ann'], 'the host is back, ping is not');
      }));
  }
});

describe('two rules that mute each other’s alerts', () => {
  it('leave one of them to be told, also where both rose while they were silenced', () => {
    const inhibit = `inhibit:
  - {name: a, while: {id: a}, mutes: {id: b}}
  - {name: b, while: {id: b}, mutes: {id: a}}`;
    return timeline({ policy: annHears(inhibit) }, async (t) => {
      await silenced(t, { subject: 'db1' }, 60);
      await t.update([about('a')]);
      await t.update([about('b')]);
      assert.deepEqual(await heard(t), []);
      assert.deepEqual(await toldAt(t, 60), [['ann']]);
      assert.equal((await t.alert('a')).muted?.kind, 'inhibited');
      assert.equal((await t.alert('b')).muted, null);
    });
  });
});

describe('a rule that waits for an opening', () => {
  const whenBobIsAway = (away: string): string =>
    annHears('lists: {bobs: {members: [bob]}}')
      .replace('limits: none}\n\n', 'limits: none}\n')
      .replace('bob@example.net,', `bob@example.net, away: [${away}],`)
      .replace('every: 15m', 'every: 15m, during: {no_one_in: bobs}');

  it('speaks as soon as a calendar says that nobody is there, not when the old one said so', () =>
    timeline({ policy: whenBobIsAway('{from: 2011-08-05, to: 2011-08-06}') }, async (t) => {
      await t.update();
      await t.at(60);
      await t.reload(whenBobIsAway('{from: 2011-08-01, to: 2011-08-06}'));
      assert.deepEqual(await toldAt(t, 60, 959, 960), [['ann'], [], ['ann']]);
    }));

  it('speaks as soon as a day is no longer a holiday', () => {
    const policy = (holidays: string): string =>
      annHears(
        `holidays: [${holidays}]\nhours: {open: {days: mon-sun, from: "00:00", to: "24:00", except: holidays}}`,
      ).replace('every: 15m', 'every: 15m, during: {hours: open}');
    return timeline({ policy: policy('2011-08-01, 2011-08-02') }, async (t) => {
      await t.update();
      await t.at(60);
      await t.reload(policy('2011-08-02'));
      assert.deepEqual(await toldAt(t, 60, 959, 960), [['ann'], [], ['ann']]);
    });
  });
});

describe('a clock that is set back', () => {
  const back = 3600;
  const setBack = async (t: Parameters<Parameters<typeof timeline>[1]>[0]): Promise<void> => {
    t.clock.jumpTo(instant(monday + back * 1000));
    await t.update([about('other')]);
  };

  it('does not end a silence that was made a moment ago', () =>
    timeline({ policy: annHears() }, async (t) => {
      await t.at(2 * back);
      await silenced(t, { id: 'test' }, back);
      await t.update();
      await setBack(t);
      assert.deepEqual(await toldAt(t, back + 60), [['ann']], 'of the other alone');
    }));

  it('does not hold an alert back for as long as that', () =>
    timeline({ policy: annHears('', 'hold: 30s,') }, async (t) => {
      await t.at(2 * back);
      await t.update();
      await setBack(t);
      assert.deepEqual(await toldAt(t, back + 60), [['ann', 'ann']]);
    }));

  it('does not keep a person who was sent much before from hearing for as long as that', () => {
    const policy = annHears().replace('limits: none', 'limits: {2: 10m}').replace(', every: 15m', '');
    return timeline({ policy }, async (t) => {
      await t.at(24 * back);
      await t.update([about('one'), about('two')]);
      await setBack(t);
      assert.deepEqual(await toldAt(t, back + 60), [['ann', 'ann', 'ann']]);
      await t.update([about('four'), about('five')]);
      assert.deepEqual(await heard(t), ['ann'], 'what is sent now counts as ever');
    });
  });
});

describe('first_of', () => {
  const policy = `version: 1
people:
  ann:
    {email: ann@example.net, sms: "+447700900123", limits: none,
     channels: {normal: {first_of: [sms, email], wait: 60s}}}
groups: [{name: default, notify: [{to: ann}]}]
settings: {initial_sleep: 0s}
`;

  it('hears by mail a minute later of all of fifty alerts, where the telephone company hangs', () =>
    timeline({ policy }, async (t) => {
      t.answer = (_message, _to, channel) =>
        channel === 'sms' ? new Promise(() => undefined) : { kind: 'delivered', why: '250 ok' };
      const ids = Array.from({ length: 50 }, (_, i) => `alert${i}`);
      await t.update(ids.map((id) => about(id)));
      assert.deepEqual(await toldAt(t, 30), [[]]);
      // Those that were being sent by then are waited for.
      await t.at(91);
      assert.equal(t.sent.length, ids.length);
      assert.ok(t.sent.every(({ channel }) => channel === 'email'));
      assert.ok((await story(t, 'alert49')).includes('ann sms: moved-on'));
    }));
});

describe('a person whose limit holds a thousand messages back', () => {
  it('keeps nobody else waiting while they are judged again', () => {
    const policy = annHears().replace('limits: none', 'limits: {1: 10m}').replace(', every: 15m', '');
    return timeline({ policy }, async (t) => {
      await t.update(Array.from({ length: 1000 }, (_, i) => about(`alert${i}`)));
      await heard(t);
      const begin = t.store.transaction.bind(t.store);
      let inOneTurn = 0;
      let most = 0;
      let ended = false;
      const turn = (): void => {
        inOneTurn = 0;
        if (!ended) setImmediate(turn);
      };
      turn();
      t.store.transaction = (work) => {
        inOneTurn += 1;
        most = Math.max(most, inOneTurn);
        return begin(work);
      };
      assert.deepEqual(await toldAt(t, 599, 600), [[], ['ann']]);
      ended = true;
      assert.ok(most <= 4, `${most} transactions without a look at what else there is to do`);
    });
  });
});

describe('more alerts than can be looked at in one step', () => {
  const count = wakenAtOnce + 50;
  const many = (): Said[] =>
    Array.from({ length: count }, (_, n) => ({ id: `ping${n}`, subject: 'db1', summary: 'no answer' }));

  it('are all told when the silence over them ends', () =>
    timeline({ policy: annHears() }, async (t) => {
      const id = await silenced(t, { subject: 'db1' }, 3600);
      await t.update(many());
      assert.deepEqual(await heard(t), []);
      await endSilence(t, id);
      await t.at(60);
      assert.equal((await heard(t)).length, count);
    }));

  it('are all told when what inhibits them clears, also over a restart in between', () => {
    const policy = annHears('inhibit: [{while: {id: host-down}, mutes: {id: "ping*"}}]');
    return timeline({ policy }, async (t) => {
      await t.update([about('host-down')]);
      await t.update(many());
      assert.deepEqual(await heard(t), ['ann']);
      await t.reload(`${policy}# edited\n`);
      await t.update([about('host-down', { clear: 1 })]);
      await t.restart({ policy });
      await t.at(600);
      assert.equal((await heard(t)).filter((name) => name === 'ann').length, count + 1);
    });
  });
});
