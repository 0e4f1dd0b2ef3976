/** Acknowledging by reply: the real door, core and store; what a person writes, and what they get back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Heard } from '../../src/station/channels/channel.ts';
import { openReplies, questionsPace, type Replies, repliesPace } from '../../src/station/replies.ts';
import { ackAllMax } from '../../src/station/reply-alerts.ts';
import { answerMax } from '../../src/station/reply-answers.ts';
import { StoreError } from '../../src/station/store/errors.ts';
import { instant } from '../../src/time.ts';
import { settled } from '../kit/clock.ts';
import { type Timeline, timeline } from '../kit/station.ts';

/** A Saturday, 02:00 in UTC: 03:00 in Paris, the evening before in New York. */
const start = instant(Date.UTC(2026, 10, 21, 2, 0));

const policy = `version: 1
timezone: UTC
people:
  ann: {name: Ann Archer, sms: "+447700900001", xmpp: Ann@Chat.example.net, timezone: Europe/Paris, limits: none}
  bob: {name: Bob Baker, sms: "+447700900002", timezone: America/New_York, limits: none}
  cat: {sms: "+447700900003", limits: none}
  dan: {sms: "+447700900003", limits: none}
  eve: {email: eve@example.net, xmpp: eve@chat.example.net, limits: none}
groups:
  - name: both
    match: {source: both}
    level: urgent
    acknowledge_for: 2h
    notify:
      - {to: [ann, bob], every: 15m}
  - name: default
    level: normal
    notify:
      - {to: ann, every: 15m}
      - {to: bob, every: 1h, during: {unacknowledged: 30m}}
settings: {initial_sleep: 0s, acknowledge_at_most: 15d}
`;

type Talk = {
  readonly t: Timeline;
  readonly warned: string[];
  /** What ann gets back by text message. */
  ann(text: string): Promise<string | null>;
  heard(heard: Partial<Heard>): Promise<string | null>;
};

async function talk(story: (talk: Talk) => Promise<void>, options: { policy?: string } = {}): Promise<void> {
  await timeline({ policy: options.policy ?? policy, start }, async (t) => {
    const warned: string[] = [];
    const { station, store, clock } = t;
    const log = {
      debug() {},
      info() {},
      warn: (about: object) => warned.push(JSON.stringify(about)),
      error: console.error,
    };
    const replies: Replies = openReplies({ station, store, clock, log });
    const heard = async (part: Partial<Heard>): Promise<string | null> => {
      const answer = await replies.heard({
        channel: 'sms',
        from: '+447700900001',
        room: null,
        text: '',
        ...part,
      });
      await settled();
      return answer;
    };
    await story({ t, warned, heard, ann: (text) => heard({ text }) });
  });
}

const raise = (t: Timeline, id = 'disk', summary = 'disk is 97% full', subject = 'db1', source = 'test') =>
  t.update([{ id, summary, subject }], { source });

async function acknowledgedUntil(t: Timeline, name: string): Promise<number | null> {
  const { phase } = await t.alert(name);
  return phase.kind === 'acknowledged' ? (phase.until - t.start) / 60_000 : null;
}

