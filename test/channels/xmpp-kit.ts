/** A station's XMPP channel in tests: what it was told, what it reported, and messages to send. */
import type { Channel, Heard, Message, Report, SendResult } from '../../src/station/channels/channel.ts';
import {
  openXmpp,
  type XmppOptions,
  type XmppTimes,
  type XmppTune,
} from '../../src/station/channels/xmpp.ts';
import { milliseconds, seconds, systemClock } from '../../src/time.ts';
import type { Prosody } from '../kit/prosody.ts';

export const password = 'correct-horse-battery';
export const accounts = { mauve: password, alice: 'alice-secret', bob: 'bob-secret' };

/** Short waits, so that tests are; the timeout of a send is what a test sets. */
export const quick: XmppTimes = {
  waitLeast: milliseconds(100),
  waitMost: milliseconds(500),
  waitLogin: milliseconds(500),
  login: seconds(20),
  quiet: seconds(20),
  presence: milliseconds(700),
  roomAgain: milliseconds(500),
};

export function optionsFor(prosody: Prosody, more: Partial<XmppOptions> = {}): XmppOptions {
  return {
    jid: prosody.jid('mauve'),
    password: () => password,
    service: { host: '127.0.0.1', port: prosody.port, directTls: false },
    tls: 'required',
    ca: prosody.certificate,
    resource: 'mauve',
    nick: 'mauve',
    timeout: seconds(20),
    concurrency: 10,
    ...more,
  };
}

export class Desk {
  readonly channel: Channel;
  readonly heard: Heard[] = [];
  readonly reports: Report[] = [];
  readonly log: string[] = [];
  /** What the station says to what it hears. */
  answer: (heard: Heard) => Promise<string | null> = ({ text }) => Promise.resolve(`you said ${text}`);

  constructor(options: XmppOptions, tune: Partial<XmppTune> = {}) {
    const line = (what: unknown, text?: string): void => {
      this.log.push(`${text ?? ''} ${JSON.stringify(what)}`);
    };
    this.channel = openXmpp(
      options,
      {
        clock: systemClock,
        log: { debug: line, info: line, warn: line, error: line },
        events: {
          report: (report) => {
            this.reports.push(report);
            return Promise.resolve();
          },
          heard: (heard) => {
            this.heard.push(heard);
            return this.answer(heard);
          },
        },
      },
      { times: quick, ...tune },
    );
  }

  send(address: string, key: string, more: Partial<Message> = {}): Promise<SendResult> {
    return this.channel.send(address, messageOf(key, more));
  }

  /** Tries again for as long as that is worth it, as the delivery does. */
  async sendUntilSettled(address: string, key: string): Promise<SendResult> {
    let result = await this.send(address, key);
    for (let attempt = 0; attempt < 50 && result.kind === 'retry'; attempt++) {
      result = await this.send(address, key);
    }
    return result;
  }
}

export const messageOf = (key: string, more: Partial<Message> = {}): Message => ({
  idempotencyKey: key,
  covers: [key],
  title: 'URGENT raised: db1: disk is 97% full',
  text: `${key}. db1: disk is 97% full\nhttps://mauve.example.net/alerts/17`,
  html: '',
  urgent: true,
  link: 'https://mauve.example.net/alerts/17',
  thread: '17',
  data: { event: 'raised', person: 'johnny', title: '', alerts: [], total: 1 },
  ...more,
});
