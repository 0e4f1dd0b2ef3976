/**
 * XMPP against a real Prosody: what reaches people and rooms, what is refused,
 * who is online, and what people write back.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { xml } from '@xmpp/client';
import type { SendResult } from '../../src/station/channels/channel.ts';
import type { XmppOptions, XmppTune } from '../../src/station/channels/xmpp.ts';
import { heardPerMinute } from '../../src/station/channels/xmpp-hear.ts';
import { heardMax, textMax, writtenSize } from '../../src/station/channels/xmpp-text.ts';
import { eventually } from '../kit/process.ts';
import { Friend, Prosody } from '../kit/prosody.ts';
import { accounts, Desk, optionsFor, password } from './xmpp-kit.ts';

let prosody: Prosody;
let cleanups: (() => Promise<void>)[] = [];
let rooms = 0;

before(async () => {
  prosody = await Prosody.start({ accounts });
});
after(() => prosody.close());
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

function station(more: Partial<XmppOptions> = {}, tune: Partial<XmppTune> = {}): Desk {
  const desk = new Desk(optionsFor(prosody, more), tune);
  cleanups.push(() => desk.channel.close());
  return desk;
}

type Name = Exclude<keyof typeof accounts, 'mauve'>;

async function friend(name: Name, options: Parameters<typeof Friend.connect>[3] = {}): Promise<Friend> {
  const one = await Friend.connect(prosody, name, accounts[name], options);
  cleanups.push(() => one.close());
  return one;
}

/** A room that nobody was in before. */
function aRoom(): { readonly jid: string; readonly address: string } {
  rooms += 1;
  const jid = prosody.room(`ops${rooms}`);
  return { jid, address: `${jid}?join` };
}

function expectResult(result: SendResult, kind: SendResult['kind'], words: RegExp): void {
  assert.equal(result.kind, kind, result.why);
  assert.match(result.why, words);
  assert.doesNotMatch(result.why, new RegExp(password));
}

const anonymous = { 'muc#roomconfig_whois': 'moderators' };
const open = { 'muc#roomconfig_whois': 'anyone' };

