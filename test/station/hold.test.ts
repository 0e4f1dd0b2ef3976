/** A group's hold: a flapping alert settles before anybody is told, and none is held back for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instant, minutes } from '../../src/time.ts';
import { monday, type Timeline, timeline } from '../kit/station.ts';
import { annHears, heard, story, toldAt } from './mute-kit.ts';

const held = annHears('', 'hold: 2m,');
const urgent = annHears('', 'hold: 2m, level: urgent,');

/** Up at each of these seconds, and down again so many seconds later; told meanwhile. */
async function flap(t: Timeline, ups: readonly number[], lasts: number): Promise<void> {
  for (const up of ups) {
    await t.at(up);
    await t.update([{ raise: up }]);
    await t.at(up + lasts);
    await t.update([{ clear: up + lasts }]);
  }
}

describe('a group that holds new alerts for two minutes', () => {
  it('tells of one that stands so long, then', () =>
    timeline({ policy: held }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 119, 120), [[], ['ann']]);
      assert.deepEqual(await story(t), [
        'raised',
        'muted: settling',
        'unmuted: settling',
        'told ann: raised',
      ]);
      assert.deepEqual(await toldAt(t, 1019, 1020), [[], ['ann']], 'reminders count from there');
    }));

  it('counts from the raise, not from when the station heard of it', () =>
    timeline({ policy: held }, async (t) => {
      await t.at(90);
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 119, 120), [[], ['ann']]);
    }));

  it('tells nobody of one that clears before, not even that it cleared', () =>
    timeline({ policy: held }, async (t) => {
      await flap(t, [0, 1000], 119);
      assert.deepEqual(await toldAt(t, 5000), [[]]);
    }));

  it('tells nobody of one that flaps faster, until ten minutes have passed', () =>
    timeline({ policy: held }, async (t) => {
      await flap(t, [0, 100, 200, 300, 400, 500], 50);
      await t.at(599);
      await t.update([{ raise: 599 }]);
      assert.deepEqual(await toldAt(t, 599, 600), [[], ['ann']]);
      assert.deepEqual(await toldAt(t, 630), [[]]);
      await t.update([{ clear: 630 }]);
      assert.deepEqual(await heard(t), ['ann'], 'that it cleared: now people know of it');
    }));

  it('begins anew with one that was quiet for as long as it holds', () =>
    timeline({ policy: held }, async (t) => {
      await flap(t, [0, 100, 200, 300, 400], 50);
      await t.at(570);
      await t.update([{ raise: 570 }]);
      assert.deepEqual(await toldAt(t, 689, 690), [[], ['ann']]);
    }));

  it('and begins anew with one that people know of, once it clears', () =>
    timeline({ policy: held }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(700);
      await t.update([{ clear: 700 }]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      await t.at(710);
      await t.update([{ raise: 710 }]);
      assert.deepEqual(await toldAt(t, 829, 830), [[], ['ann']]);
    }));

  it('never holds an urgent one longer than the policy lets it', () =>
    timeline({ policy: urgent }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 29, 30), [[], ['ann']]);
    }));

  it('nor however it flaps', () =>
    timeline(
      { policy: annHears('', 'hold: 1m, level: urgent,', 'settings: {urgent_hold_at_most: 45s}') },
      async (t) => {
        await flap(t, [0, 10, 20, 30], 5);
        await t.at(40);
        await t.update([{ raise: 40 }]);
        assert.deepEqual(await toldAt(t, 44, 45), [[], ['ann']]);
      },
    ));

  it('holds over a restart, for the initial sleep at least', async () => {
    for (const [sleep, down, told] of [
      ['0s', 60, 120],
      ['0s', 500, 500],
      ['5m', 60, 360],
    ] as const) {
      await timeline(
        { policy: annHears('', 'hold: 2m,', `settings: {initial_sleep: ${sleep}}`) },
        async (t) => {
          await t.update([{ raise: 0 }]);
          await t.restart({ downUntil: instant(monday + down * 1000) });
          await t.at(told + 60);
          assert.deepEqual(
            t.sent.map(({ at }) => t.ago(at)),
            [told],
            `down until ${down}, initial sleep ${sleep}`,
          );
        },
      );
    }
  });

  it('flaps over a restart are one', () =>
    timeline({ policy: held }, async (t) => {
      await flap(t, [0, 100, 200], 50);
      await t.restart({ downUntil: instant(monday + 320_000) });
      await flap(t, [330, 430, 530], 50);
      await t.at(590);
      await t.update([{ raise: 590 }]);
      assert.deepEqual(await toldAt(t, 599, 600), [[], ['ann']]);
    }));

  it('tells at once of what somebody acknowledges, for that is news to the others', () =>
    timeline({ policy: held }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.act('test', { kind: 'acknowledge', for: minutes(10), note: '' }, 'bob');
      assert.deepEqual(await heard(t), ['ann', 'bob']);
      assert.deepEqual(await toldAt(t, 599, 600), [[], ['ann']], 'and of its lapse at once');
    }));

  it('tells at once when a reload no longer holds it, and holds what is new when one begins to', () =>
    timeline({ policy: held }, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(30);
      await t.reload(annHears());
      assert.deepEqual(t.told(), ['ann']);
      await t.reload(held);
      assert.deepEqual(t.told(), [], 'what people know is not held back');
      await t.update([{ id: 'other', raise: 30 }]);
      assert.deepEqual(await toldAt(t, 149, 150), [[], ['ann']]);
    }));

  it('does not hold back an alert that moves to it when people know of it already', () => {
    const groups = `groups:
  - {name: flapping, match: {summary: "*flap*"}, hold: 2m, notify: [{to: ann, every: 15m}]}
  - {name: default, notify: [{to: ann, every: 15m}]}
settings: {initial_sleep: 0s}
`;
    const policy = `version: 1\npeople: {ann: {email: ann@example.net}}\n${groups}`;
    return timeline({ policy }, async (t) => {
      await t.update([{ raise: 0, summary: 'link down' }]);
      assert.deepEqual(await heard(t), ['ann']);
      await t.at(10);
      await t.update([{ raise: 0, summary: 'link flaps' }]);
      assert.deepEqual(await toldAt(t, 899, 900), [[], ['ann']]);
    });
  });
});
