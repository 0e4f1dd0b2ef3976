/** How the station comes and goes in rooms, on a simulated clock and without a server: what a server only says at odd moments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Element, xml } from '@xmpp/client';
import { Rooms } from '../../src/station/channels/xmpp-rooms.ts';
import { instant, plus, seconds } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';

const room = 'ops@rooms.example.net';
const user = 'http://jabber.org/protocol/muc#user';
const quiet = { debug() {}, info() {}, warn() {}, error: console.error };

function hall() {
  const clock = new SimulatedClock(instant(0));
  const sent: string[] = [];
  const thrownOut: string[] = [];
  const line = {
    xml,
    connected: true,
    send: (stanza: Element) => {
      if (!line.connected) return Promise.resolve(false);
      sent.push(`${stanza.attrs.type ?? 'enter'} ${stanza.attrs.to}`);
      return Promise.resolve(true);
    },
  };
  const rooms = new Rooms(line, 'mauve', { clock, log: quiet, again: seconds(30) }, (_, why) =>
    thrownOut.push(why),
  );
  const comes = (type: string | undefined, ...codes: readonly string[]): void => {
    const status = codes.map((code) => xml('status', { code }));
    rooms.presence(xml('presence', { from: `${room}/mauve`, type }, xml('x', { xmlns: user }, ...status)));
  };
  const enter = async (): Promise<void> => {
    const entered = rooms.enter(room, new AbortController().signal);
    comes(undefined, '110');
    assert.deepEqual(await entered, { ok: true });
  };
  const after = (length: number) => clock.advanceTo(plus(clock.now(), seconds(length)));
  return { rooms, line, sent, thrownOut, comes, enter, after };
}

test('a room whose server goes away is entered again until it is back', async () => {
  const { rooms, sent, thrownOut, comes, enter, after } = hall();
  await enter();
  comes('unavailable', '110', '332');
  assert.deepEqual(thrownOut, [`${room}: its server is shutting down`]);
  assert.equal(rooms.nickIn(room), null);
  await after(29);
  assert.equal(sent.length, 1);
  await after(1);
  assert.deepEqual(sent, [`enter ${room}/mauve`, `enter ${room}/mauve`]);
  const conditions = 'urn:ietf:params:xml:ns:xmpp-stanzas';
  const error = xml('error', { type: 'wait' }, xml('remote-server-timeout', { xmlns: conditions }));
  rooms.presence(xml('presence', { from: `${room}/mauve`, type: 'error' }, error));
  await after(30);
  assert.equal(sent.length, 3);
  comes(undefined, '110');
  assert.equal(rooms.nickIn(room), 'mauve');
  await after(100);
  assert.equal(sent.length, 3);
});

test('a new connection enters the rooms that the old one lost, also at the last moment', async () => {
  const { rooms, sent, comes, enter } = hall();
  await enter();
  comes('unavailable', '110', '332');
  rooms.enterAllAgain();
  assert.deepEqual(sent, [`enter ${room}/mauve`, `enter ${room}/mauve`]);
});

test('a connection that breaks while a room is entered leaves nobody waiting', async () => {
  const { rooms, line, comes, enter, after } = hall();
  line.connected = false;
  const broken = { ok: false, why: `${room}: the connection broke`, passing: true };
  assert.deepEqual(await rooms.enter(room, new AbortController().signal), broken);
  line.connected = true;
  await enter();
  // The connection is resumed, but the room was lost meanwhile.
  comes('unavailable', '110', '332');
  line.connected = false;
  await after(45);
  line.connected = true;
  await after(15);
  comes(undefined, '110');
  assert.equal(rooms.nickIn(room), 'mauve');
});

test('whoever puts the station out is not disturbed by it until there is something to say', async () => {
  const { rooms, sent, thrownOut, comes, enter, after } = hall();
  await enter();
  comes('unavailable', '110', '307');
  assert.match(thrownOut[0] ?? '', /was put out of it/);
  await after(1000);
  rooms.enterAllAgain();
  assert.equal(sent.length, 1);
  await enter();
  assert.equal(sent.length, 2);
});

test('a change of its name in the room is taken', async () => {
  const { rooms, comes, enter } = hall();
  await enter();
  comes('unavailable', '110', '303');
  assert.equal(rooms.nickIn(room), 'mauve');
  const status = xml('status', { code: '110' });
  rooms.presence(xml('presence', { from: `${room}/alerts` }, xml('x', { xmlns: user }, status)));
  assert.equal(rooms.nickIn(room), 'alerts');
});