describe('a message to a person', () => {
  test('arrives as chat, and its receipt names the stanza', async () => {
    const alice = await friend('alice');
    const desk = station();
    const result = await desk.send('alice@mauve.test', 'first');
    expectResult(result, 'delivered', /^mauve\.test took it for alice@mauve\.test$/);
    const message = await alice.hears('first');
    assert.equal(message.type, 'chat');
    assert.equal(message.from, 'mauve@mauve.test/mauve');
    assert.match(message.body, /disk is 97% full\nhttps:\/\/mauve\.example\.net\/alerts\/17$/);
    assert.equal(result.kind === 'delivered' ? result.reference : '', message.id);
  });

  test('waits at the server for somebody who is not there, and they get it when they come', async () => {
    const desk = station();
    expectResult(await desk.send('bob@mauve.test', 'while away'), 'delivered', /took it for bob/);
    const bob = await friend('bob');
    assert.equal((await bob.hears('while away')).delayed, true);
  });

  test('arrives over TLS from the first byte, too', async () => {
    const alice = await friend('alice');
    const desk = station({ service: { host: '127.0.0.1', port: prosody.tlsPort, directTls: true } });
    expectResult(await desk.send('alice@mauve.test', 'direct'), 'delivered', /took it/);
    await alice.hears('direct');
  });

  test('finds the server by DNS where the station file names none', async () => {
    const alice = await friend('alice');
    const asked: string[] = [];
    const lookup: XmppTune['lookup'] = (name) => {
      asked.push(name);
      if (!name.startsWith('_xmpp-client.')) return Promise.reject(new Error('ENODATA'));
      return Promise.resolve([{ name: '127.0.0.1', port: prosody.port, priority: 0, weight: 0 }]);
    };
    const desk = station({ service: null }, { lookup });
    expectResult(await desk.send('alice@mauve.test', 'by name'), 'delivered', /took it/);
    await alice.hears('by name');
    assert.deepEqual(asked.sort(), ['_xmpp-client._tcp.mauve.test', '_xmpps-client._tcp.mauve.test']);
  });

  test('has the same id at each try, so that clients can tell, and another for another message or station', async () => {
    const alice = await friend('alice');
    const first = station();
    await first.send('alice@mauve.test', 'again');
    // The one that knows that it arrived says so, and sends nothing.
    expectResult(await first.send('alice@mauve.test', 'again'), 'delivered', /took it/);
    await first.send('alice@mauve.test', 'another');
    await first.channel.close();
    const second = station();
    await second.send('alice@mauve.test', 'again');
    await second.send('alice@mauve.test', 'again', { link: 'https://other.example/alerts/17' });
    await eventually(
      () => alice.messages.length,
      (length) => length >= 4,
    );
    const ids = (words: string) =>
      alice.messages.filter(({ body }) => body.startsWith(words)).map(({ id }) => id);
    const [one, two, three, ...more] = ids('again.');
    assert.deepEqual(more, []);
    assert.equal(one, two);
    assert.notEqual(one, three);
    assert.notEqual(ids('another.')[0], one);
  });

  test('comes through whatever stands in it', async () => {
    const alice = await friend('alice');
    const desk = station();
    const text = 'a\u0000b\u0008c\ud800 \ufffe <b>&amp;</b> ]]> "\'\r\nschön 💾 ✓ end-1';
    expectResult(await desk.send('alice@mauve.test', 'odd', { text }), 'delivered', /took it/);
    const { body } = await alice.hears('end-1');
    assert.equal(body, 'abc\ufffd  <b>&amp;</b> ]]> "\'\nschön 💾 ✓ end-1');
  });

  test('that is too long is cut at a character, and keeps its link', async () => {
    const alice = await friend('alice');
    const desk = station();
    const link = 'https://mauve.example.net/alerts/17';
    const text = `long-1 ${'💾é&'.repeat(20_000)}\n${link}`;
    assert.equal(desk.channel.fits?.(text), false);
    assert.equal(desk.channel.fits?.('short'), true);
    expectResult(await desk.send('alice@mauve.test', 'long', { text, link }), 'delivered', /took it/);
    const { body } = await alice.hears('long-1');
    assert.ok(writtenSize(body) <= textMax);
    assert.ok(writtenSize(body) > textMax - 10);
    assert.ok(body.endsWith(`…\n${link}`));
    assert.doesNotMatch(body, /\ufffd/);
  });

  test('that nobody has an account for fails, in words', async () => {
    const desk = station();
    expectResult(
      await desk.send('nobody@mauve.test', 'lost'),
      'failed',
      /^nobody@mauve\.test: there is no such account, or it takes no messages now/,
    );
    expectResult(
      await desk.send('johnny@unknown.example', 'lost'),
      'failed',
      /^johnny@unknown\.example: .*(remote|found)/,
    );
    expectResult(await desk.send('no address', 'lost'), 'failed', /"no address" is no XMPP address/);
  });

  test('that comes back after it was taken is reported as failed, if the one it went to says so', async () => {
    const alice = await friend('alice');
    const bob = await friend('bob');
    const desk = station();
    const result = await desk.send('alice@mauve.test', 'bounces');
    const reference = result.kind === 'delivered' ? (result.reference ?? '') : '';
    const conditions = 'urn:ietf:params:xml:ns:xmpp-stanzas';
    const bounce = xml(
      'message',
      { to: 'mauve@mauve.test/mauve', type: 'error', id: reference },
      xml('error', { type: 'cancel' }, xml('remote-server-not-found', { xmlns: conditions })),
    );
    await bob.send(bounce);
    await bob.say('mauve@mauve.test', 'a liar');
    await eventually(
      () => desk.heard.length,
      (length) => length === 1,
    );
    assert.equal(desk.reports.length, 0);
    await alice.send(bounce);
    await eventually(
      () => desk.reports.length,
      (length) => length === 1,
    );
    const why = 'alice@mauve.test: its server cannot be found';
    assert.deepEqual(structuredClone(desk.reports), [{ reference, state: 'failed', why }]);
  });

  test('is acknowledged, be it one of three hundred at once', async () => {
    const alice = await friend('alice');
    const desk = station();
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, n) => desk.send('alice@mauve.test', `many-${n}`)),
    );
    assert.deepEqual(
      results.filter(({ kind }) => kind !== 'delivered'),
      [],
    );
    await eventually(
      () => alice.messages.length,
      (length) => length >= 300,
    );
    assert.equal(new Set(alice.messages.map(({ body }) => body)).size, 300);
    assert.equal(alice.messages.length, 300);
    // The count of both sides is the same: the server would have ended the stream otherwise.
    await alice.say('mauve@mauve.test', 'still there?');
    await alice.hears('you said still there?');
    assert.equal(desk.log.filter((line) => line.includes('connected')).length, 1);
  });
});

