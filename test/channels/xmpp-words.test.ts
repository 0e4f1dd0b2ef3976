/** XMPP without a server: addresses as one text, what is said to whom, and what is cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressed } from '../../src/station/channels/xmpp-hear.ts';
import {
  fits,
  legal,
  shortened,
  stanzaId,
  textMax,
  wasSentTo,
  writtenSize,
} from '../../src/station/channels/xmpp-text.ts';
import {
  bareJid,
  readXmppAddress,
  resourceOf,
  writeXmppAddress,
  type XmppAddress,
} from '../../src/station/core/xmpp-address.ts';

test('an address comes out of its text as it went in, in lower case', () => {
  const addresses: readonly XmppAddress[] = [
    { kind: 'person', jid: 'johnny@example.com', onlyOnline: false },
    { kind: 'person', jid: 'johnny@example.com', onlyOnline: true },
    { kind: 'room', jid: 'ops@conference.example.com' },
    { kind: 'person', jid: 'what?join@example.com', onlyOnline: false },
  ];
  for (const address of addresses) {
    assert.deepEqual(readXmppAddress(writeXmppAddress(address)), address);
    assert.deepEqual(readXmppAddress(writeXmppAddress(address).toUpperCase()), address);
  }
  assert.equal(
    writeXmppAddress({ kind: 'room', jid: 'Ops@Rooms.example.com' }),
    'ops@rooms.example.com?join',
  );
});

test('what is no address is none', () => {
  for (const text of [
    '',
    'johnny',
    'a@b@c',
    'a@example.com/x',
    'a@example.com?maybe',
    '@example.com',
    'a b@c.de',
    '?join',
  ]) {
    assert.equal(readXmppAddress(text), null, text);
  }
  assert.equal(readXmppAddress(`${'a'.repeat(190)}@${'b.'.repeat(60)}net`), null);
});

test('a whole address has an account and a client', () => {
  assert.equal(bareJid('Alice@Example.com/My Phone'), 'alice@example.com');
  assert.equal(resourceOf('Alice@Example.com/My/Phone'), 'My/Phone');
  assert.equal(resourceOf('alice@example.com'), '');
});

test('in a room, only what begins with the name is said to the station', () => {
  const said: readonly (readonly [string, string | null])[] = [
    ['mauve: ack 12', 'ack 12'],
    ['Mauve:ack 12', 'ack 12'],
    ['  mauve, ack 12 ', 'ack 12'],
    ['@mauve ack 12', 'ack 12'],
    ['@MAUVE, ack 12', 'ack 12'],
    ['@mauve', ''],
    ['mauve:', ''],
    ['mauve ack 12', null],
    ['mauve2: ack 12', null],
    ['@mauve2 ack 12', null],
    ['mauves', null],
    ['ask mauve: ack 12', null],
    ['', null],
  ];
  for (const [text, expected] of said) assert.equal(addressed(text, 'mauve'), expected, text);
  assert.equal(addressed('m.(x: ack', 'm.(x'), 'ack');
});

test('a text of exactly the limit stays whole, and one character more is cut', () => {
  const whole = 'é'.repeat(textMax / 2);
  assert.equal(shortened(whole, ''), whole);
  assert.equal(fits(whole), true);
  const more = shortened(`${whole}é`, '');
  assert.ok(more.endsWith('é…'));
  assert.ok(Buffer.byteLength(more) <= textMax);
  assert.equal(fits(`${whole}é`), false);
});

test('a text counts as long as it is once it is written for XML', () => {
  assert.equal(writtenSize('a<b>&é'), 'a&lt;b&gt;&amp;'.length + 2);
  assert.equal(fits('&'.repeat(textMax / 4)), false);
  const cut = shortened('&'.repeat(textMax), 'https://mauve.example.net/?a&b');
  assert.ok(writtenSize(cut) <= textMax);
  assert.ok(cut.endsWith('…\nhttps://mauve.example.net/?a&b'));
});

test('a link that comes early is not said twice', () => {
  const link = 'https://mauve.example.net/alerts/1';
  const text = shortened(`${link}\n${'x'.repeat(textMax)}`, link);
  assert.equal(text.split(link).length, 2);
});

test('what XML cannot hold is taken out', () => {
  assert.equal(legal('a\u0000\u001b[31mb\ufffe\tc\r\nd\re'), 'a[31mb\tc\nd\ne');
});

test('an id tells to whom it went, and to nobody else', () => {
  const id = stanzaId('17/1/raised/johnny#xmpp', 'johnny@example.com');
  assert.equal(id, stanzaId('17/1/raised/johnny#xmpp', 'johnny@example.com'));
  assert.equal(wasSentTo(id, 'johnny@example.com'), true);
  assert.equal(wasSentTo(id, 'mallory@example.com'), false);
  assert.equal(wasSentTo('other', 'johnny@example.com'), false);
  assert.notEqual(id, stanzaId('17/2/raised/johnny#xmpp', 'johnny@example.com'));
});
