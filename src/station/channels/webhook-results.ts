/**
 * What became of a webhook, in words that name the server and say what can be
 * done. One channel reaches many servers, so whatever goes wrong is about this
 * address: others may get through.
 *
 * An address may hold a password or be one as a whole, and a server's words may
 * repeat what it was sent: neither gets into a result.
 */
import { type Duration, formatDuration, type Instant, instant, minutes, seconds, since } from '../../time.ts';
import type { SendResult } from './channel.ts';
import {
  certificateWords,
  isCertificateFault,
  type NetworkFault,
  networkWords,
  saidMax,
  shortened,
} from './network-words.ts';
import type { Answer, Posted } from './webhook-post.ts';

/** What the words need to know of the request. */
export type Asked = {
  readonly url: URL;
  readonly secret: string;
  readonly timeout: Duration;
  readonly now: Instant;
};

/** A server that asks to wait for longer is asked again after this: an alert may not wait for a day. */
export const retryAfterMax = minutes(15);
/** Besides 5xx. RFC 9110, 8470, 6585: timeout, too early, too many. */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);
/** A part of an address shorter than this is no secret, and may be a word that the answer needs. */
const secretMin = 8;

export function resultOf(posted: Posted, asked: Asked): SendResult {
  const name = asked.url.host;
  switch (posted.kind) {
    case 'late':
      return retry(`${name} did not answer within ${formatDuration(asked.timeout)}`);
    case 'error':
      return retry(`${name} ${lostWords(faultOf(posted.error), asked)}`);
    case 'answer':
      return answered(posted, asked);
    default:
      return posted satisfies never;
  }
}

const retry = (why: string, notBefore: Duration | null = null): SendResult => ({
  kind: 'retry',
  why,
  notBefore,
  fault: 'message',
});

function answered(answer: Answer, asked: Asked): SendResult {
  const { status } = answer;
  const name = asked.url.host;
  if (status >= 200 && status < 300)
    return { kind: 'delivered', why: `${name} took it: ${statusWords(answer, asked)}` };
  if (status >= 300 && status < 400) {
    const { location = '' } = answer.headers;
    const where =
      location === ''
        ? `it answers ${statusWords(answer, asked)}`
        : `moved to ${movedTo(location, asked.url)}`;
    return { kind: 'failed', why: `${name} does not take it: ${where} (redirects are not followed)` };
  }
  const said = saidWords(answer, asked);
  if (status < 500 && !laterStatuses.has(status)) {
    return { kind: 'failed', why: `${name} refuses it for good: ${said}` };
  }
  const wait = retryAfter(answer, asked.now);
  const asks = wait === null ? '' : `, and asks to wait ${formatDuration(wait)}`;
  return retry(`${name} refuses it for now: ${said}${asks}`, wait);
}

/** How long the server asks to wait, at most `retryAfterMax`; null where it does not. In seconds or an HTTP date. */
function retryAfter({ headers }: Answer, now: Instant): Duration | null {
  const written = (headers['retry-after'] ?? '').trim();
  const date = Date.parse(written);
  const wait = /^\d{1,9}$/.test(written)
    ? seconds(Number(written))
    : /GMT$/.test(written) && !Number.isNaN(date)
      ? since(now, instant(date))
      : null;
  if (wait === null || wait <= 0) return null;
  return wait < retryAfterMax ? wait : retryAfterMax;
}

/** Where to, without the path, which may be a secret: whoever set the address finds the rest in the server's answer. */
function movedTo(location: string, from: URL): string {
  if (!URL.canParse(location, from.href)) return 'an address that is none';
  const to = new URL(location, from);
  if (to.origin === from.origin) {
    return to.pathname === `${from.pathname}/`
      ? 'the same address with / at its end'
      : 'another path of the same server';
  }
  const same = to.pathname === from.pathname && to.search === from.search;
  return shortened(`${to.origin}${same ? ', the same path' : '/…'}`);
}

function lostWords(fault: NetworkFault, asked: Asked): string {
  const { url } = asked;
  if (isCertificateFault(fault)) return certificateWords(fault, url.hostname);
  if (/SSL|TLS|EPROTO/.test(fault.cause)) return `offers no TLS that works: ${shortened(fault.message)}`;
  if (/^HPE_/.test(fault.cause)) return `answers with something that is no HTTP: ${shortened(fault.message)}`;
  const known = networkWords(fault.cause, 'a web server');
  if (known !== null) return known;
  const said = shortened(fault.message) || fault.cause;
  return said === '' ? 'ended the connection without an answer' : `failed: ${said}`;
}

function faultOf(error: unknown): NetworkFault {
  // Of several addresses that were tried, the first says why.
  const [first = error] = error instanceof AggregateError ? error.errors : [];
  if (!(first instanceof Error)) return { cause: '', message: '' };
  return { cause: 'code' in first ? String(first.code) : '', message: first.message };
}

const statusWords = ({ status, statusText }: Answer, asked: Asked): string =>
  shortened(`${status} ${withoutSecrets(statusText, asked)}`);

/** The status, and the beginning of what a person might read in the answer. */
function saidWords(answer: Answer, asked: Asked): string {
  const text = /html/i.test(answer.headers['content-type'] ?? '') ? withoutTags(answer.said) : answer.said;
  const said = shortened(withoutSecrets(text, asked));
  return shortened(
    said === '' ? statusWords(answer, asked) : `${statusWords(answer, asked)}: ${said}`,
    saidMax,
  );
}

const withoutTags = (page: string): string =>
  page.replace(/<(style|script|title)\b[\s\S]*?(<\/\1>|$)/gi, ' ').replace(/<[^>]*(>|$)/g, ' ');

/** Servers like to repeat the path that they do not know, and some even what they were sent. */
function withoutSecrets(text: string, { url, secret }: Asked): string {
  const password = decodeURIComponent(url.password);
  const basic = Buffer.from(`${decodeURIComponent(url.username)}:${password}`).toString('base64');
  const parts = [...url.pathname.split('/'), ...url.searchParams.values()].filter(
    (part) => part.length >= secretMin,
  );
  const secrets = [secret, ...(password === '' ? [] : [basic, password]), url.search, ...parts];
  return [...secrets, ...secrets.map(softDecoded)]
    .filter((one) => one !== '')
    .sort((a, b) => b.length - a.length)
    .reduce((said, one) => said.replaceAll(one, '…'), text);
}

function softDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
