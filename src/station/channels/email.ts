/**
 * Email over SMTP. nodemailer speaks the protocol and is loaded at the first
 * message, since most of its weight would be paid by stations that send none.
 *
 * A message is sent at least once: when the connection is lost after the
 * content went out, it is sent again with the same Message-ID, by which mail
 * systems can tell. What the answers mean is in email-results.ts. The password
 * never gets into a result, a log or an error.
 */
import type { KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Mail, SMTPPoolOptions, SMTPPoolSentMessageInfo } from 'nodemailer';
import {
  type Cancel,
  type Clock,
  type Duration,
  milliseconds,
  minutes,
  seconds,
  systemClock,
} from '../../time.ts';
import type { Channel, Message, SendResult } from './channel.ts';
import { mailOf } from './email-headers.ts';
import { accepted, failureOf, tooSlow } from './email-results.ts';

/** required: TLS and a certificate that holds; opportunistic: TLS where it is offered, not checked; off: none. */
export const emailTls = ['required', 'opportunistic', 'off'] as const;
export type EmailTls = (typeof emailTls)[number];

export type EmailOptions = {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (smtps://), instead of STARTTLS. */
  readonly implicitTls: boolean;
  readonly tls: EmailTls;
  /** Certificates (PEM) to trust instead of the well-known ones. */
  readonly ca: string | null;
  /** The password is a function so that printing the options cannot print it. */
  readonly login: { readonly user: string; readonly password: () => string } | null;
  readonly from: string;
  /** Connections open at once, each with one message under way. */
  readonly concurrency: number;
  /** Of the whole message. */
  readonly timeout: Duration;
  /** Null: the server sets no pace. */
  readonly rate: NonNullable<Channel['rate']> | null;
  /** With what messages are signed (DKIM): an RSA key, whose printed form shows nothing of it. */
  readonly dkim: { readonly domain: string; readonly selector: string; readonly key: KeyObject } | null;
};

export type EmailTimeouts = {
  readonly connect: Duration;
  /** From the connection to the server's first line, TLS included. */
  readonly greeting: Duration;
  /** Of a server that says nothing. */
  readonly silence: Duration;
  /** Of the whole message, however busily the server trickles. */
  readonly send: Duration;
};

export const emailTimeout = seconds(100);
const connectMost = seconds(15);
const greetingMost = seconds(30);

/** How long the steps of a message may take, which as a whole may take `send`. */
export function emailTimeouts(send: Duration): EmailTimeouts {
  const half = milliseconds(send / 2);
  return {
    connect: shorter(connectMost, half),
    greeting: shorter(greetingMost, half),
    // A server that looks into a message before it takes it is silent for as long as that takes.
    silence: milliseconds(send * 0.6),
    send,
  };
}
const shorter = (a: Duration, b: Duration): Duration => (a < b ? a : b);

/** So that the channel's own limit is what ends a slow send, and says why. */
const timeoutMargin = seconds(10);
/** Below the five minutes after which servers hang up. */
const idleMax = minutes(1);
const messagesPerConnection = 100;
/** A connection that the server closed while idle is only noticed when it is used: try another at once. */
const freshConnections = 1;
/** What a message that is nearly through gets at the station's end. */
const closeGrace = seconds(3);

/** @param timeouts instead of those that the options' own timeout makes. */
export type EmailEdges = { readonly clock: Clock; readonly timeouts?: EmailTimeouts };

export function openEmail(options: EmailOptions, edges: EmailEdges = { clock: systemClock }): Channel {
  const { clock, timeouts = emailTimeouts(options.timeout) } = edges;
  return new Email(options, { clock, timeouts });
}

type Edges = Required<EmailEdges>;
type PoolOptions = SMTPPoolOptions & { pool: true };
type Transporter = Mail<SMTPPoolSentMessageInfo, SMTPPoolOptions>;

class Email implements Channel {
  readonly name = 'email';
  readonly concurrency: number;
  readonly rate?: NonNullable<Channel['rate']>;
  readonly timeout: Duration;
  private readonly options: EmailOptions;
  private readonly edges: Edges;
  private readonly underWay = new Map<Promise<SendResult>, AbortController>();
  private transporter: Promise<Transporter> | null = null;
  private closed = false;

  constructor(options: EmailOptions, edges: Edges) {
    this.options = options;
    this.edges = edges;
    this.concurrency = options.concurrency;
    if (options.rate !== null) this.rate = options.rate;
    this.timeout = plusDuration(edges.timeouts.send, timeoutMargin);
  }

  send(address: string, message: Message): Promise<SendResult> {
    const abort = new AbortController();
    const sent = this.attempt(address, message, abort).finally(() => this.underWay.delete(sent));
    this.underWay.set(sent, abort);
    return sent;
  }

  private async attempt(address: string, message: Message, abort: AbortController): Promise<SendResult> {
    if (this.closed) return { kind: 'retry', why: 'the station is ending', notBefore: null };
    if (!isAddress(address)) return { kind: 'failed', why: `"${address}" is no email address` };
    const { clock, timeouts } = this.edges;
    const inTime = clock.after(timeouts.send, () => abort.abort());
    try {
      this.transporter ??= import('nodemailer').then(({ createTransport }) =>
        createTransport(poolOptions(this.options, this.edges)),
      );
      const transporter = await this.transporter;
      const mail = mailOf(address, message, this.options.from);
      const info = await transporter.sendMail({ ...mail, signal: abort.signal });
      return accepted(this.options, info.response);
    } catch (error) {
      return abort.signal.aborted ? tooSlow(this.options) : failureOf(this.options, error);
    } finally {
      inTime();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const { clock } = this.edges;
    const late = clock.after(closeGrace, () => {
      for (const abort of this.underWay.values()) abort.abort();
    });
    await Promise.allSettled(this.underWay.keys());
    late();
    (await this.transporter)?.close();
  }
}

const plusDuration = (a: Duration, b: Duration): Duration => (a + b) as Duration;

function poolOptions(options: EmailOptions, edges: Edges): PoolOptions {
  const { host, port, implicitTls, tls, ca, login, concurrency, dkim } = options;
  const { timeouts } = edges;
  return {
    pool: true,
    host,
    port,
    secure: implicitTls,
    requireTLS: tls === 'required' && !implicitTls,
    ignoreTLS: tls === 'off',
    opportunisticTLS: tls === 'opportunistic',
    tls: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: tls === 'required',
      ...(ca === null ? {} : { ca }),
    },
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password() } }),
    // A server that offers no login would take the message for a stranger's and refuse it for good. Where TLS
    // is a matter of luck, the password must not go out in the clear.
    forceAuth: login !== null && tls !== 'opportunistic',
    ...(dkim === null
      ? {}
      : { dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.key } }),
    maxConnections: concurrency,
    maxMessages: messagesPerConnection,
    maxRequeues: freshConnections,
    idleTimeout: idleMax,
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.silence,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_, done) => {
      openSocket(options, edges)
        .then((connection) => done(null, { connection }))
        .catch((error: Error) => done(error));
    },
  };
}

/**
 * Connects by the system's resolver, hosts file included: nodemailer's own asks DNS first even for
 * `localhost`, and an alert about DNS must get out while DNS is down.
 */
function openSocket({ host, port }: EmailOptions, { clock, timeouts }: Edges): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, autoSelectFamily: true });
    const cancel: Cancel = clock.after(timeouts.connect, () => {
      socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
    });
    const failed = (error: Error): void => {
      cancel();
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      cancel();
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

/** One mailbox and nothing else: no list, no name, nothing that could begin another header. */
const isAddress = (text: string): boolean =>
  text.length <= addressMax && /^[^\s<>@,;:"()\p{Cc}]+@[^\s<>@,;:"()\p{Cc}]+$/u.test(text);
/** RFC 5321, 4.5.3.1.3 less the brackets. */
const addressMax = 254;
