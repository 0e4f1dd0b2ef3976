/**
 * The web of the station: pages for people, a JSON API for scripts, three open
 * addresses for machines. It sees the station only through its port and its
 * read queries, and writes nothing but through them; which thread it runs in is
 * not its business.
 */
import { createServer, type Server } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { type Clock, plus, seconds } from '../time.ts';
import { alertRoutes } from './alerts.ts';
import { apiRoutes } from './api.ts';
import { refuse } from './api-parts.ts';
import { openAssets } from './assets.ts';
import type { Web, WebOptions } from './context.ts';
import { csrfProtection, isCsrfError, sameSiteOnly } from './csrf.ts';
import { openFlashes } from './flash.ts';
import { forecastsAtOnce } from './forecast.ts';
import { formBody } from './forms.ts';
import { liveHeader, sendHtml } from './frame.ts';
import { hookRoutes } from './hooks.ts';
import { linkRoutes } from './links.ts';
import { type Live, openLive } from './live.ts';
import { openWebMeters } from './meters.ts';
import { openOnce } from './once.ts';
import { errorPage } from './pages/login.ts';
import { openPasswords } from './passwords.ts';
import { accountRoutes, loginRoutes } from './people.ts';
import { noticeProxy, warnOfForgottenProxy } from './proxy.ts';
import { sessions, viewer, viewerOf } from './sessions.ts';
import { silenceRoutes } from './silences.ts';
import { statusRoutes } from './status.ts';
import { openTurns } from './turns.ts';

/** A request must have come whole by then, so that slow ones cannot pile up. */
const requestWait = seconds(30);
/** Short, for a connection that says nothing takes a place from somebody who would. */
const headersWait = seconds(5);
/** How often it is looked which connections are too late. */
const lateEvery = seconds(2);
/** Above what a proxy keeps its connections open for, so that the proxy closes first. */
const idleWait = seconds(75);
const connectionsMax = 2000;
/** What is being answered when the station ends may take so long. */
const closeGrace = seconds(1);

export type Address = { readonly host: string; readonly port: number };

export type WebServer = {
  readonly address: Address;
  /** Ends live streams and waits for the answers under way. */
  close(): Promise<void>;
};

/** @throws where the address cannot be listened on: the error's `code` says why. */
export async function openWeb(options: WebOptions): Promise<WebServer> {
  const web: Web = {
    ...options,
    assets: openAssets(),
    flashes: openFlashes(options.clock),
    once: openOnce(options.clock, (outcome) => !outcome.ok),
    forecasts: openTurns(forecastsAtOnce),
    meters: openWebMeters(),
  };
  const live = await openLive(web);
  const server = createServer({ connectionsCheckingInterval: lateEvery });
  server.requestTimeout = requestWait;
  server.headersTimeout = headersWait;
  server.keepAliveTimeout = idleWait;
  server.maxConnections = connectionsMax;
  warnOfForgottenProxy(web);
  try {
    const address = await listen(server, options);
    // Only now is the port known that is part of the cookie's name. No connection can have been read yet.
    server.on('request', application({ ...web, port: address.port }, live));
    return { address, close: () => close(server, live, web.clock) };
  } catch (error) {
    live.close();
    throw error;
  }
}

function listen(server: Server, { host, port }: WebOptions): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('not listening on a port'));
      else resolve({ host: address.address, port: address.port });
    });
  });
}

