/**
 * The JSON API, for scripts. Reference: docs/web.md. Names here are a contract:
 * they are added to, never changed. A refusal is always
 * `{"error":{"code":…,"message":…}}`, with a message that says what to do.
 */
import express, {
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import { type Alert, type AlertKey, states } from '../station/core/alert.ts';
import type { Act, Actor, Refused } from '../station/door.ts';
import { type Duration, parseDuration } from '../time.ts';
import { performOne } from './acts.ts';
import { noteProblem } from './alerts.ts';
import { alertJson, historyJson } from './api-shapes.ts';
import { bearerOf, tokenName } from './bearer.ts';
import type { Web } from './context.ts';
import { csrfProtection } from './csrf.ts';
import { parameter, readKey } from './forms.ts';
import { viewerOf } from './sessions.ts';

const limitDefault = 100;
const limitMax = 1000;
/** In bytes: a note of the longest kind, escaped in the worst way, fits. */
const bodyMax = 16 * 1024;

const actors = new WeakMap<Request, Actor>();
const actorOf = (request: Request): Actor => actors.get(request) ?? '';

export function apiRoutes(web: Web): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.use(authenticate(web));
  const plain = parametersOnly();
  const body = [plain, jsonOnly, express.json({ limit: bodyMax, type: 'application/json' })];
  const id = '/alerts/:id';
  router
    .route('/alerts')
    .get(parametersOnly('state', 'limit', 'cursor'), (q, r) => list(web, q, r))
    .all(notAllowed('GET'));
  router
    .route(id)
    .get(plain, (q, r) => withAlert(web, q, r, (alert) => sendAlert(web, q, r, alert)))
    .all(notAllowed('GET'));
  router
    .route(`${id}/history`)
    .get(parametersOnly('limit'), (q, r) => withAlert(web, q, r, (alert) => history(web, q, r, alert)))
    .all(notAllowed('GET'));
  router
    .route(`${id}/acknowledge`)
    .post(...body, (q, r) => act(web, q, r, readAcknowledge))
    .all(notAllowed('POST'));
  router
    .route(`${id}/unacknowledge`)
    .post(...body, (q, r) => act(web, q, r, plainAct('unacknowledge')))
    .all(notAllowed('POST'));
  router
    .route(`${id}/clear`)
    .post(...body, (q, r) => act(web, q, r, plainAct('clear')))
    .all(notAllowed('POST'));
  router.use((_request, response) =>
    refuse(response, 404, 'no-such-address', 'There is nothing at this address.'),
  );
  return router;
}

/** @param code for programs; the message is for the person who reads their log. */
export function refuse(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

function authenticate(web: Web): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    const token = await tokenName(web, request);
    if (token !== null) {
      actors.set(request, `token:${token}`);
      next();
      return;
    }
    const offered = bearerOf(request) !== null;
    const viewer = offered ? null : viewerOf(request);
    if (viewer !== null) {
      actors.set(request, viewer);
      ownPagesOnly(request, response, next);
      return;
    }
    response.set('WWW-Authenticate', `Bearer realm="mauve"${offered ? ', error="invalid_token"' : ''}`);
    if (offered) refuse(response, 401, 'unknown-token', 'Nobody has this token: see `mauvectl token list`.');
    else
      refuse(
        response,
        401,
        'token-missing',
        'Send a token: `Authorization: Bearer …`, from `mauvectl token add NAME`.',
      );
  };
}

/** A session's cookie is sent by the browser itself: acts by it must come from our own pages. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  csrfProtection(request, response, (error: unknown) => {
    if (error === undefined) return next();
    refuse(response, 403, 'bad-csrf-token', 'With a session, send its token in the X-CSRF-Token header.');
  });
};

function notAllowed(allowed: 'GET' | 'POST'): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed === 'GET' ? 'GET, HEAD' : allowed);
    refuse(response, 405, 'method-not-allowed', `${request.method} is not for this address; ${allowed} is.`);
  };
}

/** A parameter that is not known is refused, not overlooked: a mistyped `state` would answer with everything. */
function parametersOnly(...known: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const unknown = Object.keys(request.query).find((name) => !known.includes(name));
    if (unknown === undefined) return next();
    const those = known.length === 0 ? 'there are none here' : `there are ${known.join(', ')}`;
    refuse(response, 400, 'bad-parameter', `Unknown parameter ${JSON.stringify(unknown)}: ${those}.`);
  };
}

// ---------------------------------------------------------------- reading

