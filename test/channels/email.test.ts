/**
 * Email against a real SMTP server on loopback, and against servers that
 * misbehave: what is delivered, what is tried again, what is given up, and that
 * the password is in none of the words.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SMTPServerOptions } from 'smtp-server';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { emailTimeout, emailTimeouts } from '../../src/station/channels/email.ts';
import { milliseconds, minutes, seconds } from '../../src/time.ts';
import {
  channel,
  closeLast,
  expectResult,
  fixture,
  header,
  login,
  mailServer,
  message,
  password,
  politeUntilData,
  refusing,
  scripted,
  secure,
  send,
  short,
} from './mail-kit.ts';

test('an email arrives over STARTTLS with a login, and the receipt is what the server said', async () => {
  const { port, received } = await mailServer({ authOptional: false });
  const result = await send(port, { ...secure, ...login('mauve', password) });
  expectResult(result, 'delivered', port, /queued as A1B2/);
  assert.equal(received.length, 1);
  const [mail] = received;
  assert.equal(mail?.from, 'mauve@example.net');
  assert.deepEqual(mail?.to, ['johnny@example.com']);
  assert.equal(mail?.user, 'mauve');
});

test('an email arrives over TLS from the first byte', async () => {
  const { port, received } = await mailServer({ secure: true });
  expectResult(await send(port, { ...secure, implicitTls: true }), 'delivered', port, /queued/);
  assert.equal(received.length, 1);
});

test('an email arrives in plain on loopback, and with a snake-oil certificate where TLS is not required', async () => {
  const plain = await mailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
  expectResult(await send(plain.port, { tls: 'off' }), 'delivered', plain.port, /queued/);
  expectResult(await send(plain.port, { tls: 'opportunistic' }), 'delivered', plain.port, /queued/);
  const offered = await mailServer({ authOptional: false });
  const result = await send(offered.port, { tls: 'opportunistic', ...login('mauve', password) });
  expectResult(result, 'delivered', offered.port, /queued/);
});

test('many messages share few connections', async () => {
  let connections = 0;
  const { port, received } = await mailServer({
    onConnect: (_session, done) => {
      connections += 1;
      done();
    },
  });
  const mail = channel(port, secure);
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      mail.send('johnny@example.com', { ...message, idempotencyKey: `k${n}` }),
    ),
  );
  assert.ok(results.every((result) => result.kind === 'delivered'));
  assert.equal(received.length, 20);
  assert.ok(connections <= 2, `${connections} connections`);
});

test('what is no single address is given up without asking the server', async () => {
  const { port, received } = await mailServer();
  const mail = channel(port, secure);
  for (const address of [
    '',
    'johnny',
    'a@b, c@d',
    'a@b\r\nRCPT TO:<c@d>',
    `${'x'.repeat(300)}@example.com`,
    '<a@b>',
  ]) {
    assert.equal((await mail.send(address, message)).kind, 'failed', address);
  }
  assert.equal(received.length, 0);
});

/** Whether others are taken to have better luck; undefined where it is not tried again at all. */
const faultOf = (result: SendResult): string | undefined =>
  result.kind === 'retry' ? (result.fault ?? 'server') : undefined;
const refusedContent = (code: number, words: string): SMTPServerOptions => ({
  onData: (stream, _session, done) => {
    stream.resume();
    stream.on('end', () => done(refusing(code, words)));
  },
});

test('a greylisted recipient is tried again, an unknown one is not', async () => {
  const grey = await mailServer({ onRcptTo: (_a, _s, done) => done(refusing(451, '4.7.1 greylisted')) });
  expectResult(await send(grey.port, secure), 'retry', grey.port, /for now: 451 4\.7\.1 greylisted/);
  const unknown = await mailServer({ onRcptTo: (_a, _s, done) => done(refusing(550, '5.1.1 no such user')) });
  expectResult(
    await send(unknown.port, secure),
    'failed',
    unknown.port,
    /for good: 550 5\.1\.1 no such user/,
  );
});

