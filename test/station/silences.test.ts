/** Silences, made by people and recurring in the policy: who hears during them, and once they have ended. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silencePatternsMax } from '../../src/station/silences.ts';
import { instant, minutes } from '../../src/time.ts';
import { monday, timeline } from '../kit/station.ts';
import { annHears, endSilence, heard, silence, silenced, story, toldAt } from './mute-kit.ts';

const policy = annHears();
const at = (seconds: number) => instant(monday + seconds * 1000);

describe('a silence made by a person', () => {
  it('keeps a new alert from everybody until it ends, and then they are told, once', () =>
    timeline({ policy }, async (t) => {
      await silenced(t, { source: 'test' }, 3600);
      await t.at(60);
      await t.update([{ raise: 60 }]);
      assert.deepEqual(await toldAt(t, 60, 3599, 3600, 3601), [[], [], ['ann'], []]);
      assert.deepEqual(await story(t), [
        'raised',
        'muted: silenced',
        'unmuted: silenced',
        'told ann: raised',
      ]);
      assert.deepEqual(await toldAt(t, 3600 + 899, 3600 + 900), [[], ['ann']], 'reminders count from there');
    }));

  it('says in the history why, and until when', () =>
    timeline({ policy }, async (t) => {
      await silence(t, { source: 'test' }, 3600, 'the disk is being changed');
      await t.update([{ raise: 0 }]);
      const entries = await t.history('test', { quiet: true });
      const muted = entries.find(({ change }) => change.kind === 'muted')?.change;
      assert.deepEqual(muted, {
        kind: 'muted',
        by: 'silenced',
        why: 'the disk is being changed',
        until: at(3600),
      });
      assert.equal((await t.alert()).muted?.why, 'the disk is being changed');
    }));

  it('ended early tells at that moment what there is to tell', () =>
    timeline({ policy }, async (t) => {
      const id = await silenced(t, { source: 'test' }, 3600);
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 600), [[]]);
      assert.equal((await endSilence(t, id)).ok, true);
      assert.deepEqual(await toldAt(t, 600, 1499, 1500, 3600 + 1), [['ann'], [], ['ann'], ['ann', 'ann']]);
    }));

  it('over an alert that people know of keeps back its reminders: one is owed when it ends', () =>
    timeline({ policy }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 600), [['ann']]);
      await silenced(t, { id: 'test' }, 2400);
      assert.deepEqual(await toldAt(t, 2999, 3000, 3599, 3600), [[], ['ann'], [], ['ann']]);
    }));

  it('of which nobody was told, cleared within it, is never told of', () =>
    timeline({ policy }, async (t) => {
      await silenced(t, { id: 'test' }, 600);
      await t.update([{ raise: 0 }]);
      await t.at(300);
      await t.update([{ clear: 300 }]);
      assert.deepEqual(await toldAt(t, 5000), [[]]);
    }));

  it('hides a clear, too: those who know of the alert hear of it when the silence ends', () =>
    timeline({ policy }, async (t) => {
      await t.update([{ raise: 0 }]);
      await silenced(t, { id: 'test' }, 600);
      await t.at(300);
      await t.update([{ clear: 300 }]);
      assert.deepEqual(await toldAt(t, 300, 599, 600), [['ann'], [], ['ann']]);
      assert.match(t.sent.at(-1)?.title ?? '', /^Cleared/);
    }));

  it('does not concern alerts that do not match', () =>
    timeline({ policy }, async (t) => {
      await silenced(t, { id: 'disk-*', importance: { below: 60 } }, 600);
      await t.update([{ id: 'load' }, { id: 'disk-1' }, { id: 'disk-2', importance: 90 }]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      assert.equal((await t.alert('disk-1')).muted?.kind, 'silenced');
    }));

  it('takes over from another that ends before it', () =>
    timeline({ policy }, async (t) => {
      const first = await silenced(t, { id: 'test' }, 600);
      await silenced(t, { source: 'test' }, 1200);
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 300), [[]]);
      await endSilence(t, first);
      assert.deepEqual(await toldAt(t, 300, 600, 1199, 1200), [[], [], [], ['ann']]);
    }));

  it('lasts over a restart, and one that ends in the initial sleep ends with that', async () => {
    const sleepy = annHears('', '', 'settings: {initial_sleep: 5m}');
    await timeline({ policy: sleepy }, async (t) => {
      await silenced(t, { id: 'test' }, 3600);
      await silenced(t, { id: 'other' }, 1000);
      await t.update([{ raise: 0 }, { id: 'other', raise: 0 }]);
      await t.at(600);
      await t.restart({ downUntil: at(900) });
      assert.deepEqual(await toldAt(t, 1199, 1200), [[], ['ann']]);
      assert.deepEqual(await story(t), ['raised', 'muted: silenced']);
      assert.deepEqual(await toldAt(t, 3599, 3600), [['ann', 'ann'], ['ann']]);
    });
  });

  it('is no longer than the longest acknowledgement', () =>
    timeline({ policy: annHears('', '', 'settings: {acknowledge_at_most: 1h}') }, async (t) => {
      await silenced(t, { id: 'test' }, 999_999);
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 3599, 3600), [[], ['ann']]);
    }));

  it('that matches nothing, or that there is not, is refused in words', () =>
    timeline({ policy }, async (t) => {
      for (const match of [{}, { sorce: 'test' }, { id: '/(a+)+$/' }, 'test', null]) {
        const outcome = await silence(t, match, 600);
        assert.equal(outcome.ok ? '' : outcome.why, 'bad-match', JSON.stringify(match));
      }
      let deep: unknown = { id: 'x' };
      for (let level = 0; level < 20_000; level++) deep = { not: deep };
      const nested = await silence(t, deep, 600);
      assert.equal(nested.ok ? '' : nested.why, 'bad-match');
      const id = await silenced(t, { id: 'test' }, 600);
      const unknown = await endSilence(t, (id + 1) as typeof id);
      assert.equal(unknown.ok ? '' : unknown.why, 'no-such-silence');
      await endSilence(t, id);
      const again = await endSilence(t, id);
      assert.equal(again.ok ? '' : again.why, 'silence-ended');
    }));

  it('is refused where all of them together would have so many patterns that each decision takes long', () =>
    timeline({ policy }, async (t) => {
      const patterns = (count: number) => ({ id: Array.from({ length: count }, (_, n) => `/^a${n}/`) });
      await silenced(t, patterns(silencePatternsMax - 1), 600);
      const outcome = await silence(t, patterns(2), 600);
      assert.match(outcome.ok ? '' : outcome.message, /may have 100 patterns/);
      await silenced(t, patterns(1), 600);
    }));

  it('does not keep an acknowledgement from lapsing: the new episode is told of when it ends', () =>
    timeline({ policy }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.act('test', { kind: 'acknowledge', for: minutes(10), note: '' });
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      await silenced(t, { id: 'test' }, 1200);
      assert.deepEqual(await toldAt(t, 600, 1199, 1200), [[], [], ['ann']]);
      assert.match(t.sent.at(-1)?.title ?? '', /^Raised again/);
    }));
});

describe('a silence in the policy', () => {
  const weekly = annHears(`silences:
  - name: maintenance
    match: {source: test}
    weekly: {days: mon, from: "00:30", to: "01:00"}
    reason: every week
`);

  it('comes every week, and those who are to hear do when it is over', () =>
    timeline({ policy: weekly }, async (t) => {
      await t.at(1799);
      await t.update([{ raise: 1799 }]);
      assert.deepEqual(await heard(t), ['ann'], 'before it');
      await t.at(2400);
      await t.update([{ id: 'other', raise: 2400 }]);
      // The first one's reminder is due at 2699, within it.
      assert.deepEqual(await toldAt(t, 3599, 3600), [[], ['ann', 'ann']]);
      await t.update([{ clear: 3600 }, { id: 'other', clear: 3600 }]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      const week = 7 * 86_400;
      await t.at(week + 1800);
      await t.update([{ raise: week + 1800 }]);
      assert.deepEqual(await toldAt(t, week + 3599, week + 3600), [[], ['ann']]);
    }));

  it('that a reload takes away tells at once what there is to tell', () =>
    timeline({ policy: weekly }, async (t) => {
      await t.at(2000);
      await t.update([{ raise: 2000 }]);
      assert.deepEqual(await heard(t), []);
      await t.reload(policy);
      assert.deepEqual(await heard(t), ['ann']);
    }));

  it('of one time ends at its time', () =>
    timeline(
      {
        policy: annHears(
          'silences: [{name: move, match: {id: test}, from: "2011-08-01 00:10", until: "2011-08-01 00:20"}]',
        ),
      },
      async (t) => {
        await t.at(600);
        await t.update([{ raise: 600 }, { id: 'other', raise: 600 }]);
        assert.deepEqual(await toldAt(t, 600, 1199, 1200), [['ann'], [], ['ann']]);
      },
    ));
});
