/**
 * Webhooks: each message is a POST to the person's own address, signed so that
 * the receiver can tell who sent it, and when (docs/webhooks.md tells how).
 *
 * A message is sent at least once: when the connection is lost after the body
 * went out, it is sent again with the same Idempotency-Key. No redirect is
 * followed, so that what was signed goes nowhere but where a policy sends it.
 * What the answers mean is in webhook-results.ts. The secret never gets into a
 * result, a log or an error.
 */
import { createHash, createHmac } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createSecureContext, rootCertificates } from 'node:tls';
import { type Clock, type Duration, seconds } from '../../time.ts';
import type { Channel, ChannelEdges, Message, SendResult } from './channel.ts';
import { post } from './webhook-post.ts';
import { resultOf } from './webhook-results.ts';

export type WebhookOptions = {
  /** A function so that printing the options cannot print it. */
  readonly secret: () => string;
  /** Certificates (PEM) to trust besides the well-known ones: one channel reaches many servers. */
  readonly ca: string | null;
  /** Of the whole exchange, from the connection to the answer. */
  readonly timeout: Duration;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Null: as fast as they come. */
  readonly rate: NonNullable<Channel['rate']> | null;
};

export const webhookTimeout = seconds(15);
export const webhookConcurrency = 8;
/** So that the channel's own limit is what ends a slow exchange, and says why. */
const timeoutMargin = seconds(5);
/**
 * How long a connection is kept for the next message: less than the five seconds after which many servers close
 * theirs. One that is used just as it closes costs a try, for nobody can say whether the message went through.
 */
const idleMax = seconds(4);
/** What a message that is nearly through gets at the station's end. */
const closeGrace = seconds(3);
const version = process.env.MAUVE_VERSION ?? 'development';

/** @param idle instead of how long connections are kept usually. */
export type WebhookEdges = Pick<ChannelEdges, 'clock'> & { readonly idle?: Duration };

export function openWebhook(options: WebhookOptions, { clock, idle = idleMax }: WebhookEdges): Channel {
  return new Webhook(options, { clock, idle });
}

class Webhook implements Channel {
  readonly name = 'webhook';
  readonly concurrency: number;
  readonly rate?: NonNullable<Channel['rate']>;
  readonly timeout: Duration;
  private readonly options: WebhookOptions;
  private readonly clock: Clock;
  private readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  private readonly underWay = new Set<Promise<SendResult>>();
  private closed = false;

  constructor(options: WebhookOptions, { clock, idle }: Required<WebhookEdges>) {
    this.options = options;
    this.clock = clock;
    this.concurrency = options.concurrency;
    if (options.rate !== null) this.rate = options.rate;
    this.timeout = (options.timeout + timeoutMargin) as Duration;
    this.agents = agentsFor(options.ca, idle);
  }

  send(address: string, message: Message): Promise<SendResult> {
    const sent = this.attempt(address, message).finally(() => this.underWay.delete(sent));
    this.underWay.add(sent);
    return sent;
  }

  private async attempt(address: string, message: Message): Promise<SendResult> {
    const { secret, timeout } = this.options;
    const ending: SendResult = { kind: 'retry', why: 'the station is ending', notBefore: null };
    if (this.closed) return ending;
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || !isSound(url.username + url.password)) {
      return { kind: 'failed', why: 'the address is none that begins with https:// or http://' };
    }
    const { clock, agents } = this;
    const body = Buffer.from(message.text);
    const posted = await post({
      url,
      headers: headersFor(message, body, Math.floor(clock.now() / seconds(1)), secret()),
      body,
      agent: url.protocol === 'https:' ? agents.https : agents.http,
      timeout,
      clock,
    });
    if (posted.kind === 'error' && this.closed) return ending;
    return resultOf(posted, { url, secret: secret(), timeout, now: clock.now() });
  }

  async close(): Promise<void> {
    this.closed = true;
    const { http, https } = this.agents;
    const destroy = (): void => {
      http.destroy();
      https.destroy();
    };
    const late = this.clock.after(closeGrace, destroy);
    await Promise.allSettled(this.underWay);
    late();
    destroy();
  }
}

function agentsFor(
  ca: string | null,
  idle: Duration,
): { readonly http: HttpAgent; readonly https: HttpsAgent } {
  const kept = { keepAlive: true, timeout: idle };
  const minVersion = 'TLSv1.2';
  if (ca === null) return { http: new HttpAgent(kept), https: new HttpsAgent({ ...kept, minVersion }) };
  // Made once: reading all well-known certificates anew for each connection would hold up the station.
  const secureContext = createSecureContext({ minVersion, ca: [...rootCertificates, ca] });
  return { http: new HttpAgent(kept), https: new HttpsAgent({ ...kept, secureContext }) };
}

/** @param at in whole seconds since 1970. */
function headersFor(
  message: Message,
  body: Buffer,
  at: number,
  secret: string,
): Readonly<Record<string, string>> {
  const signature = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex');
  return {
    'content-type': isJson(message.text) ? 'application/json' : 'text/plain; charset=utf-8',
    'content-length': `${body.length}`,
    'user-agent': `Mauve/${version}`,
    'idempotency-key': idempotencyOf(message),
    'mauve-event': message.data.event,
    'mauve-signature': `t=${at},v1=${signature}`,
  };
}

/** The same for each attempt at a message; the link's origin tells two stations apart that send to one address. */
function idempotencyOf({ link, idempotencyKey }: Message): string {
  const station = URL.canParse(link) ? new URL(link).origin : '';
  return createHash('sha256').update(`${station}\n${idempotencyKey}`).digest('hex');
}

/** A `%` that escapes nothing would make the client throw. */
function isSound(userinfo: string): boolean {
  try {
    decodeURIComponent(userinfo);
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