test('a greylisted message is accepted at its second try, and is the same message', async () => {
  let tries = 0;
  const { port, received } = await mailServer({
    onRcptTo: (_address, _session, done) => {
      tries += 1;
      done(tries === 1 ? refusing(451, 'come back in a minute') : null);
    },
  });
  const mail = channel(port, { ...secure, concurrency: 1 });
  const first = await mail.send('johnny@example.com', message);
  expectResult(first, 'retry', port, /451 come back in a minute/);
  expectResult(await mail.send('johnny@example.com', message), 'delivered', port, /queued/);
  assert.equal(received.length, 1);
});

test('a recipient or a content refused for now is no fault of the server: others get through', async () => {
  for (const [code, words, fault] of [
    [450, '4.2.0 greylisted', 'message'],
    [451, 'greylisted', 'message'],
    [452, '4.2.2 mailbox full', 'message'],
    [451, '4.3.0 queue file write error', 'server'],
    [421, 'closing down', 'server'],
  ] as const) {
    const { port } = await mailServer({ onRcptTo: (_a, _s, done) => done(refusing(code, words)) });
    const result = await send(port, secure);
    expectResult(result, 'retry', port, new RegExp(words));
    assert.equal(faultOf(result), fault, `${code} ${words} to the recipient`);
  }
  for (const [code, words, fault] of [
    [450, 'greylisted after a look at it', 'message'],
    [451, '4.7.1 try again later', 'message'],
    [452, 'disk full', 'server'],
    [451, '4.3.5 broken filter', 'server'],
  ] as const) {
    const { port } = await mailServer(refusedContent(code, words));
    const result = await send(port, secure);
    expectResult(result, 'retry', port, new RegExp(words));
    assert.equal(faultOf(result), fault, `${code} ${words} to the content`);
  }
});

test('a server that takes nobody, or not this sender, is at fault itself', async () => {
  const sender = await mailServer({ onMailFrom: (_a, _s, done) => done(refusing(451, 'slow down')) });
  assert.equal(faultOf(await send(sender.port, secure)), 'server');
  const busy = await scripted(() => null, '421 too busy');
  assert.equal(faultOf(await send(busy)), 'server');
  const locked = await mailServer({ authOptional: false });
  assert.equal(faultOf(await send(locked.port, { ...secure, ...login('mauve', 'no') })), 'server');
  const mute = await scripted(() => null, '');
  assert.equal(faultOf(await send(mute, {}, short)), 'server');
});

test('a refused sender or content is final, a full disk at the server is not', async () => {
  const sender = await mailServer({ onMailFrom: (_a, _s, done) => done(refusing(553, 'not from you')) });
  expectResult(await send(sender.port, secure), 'failed', sender.port, /553 not from you/);
  const spam = await mailServer(refusedContent(554, 'looks like spam'));
  expectResult(await send(spam.port, secure), 'failed', spam.port, /554 looks like spam/);
  const full = await mailServer(refusedContent(452, 'disk full'));
  expectResult(await send(full.port, secure), 'retry', full.port, /452 disk full/);
});

test('after one refused recipient the next message still goes out', async () => {
  const { port, received } = await mailServer({
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith('nobody') ? done(refusing(550, 'no such user')) : done(),
  });
  const mail = channel(port, { ...secure, concurrency: 1 });
  assert.equal((await mail.send('nobody@example.com', message)).kind, 'failed');
  assert.equal((await mail.send('johnny@example.com', message)).kind, 'delivered');
  assert.equal(received.length, 1);
});

test('a wrong password is tried again later, and appears in no words, not even where the server repeats it', async () => {
  const { port } = await mailServer({ authOptional: false });
  const secret = 'wrong-but-still-secret';
  const result = await channel(port, { ...secure, ...login('mauve', secret) }).send(
    'johnny@example.com',
    message,
  );
  expectResult(result, 'retry', port, /does not accept the login of mauve: 535 no mauve with … here/);
  assert.ok(result.kind === 'retry' && result.notBefore !== null);
  const echo = await scripted((line) =>
    line.startsWith('EHLO')
      ? '250-here\r\n250 AUTH PLAIN'
      : line.startsWith('AUTH')
        ? `500 what is "${line}"?`
        : '250 ok',
  );
  const echoed = await send(echo, login('mauve', password));
  assert.equal(echoed.kind, 'retry');
  assert.match(echoed.why, /AUTH PLAIN …/);
  assert.ok(!echoed.why.includes(Buffer.from(`\0mauve\0${password}`).toString('base64')));
});