async function list(web: Web, request: Request, response: Response): Promise<void> {
  const wanted = parameter(request, 'state');
  const state = wanted === null ? null : (states.find((each) => each === wanted) ?? 'bad');
  if (state === 'bad' || (wanted === null && 'state' in request.query)) {
    return refuse(response, 400, 'bad-state', `state is one of ${states.join(', ')}, or left out for all.`);
  }
  const limit = readLimit(request);
  if (limit === null) {
    return refuse(response, 400, 'bad-limit', `limit is a whole number from 1 to ${limitMax}.`);
  }
  const cursor = parameter(request, 'cursor');
  const page = await web.reads.alerts({ state, limit, cursor: cursor === '' ? null : cursor });
  if (page === null || (cursor === null && 'cursor' in request.query)) {
    return refuse(response, 400, 'bad-cursor', 'cursor is what an earlier answer gave as `next`, unchanged.');
  }
  const base = baseOf(web, request);
  const now = web.clock.now();
  response.json({ alerts: page.alerts.map((alert) => alertJson(alert, now, base)), next: page.next });
}

function readLimit(request: Request): number | null {
  const text = parameter(request, 'limit');
  if (text === null) return 'limit' in request.query ? null : limitDefault;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= limitMax ? limit : null;
}

async function withAlert(
  web: Web,
  request: Request,
  response: Response,
  use: (alert: Alert) => Promise<void> | void,
): Promise<void> {
  const key = readKey(request.params.id);
  const alert = key === null ? null : await web.reads.alert(key);
  if (alert === null) return noSuchAlert(response);
  await use(alert);
}

const noSuchAlert = (response: Response): void =>
  refuse(
    response,
    404,
    'no-such-alert',
    'There is no alert of this id: ids are those of GET /api/v1/alerts.',
  );

function sendAlert(web: Web, request: Request, response: Response, alert: Alert): void {
  response.json(alertJson(alert, web.clock.now(), baseOf(web, request), 'with detail'));
}

async function history(web: Web, request: Request, response: Response, alert: Alert): Promise<void> {
  const limit = readLimit(request);
  if (limit === null) {
    return refuse(response, 400, 'bad-limit', `limit is a whole number from 1 to ${limitMax}.`);
  }
  response.json({ history: (await web.reads.history(alert.key, limit)).map(historyJson) });
}

/** Under which address people reach the station: as set, or as this request did. */
function baseOf(web: Web, request: Request): string {
  if (web.baseUrl !== null) return web.baseUrl.href.replace(/\/$/, '');
  return `${request.protocol}://${request.get('host') ?? `${web.host}:${web.port}`}`;
}

// ---------------------------------------------------------------- acting

/** A body that is no JSON is refused, not overlooked: a script's "for" must never be lost in silence. */
const jsonOnly: RequestHandler = (request, response, next) => {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.get('content-length') ?? 0) > 0;
  if (!hasBody || request.is('application/json') !== false) return next();
  refuse(response, 415, 'not-json', 'Send the body with `Content-Type: application/json`.');
};

type ReadAct = (
  body: Record<string, unknown>,
  alert: AlertKey,
  by: Actor,
) => Act | { readonly problem: string };

const plainAct =
  (kind: 'unacknowledge' | 'clear'): ReadAct =>
  (body, alert, by) =>
    Object.keys(body).length === 0 ? { kind, alert, by } : { problem: 'This takes no fields.' };

const readAcknowledge: ReadAct = (body, alert, by) => {
  const extra = Object.keys(body).find((name) => name !== 'for' && name !== 'note');
  if (extra !== undefined)
    return { problem: `Unknown field ${JSON.stringify(extra)}: there are "for" and "note".` };
  const note = body.note ?? '';
  if (typeof note !== 'string') return { problem: '"note" is a text.' };
  const noteIsBad = noteProblem(note);
  if (noteIsBad !== null) return { problem: noteIsBad };
  const duration = readFor(body.for ?? null);
  if (duration === 'bad') return { problem: '"for" is a length of time, like "2h", "90m" or "1d".' };
  return { kind: 'acknowledge', alert, by, for: duration, note };
};

function readFor(value: unknown): Duration | null | 'bad' {
  if (value === null) return null;
  const duration = typeof value === 'string' ? parseDuration(value) : null;
  return duration === null || duration <= 0 ? 'bad' : duration;
}

const refusalStatus: Readonly<Record<Refused, number>> = {
  'no-such-alert': 404,
  'not-raised': 409,
  'not-acknowledged': 409,
  'already-cleared': 409,
  'store-unavailable': 503,
};

async function act(web: Web, request: Request, response: Response, read: ReadAct): Promise<void> {
  const key = readKey(request.params.id);
  if (key === null) return noSuchAlert(response);
  const body: unknown = request.body ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse(response, 400, 'bad-body', 'The body is a JSON object, or none.');
  }
  const wanted = read({ ...body }, key, actorOf(request));
  if ('problem' in wanted) return refuse(response, 400, 'bad-body', wanted.problem);
  const outcome = await performOne(web, wanted);
  if (!outcome.ok) return refuse(response, refusalStatus[outcome.why], outcome.why, outcome.message);
  const alert = outcome.alert ?? (await web.reads.alert(key));
  if (alert === null) return noSuchAlert(response);
  sendAlert(web, request, response, alert);
}