describe('only while online', () => {
  test('is told who is, and nobody else', async () => {
    const desk = station();
    const address = 'alice@mauve.test?online';
    expectResult(await desk.send(address, 'unseen'), 'failed', /^alice@mauve\.test is not online/);
    const alice = await friend('alice');
    await eventually(
      () => desk.send(address, 'seen'),
      ({ kind }) => kind === 'delivered',
    );
    await alice.hears('seen');
    await alice.setPresence('unavailable');
    await eventually(
      () => desk.send(address, `gone-${Math.random()}`),
      ({ kind }) => kind === 'failed',
    );
    expectResult(await desk.send(address, 'gone'), 'failed', /^alice@mauve\.test is not online$/);
    // A client that takes no messages for the account is no way to reach anybody.
    await alice.setPresence('available', -1);
    expectResult(await desk.send(address, 'negative'), 'failed', /is not online$/);
    await alice.setPresence('available', 5);
    await eventually(
      () => desk.send(address, `back-${Math.random()}`),
      ({ kind }) => kind === 'delivered',
    );
    await alice.hears('back-');
    // A station that starts anew sees it from what the server knows.
    await desk.channel.close();
    const next = station();
    expectResult(await next.send(address, 'from another'), 'delivered', /took it/);
  });

  test('says so where somebody has not let themselves be seen', async () => {
    const bob = await friend('bob');
    bob.approves = false;
    const desk = station();
    expectResult(
      await desk.send('bob@mauve.test?online', 'hidden'),
      'failed',
      /^bob@mauve\.test is not online, as far as the station can see: they have yet to let it see that/,
    );
    assert.ok(bob.presences.some(({ attrs }) => attrs.type === 'subscribe'));
  });

  test('works the other way, too: only those whom the station writes to may see it', async () => {
    const bob = await friend('bob');
    const alice = await friend('alice');
    const desk = station();
    await desk.send('alice@mauve.test', 'known');
    for (const one of [bob, alice])
      await one.send(xml('presence', { to: 'mauve@mauve.test', type: 'subscribe' }));
    const approved = (of: Friend) =>
      of.presences.some(({ attrs }) => attrs.type === undefined && attrs.from === 'mauve@mauve.test/mauve');
    await eventually(
      () => approved(alice),
      (yes) => yes,
    );
    assert.equal(approved(bob), false);
    await desk.send('bob@mauve.test', 'known now');
    await eventually(
      () => approved(bob),
      (yes) => yes,
    );
  });
});

