/**
 * The JSON API, for scripts. Reference: docs/web.md. Names here are a contract:
 * they are added to, never changed. A refusal is always
 * `{"error":{"code":…,"message":…}}`, with a message that says what to do.
 */
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import { type Alert, type AlertKey, states } from '../station/core/alert.ts';
import type { Act, Actor } from '../station/door.ts';
import { performOne } from './acts.ts';
import { noteProblem } from './alerts.ts';
import { forecastApi } from './api-forecast.ts';
import { messagesApi } from './api-messages.ts';
import {
  actorOf,
  baseOf,
  bodyOf,
  bodyRead,
  noSuchAlert,
  notAllowed,
  parametersOnly,
  readFor,
  readLimit,
  refuse,
  refuseLimit,
  refuseOutcome,
  setActor,
  unknownField,
  withAlert,
} from './api-parts.ts';
import { alertJson, historyJson } from './api-shapes.ts';
import { silencesApi } from './api-silences.ts';
import { bearerOf, tokenName } from './bearer.ts';
import type { Web } from './context.ts';
import { csrfProtection } from './csrf.ts';
import { parameter, readKey } from './forms.ts';
import { viewerOf } from './sessions.ts';

export function apiRoutes(web: Web): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.use(authenticate(web));
  const plain = parametersOnly();
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
    .post(...bodyRead, (q, r) => act(web, q, r, readAcknowledge))
    .all(notAllowed('POST'));
  router
    .route(`${id}/unacknowledge`)
    .post(...bodyRead, (q, r) => act(web, q, r, plainAct('unacknowledge')))
    .all(notAllowed('POST'));
  router
    .route(`${id}/clear`)
    .post(...bodyRead, (q, r) => act(web, q, r, plainAct('clear')))
    .all(notAllowed('POST'));
  router.use(forecastApi(web), messagesApi(web), silencesApi(web));
  router.use((_request, response) =>
    refuse(response, 404, 'no-such-address', 'There is nothing at this address.'),
  );
  return router;
}

function authenticate(web: Web): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    const token = await tokenName(web, request);
    if (token !== null) {
      setActor(request, `token:${token}`);
      next();
      return;
    }
    const offered = bearerOf(request) !== null;
    const viewer = offered ? null : viewerOf(request);
    if (viewer !== null) {
      setActor(request, viewer);
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

// ---------------------------------------------------------------- reading

async function list(web: Web, request: Request, response: Response): Promise<void> {
  const wanted = parameter(request, 'state');
  const state = wanted === null ? null : (states.find((each) => each === wanted) ?? 'bad');
  if (state === 'bad' || (wanted === null && 'state' in request.query)) {
    return refuse(response, 400, 'bad-state', `state is one of ${states.join(', ')}, or left out for all.`);
  }
  const limit = readLimit(request);
  if (limit === null) return refuseLimit(response);
  const cursor = parameter(request, 'cursor');
  const page = await web.reads.alerts({ state, limit, cursor: cursor === '' ? null : cursor });
  if (page === null || (cursor === null && 'cursor' in request.query)) {
    return refuse(response, 400, 'bad-cursor', 'cursor is what an earlier answer gave as `next`, unchanged.');
  }
  const base = baseOf(web, request);
  const now = web.clock.now();
  response.json({ alerts: page.alerts.map((alert) => alertJson(alert, now, base)), next: page.next });
}

function sendAlert(web: Web, request: Request, response: Response, alert: Alert): void {
  response.json(alertJson(alert, web.clock.now(), baseOf(web, request), 'with detail'));
}

async function history(web: Web, request: Request, response: Response, alert: Alert): Promise<void> {
  const limit = readLimit(request);
  if (limit === null) return refuseLimit(response);
  response.json({ history: (await web.reads.history(alert.key, limit)).map(historyJson) });
}

// ---------------------------------------------------------------- acting

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
  const extra = unknownField(body, 'for', 'hours', 'note');
  if (extra !== null) return { problem: extra };
  const note = body.note ?? '';
  if (typeof note !== 'string') return { problem: '"note" is a text.' };
  const noteIsBad = noteProblem(note);
  if (noteIsBad !== null) return { problem: noteIsBad };
  const length = readFor(body.for);
  if (length === 'bad') {
    return { problem: '"for" is a length of time, like "2h", "90m", "1d" or "2h working".' };
  }
  const hours = body.hours ?? null;
  if (hours === null) return { kind: 'acknowledge', alert, by, for: null, ...length, note };
  if (typeof hours !== 'string') return { problem: '"hours" names hours of the policy, like "working".' };
  if (length === null) return { problem: '"hours" says which hours count: give "for" as well.' };
  if (length.hours !== undefined) return { problem: 'Name the hours once: in "for", or in "hours".' };
  return { kind: 'acknowledge', alert, by, for: length.for, hours, note };
};

async function act(web: Web, request: Request, response: Response, read: ReadAct): Promise<void> {
  const key = readKey(request.params.id);
  if (key === null) return noSuchAlert(response);
  const body = bodyOf(request, response);
  if (body === null) return;
  const wanted = read(body, key, actorOf(request));
  if ('problem' in wanted) return refuse(response, 400, 'bad-body', wanted.problem);
  const outcome = await performOne(web, wanted);
  if (!outcome.ok) return refuseOutcome(response, outcome);
  const alert = outcome.alert ?? (await web.reads.alert(key));
  if (alert === null) return noSuchAlert(response);
  sendAlert(web, request, response, alert);
}
