/**
 * Twilio's API through Twilio's own SDK, which is loaded when it is first
 * needed: it takes longer than the rest of the station's start.
 *
 * The SDK's errors hold the whole request, the login included. None of them
 * leaves this file: what went wrong comes out as plain data, without it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:http';
import { type Clock, type Duration, hours, instant, milliseconds, seconds, since } from '../../time.ts';

type Library = typeof import('twilio');
type Account = ReturnType<Library>;
type Asked<Data> = Parameters<InstanceType<Library['RequestClient']>['request']>[0] & {
  readonly data?: Data;
};

/** Resolves to the SDK, loaded once a process. */
export async function loadTwilio(): Promise<Library> {
  const { default: library } = await import('twilio');
  return library;
}

/** By a telephone number, a name that receivers see, or a Messaging Service, which chooses one of its own. */
export type SmsSender = { readonly from: string } | { readonly messagingService: string };

export type ClientOptions = {
  readonly accountSid: string;
  /** A function so that printing the options cannot print it. */
  readonly authToken: () => string;
  readonly sender: SmsSender;
  /** Scheme, host and port of an API other than Twilio's own; null: Twilio's. */
  readonly apiBase: string | null;
  /** Of one request. */
  readonly timeout: Duration;
};

/** A message as Twilio has it. */
export type TwilioMessage = {
  readonly kind: 'message';
  readonly sid: string;
  readonly status: string;
  /** Null: Twilio does not know yet. */
  readonly segments: number | null;
  /** Twilio's error code; 0: none. */
  readonly code: number;
};
export type Trouble =
  /** It answered, and what it said is no message. `code` 0: none of Twilio's own. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: number;
      readonly message: string;
      readonly retryAfter: Duration | null;
    }
  /** There was no answer. `cause`: the system's or TLS's code; empty where there is none. */
  | { readonly kind: 'unanswered'; readonly cause: string; readonly message: string }
  | { readonly kind: 'late' };

/** In bytes: none of Twilio's answers comes near it. */
const answerMax = 256 * 1024;
const socketsMax = 50;
/** Whoever asks to wait for longer is asked again before. */
export const retryAfterMost = hours(1);

/** Never rejects, and ends within the timeout of its options. */
export class SmsClient {
  private readonly options: ClientOptions;
  private readonly clock: Clock;
  private readonly underWay = new Set<AbortController>();
  /** By which the request that is made knows its own end: the SDK passes nothing through. */
  private readonly ends = new AsyncLocalStorage<AbortSignal>();
  private readonly plainAgent = new Agent({ keepAlive: true, maxSockets: socketsMax });
  private account: Account | null = null;
  private letGo: () => void = () => undefined;

  constructor(options: ClientOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
  }

  /** @param callback where Twilio is to report what becomes of it. */
  create(to: string, body: string, callback: string | null): Promise<TwilioMessage | Trouble> {
    const { sender } = this.options;
    const from = 'from' in sender ? sender : { messagingServiceSid: sender.messagingService };
    const report = callback === null ? {} : { statusCallback: callback };
    return this.request((account) => account.messages.create({ to, body, ...from, ...report }));
  }

  fetch(sid: string): Promise<TwilioMessage | Trouble> {
    return this.request((account) => account.messages(sid).fetch());
  }

  /** Gives up what is under way. */
  abort(): void {
    for (const one of this.underWay) one.abort();
  }

  close(): void {
    this.abort();
    this.letGo();
    this.plainAgent.destroy();
  }

  private async request(
    make: (account: Account) => Promise<Partial<RawMessage>>,
  ): Promise<TwilioMessage | Trouble> {
    const abort = new AbortController();
    this.underWay.add(abort);
    let inTime = (): void => undefined;
    try {
      this.account ??= this.open(await loadTwilio());
      const { account } = this;
      inTime = this.clock.after(this.options.timeout, () => abort.abort());
      return messageOf(await this.ends.run(abort.signal, () => make(account)));
    } catch (error) {
      return abort.signal.aborted ? { kind: 'late' } : troubleOf(error);
    } finally {
      inTime();
      this.underWay.delete(abort);
    }
  }

