/**
 * What became of an SMS, in words that say what can be done. Whatever an
 * administrator can mend (the login, the sender, the network) is worth another
 * try; only a refusal of this very message or number is final.
 *
 * Twilio's words may repeat what it was sent, so secrets are taken out.
 */
import { type Duration, minutes } from '../../time.ts';
import type { Report, ReportState, SendResult } from './channel.ts';
import type { Trouble, TwilioMessage } from './sms-client.ts';
import { blameOf, codeWords } from './sms-codes.ts';

/** What the words need to know. */
type Server = {
  readonly accountSid: string;
  readonly authToken: () => string;
  readonly apiBase: string | null;
};

/** In characters: what of Twilio's own words is kept. */
const answerMax = 300;
/** What somebody has to mend first is not tried as often as what passes by itself. */
export const mendRetryAfter = minutes(2);

/** @param reported whether Twilio will say by itself what becomes of it; otherwise it is asked. */
export function resultOf(server: Server, answer: TwilioMessage | Trouble, reported: boolean): SendResult {
  switch (answer.kind) {
    case 'message':
      return taken(server, answer, reported);
    case 'refused':
      return refused(server, answer);
    case 'unanswered':
      return retry(`${nameOf(server)} ${connectionWords(server, answer.cause, answer.message)}`);
    case 'late':
      return retry(`${nameOf(server)} did not answer in time${perhapsTwice}`);
    default:
      return answer satisfies never;
  }
}

const perhapsTwice = '; if it took the message all the same, the message arrives twice';

function taken(server: Server, message: TwilioMessage, reported: boolean): SendResult {
  const { sid, status, code, segments } = message;
  const report = reportOf(sid, status, code);
  if (report?.state === 'failed' || report?.state === 'undelivered') {
    return blameOf(code) === 'pace' ? retry(report.why) : { kind: 'failed', why: report.why };
  }
  const size = segments === null ? '' : `, ${segments === 1 ? 'one segment' : `${segments} segments`}`;
  const next = reported ? '' : '; it will be asked what became of it';
  const why = `${nameOf(server)} took it (${shortened(status)}${size})${next}`;
  return { kind: 'accepted', reference: sid, why };
}

type Refusal = Extract<Trouble, { readonly kind: 'refused' }>;

function refused(server: Server, refusal: Refusal): SendResult {
  const { status, code, retryAfter } = refusal;
  const name = nameOf(server);
  const said = answerWords(server, refusal);
  const blame = blameOf(code) ?? blameOfStatus(status);
  switch (blame) {
    case 'account': {
      const words = `${name} does not accept the account (${said}): check account_sid and the auth token`;
      return retry(words, retryAfter ?? mendRetryAfter);
    }
    case 'sender':
      return retry(`${name} does not accept the sender: ${said}`, retryAfter ?? mendRetryAfter);
    case 'sender-to-number': {
      const why = `${name} does not accept the sender for this number: ${said}`;
      return { kind: 'retry', why, notBefore: retryAfter ?? mendRetryAfter, fault: 'message' };
    }
    case 'pace':
      return retry(`${name} asks to wait: ${said}`, retryAfter);
    case 'strange':
      return retry(`${name} answers as Twilio does not (${said}): is api_base right?`, retryAfter);
    case 'down':
      return retry(`${name} is out of order: ${said}`, retryAfter);
    case 'message':
      return { kind: 'failed', why: `${name} refuses it for good: ${said}` };
    default:
      return blame satisfies never;
  }
}

const badRequest = 400;
const tooMany = 429;
const serverErrors = 500;
/** Not logged in, no money, not allowed, no such account. */
const accountStatus: ReadonlySet<number> = new Set([401, 402, 403, 404]);
/** About what was asked for, not about how: bad request, conflict, too large, cannot be processed. */
const messageStatus: ReadonlySet<number> = new Set([badRequest, 409, 413, 422]);

function blameOfStatus(status: number): 'account' | 'pace' | 'strange' | 'down' | 'message' {
  if (status === tooMany) return 'pace';
  if (accountStatus.has(status)) return 'account';
  if (messageStatus.has(status)) return 'message';
  return status >= serverErrors ? 'down' : 'strange';
}

function answerWords(server: Server, { status, code, message }: Refusal): string {
  const known = codeWords(code);
  const said = spoken(server, message);
  // What a proxy on the way said has no code of Twilio's.
  if (code === 0) return said === '' ? `HTTP ${status}` : `HTTP ${status}, ${said}`;
  return said === '' ? known : `${known}: ${said}`;
}

/** By Twilio's name of the status: how far the message has come, and in which words. */
const states: Readonly<Record<string, readonly [state: ReportState, words: string]>> = {
  accepted: ['queued', 'Twilio has it in its queue'],
  scheduled: ['queued', 'Twilio has it in its queue'],
  queued: ['queued', 'Twilio has it in its queue'],
  sending: ['queued', 'Twilio is handing it to the carrier'],
  sent: ['sent', 'the carrier took it; whether the handset has it is not known yet'],
  delivered: ['delivered', 'the carrier says that the handset has it'],
  read: ['delivered', 'it was read'],
  undelivered: ['undelivered', 'not delivered'],
  failed: ['failed', 'not sent'],
  canceled: ['failed', 'cancelled at Twilio'],
};

/** @returns null where that is no status of a message that was sent. */
export function reportOf(reference: string, status: string, code: number): Report | null {
  const known = Object.hasOwn(states, status) ? states[status] : undefined;
  if (known === undefined) return null;
  const [state, words] = known;
  const bad = state === 'undelivered' || state === 'failed';
  const reason = bad ? codeWords(code) || 'Twilio gives no reason' : '';
  return { reference, state, why: reason === '' ? words : `${words}: ${reason}` };
}

const retry = (why: string, notBefore: Duration | null = null): SendResult => ({
  kind: 'retry',
  why,
  notBefore,
});

const nameOf = ({ apiBase }: Server): string => (apiBase === null ? 'Twilio' : `Twilio at ${apiBase}`);

function connectionWords(server: Server, cause: string, message: string): string {
  const said = spoken(server, message);
  if (/CERT|UNABLE_TO_|ALTNAME|SELF_SIGNED/.test(cause))
    return `shows a certificate that does not hold: ${said}`;
  if (/^(ERR_SSL|ERR_TLS|EPROTO)/.test(cause)) return `offers no TLS that works: ${said}`;
  if (cause.startsWith('HPE_')) return 'answers with something that is no HTTP: is api_base right?';
  return connectionFaults[cause] ?? `could not be asked: ${said || cause || 'no reason is given'}`;
}

const brokenOff = `broke the connection off${perhapsTwice}`;
const connectionFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ENOTFOUND: 'is not known: there is no host of that name',
  EAI_AGAIN: 'could not be looked up: the name service does not answer',
  EHOSTUNREACH: 'cannot be reached: there is no way to that host',
  ENETUNREACH: 'cannot be reached: there is no way to that network',
  ECONNRESET: brokenOff,
  EPIPE: brokenOff,
  ECONNABORTED: `did not answer in time${perhapsTwice}`,
  ETIMEDOUT: 'did not answer in time',
};

const shortened = (text: string): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, answerMax)
    .toWellFormed();

/** On one bounded line, without what it may repeat of the login. */
function spoken({ accountSid, authToken }: Server, answer: string): string {
  const token = authToken();
  const login = Buffer.from(`${accountSid}:${token}`).toString('base64');
  let said = answer;
  for (const secret of [login, token]) if (secret !== '') said = said.replaceAll(secret, '…');
  return shortened(said);
}