describe('a room', () => {
  test('has a message once it sends it round, us included', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice');
    const desk = station();
    const result = await desk.send(room.address, 'to all');
    expectResult(result, 'delivered', /^ops\d+@conference\.mauve\.test has it; 1 other is in it$/);
    const message = await alice.hears('to all');
    assert.equal(message.type, 'groupchat');
    assert.equal(message.from, `${room.jid}/mauve`);
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, n) => desk.send(room.address, `more-${n}`)),
    );
    assert.ok(many.every(({ kind }) => kind === 'delivered'));
    // It heard itself thirty times, and answered nothing.
    assert.deepEqual(desk.heard, []);
  });

  test('that nobody made is not made by the station', async () => {
    const room = aRoom();
    const desk = station();
    expectResult(await desk.send(room.address, 'nowhere'), 'failed', /there is no such room/);
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice');
    expectResult(await desk.send(room.address, 'now'), 'delivered', /has it/);
  });

  test('in which its name is taken has it under another', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'mauve');
    const bob = await friend('bob');
    await bob.enter(room.jid, 'mauve2');
    const desk = station();
    expectResult(await desk.send(room.address, 'third'), 'delivered', /2 others/);
    assert.equal((await alice.hears('third')).from, `${room.jid}/mauve3`);
    await alice.say(room.jid, 'mauve: not you', 'groupchat');
    await alice.say(room.jid, 'mauve3: you', 'groupchat');
    await alice.hears('mauve: you said you');
    assert.deepEqual(
      desk.heard.map(({ text }) => text),
      ['you'],
    );
  });

  test('for members only, with a password, or that has banned the station, says so', async () => {
    const desk = station();
    const alice = await friend('alice');
    const members = aRoom();
    await alice.enter(members.jid, 'alice', { ...open, 'muc#roomconfig_membersonly': '1' });
    expectResult(await desk.send(members.address, 'x'), 'failed', /for its members only/);
    const locked = aRoom();
    await alice.enter(locked.jid, 'alice', { ...open, 'muc#roomconfig_roomsecret': 'sesame' });
    expectResult(await desk.send(locked.address, 'x'), 'failed', /it asks for a password/);
    const banned = aRoom();
    await alice.enter(banned.jid, 'alice');
    await alice.rule(banned.jid, { affiliation: 'outcast', jid: 'mauve@mauve.test' });
    expectResult(await desk.send(banned.address, 'x'), 'failed', /banned/);
    // Made a member, it is let in.
    await alice.rule(members.jid, { affiliation: 'member', jid: 'mauve@mauve.test' });
    expectResult(await desk.send(members.address, 'x'), 'delivered', /has it/);
  });

  test('that throws the station out is entered again when there is something to say', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice');
    const desk = station();
    await desk.send(room.address, 'one');
    await alice.rule(room.jid, { nick: 'mauve', role: 'none' }, 'too loud');
    await eventually(
      () => desk.log.join('\n'),
      (text) => text.includes('put out of it'),
    );
    assert.match(desk.log.join('\n'), /put out of it( by alice)?: too loud/);
    expectResult(await desk.send(room.address, 'two'), 'delivered', /has it/);
  });

  test('in which the station may not speak fails in words', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice', { ...open, 'muc#roomconfig_moderatedroom': '1' });
    const desk = station();
    expectResult(await desk.send(room.address, 'hush'), 'failed', /may not speak in it/);
  });
});

