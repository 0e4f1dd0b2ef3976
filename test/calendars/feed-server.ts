/** A web server for calendars that does what it is told, on loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { FeedRef, Parsed } from '../../src/station/policy/feeds.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export type FeedServer = {
  readonly origin: string;
  /** What it does from now on. */
  answer: Answer;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
};

export async function serve(answer: Answer): Promise<FeedServer> {
  const server = createServer((request, response) => {
    served.requests.push(request);
    served.answer(request, response);
  });
  const served: { origin: string; answer: Answer; requests: IncomingMessage[]; close(): Promise<void> } = {
    origin: '',
    answer,
    requests: [],
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  served.origin = `http://127.0.0.1:${address.port}`;
  return served;
}

export const says =
  (text: string, headers: Readonly<Record<string, string>> = {}, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(text);
  };

export const url = (text: string): FeedRef => ({ kind: 'url', url: text });

/** Content for tests: one line that begins with `good`. */
export const good = (text: string): Parsed<string> =>
  text.startsWith('good') ? { ok: true, value: text } : { ok: false, why: 'line 1: "good" expected' };