test('a server that wants a login gets the message later, when one is set', async () => {
  const { port } = await mailServer({ authOptional: false });
  expectResult(await send(port, secure), 'retry', port, /wants a login: 530/);
});

test('a password is never sent in the clear where TLS was wanted', async () => {
  const lines: string[] = [];
  const port = await scripted((line) => {
    lines.push(line);
    return politeUntilData(line);
  });
  const result = await send(port, { tls: 'required', ...login('mauve', password) });
  expectResult(result, 'retry', port, /TLS/);
  assert.ok(!lines.some((line) => /^(AUTH|MAIL)/.test(line)), lines.join('\n'));
});

test('a certificate of an unknown CA, or for another name, is a reason to wait, in words', async () => {
  const unknown = { tls: 'required', host: 'localhost' } as const;
  const words = /certificate .*tls_ca_file/;
  const { port, received } = await mailServer();
  expectResult(await send(port, unknown), 'retry', port, words);
  const implicit = await mailServer({ secure: true });
  expectResult(await send(implicit.port, { ...unknown, implicitTls: true }), 'retry', implicit.port, words);
  const other = await mailServer({ cert: fixture('other.pem'), key: fixture('other-key.pem') });
  expectResult(
    await send(other.port, secure),
    'retry',
    other.port,
    /does not hold for localhost.*other\.test/,
  );
  assert.equal(received.length + implicit.received.length + other.received.length, 0);
});

test('a server that is down is tried again, and found when it is back', async () => {
  const port = await scripted(() => null);
  await closeLast();
  const mail = channel(port, secure);
  expectResult(await mail.send('johnny@example.com', message), 'retry', port, /refuses connections/);
  const { received } = await mailServer({}, port);
  expectResult(await mail.send('johnny@example.com', message), 'delivered', port, /queued/);
  assert.equal(received.length, 1);
  await mail.close();
});

test('a host that nobody knows is named', async () => {
  const result = await send(25, { host: 'mail.invalid' });
  assert.equal(result.kind, 'retry');
  assert.match(result.why, /^mail\.invalid:25 (is not known|could not be looked up)/);
});

test('a server that is too busy to greet is tried again', async () => {
  const busy = await scripted(() => null, '421 too busy');
  expectResult(await send(busy), 'retry', busy, /421 too busy/);
  const closed = await scripted(() => null, '554 not today');
  expectResult(await send(closed), 'retry', closed, /554 not today/);
});

test('a server that hangs, at the greeting or later, is given up in time', async () => {
  const mute = await scripted(() => null, '');
  expectResult(await send(mute, {}, short), 'retry', mute, /did not answer in time/);
  const stuck = await scripted((line) => (line.startsWith('EHLO') ? '250 here' : null));
  expectResult(await send(stuck, {}, short), 'retry', stuck, /did not answer in time/);
});

test('the whole message may take as long as is set, and its steps are scaled with it', async () => {
  assert.deepEqual(emailTimeouts(emailTimeout), {
    connect: seconds(15),
    greeting: seconds(30),
    silence: seconds(60),
    send: seconds(100),
  });
  assert.deepEqual(emailTimeouts(minutes(10)), {
    connect: seconds(15),
    greeting: seconds(30),
    silence: minutes(6),
    send: minutes(10),
  });
  const tight = emailTimeouts(seconds(4));
  assert.deepEqual([tight.connect, tight.greeting, tight.silence], [2000, 2000, 2400]);
  const stuck = await scripted((line) => (line.startsWith('EHLO') ? '250 here' : null));
  const timeout = milliseconds(500);
  const began = performance.now();
  expectResult(await send(stuck, { timeout }, null), 'retry', stuck, /did not answer in time|took too long/);
  assert.ok(performance.now() - began < 10_000);
  assert.ok(channel(stuck, { timeout: seconds(20) }, null).timeout > seconds(20));
});

