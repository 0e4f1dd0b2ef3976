/**
 * A stand-in for Twilio's messaging API on loopback: it takes what Twilio takes
 * and refuses what Twilio refuses, with its codes; it reports what becomes of
 * messages by signed callbacks, brings signed answers, and misbehaves when told
 * to. Its signatures are computed here, not by the SDK that checks them.
 *
 * Twilio's own magic numbers work: to +15005550001 is no valid number, …02 has
 * no route, …03 is in a country that is not allowed, …04 has unsubscribed, …09
 * is no mobile number; from …01 is no valid sender, …07 is not the account's,
 * …08 has a full queue.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { SegmentedMessage } from 'sms-segments-calculator';
import { freePort } from './ports.ts';
import { pause } from './process.ts';
import { bad, faultOf, type Refusal, signatureOf } from './twilio-rules.ts';

export type Fate =
  /** queued, sent, and then this. */
  | { readonly kind: 'delivered' }
  | { readonly kind: 'undelivered' | 'failed'; readonly code: number }
  /** queued and sent, and then nothing more: many carriers report nothing. */
  | { readonly kind: 'sent' }
  /** Nothing: it stays in the queue until `settle`. */
  | { readonly kind: 'held' };

export type Behaviour =
  | { readonly kind: 'takes'; readonly fate?: Fate }
  /** Answers after so many milliseconds. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Reads the request and says nothing. */
  | { readonly kind: 'hangs' }
  /** Says one byte of its answer's body at a time, for ever. */
  | { readonly kind: 'trickles' }
  /** Takes the message, and breaks the connection off before it says so. */
  | { readonly kind: 'takes-and-drops' }
  /** Breaks the connection off and takes nothing. */
  | { readonly kind: 'drops' }
  | { readonly kind: 'rate-limited'; readonly retryAfter?: string }
  /** Refuses with a code of Twilio's and its HTTP status. */
  | { readonly kind: 'refuses'; readonly status: number; readonly code: number; readonly message?: string }
  /** Refuses requests that name an address for reports. */
  | { readonly kind: 'no-callbacks' }
  /** Answers like something that is not Twilio. */
  | { readonly kind: 'says'; readonly status: number; readonly type: string; readonly body: string };

export type TakenMessage = {
  readonly sid: string;
  readonly to: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly statusCallback: string | null;
  readonly segments: number;
  status: string;
  errorCode: number | null;
};

/** A callback that was made, and what was answered; `answer` 0: the connection failed. */
export type MadeCallback = { readonly sid: string; readonly status: string; readonly answer: number };

export type StandInOptions = {
  readonly accountSid?: string;
  readonly authToken?: string;
  /** 0: any that is free. */
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
};

export type Answered = { readonly status: number; readonly type: string; readonly body: string };

const version = '2010-04-01';
/** Between two tries at a callback, in milliseconds; Twilio tries for at most 15 s. */
const callbackAgain = 200;
const callbackMax = 15_000;

export const newSid = (kind: 'AC' | 'MG' | 'SM'): string => `${kind}${randomBytes(16).toString('hex')}`;

/** Starts one; it listens when this resolves. */
export async function openTwilio(options: StandInOptions = {}): Promise<TwilioStandIn> {
  const twilio = new TwilioStandIn(options);
  await twilio.listen();
  return twilio;
}

export class TwilioStandIn {
  readonly accountSid: string;
  readonly authToken: string;
  /** What it took, oldest first, by way of whatever behaviour. */
  readonly messages: TakenMessage[] = [];
  readonly callbacks: MadeCallback[] = [];
  /** Requests that came in, right or wrong. */
  requests = 0;
  private readonly options: StandInOptions;
  private behaviour: (to: string) => Behaviour = () => ({ kind: 'takes' });
  private server: Server | null = null;
  private port = 0;
  private readonly sockets = new Set<Socket>();
  private readonly working = new Set<Promise<void>>();
  private readonly ended = new AbortController();

  constructor(options: StandInOptions) {
    this.options = options;
    this.accountSid = options.accountSid ?? newSid('AC');
    this.authToken = options.authToken ?? randomBytes(16).toString('hex');
    this.port = options.port ?? 0;
  }

