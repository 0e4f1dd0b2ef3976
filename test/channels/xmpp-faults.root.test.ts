/**
 * XMPP when things go wrong, against a real Prosody that is stopped, killed,
 * paused and cut off, and against servers that misbehave: nothing is lost, next
 * to nothing comes twice, and the reason is told in words without the password.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import type { XmppOptions, XmppTune } from '../../src/station/channels/xmpp.ts';
import { xmppCloseMax } from '../../src/station/channels/xmpp.ts';
import { placesOf } from '../../src/station/channels/xmpp-connect.ts';
import { milliseconds, seconds } from '../../src/time.ts';
import { eventually } from '../kit/process.ts';
import { Friend, makeCertificate, Prosody, type ProsodyOptions } from '../kit/prosody.ts';
import { Wire } from '../kit/wire.ts';
import { accounts, Desk, optionsFor, password, quick } from './xmpp-kit.ts';

let cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

async function server(options: Partial<ProsodyOptions> = {}): Promise<Prosody> {
  const prosody = await Prosody.start({ accounts, ...options });
  cleanups.push(() => prosody.close());
  return prosody;
}

function station(prosody: Prosody, more: Partial<XmppOptions> = {}, tune: Partial<XmppTune> = {}): Desk {
  const desk = new Desk(optionsFor(prosody, more), tune);
  cleanups.push(() => desk.channel.close());
  return desk;
}

async function alice(prosody: Prosody): Promise<Friend> {
  const one = await Friend.connect(prosody, 'alice', accounts.alice);
  cleanups.push(() => one.close());
  return one;
}

async function wireTo(port: number): Promise<Wire> {
  const wire = await Wire.to(port);
  cleanups.push(() => wire.close());
  return wire;
}

const at = (port: number): Partial<XmppOptions> => ({
  service: { host: '127.0.0.1', port, directTls: false },
});

/** A server that does as the test says. */
async function fake(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const listening = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listening.close(resolve));
  });
  const address = listening.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function expectRetry(result: SendResult, words: RegExp): void {
  assert.equal(result.kind, 'retry', result.why);
  assert.match(result.why, words);
  assert.doesNotMatch(result.why, new RegExp(password));
  assert.doesNotMatch(result.why, new RegExp(Buffer.from(password).toString('base64')));
  // Nobody's message would get through, so others need not try.
  assert.equal(result.kind === 'retry' ? result.fault : '', undefined);
}

/** How many came more than once, and that each came. */
function twice(friend: Friend, keys: readonly string[]): number {
  const counts = keys.map((key) => friend.messages.filter(({ body }) => body.startsWith(`${key}. `)).length);
  assert.deepEqual(
    keys.filter((_, index) => counts[index] === 0),
    [],
    'these never came',
  );
  assert.ok(
    counts.every((count) => count <= 2),
    'one came three times',
  );
  return counts.filter((count) => count > 1).length;
}

const soon = { timeout: milliseconds(2500) };