describe('ack', () => {
  test('says what was done, until when by the person’s clock, and who hears next; the history names them', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      assert.equal(
        await ann('ack 1 2h on my way'),
        'Acknowledged 1 db1: disk is 97% full until 05:00 today. Next: you at 05:00 today if it is still raised.',
      );
      const { phase } = await t.alert('disk');
      assert.ok(phase.kind === 'acknowledged' && phase.by === 'ann' && phase.note === 'on my way');
      const entry = (await t.history('disk')).find(({ change }) => change.kind === 'acknowledged');
      assert.equal(entry?.by, 'ann');
    }));

  test('alone means the only one; several are asked about, and nothing is done', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      assert.match(
        (await ann('Ack')) ?? '',
        /^Acknowledged 1 db1: disk is 97% full until 04:00 today\. Next: you/,
      );
      await raise(t, 'load', 'load is 40');
      await raise(t, 'fan', 'fan is loud', 'rack-7');
      assert.equal(
        await ann('ack'),
        'Nothing done. Which one? 2 stand unacknowledged: 3 rack-7, 2 db1. Write ack 3, or ack all.',
      );
      assert.equal((await t.alert('load')).phase.kind, 'raised');
      assert.match(
        (await ann('ack all')) ?? '',
        /^Acknowledged 2 alerts until 04:00 today: 3 rack-7, 2 db1\. Next: you at 04:00 today if one is still raised\.$/,
      );
      assert.match(
        (await ann('ack')) ?? '',
        /^Nothing done: nothing that you were told of stands unacknowledged\./,
      );
    }));

  test('the usual length is the group’s; a policy’s cap is told; another person’s comes next by name and clock', () =>
    talk(async ({ t, ann, heard }) => {
      await raise(t, 'disk', 'disk is 97% full', 'db1', 'both');
      assert.equal(
        await ann('ack 1'),
        'Acknowledged 1 db1: disk is 97% full until 05:00 today. Next: you and Bob Baker at 05:00 today if it is still raised.',
      );
      assert.equal(await acknowledgedUntil(t, 'both/disk'), 120);
      const bob = await heard({ from: '+447700900002', text: 'ack 1 3h' });
      assert.equal(
        bob,
        'Acknowledged 1 db1: disk is 97% full until 00:00 tomorrow (before: by Ann Archer until 23:00 today). Next: Ann Archer and you at 00:00 tomorrow if it is still raised.',
      );
      assert.equal(await acknowledgedUntil(t, 'both/disk'), 180);
      assert.match(
        (await ann('ack 1 99d')) ?? '',
        /until 03:00 on Sun 6 Dec 2026, as long as the policy allows \(before/,
      );
    }));

  test('until a time of their own clock, and in hours of the policy', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      await ann('ack 1 until 9:30');
      assert.equal(await acknowledgedUntil(t, 'disk'), 6.5 * 60);
      const answer = await ann('ack 1 for 2 working hours because the vendor is called');
      // Working hours are those of the policy's zone; Monday 09:30 + 2 h in UTC.
      assert.match(answer ?? '', /until 12:30 on Monday/);
      assert.equal(await acknowledgedUntil(t, 'disk'), (2 * 24 + 9.5) * 60);
    }));

  test('several at once; one that is cleared already does not keep the others from it', () =>
    talk(async ({ t, ann }) => {
      await raise(t, 'a', 'one', 'db1');
      await raise(t, 'b', 'two', 'db2');
      await raise(t, 'c', 'three', 'db3');
      await t.update([{ id: 'b', clear: 0 }]);
      assert.equal(
        await ann('ack #1 #2 #3 30m'),
        'Acknowledged 2 alerts until 03:30 today: 1 db1, 3 db3. But 2 db2: two is cleared already. Next: you at 03:30 today if one is still raised.',
      );
      assert.equal(await ann('ack 2, #2'), 'Nothing done: 2 db2: two is cleared already.');
    }));

  test('an alert that was never told of can be named; a code that nobody has cannot, and then nothing is done', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      assert.equal(
        await ann('ack 1, 77 and 78'),
        'Nothing done. There is no alert 77, 78 now: list shows yours.',
      );
      assert.equal((await t.alert('disk')).phase.kind, 'raised');
      assert.equal(
        await ann('clear 999999999999'),
        'Nothing done. There is no alert 999999999999 now: list shows yours.',
      );
    }));

  test('a bare last number that might be minutes counts as an alert only where the person knows that alert', () =>
    talk(async ({ t, ann, heard }) => {
      for (let id = 1; id <= 13; id++) await raise(t, `a${id}`, 'x', `db${id}`);
      assert.match((await ann('ack 1 13')) ?? '', /^Acknowledged 2 alerts/);
      assert.equal(
        await heard({ from: '+447700900002', text: 'ack 2 13' }),
        'Nothing done. Is 13 an alert or a time? You were told of no alert 13: write 13m, or #13.',
      );
      assert.equal((await t.alert('a2')).phase.kind, 'raised');
    }));

  test('nobody else hears: the answer says that, too', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      await t.reload(`${policy.slice(0, policy.indexOf('groups:'))}groups: [{name: nobody, notify: []}]\n`);
      assert.equal(
        await ann('ack 1'),
        'Acknowledged 1 db1: disk is 97% full until 04:00 today. Nobody else hears of it for a week at least.',
      );
    }));

  test('the wrong alert would be noticed: a code that was given to another is answered with that one’s name', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      await t.update([{ id: 'disk', clear: 0 }]);
      assert.equal(await ann('ack 1'), 'Nothing done: 1 db1: disk is 97% full is cleared already.');
    }));
});