  private open(library: Library): Account {
    const { accountSid, authToken, apiBase, timeout } = this.options;
    const { ends, clock } = this;
    class Client extends library.RequestClient {
      override async request<Data>(asked: Asked<Data>) {
        const answer = await super.request<Data>({ ...asked, uri: moved(asked.uri, apiBase) });
        const { statusCode: status, headers, body } = answer;
        if (status < okFrom || status >= okBelow) throw refusal(status, headers, body, clock);
        return answer;
      }
    }
    const client = new Client({ timeout, maxSockets: socketsMax });
    const { defaults, interceptors } = client.axios;
    defaults.maxContentLength = answerMax;
    defaults.httpAgent = this.plainAgent;
    this.letGo = () => defaults.httpsAgent?.destroy();
    interceptors.request.use((config) => {
      const signal = ends.getStore();
      return signal === undefined ? config : Object.assign(config, { signal });
    });
    // Said here, for the SDK would otherwise take it from the environment, and may print what it sends.
    return library(accountSid, authToken(), { httpClient: client, accountSid, logLevel: 'error' });
  }
}

const okFrom = 200;
const okBelow = 300;

/** The same path at another host. */
function moved(uri: string, apiBase: string | null): string {
  if (apiBase === null) return uri;
  const { pathname, search } = new URL(uri);
  return `${apiBase}${pathname}${search}`;
}

class Refused extends Error {
  readonly trouble: Trouble;
  constructor(trouble: Trouble) {
    super('Twilio refused it');
    this.trouble = trouble;
  }
}

function refusal(status: number, headers: unknown, body: unknown, clock: Clock): Refused {
  const said = fieldsOf(body);
  const words = said.message ?? said.detail ?? said.title;
  return new Refused({
    kind: 'refused',
    status,
    code: numberOf(said.code),
    message: typeof words === 'string' ? words : '',
    retryAfter: waitOf(fieldsOf(headers)['retry-after'], clock),
  });
}

/** Retry-After, in seconds or as a date (RFC 9110). */
function waitOf(written: unknown, clock: Clock): Duration | null {
  if (typeof written !== 'string') return null;
  const date = Date.parse(written);
  const wait = /^\d{1,9}$/.test(written)
    ? seconds(Number(written))
    : Number.isNaN(date)
      ? null
      : since(clock.now(), instant(date));
  return wait === null || wait < 0 ? null : milliseconds(Math.min(wait, retryAfterMost));
}

/** What of the SDK's message is used, as it may really be: the SDK hands on whatever came. */
type RawMessage = {
  readonly sid: unknown;
  readonly status: unknown;
  readonly numSegments: unknown;
  readonly errorCode: unknown;
};

export const isMessageSid = (text: string): boolean => /^(SM|MM)[0-9a-fA-F]{32}$/.test(text);

function messageOf({ sid, status, numSegments, errorCode }: Partial<RawMessage>): TwilioMessage | Trouble {
  if (typeof sid !== 'string' || !isMessageSid(sid) || typeof status !== 'string') return noMessage;
  return { kind: 'message', sid, status, segments: numberOf(numSegments) || null, code: numberOf(errorCode) };
}
const noMessage: Trouble = { kind: 'refused', status: okFrom, code: 0, message: '', retryAfter: null };

function troubleOf(error: unknown): Trouble {
  if (error instanceof Refused) return error.trouble;
  // Of an answer that should have been JSON.
  if (error instanceof SyntaxError) return noMessage;
  const { code, message } = fieldsOf(error);
  const cause = typeof code === 'string' ? code : '';
  const words = error instanceof Error ? error.message : message;
  return { kind: 'unanswered', cause, message: typeof words === 'string' ? words : '' };
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const numberOf = (value: unknown): number => {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : 0;
};
