/** Who is there to be told: absences, rotas that hand over, and lists in which there is nobody. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { minutes } from '../../src/time.ts';
import { type Timeline, timeline } from '../kit/station.ts';
import { awake, heard, story, toldAt } from './mute-kit.ts';

const policyWith = (ann: string, rule: string, more = ''): string => `version: 1
timezone: UTC
people:
  ann: {email: ann@example.net, limits: none, ${ann}}
  bob: {email: bob@example.net, limits: none}
  cy: {email: cy@example.net, limits: none}
${more}
groups:
  - {name: default, notify: [${rule}]}
${awake}
`;

/** Begin and end as they stand in a calendar: `20110801T000000Z`. */
function calendar(...events: readonly (readonly [from: string, to: string, who: string])[]): string {
  const written = events.flatMap(([from, to, who], index) => [
    'BEGIN:VEVENT',
    `UID:${index}@example.net`,
    'DTSTAMP:20110101T000000Z',
    `DTSTART:${from}`,
    `DTEND:${to}`,
    `SUMMARY:${who}`,
    'END:VEVENT',
  ]);
  return `${['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//x//EN', ...written, 'END:VCALENDAR'].join('\r\n')}\r\n`;
}

/** A timeline whose policy finds that calendar beside it, as rota.ics. */
async function onRota(rota: string, policy: string, act: (t: Timeline) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-test-'));
  writeFileSync(join(folder, 'rota.ics'), rota);
  await timeline({ folder, policy }, act);
}

const absence = (from: string, to: string): string => `away: [{from: "${from}", to: "${to}", kind: holiday}]`;
const quarterly = '{to: [ann, bob], every: 15m}';

describe('a person who is away', () => {
  const away = absence('2011-08-01 00:10', '2011-08-01 00:40');

  it('is not told, and the history says so, and why', () =>
    timeline({ policy: policyWith(absence('2011-07-01', '2011-08-31'), quarterly) }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await heard(t), ['bob']);
      assert.deepEqual(await story(t), ['raised', 'not told ann: away: holiday', 'told bob: raised']);
    }));

  it('is told again with the first reminder after the return', () =>
    timeline({ policy: policyWith(away, quarterly) }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 0, 900, 1800, 2700), [
        ['ann', 'bob'],
        ['bob'],
        ['bob'],
        ['ann', 'bob'],
      ]);
    }));

  it('does not hear of the clear either, though told of the raise', () =>
    timeline({ policy: policyWith(away, quarterly) }, async (t) => {
      await t.update([{ raise: 0 }]);
      await heard(t);
      await t.at(700);
      await t.update([{ clear: 700 }]);
      assert.deepEqual(await heard(t), ['bob']);
      assert.equal((await story(t)).at(-2), 'not told ann: away: holiday');
    }));

  it('and wants to hear all the same, does', () => {
    const told = `${absence('2011-07-01', '2011-08-31')}, told_when_away: [holiday]`;
    return timeline({ policy: policyWith(told, quarterly) }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await heard(t), ['ann', 'bob']);
    });
  });

  it('but only asked to hear in another kind of absence, does not', () => {
    const told = `${absence('2011-07-01', '2011-08-31')}, told_when_away: [sick]`;
    return timeline({ policy: policyWith(told, quarterly) }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await heard(t), ['bob']);
    });
  });

  it('may have somebody to hear instead: at the moment the last one of a list goes', () => {
    const rules = '{to: ann, every: 1h}, {to: bob, every: 1h, during: {no_one_in: ops}}';
    const policy = policyWith(away, rules, 'lists: {ops: {members: [ann]}}');
    return timeline({ policy }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 0, 599, 600, 3600), [['ann'], [], ['bob'], ['ann']]);
    });
  });
});

describe('whoever is on call', () => {
  const shifts = calendar(
    ['20110801T000000Z', '20110801T001000Z', 'ann'],
    ['20110801T001000Z', '20110801T010000Z', 'bob'],
    ['20110801T011000Z', '20110801T020000Z', 'ann'],
  );
  const lists = 'lists: {on-call: {rota: rota.ics}}';
  const policy = policyWith('', '{to: on-call, every: 15m}', lists);

  it('is told, and after the hand-over the next one is', () =>
    onRota(shifts, policy, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 0, 900, 1800, 2700, 3600, 4500), [
        ['ann'],
        ['bob'],
        ['bob'],
        ['bob'],
        [],
        ['ann'],
      ]);
    }));

  it('was told before, and hears of the end though off call now', () =>
    onRota(shifts, policy, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.at(700);
      await t.update([{ clear: 700 }]);
      assert.deepEqual(await heard(t), ['ann', 'bob', 'ann'].sort());
    }));

  it('hears anew of an acknowledgement that the one before made and that lapses in their shift', () =>
    onRota(shifts, policy, async (t) => {
      await t.update([{ raise: 0 }]);
      await t.act('test', { kind: 'acknowledge', for: minutes(20), note: '' }, 'ann');
      assert.deepEqual(await toldAt(t, 1, 1199, 1200), [['ann', 'ann'], [], ['bob']]);
    }));

  it('where nobody is, there is somebody else', () => {
    const rules = '{to: on-call, every: 15m}, {to: cy, during: {no_one_in: on-call}}';
    return onRota(shifts, policyWith('', rules, lists), async (t) => {
      await t.at(3500);
      await t.update([{ raise: 3500 }]);
      assert.deepEqual(await toldAt(t, 3500, 3599, 3600), [['bob'], [], ['cy']]);
    });
  });

  it('in a list of lists is told once, whatever else names them', () => {
    const more = 'lists: {on-call: {rota: rota.ics}, all: {members: [on-call, ann, bob]}}';
    return onRota(shifts, policyWith('', '{to: [all, on-call]}', more), async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await heard(t), ['ann', 'bob']);
    });
  });

  it('of two entries at once is the later one', () => {
    const both = calendar(
      ['20110801T000000Z', '20110801T020000Z', 'ann'],
      ['20110801T001000Z', '20110801T002000Z', 'cy'],
    );
    return onRota(both, policy, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(await toldAt(t, 0, 900, 1800), [['ann'], ['cy'], ['ann']]);
    });
  });
});