describe('without a connection', () => {
  test('a wrong password is told in words that do not hold it, and is not tried without an end', async () => {
    const prosody = await server();
    const desk = station(prosody, { ...soon, password: () => 'wrong-horse-battery' });
    const result = await desk.send('alice@mauve.test', 'x');
    expectRetry(result, /^127\.0\.0\.1:\d+ does not accept the password of mauve@mauve\.test/);
    assert.doesNotMatch(`${result.why} ${desk.log.join(' ')}`, /wrong-horse/);
    const tries = prosody.log.split('\n').filter((line) => line.includes('sasl reply: <failure')).length;
    assert.ok(tries <= 8, `${tries} tries`);
  });

  test('a certificate that does not hold is refused, over STARTTLS and over TLS from the first byte', async () => {
    const prosody = await server();
    const folder = mkdtempSync(join(tmpdir(), 'mauve-certificate-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    makeCertificate(folder, 'mauve.test');
    const ca = readFileSync(join(folder, 'cert.pem'), 'utf8');
    const directly = { host: '127.0.0.1', port: prosody.tlsPort, directTls: true };
    const ways = [{ ca }, { ca: null }, { ca, service: directly }];
    const results = await Promise.all(
      ways.map((more) => station(prosody, { ...soon, ...more }).send('alice@mauve.test', 'x')),
    );
    const words =
      /shows a certificate that does not hold for mauve\.test or 127\.0\.0\.1: .*tls_ca_file names a CA/;
    for (const result of results) expectRetry(result, words);
    // No login was tried: the password was never said to that server.
    assert.doesNotMatch(prosody.log, /auth mechanism|xmpp-sasl/);
  });

  test('a certificate for another name is refused, unless it is that of the host in the settings', async () => {
    const prosody = await server({ certificateFor: 'localhost' });
    const desk = station(prosody, soon);
    expectRetry(
      await desk.send('alice@mauve.test', 'x'),
      /shows a certificate that does not hold for mauve\.test or 127\.0\.0\.1: .*altnames/,
    );
    const named = station(prosody, { service: { host: 'localhost', port: prosody.port, directTls: false } });
    const result = await named.send('alice@mauve.test', 'x');
    assert.equal(result.kind, 'delivered', result.why);
  });

  test('a server that is not there, not known, or says nothing is told apart', async () => {
    const prosody = await server();
    const closed = await fake((socket) => socket.destroy());
    const silent = await fake(() => undefined);
    await prosody.stop();
    const why = async (more: Partial<XmppOptions>): Promise<SendResult> =>
      await station(prosody, { ...soon, ...more }).send('alice@mauve.test', 'x');
    const unknown = { host: 'no-such-host.invalid', port: 5222, directTls: false };
    const [refused, broken, mute, nowhere] = await Promise.all([
      why({}),
      why(at(closed)),
      why(at(silent)),
      why({ service: unknown }),
    ]);
    expectRetry(refused, /:\d+ refuses connections: does an XMPP server run there\?/);
    expectRetry(broken, /:\d+ broke the connection off/);
    expectRetry(mute, /no connection to the server of mauve\.test yet|did not answer in time/);
    expectRetry(nowhere, /^no-such-host\.invalid:5222 (is not known|could not be looked up)/);
  });

  test('a server that offers no TLS, or that is none, gets no password', async () => {
    const prosody = await server();
    let heard = '';
    const begin = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1'>`;
    const saying = (text: string) =>
      fake((socket) => {
        socket.on('data', (bytes) => {
          heard += bytes.toString();
        });
        socket.once('data', () => socket.write(text));
      });
    const mechanisms = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>`;
    const plain = await saying(`${begin}<stream:features>${mechanisms}</stream:features>`);
    const broken = await saying('</nothing><<<');
    const refusing = await saying(
      `${begin}<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
    );
    const why = async (port: number): Promise<SendResult> =>
      await station(prosody, { ...soon, ...at(port) }).send('alice@mauve.test', 'x');
    const results = await Promise.all([plain, broken, refusing].map(why));
    const words = [
      /offers no TLS, and the station does not log in without/,
      /:\d+ failed: /,
      /does not serve the domain/,
    ];
    for (const [index, result] of results.entries()) expectRetry(result, words[index] ?? /never/);
    assert.doesNotMatch(heard, /auth/);
  });

  test('a message waits for it, and goes out when it is there', async () => {
    const prosody = await server();
    await prosody.stop();
    const desk = station(prosody);
    const sent = Promise.all([desk.send('alice@mauve.test', 'early'), desk.send('bob@mauve.test', 'early')]);
    await eventually(
      () => desk.log.join('\n'),
      (text) => text.includes('refuses connections'),
    );
    await prosody.again();
    const results = await sent;
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['delivered', 'delivered'],
    );
  });

  test('where DNS has no service, the domain itself is tried; records are taken in their order', async () => {
    const place = (lookup: Parameters<typeof placesOf>[1]) =>
      placesOf({ domain: 'example.net', service: null, tls: 'required', ca: null }, lookup);
    const record = (name: string, priority: number) => ({ name, port: 5222, priority, weight: 0 });
    assert.deepEqual(await place(() => Promise.reject(new Error('down'))), [
      { host: 'example.net', port: 5222, directTls: false },
    ]);
    assert.deepEqual(
      await place((name) =>
        Promise.resolve(name.startsWith('_xmpps') ? [record('b', 20)] : [record('c', 30), record('a', 10)]),
      ),
      [
        { host: 'a', port: 5222, directTls: false },
        { host: 'b', port: 5222, directTls: true },
        { host: 'c', port: 5222, directTls: false },
      ],
    );
    assert.deepEqual(await place(() => Promise.resolve([record('.', 0)])), []);
  });
});