describe('what is heard', () => {
  test('by chat, is heard from whoever wrote it, and answered to the client that did', async () => {
    const alice = await friend('alice', { resource: 'laptop' });
    const phone = await friend('alice', { resource: 'phone' });
    const desk = station();
    await desk.send('alice@mauve.test', 'raised');
    await alice.say('mauve@mauve.test', '  ack 12 2h on my way \n');
    const answer = await alice.hears('you said ack 12 2h on my way');
    assert.equal(answer.type, 'chat');
    assert.deepEqual(desk.heard, [
      { channel: 'xmpp', from: 'alice@mauve.test', room: null, text: 'ack 12 2h on my way' },
    ]);
    assert.ok(phone.messages.every(({ body }) => !body.includes('you said')));
  });

  test('in a room is only what is said to the station, and it is answered by name', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice', open);
    await alice.say(room.jid, 'mauve: ack 1 said before it came', 'groupchat');
    const desk = station();
    await desk.send(room.address, 'raised');
    const said = [
      'mauve: ack 12',
      'MAUVE, ack 13',
      '@mauve ack 14',
      '@Mauve: ack 15',
      'ack 16',
      'mauve ack 17',
    ];
    for (const text of [...said, 'mauves: ack 18', 'mauve2: ack 19', 'I told mauve: ack 20', 'mauve: last']) {
      await alice.say(room.jid, text, 'groupchat');
    }
    const answer = await alice.hears('alice: you said last');
    assert.equal(answer.from, `${room.jid}/mauve`);
    const heard = (text: string) => ({ channel: 'xmpp', from: 'alice@mauve.test', room: room.jid, text });
    assert.deepEqual(desk.heard, ['ack 12', 'ack 13', 'ack 14', 'ack 15', 'last'].map(heard));
  });

  test('in a room that hides who people are has no sender', async () => {
    const room = aRoom();
    const alice = await friend('alice');
    await alice.enter(room.jid, 'alice', anonymous);
    const desk = station();
    await desk.send(room.address, 'raised');
    await alice.say(room.jid, 'mauve: ack 12', 'groupchat');
    await alice.hears('alice: you said ack 12');
    assert.deepEqual(desk.heard, [{ channel: 'xmpp', from: '', room: room.jid, text: 'ack 12' }]);
    // Whispered within the room, it is nobody's either; once the room says who is who, it is theirs.
    await alice.say(`${room.jid}/mauve`, 'ack 13');
    await alice.hears('you said ack 13');
    assert.deepEqual(desk.heard[1], { channel: 'xmpp', from: '', room: null, text: 'ack 13' });
    await alice.rule(room.jid, { nick: 'mauve', role: 'moderator' });
    await alice.enter(room.jid, 'alice');
    let number = 14;
    await eventually(
      async () => {
        const text = `ack ${number++}`;
        await alice.say(`${room.jid}/mauve`, text);
        // Each is waited for: one that is still under way would reach the next station.
        await alice.hears(`you said ${text}`);
        return desk.heard.at(-1)?.from;
      },
      (from) => from === 'alice@mauve.test',
    );
  });

  test('is nothing that a machine says, and nothing of another station', async () => {
    const alice = await friend('alice');
    const desk = station();
    await desk.send('alice@mauve.test', 'raised');
    await alice.say('mauve@mauve.test', 'ack 1', 'headline');
    await alice.say('mauve@mauve.test', 'ack 2', 'error');
    await alice.say('mauve@mauve.test', 'ack 3', 'groupchat');
    const of = (id: string, body: string) =>
      xml('message', { to: 'mauve@mauve.test', type: 'chat', id }, xml('body', {}, body));
    await alice.send(of('mauve-answer-1', 'ack 4'));
    await alice.send(xml('message', { to: 'mauve@mauve.test', type: 'chat' }, xml('composing', {})));
    await alice.say('mauve@mauve.test', 'ack 6');
    await alice.hears('you said ack 6');
    assert.deepEqual(
      desk.heard.map(({ text }) => text),
      ['ack 6'],
    );
  });

  test('is not what was written long ago: nothing is done, and that is said', async () => {
    const alice = await friend('alice');
    const desk = station();
    await desk.send('alice@mauve.test', 'raised');
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const delay = (stamp: string) => xml('delay', { xmlns: 'urn:xmpp:delay', from: 'mauve.test', stamp });
    await alice.say('mauve@mauve.test', 'ack 1', 'chat', [delay(ago(95))]);
    await alice.hears('This reached me only now, 1h35m after you wrote it, so I did nothing.');
    await alice.say('mauve@mauve.test', 'ack 2', 'chat', [delay(ago(3))]);
    await alice.hears('you said ack 2');
    assert.deepEqual(
      desk.heard.map(({ text }) => text),
      ['ack 2'],
    );
  });

  test('is what was written while the station was away for a moment', async () => {
    const alice = await friend('alice');
    const first = station();
    await first.send('alice@mauve.test', 'raised');
    await first.channel.close();
    await alice.say('mauve@mauve.test', 'ack 12');
    const second = station();
    await alice.hears('you said ack 12');
    assert.equal(second.heard.length, 1);
  });

  test('is cut where it is too long, and bounded where it does not end', async () => {
    const alice = await friend('alice');
    const bob = await friend('bob');
    const desk = station();
    await desk.send('alice@mauve.test', 'raised');
    await alice.say('mauve@mauve.test', 'x'.repeat(50_000));
    await alice.hears('you said xxx');
    assert.equal(desk.heard[0]?.text.length, heardMax);
    for (let n = 0; n < heardPerMinute + 10; n++) await alice.say('mauve@mauve.test', `flood ${n}`);
    await eventually(
      () => desk.log.join('\n'),
      (text) => text.includes(`more than ${heardPerMinute} messages in a minute`),
    );
    await bob.say('mauve@mauve.test', 'and me?');
    await bob.hears('you said and me?');
    assert.equal(desk.heard.filter(({ from }) => from === 'alice@mauve.test').length, heardPerMinute);
  });

  test('is answered with an apology where it could not be recorded, and not at all where there is nothing to say', async () => {
    const alice = await friend('alice');
    const desk = station();
    desk.answer = ({ text }) =>
      text === 'quiet' ? Promise.resolve(null) : Promise.reject(new Error('disk'));
    await desk.send('alice@mauve.test', 'raised');
    await alice.say('mauve@mauve.test', 'quiet');
    await alice.say('mauve@mauve.test', 'ack 12');
    await alice.hears('That could not be done now.');
    assert.equal(alice.messages.length, 2);
  });
});
