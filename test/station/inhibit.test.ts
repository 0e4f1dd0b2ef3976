/** While one alert is raised, others that only follow from it are not told of; once it clears, those that stand are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instant, minutes } from '../../src/time.ts';
import { monday, type Said, type Timeline, timeline } from '../kit/station.ts';
import { annHears, awake, heard, silenced, story, toldAt } from './mute-kit.ts';

const inhibit = `inhibit:
  - {while: {id: [host-down, power-off]}, mutes: {id: [ping, http, power-off]}, same: subject}
`;
const policy = annHears(inhibit);

const host = (id: string, more: Partial<Said> = {}): Said => ({ id, subject: 'db1', ...more });
const titles = (t: Timeline): readonly string[] => t.sent.map(({ title }) => title);

describe('an alert that follows from another', () => {
  it('is not told of while that is raised, and is when that clears and it stands', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down')]);
      await t.update([host('ping')]);
      assert.deepEqual(await heard(t), ['ann'], 'of the host');
      await t.at(600);
      await t.update([host('host-down', { clear: 600 })]);
      assert.deepEqual(await heard(t), ['ann', 'ann'], 'that the host is back, and that ping is not');
      assert.deepEqual(await story(t, 'ping'), [
        'raised',
        'muted: inhibited',
        'unmuted: inhibited',
        'told ann: raised',
      ]);
      assert.deepEqual(await toldAt(t, 1499, 1500), [[], ['ann']], 'reminders count from then');
    }));

  it('says by what it is kept back', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      const { muted } = await t.alert('ping');
      assert.equal(muted?.kind, 'inhibited');
      assert.equal(muted?.why, 'host-down of db1 is raised');
      assert.equal(muted?.until, null);
    }));

  it('of which people know already keeps back its reminders, and owes one when the other clears', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('ping')]);
      await t.at(300);
      await t.update([host('host-down', { raise: 300 })]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      // At 900 ping's reminder is due: only the host's, at 1200, is told.
      assert.deepEqual(await toldAt(t, 1199, 1200, 1300), [[], ['ann'], []]);
      await t.update([host('host-down', { clear: 1300 })]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      assert.deepEqual(await toldAt(t, 1799, 1800), [[], ['ann']]);
    }));

  it('is never told of if it clears first', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      await t.at(60);
      await t.update([host('ping', { clear: 60 })]);
      await t.at(120);
      await t.update([host('host-down', { clear: 120 })]);
      assert.deepEqual(await toldAt(t, 4000), [['ann', 'ann']]);
      assert.ok(titles(t).every((title) => !title.includes('ping')));
    }));

  it('is known in one update, whichever is listed first', async () => {
    for (const alerts of [
      [host('host-down'), host('ping'), host('http')],
      [host('http'), host('ping'), host('host-down')],
    ]) {
      await timeline({ policy }, async (t) => {
        await t.update(alerts);
        assert.deepEqual(await heard(t), ['ann']);
        await t.at(60);
        await t.update([host('host-down', { clear: 60 }), host('http', { clear: 60 })]);
        assert.deepEqual(
          await heard(t),
          ['ann', 'ann'],
          'the host is back, ping is not; of http nobody knows',
        );
      });
    }
  });

  it('of another subject is told of', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping', { subject: 'db2' }), host('load')]);
      assert.deepEqual(await heard(t), ['ann', 'ann', 'ann']);
    }));

  it('and whose subject is written otherwise, but is the same host, is kept back', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down')]);
      await t.update([host('ping', { subject: 'DB1.' })], { source: 'elsewhere' });
      assert.deepEqual(await heard(t), ['ann']);
    }));

  it('waits until all of those have cleared from which it follows', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down')], { source: 'one' });
      await t.update([host('host-down')], { source: 'two' });
      await t.update([host('ping')]);
      assert.deepEqual(await heard(t), ['ann', 'ann'], 'two of a kind do not silence each other');
      await t.at(60);
      await t.update([host('host-down', { clear: 60 })], { source: 'one' });
      assert.deepEqual(await heard(t), ['ann']);
      await t.at(120);
      await t.update([host('host-down', { clear: 120 })], { source: 'two' });
      assert.deepEqual(await heard(t), ['ann', 'ann']);
    }));

  it('does not follow from itself, nor from another of the kind that mutes', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('power-off')]);
      await t.update([host('host-down')]);
      await t.update([host('power-off')], { source: 'two' });
      assert.deepEqual(await heard(t), ['ann', 'ann', 'ann']);
    }));

  it('is kept back by one that is acknowledged, or silenced itself: it is still raised', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down')]);
      await t.act('host-down', { kind: 'acknowledge', for: minutes(10), note: '' });
      await silenced(t, { subject: 'db2' }, 3600);
      await t.update([host('host-down', { subject: 'db2' })], { source: 'two' });
      assert.deepEqual(await heard(t), ['ann', 'ann'], 'raised and acknowledged');
      await t.update([host('ping'), host('http', { subject: 'db2' })]);
      assert.deepEqual(await toldAt(t, 599), [[]]);
    }));

  it('is told of at the restart neither sooner nor twice', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      t.told();
      await t.restart({ downUntil: instant(monday + 300_000) });
      assert.deepEqual(await toldAt(t, 400), [[]]);
      await t.update([host('host-down', { clear: 400 })]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      await t.restart({ downUntil: instant(monday + 500_000) });
      assert.deepEqual(await toldAt(t, 1299, 1300), [[], ['ann']]);
    }));

  it('is told of once the policy says no longer that it follows', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      assert.deepEqual(await heard(t), ['ann']);
      await t.reload(annHears());
      assert.deepEqual(await heard(t), ['ann']);
      assert.deepEqual(await story(t, 'ping'), [
        'raised',
        'muted: inhibited',
        'unmuted: inhibited',
        'told ann: raised',
      ]);
    }));

  it('is kept back as soon as a reload says that it follows', () =>
    timeline({ policy: annHears() }, async (t) => {
      await t.update([host('ping')]);
      await t.update([host('host-down')]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
      await t.reload(policy);
      assert.deepEqual(await toldAt(t, 900), [['ann']], 'the host alone');
    }));

  it('is told of when the other turns out to be about something else', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      assert.deepEqual(await heard(t), ['ann']);
      await t.update([host('host-down', { subject: 'db9' })]);
      assert.deepEqual(await toldAt(t, 1), [['ann']]);
    }));

  it('is told of when a full update leaves the other out', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      assert.deepEqual(await heard(t), ['ann']);
      await t.update([host('ping')], { replace: true });
      assert.deepEqual(await heard(t), ['ann', 'ann']);
    }));

  it('is told of when a person clears the other by hand', () =>
    timeline({ policy }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      assert.deepEqual(await heard(t), ['ann']);
      await t.act('host-down', { kind: 'clear' });
      assert.deepEqual(await toldAt(t, 1), [['ann', 'ann']]);
    }));

  it('but was the cause itself a moment ago is not kept back by what it was', () => {
    const rule = 'inhibit: [{while: {summary: "*down*"}, mutes: {summary: "*slow*"}}]';
    return timeline({ policy: annHears(rule) }, async (t) => {
      await t.update([host('web', { summary: 'web is down' })]);
      await t.update([host('web', { summary: 'web is slow' })]);
      assert.deepEqual(await toldAt(t, 899, 900), [['ann'], ['ann']]);
      assert.deepEqual(await story(t, 'web'), ['raised', 'told ann: raised', 'told ann: reminder']);
    });
  });

  it('may have to share more than the subject', () =>
    timeline({ policy: annHears(inhibit.replace('same: subject', 'same: [subject, source]')) }, async (t) => {
      await t.update([host('host-down')]);
      await t.update([host('ping')], { source: 'elsewhere' });
      await t.update([host('http')]);
      assert.deepEqual(await heard(t), ['ann', 'ann']);
    }));

  it('needs no group that tells anybody of the other', () => {
    const groups = `groups:
  - {name: hosts, match: {id: host-down}, notify: []}
  - {name: default, notify: [{to: ann}]}
`;
    const quiet = `version: 1\npeople: {ann: {email: ann@example.net}}\n${inhibit}${groups}${awake}\n`;
    return timeline({ policy: quiet }, async (t) => {
      await t.update([host('host-down'), host('ping')]);
      assert.deepEqual(await heard(t), []);
      await t.at(60);
      await t.update([host('host-down', { clear: 60 })]);
      assert.deepEqual(await heard(t), ['ann']);
    });
  });
});
