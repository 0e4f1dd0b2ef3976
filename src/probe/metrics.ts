/**
 * Prometheus at /metrics, by plain HTTP: GET and HEAD, nothing else. The text
 * is written as fast as it is read and no faster, and a scrape of ten thousand
 * targets gives way to what is due. Written by hand, because a library would hold
 * a copy of every target's figures.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../log.ts';
import type { Address as Listening } from '../station/address.ts';
import { type Clock, seconds } from '../time.ts';
import type { Agent } from './agent.ts';
import type { Engine } from './engine/engine.ts';
import { ownLines, type Self, targetLines } from './metrics-text.ts';
import type { Targets } from './targets.ts';

const connectionsMax = 32;
/** Scrapes at once; a further one is told to come again. */
const scrapesMax = 2;
const requestMax = seconds(10);
/** Whoever reads so slowly that a scrape takes longer is cut off. */
const answerMax = seconds(60);
/** In characters: so much is put together before it is written and others get their turn. */
const pieceSize = 64 * 1024;
/** … and so many lines, though some may be empty: each may have taken an unpacking. */
const linesAtOnce = 100;
const contentType = 'text/plain; version=0.0.4; charset=utf-8';

export type MetricsOptions = {
  readonly agent: Agent;
  readonly targets: Targets;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  /** What this process uses of the machine. */
  readonly self: () => Self;
};

export type Metrics = {
  readonly address: Listening;
  close(): Promise<void>;
};

/** @throws what the system says, where the address cannot be taken. */
export async function openMetrics(at: Listening, options: MetricsOptions): Promise<Metrics> {
  let scrapes = 0;
  const server = createServer(
    { requestTimeout: requestMax, headersTimeout: requestMax },
    (request, response) => {
      const refusal = refused(request, scrapes);
      if (refusal !== null) {
        response
          .writeHead(refusal.status, { ...refusal.headers, 'content-type': 'text/plain' })
          .end(refusal.text);
        return;
      }
      scrapes += 1;
      scrape(request, response, options)
        .catch((error: unknown) => {
          options.log.warn({ error: String(error) }, 'a scrape of the metrics failed');
          response.destroy();
        })
        .finally(() => {
          scrapes -= 1;
        });
    },
  );
  server.maxConnections = connectionsMax;
  server.on('clientError', (_, socket) => socket.destroy());
  await listen(server, at);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : at.port;
  return {
    address: { host: at.host, port },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

type Refused = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

function refused({ method, url = '' }: IncomingMessage, scrapes: number): Refused | null {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, headers: { allow: 'GET, HEAD' }, text: 'Only GET is answered here.\n' };
  }
  if (url.split('?')[0] !== '/metrics') {
    return { status: 404, headers: {}, text: 'The metrics are at /metrics.\n' };
  }
  if (scrapes < scrapesMax) return null;
  return { status: 503, headers: { 'retry-after': '5' }, text: 'Others read the metrics just now.\n' };
}

async function scrape(
  request: IncomingMessage,
  response: ServerResponse,
  { agent, targets, engine, clock, self }: MetricsOptions,
): Promise<void> {
  response.writeHead(200, { 'content-type': contentType });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const cancel = clock.after(answerMax, () => response.destroy());
  try {
    let piece = '';
    let count = 0;
    const engines = { name: engine.name, problem: engine.problem(), cpu: engine.cpuSeconds() };
    const lost = targets.standing().map(({ target }) => target);
    for (const lines of [ownLines(agent, engines, self()), targetLines(agent, lost, clock.now())]) {
      for (const line of lines) {
        piece += line;
        count += 1;
        if (piece.length < pieceSize && count % linesAtOnce !== 0) continue;
        await write(response, piece);
        if (response.destroyed) return;
        piece = '';
      }
    }
    response.end(piece);
  } finally {
    cancel();
  }
}

/** Writes a piece, waits until it is on its way, and lets others have their turn. */
async function write(response: ServerResponse, piece: string): Promise<void> {
  if (!response.write(piece)) {
    await new Promise<void>((resolve) => {
      const on = (): void => {
        response.off('drain', on).off('close', on);
        resolve();
      };
      response.on('drain', on).on('close', on);
    });
  }
  await new Promise<void>((turn) => setImmediate(turn));
}
