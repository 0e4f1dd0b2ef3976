/**
 * For the tests of webhooks: real HTTP and HTTPS servers on loopback, servers
 * that misbehave, and a channel to them. What is opened is closed after each
 * test.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  createServer as httpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as httpsServer } from 'node:https';
import { type Server, type Socket, createServer as tcpServer } from 'node:net';
import { afterEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Channel, Message, SendResult } from '../../src/station/channels/channel.ts';
import { openWebhook, type WebhookOptions, webhookTimeout } from '../../src/station/channels/webhook.ts';
import { type Clock, type Duration, systemClock } from '../../src/time.ts';
import { freePort } from '../kit/ports.ts';

export const secret = 'whsec-correct-horse-battery';
export const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8');

export const message: Message = {
  idempotencyKey: '17/1/raised/johnny#webhook@2026-07-01T03:01:00Z',
  title: 'URGENT raised: db1: disk is 97% full',
  text: '{"event":"raised","text":"Größe: 97 % 数据库"}',
  html: '',
  urgent: true,
  link: 'http://127.0.0.1:1288/alerts/17',
  covers: ['17/1/raised/johnny#webhook@2026-07-01T03:01:00Z'],
  thread: '17',
  data: { event: 'raised', person: 'johnny', title: '', alerts: [], total: 1 },
};

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
/** Closes what was opened last, as far as it was not. */
export const closeLast = async (): Promise<void> => await cleanups.pop()?.();

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};
export type Answering = (response: ServerResponse, request: Request, socket: Socket) => void;
export type WebServer = {
  readonly url: string;
  readonly port: number;
  readonly requests: Request[];
  readonly sockets: Set<Socket>;
};

export const answers =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answering =>
  (response) => {
    response.writeHead(status, headers).end(body);
  };

/** A web server that keeps what it gets. @param tls undefined: plain HTTP. */
export async function webServer(
  answering: Answering = answers(200),
  tls?: { readonly cert: string; readonly key: string },
  at = 0,
): Promise<WebServer> {
  const requests: Request[] = [];
  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers, body: Buffer.concat(chunks) };
    requests.push(request);
    answering(response, request, incoming.socket);
  };
  const handler = (incoming: IncomingMessage, response: ServerResponse): void =>
    void take(incoming, response).catch(() => response.destroy());
  const server = tls === undefined ? httpServer(handler) : httpsServer(tls, handler);
  const { port, sockets } = await listening(server, at);
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`, port, requests, sockets };
}

/** A server of few words, which may be no HTTP at all. */
export async function rawServer(said: (socket: Socket, heard: string) => void): Promise<WebServer> {
  const server = tcpServer((socket) => {
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      said(socket, heard);
    });
  });
  const { port, sockets } = await listening(server, 0);
  return { url: `http://localhost:${port}`, port, requests: [], sockets };
}

async function listening(server: Server, at: number): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = at === 0 ? await freePort() : at;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { port, sockets };
}

export function channel(
  options: Partial<WebhookOptions> = {},
  edges: { readonly idle?: Duration; readonly clock?: Clock } = {},
): Channel {
  const opened = openWebhook(
    { secret: () => secret, ca: null, timeout: webhookTimeout, concurrency: 8, rate: null, ...options },
    { clock: systemClock, ...edges },
  );
  cleanups.push(() => opened.close());
  return opened;
}

/** Sends one message by a channel of its own. */
export async function send(url: string, options: Partial<WebhookOptions> = {}): Promise<SendResult> {
  const result = await channel(options).send(url, message);
  assert.ok(!result.why.includes(secret), result.why);
  return result;
}
