/**
 * Email against a real SMTP server on loopback, and against servers that
 * misbehave: what is delivered, what is tried again, what is given up, and that
 * the password is in none of the words.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Channel, Message, SendResult } from '../../src/station/channels/channel.ts';
import { type EmailOptions, type EmailTimeouts, openEmail } from '../../src/station/channels/email.ts';
import { milliseconds, seconds, systemClock } from '../../src/time.ts';

const password = 'correct-horse-battery';
const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8');
const ca = fixture('ca.pem');
const certificate = { cert: fixture('server.pem'), key: fixture('server-key.pem') };

const message: Message = {
  idempotencyKey: '17/1/raised/johnny#email',
  title: 'URGENT raised: db1: disk is 97% full',
  text: 'db1: disk is 97% full\n\nRaised at 03:01 today.\n',
  html: '<p>db1: disk is 97% full</p>',
  urgent: true,
  link: 'http://127.0.0.1:1288/alerts/17',
  covers: ['17/1/raised/johnny#email'],
  thread: '17',
  data: { event: 'raised', person: 'johnny', title: '', alerts: [], total: 1 },
};

const short: EmailTimeouts = {
  connect: milliseconds(300),
  greeting: milliseconds(300),
  silence: milliseconds(300),
  send: milliseconds(900),
};
const patient: EmailTimeouts = {
  connect: seconds(10),
  greeting: seconds(10),
  silence: seconds(10),
  send: seconds(20),
};

let cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

type Received = {
  readonly from: string;
  readonly to: readonly string[];
  readonly content: string;
  readonly user: string;
};

/** A mail server that keeps what it gets. */
async function mailServer(
  options: SMTPServerOptions = {},
  at = 0,
): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = new SMTPServer({
    ...certificate,
    authOptional: true,
    onAuth: (auth, _session, done) => {
      if (auth.username === 'mauve' && auth.password === password) return done(null, { user: 'mauve' });
      return done(
        Object.assign(new Error(`no ${auth.username} with ${auth.password} here`), { responseCode: 535 }),
      );
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((one) => one.address),
          content: Buffer.concat(chunks).toString('utf8'),
          user: String(session.user ?? ''),
        });
        done(null, 'queued as A1B2');
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { port: address.port, received };
}