test('the pace that the server sets is told to whoever sends', () => {
  assert.deepEqual(channel(25, { rate: { count: 20, per: minutes(1) } }).rate, {
    count: 20,
    per: minutes(1),
  });
  assert.equal(channel(25).rate, undefined);
});

test('a server that trickles for ever is given up in time', async () => {
  const trickle = await scripted((line, socket) => {
    if (!line.startsWith('MAIL')) return politeUntilData(line);
    const timer = setInterval(() => socket.write('250-still thinking\r\n'), 50);
    socket.on('close', () => clearInterval(timer));
    return null;
  });
  expectResult(await send(trickle, {}, short), 'retry', trickle, /took too long/);
});

test('a connection lost after the content may mean it arrived or not: it is sent again as the same message', async () => {
  const seen: string[] = [];
  const port = await scripted((line, socket) => {
    if (line.startsWith('Message-ID: ')) seen.push(line);
    if (line !== '.') return politeUntilData(line);
    if (seen.length > 1) return '250 taken';
    socket.destroy();
    return null;
  });
  const mail = channel(port);
  expectResult(await mail.send('johnny@example.com', message), 'retry', port, /connection/);
  // Not again by itself: how often a message may be doubled is for the station to decide.
  assert.equal(seen.length, 1);
  expectResult(await mail.send('johnny@example.com', message), 'delivered', port, /taken/);
  assert.equal(seen.length, 2);
  assert.equal(seen[0], seen[1]);
});

test('a server that takes the content and is cut off gets the same message again, over a new login', async () => {
  const ids: (string | undefined)[] = [];
  let cutOff = (): void => undefined;
  const { port, drop } = await mailServer({
    authOptional: false,
    onData: (stream, _session, done) => {
      let content = '';
      stream.on('data', (chunk: Buffer) => {
        content += chunk.toString('latin1');
      });
      stream.on('end', () => {
        ids.push(header(content, 'Message-ID'));
        if (ids.length === 1) cutOff();
        else done(null, 'queued as C3');
      });
    },
  });
  cutOff = drop;
  const mail = channel(port, { ...secure, ...login('mauve', password) });
  expectResult(await mail.send('johnny@example.com', message), 'retry', port, /connection/);
  expectResult(await mail.send('johnny@example.com', message), 'delivered', port, /queued as C3/);
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
});

test('a long answer of many lines becomes one line of bearable length', async () => {
  const port = await scripted((line) =>
    line.startsWith('RCPT') ? `550-${'x'.repeat(2000)}\r\n550 \u0007no` : politeUntilData(line),
  );
  const { why } = await send(port);
  assert.match(why, /refuses it for good: 550-x+$/);
  assert.ok(why.length < 400);
});

test('a slow server is waited for', async () => {
  const { port } = await mailServer({ onRcptTo: (_a, _s, done) => void setTimeout(() => done(), 400) });
  expectResult(await send(port, secure), 'delivered', port, /queued/);
});

test('a server that hung up on the idle connection gets the next message all the same', async () => {
  const { port, received } = await mailServer({ socketTimeout: 500 });
  const mail = channel(port, { ...secure, concurrency: 1 });
  assert.equal((await mail.send('johnny@example.com', message)).kind, 'delivered');
  await new Promise((resolve) => setTimeout(resolve, 900));
  assert.equal((await mail.send('johnny@example.com', message)).kind, 'delivered');
  assert.equal(received.length, 2);
});

test('at the end of the station what is under way is finished, and nothing new begins', async () => {
  const { port, received } = await mailServer({
    onRcptTo: (_a, _s, done) => void setTimeout(() => done(), 200),
  });
  const mail = channel(port, secure);
  const underWay = mail.send('johnny@example.com', message);
  await mail.close();
  assert.equal((await underWay).kind, 'delivered');
  assert.equal((await mail.send('johnny@example.com', message)).kind, 'retry');
  assert.equal(received.length, 1);
});