describe('the other commands', () => {
  test('unack raises again and says who hears; clear is by hand; a note goes into the history', () =>
    talk(async ({ t, ann }) => {
      await raise(t);
      assert.equal(await ann('unack 1'), 'Nothing done: 1 db1: disk is 97% full is not acknowledged.');
      await ann('ack 1 5h');
      await t.at(60);
      const answer = await ann('unack 1');
      assert.match(
        answer ?? '',
        /^Taken back: 1 db1: disk is 97% full is raised again\. Next: you at 03:16 today if it is still raised\.$/,
      );
      assert.equal(await ann('note 1: fans are “loud”'), 'Noted on 1 db1: disk is 97% full.');
      assert.equal(
        await ann('clear 1'),
        'Cleared 1 db1: disk is 97% full by hand. If still reported, it is raised again.',
      );
      assert.equal(await ann('clear 1'), 'Nothing done: 1 db1: disk is 97% full is cleared already.');
      const kinds = (await t.history('disk')).filter(({ by }) => by === 'ann').map(({ change }) => change);
      assert.deepEqual(
        kinds.map(({ kind }) => kind),
        ['acknowledged', 're-raised', 'note', 'cleared'],
      );
      assert.ok(kinds.some((change) => change.kind === 'note' && change.text === 'fans are “loud”'));
    }));

  test('who says how it stands and who hears next, and changes nothing', () =>
    talk(async ({ t, ann, heard }) => {
      await raise(t);
      const before = (await t.history('disk', { quiet: true })).length;
      assert.equal(
        await ann('who'),
        '1 db1: disk is 97% full is raised since 03:00 today. Next: you at 03:15 today if it is still raised.',
      );
      assert.match(
        (await heard({ from: '+447700900002', text: 'who 1' })) ?? '',
        /Next: Ann Archer at 21:15 today/,
      );
      assert.equal((await t.history('disk', { quiet: true })).length, before);
      await ann('ack 1');
      assert.match(
        (await ann('who 1')) ?? '',
        /^1 db1: disk is 97% full is acknowledged by you until 04:00 today\. Next: you/,
      );
      await t.update([{ id: 'disk', clear: 0 }]);
      assert.equal(await ann('who 1'), '1 db1: disk is 97% full is cleared since 03:00 today.');
    }));

  test('list shows what stands unacknowledged, urgent first, and help what can be written', () =>
    talk(async ({ t, ann }) => {
      assert.equal(await ann('list'), 'Nothing that you were told of stands unacknowledged.');
      await raise(t);
      await raise(t, 'ping', 'no answer', 'core-1', 'both');
      await t.at(14 * 60);
      assert.equal(
        await ann('list'),
        '2 alerts stand unacknowledged:\nURGENT 2 core-1: no answer (14 min)\n1 db1: disk is 97% full (14 min)',
      );
      assert.match((await ann('?')) ?? '', /^ack 12: acknowledge alert 12\./);
    }));
});