  /** What `api_base` is set to. */
  get url(): string {
    return `${this.options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** How it treats messages from now on; a function may tell by the number that one is for. */
  behave(behaviour: Behaviour | ((to: string) => Behaviour)): void {
    this.behaviour = typeof behaviour === 'function' ? behaviour : () => behaviour;
  }

  /** Begins to take connections, at the same port as before. */
  async listen(): Promise<void> {
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.track(this.serve(request, response));
    };
    const { tls } = this.options;
    const server = tls === undefined ? createServer(answer) : createTlsServer({ ...tls }, answer);
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
    if (this.port === 0) this.port = await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.server = server;
  }

  /** Refuses connections until `listen`, and breaks off those there are. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.refuse();
    await Promise.allSettled(this.working);
  }

  /** Lets a message that was held, or only sent, come to its end; resolves once all of it is reported. */
  async settle(sid: string, fate: Fate): Promise<void> {
    const message = this.messages.find((one) => one.sid === sid);
    if (message === undefined) throw new Error(`there is no message ${sid}`);
    const steps = stepsTo(fate).filter((step) => step !== message.status);
    await this.advance(message, steps, fate);
  }

  /** Somebody writes: asks `url` as Twilio does. @param more fields beside, or instead of, the usual ones. */
  async inbound(
    url: string,
    said: { readonly from: string; readonly to?: string; readonly text: string; readonly sid?: string },
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    const sid = said.sid ?? newSid('SM');
    const form = {
      AccountSid: this.accountSid,
      ApiVersion: version,
      Body: said.text,
      From: said.from,
      MessageSid: sid,
      NumMedia: '0',
      NumSegments: String(new SegmentedMessage(said.text).segmentsCount),
      SmsMessageSid: sid,
      SmsSid: sid,
      SmsStatus: 'received',
      To: said.to ?? '+15005550006',
      ...more,
    };
    const response = await this.post(url, form);
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      body: await response.text(),
    };
  }

  /** Asks an address as Twilio does; what stands behind a # is Twilio's own, and neither signed nor sent. */
  private post(url: string, form: Readonly<Record<string, string>>): Promise<Response> {
    const [called = ''] = url.split('#');
    return fetch(called, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([this.ended.signal, AbortSignal.timeout(callbackMax)]),
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
        'x-twilio-signature': signatureOf(this.authToken, called, form),
        'i-twilio-idempotency-token': randomBytes(16).toString('hex'),
        'user-agent': 'TwilioProxy/1.1',
      },
      body: new URLSearchParams(form).toString(),
    });
  }

  private track(work: Promise<void>): void {
    const tracked = work.catch(() => undefined).finally(() => this.working.delete(tracked));
    this.working.add(tracked);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url ?? '/', this.url);
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    if (!this.loggedIn(request.headers.authorization ?? '')) {
      return refuseWith(response, { status: 401, code: 20003, message: 'Authenticate' });
    }
    const under = `/${version}/Accounts/${this.accountSid}/Messages`;
    if (request.method === 'POST' && pathname === `${under}.json`) {
      return await this.take(form, request, response);
    }
    const [, sid] = /^\/([A-Z]{2}[0-9a-f]{32})\.json$/.exec(pathname.slice(under.length)) ?? [];
    const message = this.messages.find((one) => one.sid === sid);
    if (request.method === 'GET' && pathname.startsWith(under) && message !== undefined) {
      return answerWith(response, 200, this.shown(message));
    }
    const said = `The requested resource ${pathname} was not found`;
    return refuseWith(response, { status: 404, code: 20404, message: said });
  }

  private loggedIn(header: string): boolean {
    const wanted = Buffer.from(
      `Basic ${Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64')}`,
    );
    const given = Buffer.from(header);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  private async take(
    form: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const fault = faultOf(form, request.headers['content-type'] ?? '');
    if (fault !== null) return refuseWith(response, fault);
    const behaviour = this.behaviour(form.get('To') ?? '');
    switch (behaviour.kind) {
      case 'hangs':
        return;
      case 'trickles':
        return await trickle(response);
      case 'drops':
        response.destroy();
        return;
      case 'takes-and-drops':
        this.accept(form, { kind: 'delivered' });
        response.destroy();
        return;
      case 'slow':
        await pause(behaviour.ms);
        return answerWith(response, 201, this.shown(this.accept(form, { kind: 'delivered' })));
      case 'rate-limited':
        if (behaviour.retryAfter !== undefined) response.setHeader('Retry-After', behaviour.retryAfter);
        return refuseWith(response, { status: 429, code: 20429, message: 'Too Many Requests' });
      case 'refuses':
        return refuseWith(response, { message: `Refused by ${behaviour.code}`, ...behaviour });
      case 'no-callbacks':
        if (form.has('StatusCallback'))
          return refuseWith(response, bad(21609, "Invalid 'StatusCallback' URL"));
        return answerWith(response, 201, this.shown(this.accept(form, { kind: 'delivered' })));
      case 'says':
        response.writeHead(behaviour.status, { 'content-type': behaviour.type }).end(behaviour.body);
        return;
      case 'takes': {
        const message = this.accept(form, behaviour.fate ?? { kind: 'delivered' });
        return answerWith(response, 201, this.shown(message, 'queued'));
      }
      default:
        return behaviour satisfies never;
    }
  }

  private accept(form: URLSearchParams, fate: Fate): TakenMessage {
    const body = form.get('Body') ?? '';
    const message: TakenMessage = {
      sid: newSid('SM'),
      to: form.get('To') ?? '',
      from: form.get('From'),
      messagingServiceSid: form.get('MessagingServiceSid'),
      body,
      statusCallback: form.get('StatusCallback'),
      segments: new SegmentedMessage(body).segmentsCount,
      status: form.has('MessagingServiceSid') ? 'accepted' : 'queued',
      errorCode: null,
    };
    this.messages.push(message);
    this.track(this.advance(message, stepsTo(fate), fate));
    return message;
  }

  private async advance(message: TakenMessage, steps: readonly string[], fate: Fate): Promise<void> {
    for (const step of steps) {
      if (this.ended.signal.aborted) return;
      message.status = step;
      message.errorCode = 'code' in fate && step === fate.kind ? fate.code : null;
      if (message.statusCallback !== null) await this.callBack(message, message.statusCallback);
    }
  }

  /** Once, and as often again as the address asks for behind its #. */
  private async callBack(message: TakenMessage, url: string): Promise<void> {
    const { sid, to, from, status, errorCode, messagingServiceSid } = message;
    const form = {
      AccountSid: this.accountSid,
      ApiVersion: version,
      From: from ?? '+15005550006',
      MessageSid: sid,
      MessageStatus: status,
      SmsSid: sid,
      SmsStatus: status,
      To: to,
      ...(messagingServiceSid === null ? {} : { MessagingServiceSid: messagingServiceSid }),
      ...(errorCode === null ? {} : { ErrorCode: String(errorCode) }),
    };
    const overrides = new URLSearchParams(url.split('#')[1] ?? '');
    const policy = (overrides.get('rp') ?? 'ct').split(',');
    for (let tries = Number(overrides.get('rc') ?? '1'); ; tries -= 1) {
      const answer = await this.post(url, form).then(
        (response) => response.status,
        () => 0,
      );
      this.callbacks.push({ sid, status, answer });
      const kind = answer === 0 ? 'ct' : `${Math.floor(answer / 100)}xx`;
      if (tries <= 0 || this.ended.signal.aborted || !(policy.includes(kind) || policy.includes('all')))
        return;
      await pause(callbackAgain);
    }
  }

  /** As the API shows a message. */
  private shown(message: TakenMessage, status = message.status): Readonly<Record<string, unknown>> {
    const { sid, to, from, body, messagingServiceSid, segments, errorCode } = message;
    const date = new Date().toUTCString().replace('GMT', '+0000');
    return {
      account_sid: this.accountSid,
      api_version: version,
      body,
      date_created: date,
      date_sent: null,
      date_updated: date,
      direction: 'outbound-api',
      error_code: errorCode,
      error_message: null,
      from,
      messaging_service_sid: messagingServiceSid,
      num_media: '0',
      num_segments: String(segments),
      price: null,
      price_unit: 'USD',
      sid,
      status,
      subresource_uris: {},
      to,
      uri: `/${version}/Accounts/${this.accountSid}/Messages/${sid}.json`,
    };
  }
}

function stepsTo(fate: Fate): readonly string[] {
  switch (fate.kind) {
    case 'held':
      return [];
    case 'sent':
      return ['queued', 'sent'];
    case 'failed':
      return ['queued', 'failed'];
    default:
      return ['queued', 'sent', fate.kind];
  }
}

function answerWith(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' }).end(JSON.stringify(body));
}

function refuseWith(response: ServerResponse, { status, code, message }: Refusal): void {
  const more_info = `https://www.twilio.com/docs/errors/${code}`;
  answerWith(response, status, { code, message, more_info, status });
}

async function trickle(response: ServerResponse): Promise<void> {
  response.writeHead(201, { 'content-type': 'application/json;charset=utf-8' });
  while (!response.destroyed) {
    response.write(' ');
    await pause(20);
  }
}
