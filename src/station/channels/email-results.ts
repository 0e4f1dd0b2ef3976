/**
 * What became of an email, in words that name the server and say what can be
 * done. Whatever an administrator can mend (a wrong password, a certificate, a
 * server that is down) is worth another try: only a refusal of this very
 * message or address is final.
 *
 * The server's words may repeat what it was sent, so secrets are taken out.
 */
import { type Duration, minutes } from '../../time.ts';
import { formatAddress } from '../address.ts';
import type { SendResult } from './channel.ts';
import { certificateWords, isCertificateFault, networkWords, shortened } from './network-words.ts';

/** What the words need to know of the server. */
type Server = {
  readonly host: string;
  readonly port: number;
  readonly login: { readonly user: string; readonly password: () => string } | null;
  readonly tls: string;
};

/** After a refused login: more tries at once get an address locked out. */
export const loginRetryAfter = minutes(2);

export function accepted(server: Server, answer: string): SendResult {
  return { kind: 'delivered', why: `${formatAddress(server)} took it: ${spoken(server, answer)}` };
}

export function tooSlow(server: Server): SendResult {
  return retry(`${formatAddress(server)} took too long over the message`);
}

/** @param error whatever nodemailer, a socket or TLS threw. */
export function failureOf(server: Server, error: unknown): SendResult {
  const found = read(error);
  const name = formatAddress(server);
  const answer = spoken(server, found.answer);
  if (found.kind === 'ETLS') return retry(`${name} ${connectionWords(found, server)}`);
  if (found.kind === 'EAUTH' || loginCodes.has(found.answerCode)) {
    const user =
      server.login === null ? 'wants a login' : `does not accept the login of ${server.login.user}`;
    return retry(`${name} ${user}${answer === '' ? '' : `: ${answer}`}`, loginRetryAfter);
  }
  if (isFinal(found))
    return { kind: 'failed', why: `${name} refuses it for good: ${answer || 'invalid address'}` };
  if (found.answerCode > 0) {
    const why = `${name} refuses it for now: ${answer}`;
    return isOfMessage(found) ? { kind: 'retry', why, notBefore: null, fault: 'message' } : retry(why);
  }
  if (found.tooLarge) return { kind: 'failed', why: `${name} takes no message as large as this` };
  return retry(`${name} ${connectionWords(found, server)}`);
}

const retry = (why: string, notBefore: Duration | null = null): SendResult => ({
  kind: 'retry',
  why,
  notBefore,
});

/** RFC 4954: authentication required, too weak, failed, or encryption required for it. */
const loginCodes: ReadonlySet<number> = new Set([454, 530, 534, 535, 538]);
/** Bad sequence of commands: the session was at fault, not the message. */
const badSequence = 503;

/** RFC 5321: the server is closing down. */
const closingDown = 421;
/** RFC 5321: no room for anybody's mail. To a recipient it says that this one mailbox is full. */
const noRoom = 452;
/** RFC 3463: 4.3.x is about the mail system itself, whatever was asked. */
const systemFault = /^\d{3}[ -]4\.3\.\d/;

/**
 * Whether a refusal for now is about this recipient or this content, as greylisting is: others may get through, so
 * it is no reason to think that the server is down.
 */
function isOfMessage({ kind, command, answer, answerCode }: Found): boolean {
  if (kind !== 'EENVELOPE' && kind !== 'EMESSAGE') return false;
  if (answerCode === closingDown || systemFault.test(answer)) return false;
  return command === 'RCPT TO' || (command === 'DATA' && answerCode !== noRoom);
}

type Found = {
  /** nodemailer's kind of error, or the system's code. */
  readonly kind: string;
  /** The system's or TLS's own code, where there is one. */
  readonly cause: string;
  /** 0: the server said nothing. */
  readonly answerCode: number;
  readonly answer: string;
  readonly message: string;
  readonly tooLarge: boolean;
  /** To which command it answered, as nodemailer names it. */
  readonly command: string;
  /** nodemailer itself refused, before asking the server. */
  readonly unasked: boolean;
};

function read(error: unknown): Found {
  const fields: Readonly<Record<string, unknown>> = error instanceof Error ? { ...error } : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const message = error instanceof Error ? error.message : '';
  const code = text(fields.code);
  return {
    kind: code,
    cause: text(fields.originalCode) || code,
    answerCode: typeof fields.responseCode === 'number' ? fields.responseCode : 0,
    answer: text(fields.response),
    message,
    tooLarge: code === 'EMESSAGE' && message.startsWith('Message size larger'),
    command: text(fields.command),
    unasked: fields.command === 'API',
  };
}

/** Only an answer to this message's own sender, recipient or content is; what is said to every message is not. */
function isFinal({ kind, answerCode, unasked }: Found): boolean {
  if (kind !== 'EENVELOPE' && kind !== 'EMESSAGE') return false;
  if (answerCode === 0) return unasked && kind === 'EENVELOPE';
  return answerCode >= 500 && answerCode !== badSequence;
}

function connectionWords(found: Found, { host, tls }: Server): string {
  const { kind, cause, message } = found;
  if (isCertificateFault(found)) return certificateWords(found, host);
  if (kind === 'ETLS' || cause.startsWith('ERR_SSL')) {
    return tls === 'required'
      ? `offers no TLS that works: ${shortened(message)}`
      : `broke off TLS: ${shortened(message)}`;
  }
  const known = networkWords(cause, mailServer) ?? networkWords(kind, mailServer);
  return known ?? `failed: ${shortened(message) || cause}`;
}

const mailServer = 'a mail server';

/** The server's answer on one bounded line, without what it may repeat of the login. */
function spoken({ login }: Server, answer: string): string {
  let said = answer;
  if (login !== null) {
    const password = login.password();
    const plain = Buffer.from(`\0${login.user}\0${password}`).toString('base64');
    for (const secret of [plain, Buffer.from(password).toString('base64'), password]) {
      if (secret !== '') said = said.replaceAll(secret, '…');
    }
  }
  return shortened(said);
}