describe('who may', () => {
  test('only the person’s own address: strangers get no answer, and the log says so, but not for each', () =>
    talk(async ({ t, warned, heard }) => {
      await raise(t);
      for (const from of [
        '+447700900009',
        '447700900001',
        '+4477009000011',
        '',
        'ann',
        'ann@chat.example.net',
      ]) {
        assert.equal(await heard({ from, text: 'ack 1' }), null, from);
        assert.equal(await heard({ from, text: 'hello' }), null, from);
      }
      // An address of another channel is none.
      assert.equal(await heard({ channel: 'xmpp', from: '+447700900001', text: 'ack 1' }), null);
      assert.equal(await heard({ channel: 'inbox', from: '', text: 'ack 1' }), null);
      assert.equal((await t.alert('disk')).phase.kind, 'raised');
      assert.equal(warned.length, 1);
      assert.match(warned[0] ?? '', /\+447700900009/);
    }));

  test('an address that two people have is nobody’s', () =>
    talk(async ({ t, heard }) => {
      await raise(t);
      assert.match(
        (await heard({ from: '+447700900003', text: 'ack 1' })) ?? '',
        /^More than one person has this address.*Nothing was done\.$/,
      );
      assert.equal((await t.alert('disk')).phase.kind, 'raised');
    }));

  test('by chat the address may be written in any case, and with the device behind it', () =>
    talk(async ({ t, heard }) => {
      await raise(t);
      assert.match(
        (await heard({ channel: 'xmpp', from: 'ANN@chat.example.net/phone', text: 'ack 1' })) ?? '',
        /^Acknowledged 1 db1/,
      );
    }));

  test('in a room: by the real address; who has none there is told so, and talk is not answered', () =>
    talk(async ({ t, heard }) => {
      await raise(t);
      const room = 'ops@conference.example.net';
      const say = (from: string, text: string) => heard({ channel: 'xmpp', from, room, text });
      assert.equal(await say('', 'ack 1'), 'I cannot tell who you are here: write to me directly.');
      assert.equal(await say('', 'lunch?'), null);
      assert.equal(await say('mallory@example.org', 'ack 1'), null);
      assert.equal(await say('ann@chat.example.net', 'ok 1 of us should look'), null);
      assert.equal((await t.alert('disk')).phase.kind, 'raised');
      assert.match((await say('ann@chat.example.net', 'ack 1 2h')) ?? '', /^Acknowledged 1 db1/);
    }));

  test('the address of a room is no person’s own, and ?online does not belong to the address', () => {
    // Until the policy's language knows them, such addresses are put in as they will be.
    return talk(async ({ t, heard }) => {
      await raise(t);
      const people = new Map(t.station.policy().people);
      const [eve] = [...people.values()].filter(({ id }) => id === 'eve');
      assert.ok(eve !== undefined);
      people.set(eve.id, { ...eve, addresses: { xmpp: 'eve@chat.example.net?online' } });
      const ops = {
        ...eve,
        id: 'ops' as typeof eve.id,
        addresses: { xmpp: 'ops@conference.example.net?join' },
      };
      people.set(ops.id, ops);
      const changed = { ...t.station.policy(), version: 'another', people };
      await t.station.handle([{ kind: 'policy-loaded', at: t.clock.now(), policy: changed }]);
      assert.equal(await heard({ channel: 'xmpp', from: 'ops@conference.example.net', text: 'ack 1' }), null);
      assert.match(
        (await heard({ channel: 'xmpp', from: 'eve@chat.example.net', text: 'ack 1' })) ?? '',
        /^Acknowledged/,
      );
    });
  });

  test('a machine that answers by itself is not talked to for ever; a person is heard again later', () =>
    talk(async ({ t, ann, warned }) => {
      await raise(t);
      const answers: (string | null)[] = [];
      for (let i = 0; i < questionsPace.count + 3; i++)
        answers.push(await ann('I am driving and will answer later'));
      assert.equal(answers.filter((answer) => answer !== null).length, questionsPace.count);
      assert.equal(warned.length, 1);
      // What is a command is done all the same.
      assert.match((await ann('ack 1')) ?? '', /^Acknowledged/);
      await t.at(11 * 60);
      assert.match((await ann('hello')) ?? '', /^Nothing done\. I do not know/);
      for (let i = 0; i < repliesPace.count; i++) await ann('list');
      assert.equal(await ann('list'), null);
      await t.at(13 * 60);
      assert.notEqual(await ann('list'), null);
    }));
});

