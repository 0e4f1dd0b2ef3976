/**
 * Fetching a calendar or list from a web server that may be slow, gone, or
 * somebody else's by now: bounded in time, size and redirects, and asked with
 * what it said last time, so that an unchanged calendar is not sent again.
 *
 * An address may hold a password, in its user part, its query, or its path (the
 * private address of a shared calendar). None is ever shown, and a user part
 * is sent to nobody but the server it was written for.
 */
import type { Clock, Duration } from '../../time.ts';
import { formatDuration } from '../../time.ts';

export type FetchLimits = { readonly bytes: number; readonly redirects: number; readonly timeout: Duration };

export type Fetched =
  | {
      readonly kind: 'content';
      readonly text: string;
      readonly etag: string | null;
      readonly modified: string | null;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly why: string };

export type FetchOptions = {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly limits: FetchLimits;
};

/** What was sent along with the content that is there. */
export type Validators = { readonly etag: string | null; readonly modified: string | null };

/** As long as this, with a digit in it, and a part of a path is taken for a secret. */
const secretMin = 20;
const secretShown = 4;

/** An address as people may see it. */
export function shownUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return 'an address that is none';
  const path = url.pathname
    .split('/')
    .map((part) => (part.length >= secretMin && /\d/.test(part) ? `${part.slice(0, secretShown)}…` : part))
    .join('/');
  return `${url.protocol}//${url.host}${path}`;
}

/** Never rejects: whatever happens is a value. */
export async function fetchFeed(text: string, known: Validators, options: FetchOptions): Promise<Fetched> {
  const { clock, limits } = options;
  const abort = new AbortController();
  let late = false;
  const cancel = clock.after(limits.timeout, () => {
    late = true;
    abort.abort();
  });
  try {
    return await follow(text, known, options, abort.signal);
  } catch (error) {
    if (late) return failed(`it did not answer within ${formatDuration(limits.timeout)}`);
    return failed(networkWords(error));
  } finally {
    cancel();
    abort.abort();
  }
}

const failed = (why: string): Fetched => ({ kind: 'failed', why });

async function follow(
  text: string,
  known: Validators,
  { fetch, limits }: FetchOptions,
  signal: AbortSignal,
): Promise<Fetched> {
  if (!URL.canParse(text)) return failed('it is no address');
  let url = new URL(text);
  const own = url.origin;
  const authorization = basicOf(url);
  for (let redirects = 0; redirects <= limits.redirects; redirects++) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      return failed('it leads to something else than http');
    url.username = '';
    url.password = '';
    const headers = new Headers({
      accept: 'text/calendar, text/plain, */*;q=0.5',
      'user-agent': 'mauveserver',
    });
    if (authorization !== null && url.origin === own) headers.set('authorization', authorization);
    if (known.etag !== null) headers.set('if-none-match', known.etag);
    if (known.modified !== null) headers.set('if-modified-since', known.modified);
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (!isRedirect(response.status) || location === null) return await contentOf(response, limits);
    await response.body?.cancel();
    if (!URL.canParse(location, url.href)) return failed('it redirects to no address');
    url = new URL(location, url);
  }
  return failed(`it redirects more than ${limits.redirects} times`);
}

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

function basicOf(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  const plain = `${decoded(url.username)}:${decoded(url.password)}`;
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function contentOf(response: Response, limits: FetchLimits): Promise<Fetched> {
  const { status, headers, body } = response;
  if (status === 304) {
    await body?.cancel();
    return { kind: 'unchanged' };
  }
  if (status !== 200) {
    await body?.cancel();
    return failed(`its server answers ${status}`);
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > limits.bytes) return failed(`it is larger than ${limits.bytes} bytes`);
    parts.push(part);
  }
  const text = new TextDecoder().decode(Buffer.concat(parts));
  return { kind: 'content', text, etag: headers.get('etag'), modified: headers.get('last-modified') };
}

/** What the network said, without the address. */
function networkWords(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its server has no address that the name servers know';
    case 'ECONNREFUSED':
      return 'its server refuses the connection';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'its server closed the connection';
    case '':
      return 'its server could not be talked to';
    default:
      return `its server could not be talked to (${code})`;
  }
}
