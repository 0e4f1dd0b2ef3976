/** What tests of SMS have in common: the channel against the stand-in, and the station's page as Twilio calls it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../../src/log.ts';
import type {
  Channel,
  ChannelEvents,
  Heard,
  Message,
  Report,
  SendResult,
} from '../../src/station/channels/channel.ts';
import { openSms, type SmsOptions } from '../../src/station/channels/sms.ts';
import { seconds, systemClock } from '../../src/time.ts';
import { openTwilio, type StandInOptions, type TwilioStandIn } from '../kit/twilio.ts';

export const message: Message = {
  idempotencyKey: '17/1/raised/johnny#sms',
  title: 'URGENT raised: db1: disk is 97% full',
  text: 'db1: disk is 97% full. Raised at 03:01. ack 12: https://mauve.example.net/a/Xy',
  html: '',
  urgent: true,
  link: 'https://mauve.example.net/a/Xy',
  covers: ['17/1/raised/johnny#sms'],
  thread: '17',
  data: { event: 'raised', person: 'johnny', title: '', alerts: [], total: 1 },
};
export const johnny = '+447700900123';
export const sender = '+15005550006';

let cleanups: (() => Promise<void> | void)[] = [];
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
}

export async function standIn(options: StandInOptions = {}): Promise<TwilioStandIn> {
  const twilio = await openTwilio(options);
  cleanups.push(() => twilio.close());
  return twilio;
}

/** The lines of the log, as text, with all that an error holds. */
export function logTo(lines: string[]): Logger {
  const told = (_: string, value: unknown): unknown =>
    value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value;
  const log = (...said: readonly unknown[]): void => void lines.push(JSON.stringify(said, told));
  return { debug: log, info: log, warn: log, error: log };
}

export type Opened = {
  readonly sms: Channel;
  readonly twilio: TwilioStandIn;
  readonly reports: Report[];
  readonly heard: Heard[];
  readonly log: string[];
  /** What is said to who writes. */
  answers: (heard: Heard) => Promise<string | null>;
  /** What is done with a report, before it counts as taken. */
  records: (report: Report) => Promise<void>;
};

/** The channel, which no person's account but the stand-in's pays for. */
export function channel(
  twilio: TwilioStandIn,
  options: Partial<SmsOptions> = {},
  clock = systemClock,
): Opened {
  const reports: Report[] = [];
  const heard: Heard[] = [];
  const log: string[] = [];
  const events: ChannelEvents = {
    report: async (report) => {
      await opened.records(report);
      reports.push(report);
    },
    heard: async (said) => {
      heard.push(said);
      return await opened.answers(said);
    },
  };
  const sms = openSms(
    {
      accountSid: twilio.accountSid,
      authToken: () => twilio.authToken,
      sender: { from: sender },
      apiBase: twilio.url,
      publicUrl: null,
      segments: 3,
      timeout: seconds(20),
      concurrency: 4,
      rate: { count: 10, per: seconds(1) },
      ...options,
    },
    { clock, log: logTo(log), events },
  );
  const opened: Opened = {
    sms,
    twilio,
    reports,
    heard,
    log,
    answers: async () => null,
    records: async () => undefined,
  };
  cleanups.push(() => sms.close());
  return opened;
}

/** Passes what comes to `/hooks/sms/…` on to the channel, as the station's page does. */
export async function page(): Promise<{ readonly url: string; serve: (sms: Channel) => void }> {
  let served: Channel | null = null;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const path = (request.url ?? '').replace(/^\/hooks\/sms\//, '');
    const answer = await served?.hook?.({ path, form, headers });
    response.writeHead(answer?.status ?? 404, { 'content-type': answer?.type ?? 'text/plain' });
    response.end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    serve: (sms) => {
      served = sms;
    },
  };
}

/** Sends, and sees to it that the words hold no secret. */
export async function send({ sms, twilio, log }: Opened, to = johnny, what = message): Promise<SendResult> {
  const result = await sms.send(to, what);
  for (const words of [result.why, ...log]) {
    assert.ok(!words.includes(twilio.authToken), words);
    assert.ok(!words.includes(Buffer.from(`${twilio.accountSid}:${twilio.authToken}`).toString('base64')));
  }
  return result;
}