describe('what stays within bounds', () => {
  test('answers fit a text message, however long the texts of alerts are', () =>
    talk(async ({ t, ann, heard }) => {
      const long = 'a very long word '.repeat(60);
      for (let i = 0; i < 30; i++)
        await raise(t, `a${i}`, long, `${i} ${long}`, i % 2 === 0 ? 'test' : 'both');
      for (const text of [
        'ack',
        'ack 1',
        'ack 1 2h',
        'who 2',
        'unack 1',
        'note 1 x',
        'ack 1, 2, 3, 4, 5',
        'ack 1, 999',
        'help',
        'ack all 2h',
        'clear 1, 2, 3, 4',
        'what now',
      ]) {
        const answer = (await ann(text)) ?? '';
        assert.ok(answer.length > 0 && answer.length <= answerMax.sms, `${text}: ${answer.length}`);
        assert.match(answer, /[.?]$/, text);
      }
      await t.at(3 * 3600);
      const list = (await ann('list')) ?? '';
      assert.ok(list.length <= answerMax.listBySms && /\n\d+ more$/.test(list), list);
      const chat = (await heard({ channel: 'xmpp', from: 'ann@chat.example.net', text: 'list' })) ?? '';
      assert.ok(chat.length > answerMax.listBySms && chat.length <= answerMax.xmpp);
    }));

  test('ack all takes so many at once, and says how many are left', () =>
    talk(async ({ t, ann }) => {
      await t.update(
        Array.from({ length: ackAllMax + 7 }, (_, i) => ({ id: `a${i}`, subject: `host-${i}` })),
      );
      const answer = (await ann('ack all 1h')) ?? '';
      assert.match(
        answer,
        /^Acknowledged 200 alerts until 04:00 today: .* and 195 more\. 7 more are open: write ack all again\.$/,
      );
      assert.match((await ann('ack all 1h')) ?? '', /^Acknowledged 7 alerts until 04:00 today: [^.]+\.$/);
      assert.equal(await ann('list'), 'Nothing that you were told of stands unacknowledged.');
    }));
});

test('where the store refuses, the person is told that nothing was recorded', () =>
  talk(async ({ t }) => {
    await raise(t);
    const full = new StoreError('full', 'the disk is full');
    const log = { debug() {}, info() {}, warn() {}, error: console.error };
    const heard = { channel: 'sms', from: '+447700900001', room: null, text: 'ack 1' };
    const { station, store, clock } = t;
    const unreadable = { transaction: () => Promise.reject(full) };
    const words = 'Nothing was recorded: the station cannot write just now. Please try again.';
    assert.equal(await openReplies({ station, store: unreadable, clock, log }).heard(heard), words);
    const refusing = {
      policy: () => station.policy(),
      forecast: station.forecast.bind(station),
      handle: async () => [{ ok: false, why: 'store-unavailable', message: 'full' }] as const,
    };
    assert.equal(await openReplies({ station: refusing, store, clock, log }).heard(heard), words);
    const errors: unknown[] = [];
    const broken = { ...refusing, handle: () => Promise.reject(new TypeError('a bug')) };
    const said = await openReplies({
      station: broken,
      store,
      clock,
      log: { ...log, error: (...all: unknown[]) => errors.push(all) },
    }).heard(heard);
    assert.match(said ?? '', /not known whether/);
    assert.equal(errors.length, 1);
    assert.equal((await t.alert('disk')).phase.kind, 'raised');
  }));