describe('other servers', () => {
  test('one without stream management confirms by answering a ping', async () => {
    const prosody = await server({ streamManagement: false });
    const friend = await alice(prosody);
    const desk = station(prosody);
    const keys = Array.from({ length: 50 }, (_, n) => `pinged-${n}`);
    const results = await Promise.all(keys.map((key) => desk.send('alice@mauve.test', key)));
    assert.ok(results.every(({ kind }) => kind === 'delivered'));
    await friend.hears('pinged-49');
    assert.equal(twice(friend, keys), 0);
    const nobody = await desk.send('nobody@mauve.test', 'x');
    assert.equal(nobody.kind, 'failed', nobody.why);
  });

  test('one without TLS is logged into only if the settings say so, without telling the password', async () => {
    const prosody = await server({ withoutTls: true });
    const friend = await alice(prosody);
    const desk = station(prosody, { tls: 'off', ca: null });
    const result = await desk.send('alice@mauve.test', 'plain');
    assert.equal(result.kind, 'delivered', result.why);
    await friend.hears('plain');
    assert.match(prosody.log, /mechanism='SCRAM-SHA-1'/);
  });
});

describe('a connection that is lost', () => {
  test('by a cut of the network is resumed: rooms, receipts and words go on as if nothing had been', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const room = prosody.room('ops');
    await friend.enter(room, 'alice', { 'muc#roomconfig_whois': 'anyone' });
    const wire = await wireTo(prosody.port);
    const desk = station(prosody, at(wire.port));
    await desk.send('alice@mauve.test', 'before');
    await desk.send(`${room}?join`, 'in the room');
    const entered = friend.presences.filter(({ attrs }) => attrs.from === `${room}/mauve`).length;
    const keys = Array.from({ length: 40 }, (_, n) => `cut-${n}`);
    const sent = Promise.all(
      keys.map((key, n) => desk.send(n % 4 === 0 ? `${room}?join` : 'alice@mauve.test', key)),
    );
    wire.cut();
    await friend.say('mauve@mauve.test', 'ack 12');
    await friend.say(room, 'mauve: ack 13', 'groupchat');
    wire.mend();
    const results = await sent;
    assert.deepEqual(
      results.filter(({ kind }) => kind !== 'delivered'),
      [],
    );
    await friend.hears('you said ack 12');
    await friend.hears('you said ack 13');
    assert.equal(twice(friend, keys), 0);
    assert.deepEqual(desk.heard.map(({ text }) => text).sort(), ['ack 12', 'ack 13']);
    assert.match(desk.log.join('\n'), /"how":"resumed"/);
    assert.equal(
      friend.presences.filter(({ attrs }) => attrs.from === `${room}/mauve`).length,
      entered,
      'it neither left nor came',
    );
  });

  test('again and again loses nothing', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const wire = await wireTo(prosody.port);
    const desk = station(prosody, at(wire.port));
    const keys = Array.from({ length: 60 }, (_, n) => `often-${n}`);
    const left = [...keys];
    const worker = async (): Promise<void> => {
      for (let key = left.shift(); key !== undefined; key = left.shift()) {
        assert.equal((await desk.sendUntilSettled('alice@mauve.test', key)).kind, 'delivered');
        if (left.length % 10 === 0) wire.cut();
        wire.mend();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    await eventually(
      () => keys.filter((key) => friend.messages.some(({ body }) => body.startsWith(`${key}. `))).length,
      (count) => count === keys.length,
    );
    assert.equal(twice(friend, keys), 0);
    assert.ok(wire.connections > 3, `${wire.connections}`);
  });

  test('by a restart of the server comes back, with its rooms', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const room = prosody.room('ops');
    const persistent = { 'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_whois': 'anyone' };
    await friend.enter(room, 'alice', persistent);
    const desk = station(prosody);
    await desk.send(`${room}?join`, 'before');
    await prosody.stop();
    await prosody.again();
    await friend.back();
    const results = await Promise.all([
      desk.sendUntilSettled('alice@mauve.test', 'after'),
      desk.sendUntilSettled(`${room}?join`, 'after in the room'),
    ]);
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['delivered', 'delivered'],
    );
    await friend.hears('after. ');
    await friend.hears('after in the room');
    // It is there again by itself, and listens.
    await prosody.stop();
    await prosody.again();
    await friend.back();
    await eventually(
      async () => {
        await friend.say(room, 'mauve: ack 12', 'groupchat');
        return desk.heard.length;
      },
      (count) => count > 0,
    );
  });

  test('by kill -9 of the server in the midst of sends loses none, and sends none more than twice', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const concurrency = 4;
    const desk = station(prosody, { concurrency });
    const keys = Array.from({ length: 120 }, (_, n) => `kill-${n}`);
    const left = [...keys];
    let done = 0;
    const worker = async (): Promise<void> => {
      for (let key = left.shift(); key !== undefined; key = left.shift()) {
        const result = await desk.sendUntilSettled('alice@mauve.test', key);
        assert.equal(result.kind, 'delivered', result.why);
        done += 1;
        if (done === 40) {
          await prosody.stop('SIGKILL');
          await prosody.again();
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    await friend.back();
    await eventually(
      () => keys.filter((key) => friend.messages.some(({ body }) => body.startsWith(`${key}. `))).length,
      (count) => count === keys.length,
    );
    assert.ok(twice(friend, keys) <= concurrency);
    const ids = new Set(friend.messages.map(({ id }) => id));
    assert.equal(ids.size, keys.length, 'by their ids, each is there once');
  });

  test('to another program that takes its place says so, and does not fight for it', async () => {
    const prosody = await server();
    const calm = { times: { ...quick, waitMost: seconds(60), waitLogin: seconds(60) } };
    const first = station(prosody, soon, calm);
    await first.send('alice@mauve.test', 'first');
    const second = station(prosody, soon, calm);
    await second.send('alice@mauve.test', 'second');
    await eventually(
      () => first.log.join('\n'),
      (text) => text.includes('a second station needs a resource of its own'),
    );
    const again = await second.send('alice@mauve.test', 'third');
    assert.equal(again.kind, 'delivered');
    expectRetry(await first.send('alice@mauve.test', 'fourth'), /gave the place of mauve@mauve\.test/);
  });
});

