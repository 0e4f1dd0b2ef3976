/**
 * One POST and what came of it, bounded in time and in what is read of the
 * answer. By Node's own client, not by fetch: that one takes no certificates of
 * a CA of one's own. Never rejects, and follows nothing.
 */
import { type Agent as HttpAgent, request as http, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as https } from 'node:https';
import type { Clock, Duration } from '../../time.ts';

export type Posting = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly agent: HttpAgent | HttpsAgent;
  /** Of the whole exchange. */
  readonly timeout: Duration;
  readonly clock: Clock;
};

export type Answer = {
  readonly kind: 'answer';
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingMessage['headers'];
  /** The beginning of its body; empty where it was taken. */
  readonly said: string;
};

export type Posted =
  | Answer
  /** There was no answer in time. */
  | { readonly kind: 'late' }
  | { readonly kind: 'error'; readonly error: unknown };

/** In bytes: what of an answer is kept for words. */
export const saidBytesMax = 1024;
/** In bytes: what of an answer is read and thrown away so that its connection can be used again. */
const drainedBytesMax = 64 * 1024;
/** In bytes: an answer's headers. */
const headerBytesMax = 16 * 1024;

export function post({ url, headers, body, agent, timeout, clock }: Posting): Promise<Posted> {
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? https : http;
    const request = send(url, { method: 'POST', headers, agent, maxHeaderSize: headerBytesMax });
    let soFar: (() => Answer) | null = null;
    const inTime = clock.after(timeout, () => {
      resolve(soFar?.() ?? { kind: 'late' });
      request.destroy();
    });
    const end = (otherwise: Posted): void => {
      inTime();
      // Once there is a status it is what counts, whatever becomes of the rest.
      resolve(soFar?.() ?? otherwise);
    };
    const lost = (error: unknown): void => end({ kind: 'error', error });
    request.on('error', lost);
    // An answer that is none, such as another protocol that nobody asked for, ends without an error.
    request.on('close', () => lost(null));
    request.on('response', (response) => {
      const said = listen(response);
      soFar = said;
      const answer = said();
      if (isTaken(answer.status)) resolve(answer);
      response.on('end', () => end(answer));
      response.on('close', () => end(answer));
      response.on('error', lost);
    });
    request.end(body);
  });
}

const isTaken = (status: number): boolean => status >= 200 && status < 300;

/** Reads an answer within bounds. @returns what there is of it by now. */
function listen(response: IncomingMessage): () => Answer {
  const parts: Buffer[] = [];
  let size = 0;
  response.on('data', (part: Buffer) => {
    if (size < saidBytesMax) parts.push(part.subarray(0, saidBytesMax - size));
    size += part.length;
    if (size > drainedBytesMax) response.destroy();
  });
  const { statusCode: status = 0, statusMessage: statusText = '', headers } = response;
  return () => ({ kind: 'answer', status, statusText, headers, said: Buffer.concat(parts).toString('utf8') });
}
