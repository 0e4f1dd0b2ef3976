/**
 * What can be wrong with the connection to an XMPP server, with a message or
 * with a room, in words that say what can be done. What a server says may
 * repeat what it was sent, so it is bounded, on one line, and without the
 * password.
 */
import type { Element } from '@xmpp/client';
import { oneLine } from '../core/message-text.ts';

export type Trouble = {
  readonly why: string;
  /** `login`: more tries at once get an account locked; `taken`: another program uses our place. */
  readonly kind: 'network' | 'login' | 'taken' | 'server';
};

/** In characters: what of a server's words is kept. */
const wordsMax = 300;
const stanzaErrors = 'urn:ietf:params:xml:ns:xmpp-stanzas';

export const spoken = (text: string, secret = ''): string =>
  oneLine(secret === '' ? text : text.replaceAll(secret, '…'))
    .slice(0, wordsMax)
    .toWellFormed();

// ---------------------------------------------------------------- the connection

const networkFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: does an XMPP server run there?',
  ENOTFOUND: 'is not known: there is no host of that name',
  EAI_AGAIN: 'could not be looked up: the name service does not answer',
  EHOSTUNREACH: 'cannot be reached: there is no way to that host',
  ENETUNREACH: 'cannot be reached: there is no way to that network',
  ECONNRESET: 'broke the connection off',
  EPIPE: 'broke the connection off',
  ETIMEDOUT: 'did not answer in time',
};

/** @param place the server as people write it. @param names for which its certificate may hold. */
export function networkTrouble(place: string, names: readonly string[], error: unknown): Trouble {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = spoken(error instanceof Error ? error.message : String(error));
  if (/CERT|UNABLE_TO_|ALTNAME/.test(code) || /certificate|altnames/i.test(message)) {
    const why = `${place} shows a certificate that does not hold for ${names.join(' or ')}: ${message} (tls_ca_file names a CA of your own)`;
    return { kind: 'network', why };
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return { kind: 'network', why: `${place} offers no TLS that works: ${message}` };
  }
  return { kind: 'network', why: `${place} ${networkFaults[code] ?? `failed: ${message || code}`}` };
}

const loginFaults: Readonly<Record<string, string>> = {
  'not-authorized': 'does not accept the password of',
  'account-disabled': 'has disabled the account',
  'credentials-expired': 'wants a new password for',
  'temporary-auth-failure': 'cannot check passwords just now, so not that of',
};

const streamFaults: Readonly<Record<string, string>> = {
  'host-unknown': 'does not serve the domain of the station’s address',
  'host-gone': 'no longer serves the domain of the station’s address',
  'system-shutdown': 'is shutting down',
  'connection-timeout': 'ended the connection: it had heard nothing for too long',
  'policy-violation': 'ended the connection: something was against its rules',
  'resource-constraint': 'is short of resources',
  'remote-connection-failed': 'could not reach what it needs itself',
};

/** What the library reports as an error: of the login, of the stream, or of anything else. */
export function streamTrouble(place: string, jid: string, error: unknown, secret: string): Trouble {
  const fields: Readonly<Record<string, unknown>> = error instanceof Error ? { ...error } : {};
  const condition = typeof fields.condition === 'string' ? fields.condition : '';
  const name = error instanceof Error ? error.name : '';
  const text = spoken(typeof fields.text === 'string' ? fields.text : '', secret);
  const more = text === '' ? '' : `: ${text}`;
  if (name === 'SASLError') {
    const what = loginFaults[condition] ?? (condition === '' ? null : `refuses the login (${condition}) of`);
    if (what === null)
      return { kind: 'login', why: `${place} offers no way of logging in that the station has` };
    const kind = condition === 'temporary-auth-failure' ? 'server' : 'login';
    return { kind, why: `${place} ${what} ${jid}${more}` };
  }
  if (condition === 'conflict') {
    const why = `${place} gave the place of ${jid} to another connection: a second station needs a resource of its own`;
    return { kind: 'taken', why };
  }
  if (condition !== '') {
    return { kind: 'server', why: `${place} ${streamFaults[condition] ?? `says ${condition}`}${more}` };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'server', why: `the connection to ${place} failed: ${spoken(message || name, secret)}` };
}

// ---------------------------------------------------------------- a stanza that comes back

export type Bounce = {
  readonly condition: string;
  /** What the server says besides; may be empty. */
  readonly text: string;
  /** It may get through later. */
  readonly passing: boolean;
};

/** @returns what the error in a stanza of type `error` says. */
export function bounceOf(stanza: Element): Bounce {
  const error = stanza.getChild('error');
  const condition =
    error?.getChildElements().find((child) => child.getNS() === stanzaErrors && child.name !== 'text')
      ?.name ?? 'undefined-condition';
  return {
    condition,
    text: spoken(error?.getChildText('text', stanzaErrors) ?? ''),
    passing: error?.attrs.type === 'wait',
  };
}

const personFaults: Readonly<Record<string, string>> = {
  'service-unavailable': 'there is no such account, or it takes no messages now',
  'recipient-unavailable': 'it takes no messages now',
  'item-not-found': 'there is no such account',
  gone: 'the account has moved or is gone',
  'jid-malformed': 'the server takes this for no address',
  'remote-server-not-found': 'its server cannot be found',
  'remote-server-timeout': 'its server does not answer',
  forbidden: 'it takes no messages from the station',
  'not-allowed': 'the server does not let messages through to it',
  'not-acceptable': 'it does not want messages from the station',
  'policy-violation': 'the message is against the server’s rules',
  'resource-constraint': 'its server has no room for messages now',
};

const roomFaults: Readonly<Record<string, string>> = {
  'not-authorized': 'it asks for a password',
  forbidden: 'the station is banned from it, or may not speak in it',
  'item-not-found': 'there is no such room',
  'not-allowed': 'it cannot be entered or created by the station',
  'not-acceptable': 'the station is not in it, or may not use its name there',
  'registration-required': 'it is for its members only: make the station one',
  conflict: 'the names that the station would use there are taken',
  'service-unavailable': 'it is full, or it is no room',
  gone: 'it has moved or is gone',
  'remote-server-not-found': 'its server cannot be found',
  'remote-server-timeout': 'its server does not answer',
  'jid-malformed': 'the server takes this for no address of a room',
};

export const bounceWords = (address: string, { condition, text }: Bounce, room: boolean): string => {
  const known = (room ? roomFaults : personFaults)[condition] ?? `the server says ${condition}`;
  return `${address}: ${known}${text === '' ? '' : ` (${text})`}`;
};