function close(server: Server, live: Live, clock: Clock): Promise<void> {
  live.close();
  return new Promise((resolve) => {
    // A browser that keeps its connection open, or asks for the stream again on it, would hold up the end.
    const cancel = clock.wake(plus(clock.now(), closeGrace), () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}

function application(web: Web, live: Live): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', typeof web.trustProxy === 'object' ? [...web.trustProxy] : web.trustProxy);
  app.set('query parser', 'simple');
  app.use(measure(web), noticeProxy(web, app), protect(web));
  app.use(statusRoutes(web));
  app.use('/assets', web.assets.router);
  // Neither needs a login: a link's token and a provider's signature are all there is to show.
  app.use(linkRoutes(web), hookRoutes(web));
  app.use(sameSiteOnly, sessions(web), viewer(web));
  const passwords = openPasswords(web);
  app.use(loginRoutes(web, passwords));
  app.use('/api/v1', apiRoutes(web));
  app.use('/api', (_request, response) =>
    refuse(response, 404, 'no-such-address', 'The API begins at /api/v1.'),
  );
  app.use(loggedInOnly);
  app.head('/events', (_request, response) => {
    // A stream that never begins would never end either.
    response.status(200).type('text/event-stream').set('Cache-Control', 'no-store').end();
  });
  app.get('/events', (request, response) => live.follow(request, response, viewerOf(request) ?? ''));
  app.use(formBody, csrfProtection);
  app.use(alertRoutes(web), silenceRoutes(web), accountRoutes(web, passwords));
  app.use((_request, response) =>
    sendHtml(
      response,
      errorPage(web.assets.address, 'No such page', 'There is nothing at this address.', '/'),
      404,
    ),
  );
  app.use(failed(web));
  return app;
}

/** Nothing inline, nothing from elsewhere: a text that got through unescaped could still do nothing. */
function protect(web: Web): RequestHandler {
  const own = ["'self'"];
  const none = ["'none'"];
  const https = web.baseUrl?.protocol === 'https:';
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        ...{ defaultSrc: none, scriptSrc: own, styleSrc: own, imgSrc: own, connectSrc: own, formAction: own },
        ...{ baseUri: none, frameAncestors: none },
      },
    },
    // Only for our own host, and only where we know that it is reached by https.
    strictTransportSecurity: https ? { maxAge: 15_552_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'same-origin' },
  });
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function measure(web: Web): RequestHandler {
  return (request, response, next) => {
    const began = web.clock.now();
    response.on('close', () => {
      // The pattern, never the address: strangers must not make new series.
      const pattern: unknown = request.route?.path;
      const route = typeof pattern === 'string' ? `${request.baseUrl}${pattern}` : 'other';
      const method = methods.has(request.method) ? request.method : 'other';
      web.meters.requests.inc({ route, method, status: String(response.statusCode) });
      if (route !== '/events') web.meters.duration.observe({ route }, (web.clock.now() - began) / 1000);
    });
    next();
  };
}

const loggedInOnly: RequestHandler = (request, response, next) => {
  if (viewerOf(request) !== null) return next();
  response.set('Cache-Control', 'no-store');
  if (request.get(liveHeader) !== undefined || request.path === '/events') {
    response.status(401).type('text').send('You are logged out.\n');
    return;
  }
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const wanted = reading ? request.originalUrl : pageOfForm(request.path);
  const query = wanted === '/' ? '' : `?next=${encodeURIComponent(wanted)}`;
  response.redirect(reading ? 302 : 303, `/login${query}`);
};

/** The last resort: words for the person, the stack for the log, nothing of it for strangers. */
function failed(web: Web): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const status = statusOf(error);
    if (status >= 500) {
      web.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a request failed');
    }
    if (response.headersSent) return next(error);
    const { title, text, code } = wordsFor(status, error);
    if (request.path.startsWith('/api/')) return refuse(response, status, code, text);
    const back = request.method === 'POST' ? pageOfForm(request.path) : '/';
    sendHtml(response, errorPage(web.assets.address, title, text, back), status).catch(next);
  };
}

/** On which page the form lies that is sent to this path. */
const pageOfForm = (path: string): string =>
  /^\/alerts\/\d+(?=\/)|^\/account(?=\/)|^\/silences(?=\/|$)|^\/login$/.exec(path)?.[0] ?? '/';

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('status' in error)) return 500;
  const status = Number(error.status);
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : 500;
}

/** Express's body parsers say in `type` what was wrong with a body. */
const isBodyError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'type' in error && typeof error.type === 'string';

function wordsFor(status: number, error: unknown): { title: string; text: string; code: string } {
  if (isCsrfError(error)) {
    const text =
      'The form was too old, or came from another page. Nothing was done. Go back, reload and try again.';
    return { title: 'Please try that again', text, code: 'bad-csrf-token' };
  }
  if (status === 413) {
    return { title: 'Too much', text: 'That was more than the station takes at once.', code: 'too-large' };
  }
  if (status < 500) {
    const what = isBodyError(error)
      ? 'A body must be what its Content-Type says, in UTF-8.'
      : 'Is the address right?';
    const text = `The request could not be read. ${what}`;
    return { title: 'Not understood', text, code: 'bad-request' };
  }
  const text =
    'The station failed to answer this; the reason is in its log. Alerts are taken in all the same.';
  return { title: 'Something went wrong', text, code: 'internal' };
}
