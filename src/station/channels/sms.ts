/**
 * SMS by Twilio. What Twilio takes is on its way, no more: what became of it,
 * Twilio reports to `/hooks/sms/status` where it can call this station, and is
 * asked for where it cannot.
 *
 * A message is sent at least once. Twilio has no key by which it could tell a
 * second try from a second message: when the connection is lost after Twilio
 * took one, the message arrives twice, which is better than not at all. The
 * auth token never gets into a result, a log or an error.
 */
import { type Cancel, type Duration, plus, seconds } from '../../time.ts';
import type {
  Channel,
  ChannelEdges,
  HookAnswer,
  HookRequest,
  Message,
  Report,
  SendResult,
} from './channel.ts';
import { type ClientOptions, isMessageSid, SmsClient } from './sms-client.ts';
import { hookPath, smsHook, statusPath } from './sms-hook.ts';
import { reportOf, resultOf } from './sms-results.ts';
import { fitsSms, shortenedSms } from './sms-text.ts';

export type SmsOptions = ClientOptions & {
  /** Where Twilio can call this station, without a slash at the end; null: nowhere. */
  readonly publicUrl: string | null;
  /** Into at most so many a message is to go: each is charged. */
  readonly segments: number;
  readonly concurrency: number;
  readonly rate: { readonly count: number; readonly per: Duration };
};

/** So that the channel's own limit is what ends a slow send, and says why. */
const timeoutMargin = seconds(10);
/** What a message that is nearly through gets at the station's end. */
const closeGrace = seconds(3);
/** Asks Twilio to call again, up to five times, where the station did not take the report. */
const callAgain = '#rc=5&rp=ct,rt,5xx';
/** Twilio's code for an address of reports that it does not want to call. */
const badCallback = 21609;

export function openSms(options: SmsOptions, edges: ChannelEdges): Channel {
  return new Sms(options, edges);
}

class Sms implements Channel {
  readonly name = 'sms';
  readonly concurrency: number;
  readonly rate: SmsOptions['rate'];
  readonly timeout: Duration;
  readonly hook: (request: HookRequest) => Promise<HookAnswer>;
  private readonly options: SmsOptions;
  private readonly edges: ChannelEdges;
  private readonly client: SmsClient;
  private readonly underWay = new Set<Promise<SendResult>>();
  /** Null: Twilio cannot call this station. */
  private callback: string | null;
  private closed = false;

  constructor(options: SmsOptions, edges: ChannelEdges) {
    const { authToken, publicUrl } = options;
    const { events, log } = edges;
    this.options = options;
    this.edges = edges;
    this.concurrency = options.concurrency;
    this.rate = options.rate;
    this.timeout = (options.timeout + timeoutMargin) as Duration;
    this.client = new SmsClient(options, edges.clock);
    this.hook = smsHook({ authToken, publicUrl, events, log });
    this.callback = publicUrl === null ? null : `${publicUrl}${hookPath(statusPath)}${callAgain}`;
  }

  fits(text: string): boolean {
    return fitsSms(text, this.options.segments);
  }

  send(address: string, message: Message): Promise<SendResult> {
    const sent = this.attempt(address, message).finally(() => this.underWay.delete(sent));
    this.underWay.add(sent);
    return sent;
  }

  private async attempt(address: string, message: Message): Promise<SendResult> {
    if (this.closed) return { kind: 'retry', why: 'the station is ending', notBefore: null };
    if (!/^\+[1-9]\d{6,14}$/.test(address)) {
      return { kind: 'failed', why: `"${address}" is no telephone number: + and 7 to 15 digits` };
    }
    const text = shortenedSms(message.text.trim() || message.title, this.options.segments);
    const { callback } = this;
    const answer = await this.client.create(address, text, callback);
    if (answer.kind !== 'refused' || answer.code !== badCallback || callback === null) {
      return resultOf(this.options, answer, callback !== null);
    }
    // The message counts for more than what is reported of it.
    this.callback = null;
    this.edges.log.warn(
      { callback },
      'Twilio does not want to call base_url: it will be asked what became of messages instead',
    );
    return resultOf(this.options, await this.client.create(address, text, null), false);
  }

  async ask(reference: string): Promise<Report | null> {
    if (this.closed || !isMessageSid(reference)) return null;
    const answer = await this.client.fetch(reference);
    if (answer.kind === 'message') return reportOf(reference, answer.status, answer.code);
    const { why } = resultOf(this.options, answer, false);
    this.edges.log.debug({ reference, why }, 'Twilio does not say what became of a message');
    return null;
  }

  async close(): Promise<void> {
    this.closed = true;
    const { clock } = this.edges;
    const late: Cancel = clock.wake(plus(clock.now(), closeGrace), () => this.client.abort());
    await Promise.allSettled(this.underWay);
    late();
    this.client.close();
  }
}
