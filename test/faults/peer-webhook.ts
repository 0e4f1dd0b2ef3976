/** A web server that takes webhooks; also the one who sees what other people are told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Line } from './line.ts';
import { type Fault, type Peer, type Received, slowness } from './peer.ts';

const secret = 'whsec-correct-horse-battery';

export class WebhookPeer implements Peer {
  readonly channel = 'webhook';
  readonly settings = {};
  readonly env = { MAUVE_WEBHOOK_SECRET: secret };
  readonly line: Line;
  readonly received: Received[] = [];
  readonly resumes = false;
  asked: () => void = () => undefined;
  broke: () => void = () => undefined;
  attempts = 0;
  private fault: Fault | null = null;
  private readonly server: Server;

  private constructor(server: Server, line: Line) {
    this.server = server;
    this.line = line;
  }

  static async open(): Promise<WebhookPeer> {
    const server = createServer((request, response) => void peer.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const peer: WebhookPeer = new WebhookPeer(server, await Line.to((server.address() as AddressInfo).port));
    return peer;
  }

  get address(): string {
    return `http://127.0.0.1:${this.line.port}/hook`;
  }

  set(fault: Fault | null): void {
    this.fault = fault;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    let text = '';
    try {
      for await (const chunk of request) text += String(chunk);
    } catch {
      return;
    }
    this.attempts += 1;
    const { fault } = this;
    const id = String(request.headers['idempotency-key']);
    this.asked();
    if (fault === 'timeout') return;
    if (fault === 'permanent') return void response.writeHead(410).end('nobody here any more');
    if (fault === 'rate-limited') {
      return void response.writeHead(429, { 'retry-after': '1' }).end('not so fast');
    }
    if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, slowness));
    this.received.push({ id, text });
    if (fault === 'accepted, then lost') return this.line.cut();
    response.writeHead(204).end();
  }

  async close(): Promise<void> {
    await this.line.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