/** A server of few words: answers each line by the script, which may also hang or hang up. */
async function scripted(
  answer: (line: string, socket: Socket) => string | null,
  greeting = '220 hello',
): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (greeting !== '') socket.write(`${greeting}\r\n`);
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk.toString('latin1')}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const reply = answer(line, socket);
        if (reply !== null && !socket.destroyed) socket.write(`${reply}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** Says yes to everything up to and including DATA. */
function politeUntilData(line: string): string | null {
  if (line.startsWith('EHLO')) return '250 here';
  if (line === 'DATA') return '354 go ahead';
  if (line === 'STARTTLS') return '502 what?';
  return /^(MAIL|RCPT|RSET|QUIT|NOOP)/.test(line) ? '250 ok' : null;
}

function channel(port: number, options: Partial<EmailOptions> = {}, timeouts = patient): Channel {
  const opened = openEmail(
    {
      host: '127.0.0.1',
      port,
      implicitTls: false,
      tls: 'off',
      ca: null,
      login: null,
      from: 'Mauve <mauve@example.net>',
      concurrency: 2,
      ...options,
    },
    { clock: systemClock, timeouts },
  );
  cleanups.push(() => opened.close());
  return opened;
}

const secure = { tls: 'required', ca, host: 'localhost' } as const;
const login = (user: string, secret: string): Pick<EmailOptions, 'login'> => ({
  login: { user, password: () => secret },
});

async function send(
  port: number,
  options: Partial<EmailOptions> = {},
  timeouts = patient,
): Promise<SendResult> {
  const result = await channel(port, options, timeouts).send('johnny@example.com', message);
  assert.ok(!result.why.includes(password), result.why);
  return result;
}

/** The outcome, and that the words name the server and say so much. */
function expectResult(result: SendResult, kind: SendResult['kind'], port: number, words: RegExp): void {
  assert.equal(result.kind, kind, result.why);
  assert.match(result.why, new RegExp(`:${port} `));
  assert.match(result.why, words);
}

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

test('an email says what it is to people and to robots', async () => {
  const { port, received } = await mailServer();
  await send(port, secure);
  const content = received[0]?.content ?? '';
  const header = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'mi').exec(content)?.[1];
  assert.equal(header('Subject'), message.title);
  assert.equal(header('From'), 'Mauve <mauve@example.net>');
  assert.equal(header('To'), 'johnny@example.com');
  assert.equal(header('Auto-Submitted'), 'auto-generated');
  assert.equal(header('X-Auto-Response-Suppress'), 'All');
  assert.match(header('List-Id') ?? '', /<alerts\.example\.net>/);
  assert.match(header('Importance') ?? '', /high/i);
  assert.match(header('Message-ID') ?? '', /^<[0-9a-f]{40}@example\.net>$/);
  assert.ok(Number.isFinite(Date.parse(header('Date') ?? '')));
  assert.match(content, /multipart\/alternative/);
  assert.match(content, /Raised at 03:01 today\./);
  assert.match(content, /<p>db1: disk is 97% full<\/p>/);
});

test('a second try at the same message has the same Message-ID, another message or station has another', async () => {
  const { port, received } = await mailServer();
  const mail = channel(port, secure);
  await mail.send('johnny@example.com', message);
  await mail.send('johnny@example.com', { ...message, text: 'rendered again a minute later' });
  await mail.send('johnny@example.com', { ...message, idempotencyKey: '17/2/raised/johnny#email' });
  await mail.send('johnny@example.com', { ...message, link: 'https://other.example/alerts/17' });
  const ids = received.map(({ content }) => /^Message-ID: (.*)\r$/m.exec(content)?.[1]);
  assert.equal(ids[0], ids[1]);
  assert.equal(new Set(ids).size, 3);
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

test('a subject with line ends cannot add a header or a recipient', async () => {
  const { port, received } = await mailServer();
  const mail = channel(port, secure);
  await mail.send('johnny@example.com', { ...message, title: 'x\r\nBcc: eve@example.com\r\n\r\nhello' });
  assert.deepEqual(received[0]?.to, ['johnny@example.com']);
  assert.doesNotMatch(received[0]?.content ?? '', /^Bcc:/im);
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

const refusing = (code: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode: code });

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

test('a refused sender or content is final, a full disk at the server is not', async () => {
  const sender = await mailServer({ onMailFrom: (_a, _s, done) => done(refusing(553, 'not from you')) });
  expectResult(await send(sender.port, secure), 'failed', sender.port, /553 not from you/);
  const content = (code: number, words: string): SMTPServerOptions => ({
    onData: (stream, _session, done) => {
      stream.resume();
      stream.on('end', () => done(refusing(code, words)));
    },
  });
  const spam = await mailServer(content(554, 'looks like spam'));
  expectResult(await send(spam.port, secure), 'failed', spam.port, /554 looks like spam/);
  const full = await mailServer(content(452, 'disk full'));
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
  await cleanups.pop()?.();
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

test('a server that trickles for ever is given up in time', async () => {
  const trickle = await scripted((line, socket) => {
    if (!line.startsWith('MAIL')) return politeUntilData(line);
    const timer = setInterval(() => socket.write('250-still thinking\r\n'), 50);
    socket.on('close', () => clearInterval(timer));
    return null;
  });
  expectResult(await send(trickle, {}, short), 'retry', trickle, /took too long/);
});

test('a connection lost after the content may mean it arrived or not: it is sent again', async () => {
  const dropping = await scripted((line, socket) => {
    if (line !== '.') return politeUntilData(line);
    socket.destroy();
    return null;
  });
  expectResult(await send(dropping), 'retry', dropping, /connection/);
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