describe('a server that hangs', () => {
  test('holds a message up for no longer than its timeout, and it does not come twice', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const desk = station(prosody, soon);
    await desk.send('alice@mauve.test', 'before');
    prosody.pause();
    const began = performance.now();
    const result = await desk.send('alice@mauve.test', 'hung');
    const took = performance.now() - began;
    expectRetry(result, /^the server did not acknowledge the message for alice@mauve\.test within 2s500ms$/);
    assert.ok(took < 10_000, `${took} ms`);
    prosody.resume();
    assert.equal((await desk.sendUntilSettled('alice@mauve.test', 'hung')).kind, 'delivered');
    await desk.sendUntilSettled('alice@mauve.test', 'after');
    await friend.hears('after');
    assert.equal(twice(friend, ['before', 'hung', 'after']), 0);
  });

  test('is noticed though nothing is sent', async () => {
    const prosody = await server();
    const wire = await wireTo(prosody.port);
    const desk = station(prosody, at(wire.port), { times: { ...quick, quiet: milliseconds(300) } });
    await desk.send('alice@mauve.test', 'before');
    wire.hold();
    await eventually(
      () => desk.log.join('\n'),
      (text) => text.includes('the server has fallen silent'),
    );
    await eventually(
      () => desk.log.filter((line) => line.includes('connected to XMPP')).length,
      (count) => count >= 2,
    );
    const result = await desk.sendUntilSettled('alice@mauve.test', 'after');
    assert.equal(result.kind, 'delivered', result.why);
  });
});

describe('the end of the station', () => {
  test('says goodbye to those who see it', async () => {
    const prosody = await server();
    const friend = await alice(prosody);
    const room = prosody.room('ops');
    await friend.enter(room, 'alice');
    const desk = station(prosody);
    await desk.send(`${room}?join`, 'here');
    const last = desk.send('alice@mauve.test', 'last words');
    await desk.channel.close();
    assert.equal((await last).kind, 'delivered');
    await eventually(
      () =>
        friend.presences.some(({ attrs }) => attrs.from === `${room}/mauve` && attrs.type === 'unavailable'),
      (gone) => gone,
    );
    expectRetry(await desk.send('alice@mauve.test', 'too late'), /the station is ending/);
    assert.match(prosody.log, /Client disconnected: (?!connection closed)|stream closed|Session closed/i);
  });

  test('takes no longer than three seconds, whatever the server does', async () => {
    assert.ok(xmppCloseMax <= seconds(3));
    const prosody = await server();
    const desk = station(prosody);
    await desk.send('alice@mauve.test', 'before');
    prosody.pause();
    const stuck = desk.send('alice@mauve.test', 'stuck');
    const began = performance.now();
    await desk.channel.close();
    const took = performance.now() - began;
    assert.ok(took < xmppCloseMax + 2000, `${took} ms`);
    expectRetry(await stuck, /the station is ending/);
    prosody.resume();
  });

  test('before there ever was a connection is at once', async () => {
    const prosody = await server();
    await prosody.stop();
    const desk = station(prosody);
    const waiting = desk.send('alice@mauve.test', 'never');
    await desk.channel.close();
    expectRetry(await waiting, /the station is ending/);
  });
});
