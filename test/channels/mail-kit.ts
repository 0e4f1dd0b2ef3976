/**
 * For the tests of email: a real SMTP server on loopback, servers that
 * misbehave, and a channel to them. What is opened is closed after each test.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Channel, Message, SendResult } from '../../src/station/channels/channel.ts';
import {
  type EmailOptions,
  type EmailTimeouts,
  emailTimeout,
  openEmail,
} from '../../src/station/channels/email.ts';
import { milliseconds, seconds, systemClock } from '../../src/time.ts';
import { freePort } from '../kit/ports.ts';

export const password = 'correct-horse-battery';
export const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8');
const ca = fixture('ca.pem');
const certificate = { cert: fixture('server.pem'), key: fixture('server-key.pem') };

export const message: Message = {
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

export const short: EmailTimeouts = {
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

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
/** Closes what was opened last, as far as it was not. */
export const closeLast = async (): Promise<void> => await cleanups.pop()?.();

export type Received = {
  readonly from: string;
  readonly to: readonly string[];
  /** A character a byte. */
  readonly content: string;
  readonly user: string;
};

/** A mail server that keeps what it gets. `drop`: breaks off all its connections. */
export async function mailServer(
  options: SMTPServerOptions = {},
  at = 0,
): Promise<{ port: number; received: Received[]; drop: () => void }> {
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
          content: Buffer.concat(chunks).toString('latin1'),
          user: String(session.user ?? ''),
        });
        done(null, 'queued as A1B2');
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  const sockets = new Set<Socket>();
  server.server.on('connection', (socket: Socket) => sockets.add(socket));
  const port = at === 0 ? await freePort() : at;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return { port, received, drop };
}

/** A server of few words: answers each line by the script, which may also hang or hang up. */
export async function scripted(
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
export function politeUntilData(line: string): string | null {
  if (line.startsWith('EHLO')) return '250 here';
  if (line === 'DATA') return '354 go ahead';
  if (line === 'STARTTLS') return '502 what?';
  return /^(MAIL|RCPT|RSET|QUIT|NOOP)/.test(line) ? '250 ok' : null;
}

/** @param timeouts null: those that the options make. */
export function channel(
  port: number,
  options: Partial<EmailOptions> = {},
  timeouts: EmailTimeouts | null = patient,
): Channel {
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
      timeout: emailTimeout,
      rate: null,
      dkim: null,
      ...options,
    },
    { clock: systemClock, ...(timeouts === null ? {} : { timeouts }) },
  );
  cleanups.push(() => opened.close());
  return opened;
}

export const secure = { tls: 'required', ca, host: 'localhost' } as const;
export const login = (user: string, secret: string): Pick<EmailOptions, 'login'> => ({
  login: { user, password: () => secret },
});

export async function send(
  port: number,
  options: Partial<EmailOptions> = {},
  timeouts: EmailTimeouts | null = patient,
): Promise<SendResult> {
  const result = await channel(port, options, timeouts).send('johnny@example.com', message);
  assert.ok(!result.why.includes(password), result.why);
  return result;
}

/** The outcome, and that the words name the server and say so much. */
export function expectResult(
  result: SendResult,
  kind: SendResult['kind'],
  port: number,
  words: RegExp,
): void {
  assert.equal(result.kind, kind, result.why);
  assert.match(result.why, new RegExp(`:${port} `));
  assert.match(result.why, words);
}

export const refusing = (code: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode: code });

/** The value of a header as it was sent, folded or not; undefined where there is none. */
export const rawHeader = (content: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'mi').exec(content.split('\r\n\r\n')[0] ?? '')?.[1];

/** As a reader sees it: unfolded, encoded words decoded (RFC 2047). */
export function header(content: string, name: string): string | undefined {
  const unfolded = rawHeader(content, name)?.replace(/\r\n(?=[ \t])/g, '');
  const joined = unfolded?.replace(/(\?=)\s+(?==\?)/g, '$1');
  return joined?.replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_all, how: string, text: string) =>
    how.toLowerCase() === 'b'
      ? Buffer.from(text, 'base64').toString('utf8')
      : quotedPrintable(text.replaceAll('_', ' ')),
  );
}

/** RFC 2045. */
function quotedPrintable(text: string): string {
  const bytes = text
    .replace(/[ \t]*=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

export type Part = { readonly type: string; readonly encoding: string; readonly text: string };

/** The parts of a multipart mail as a mail program reads them, in their order. */
export function partsOf(content: string): readonly Part[] {
  const boundary = /boundary="?([^";\r\n]+)"?/.exec(rawHeader(content, 'Content-Type') ?? '')?.[1];
  const pieces = boundary === undefined ? [] : content.split(`--${boundary}`).slice(1, -1);
  return pieces.map((piece) => {
    const part = piece.replace(/^\r\n/, '').replace(/\r\n$/, '');
    const body = part.slice(part.indexOf('\r\n\r\n') + 4);
    const encoding = rawHeader(part, 'Content-Transfer-Encoding') ?? '7bit';
    const text =
      encoding === 'base64'
        ? Buffer.from(body, 'base64').toString('utf8')
        : encoding === 'quoted-printable'
          ? quotedPrintable(body)
          : body;
    const type = rawHeader(part, 'Content-Type') ?? '';
    return { type, encoding, text: text.replaceAll('\r\n', '\n') };
  });
}
