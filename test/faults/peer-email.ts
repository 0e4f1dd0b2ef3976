/** A mail server with STARTTLS and AUTH, as a peer of the fault matrix. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { Line } from './line.ts';
import { type Fault, type Peer, type Received, slowness } from './peer.ts';

const fixture = (name: string): string => join(import.meta.dirname, '../channels/fixtures', name);
const password = 'correct-horse-battery';
type Refusals = Readonly<Partial<Record<Fault, Error>>>;
const answer = (responseCode: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode });
const refusals: Refusals = {
  permanent: answer(550, '5.1.1 no such mailbox'),
  'rate-limited': answer(451, '4.7.1 too many messages, slow down'),
};

export class EmailPeer implements Peer {
  readonly channel = 'email';
  readonly address = 'ann@example.net';
  readonly env = { MAUVE_SMTP_PASSWORD: password };
  readonly received: Received[] = [];
  readonly resumes = false;
  asked: () => void = () => undefined;
  broke: () => void = () => undefined;
  attempts = 0;
  private own: { readonly server: SMTPServer; readonly line: Line } | null = null;
  private fault: Fault | null = null;

  static async open(): Promise<EmailPeer> {
    const peer = new EmailPeer();
    const server = peer.serve();
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    peer.own = { server, line: await Line.to((server.server.address() as AddressInfo).port) };
    return peer;
  }

  get line(): Line {
    if (this.own === null) throw new Error('not open');
    return this.own.line;
  }

  get settings(): Peer['settings'] {
    return {
      smtp: `smtp://mauve@localhost:${this.line.port}`,
      from: 'Mauve <mauve@example.net>',
      tls: 'required',
      tls_ca_file: fixture('ca.pem'),
    };
  }

  set(fault: Fault | null): void {
    this.fault = fault;
  }

  private serve(): SMTPServer {
    return new SMTPServer({
      cert: readFileSync(fixture('server.pem')),
      key: readFileSync(fixture('server-key.pem')),
      closeTimeout: 100,
      onAuth: ({ username, password: given }, _session, done) =>
        username === 'mauve' && given === password
          ? done(null, { user: username })
          : done(answer(535, 'no such login')),
      onRcptTo: (_address, _session, done) => {
        const refusal = this.fault === null ? undefined : refusals[this.fault];
        if (refusal === undefined) return done();
        this.attempts += 1;
        this.asked();
        return done(refusal);
      },
      onData: (stream, _session, done) => {
        let text = '';
        stream.on('data', (chunk) => {
          text += String(chunk);
        });
        stream.on('end', () => void this.take(text, () => done(null, 'queued as A1B2')));
      },
    });
  }

  private async take(text: string, done: () => void): Promise<void> {
    this.attempts += 1;
    const { fault } = this;
    this.asked();
    if (fault === 'timeout') return;
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, slowness));
    const whole = text.replace(/=\r\n|\r\n(?=[ \t])/g, '');
    this.received.push({ id: /^Message-ID: (.*)$/im.exec(whole)?.[1]?.trim() ?? '', text: whole });
    if (fault === 'accepted, then lost') return this.line.cut();
    done();
  }

  async close(): Promise<void> {
    await this.line.close();
    await new Promise<void>((resolve) => this.own?.server.close(() => resolve()));
  }
}
