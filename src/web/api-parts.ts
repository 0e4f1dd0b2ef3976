/** What the parts of the JSON API share: refusals, parameters, bodies, and who acts. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Alert } from '../station/core/alert.ts';
import type { Actor, Outcome, Refused } from '../station/door.ts';
import type { Web } from './context.ts';
import { parameter, readKey } from './forms.ts';
import { type Length, parseLength } from './length.ts';

const limitDefault = 100;
const limitMax = 1000;
/** In bytes: a note of the longest kind, escaped in the worst way, fits. */
const bodyMax = 16 * 1024;

const actors = new WeakMap<Request, Actor>();
export const actorOf = (request: Request): Actor => actors.get(request) ?? '';
export const setActor = (request: Request, actor: Actor): void => void actors.set(request, actor);

/** @param code for programs; the message is for the person who reads their log. */
export function refuse(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

/** For methods that an address does not have. */
export function notAllowed(...allowed: readonly ('GET' | 'POST')[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : each)).join(', '));
    const those = `${allowed.join(' and ')} ${allowed.length === 1 ? 'is' : 'are'}`;
    refuse(response, 405, 'method-not-allowed', `${request.method} is not for this address; ${those}.`);
  };
}

/** A parameter that is not known is refused, not overlooked: a mistyped `state` would answer with everything. */
export function parametersOnly(...known: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const unknown = Object.keys(request.query).find((name) => !known.includes(name));
    if (unknown === undefined) return next();
    const those = known.length === 0 ? 'there are none here' : `there are ${known.join(', ')}`;
    refuse(response, 400, 'bad-parameter', `Unknown parameter ${JSON.stringify(unknown)}: ${those}.`);
  };
}

/** Null where it is no limit: see `refuseLimit`. */
export function readLimit(request: Request): number | null {
  const text = parameter(request, 'limit');
  if (text === null) return 'limit' in request.query ? null : limitDefault;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= limitMax ? limit : null;
}

export const refuseLimit = (response: Response): void =>
  refuse(response, 400, 'bad-limit', `limit is a whole number from 1 to ${limitMax}.`);

/** Goes on with the alert that the address names. */
export async function withAlert(
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

export const noSuchAlert = (response: Response): void =>
  refuse(
    response,
    404,
    'no-such-alert',
    'There is no alert of this id: ids are those of GET /api/v1/alerts.',
  );

/** Under which address people reach the station: as set, or as this request did. */
export function baseOf(web: Web, request: Request): string {
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

/** Before a route that takes a body. */
export const bodyRead: readonly RequestHandler[] = [
  parametersOnly(),
  jsonOnly,
  express.json({ limit: bodyMax, type: 'application/json' }),
];

/** The fields of the body; null where it is no object, which is refused. */
export function bodyOf(request: Request, response: Response): Record<string, unknown> | null {
  const body: unknown = request.body ?? {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  refuse(response, 400, 'bad-body', 'The body is a JSON object, or none.');
  return null;
}

/** What is wrong with the names of the fields; null when nothing is. */
export function unknownField(body: Record<string, unknown>, ...known: readonly string[]): string | null {
  const extra = Object.keys(body).find((name) => !known.includes(name));
  if (extra === undefined) return null;
  const words = known.map((name) => JSON.stringify(name));
  const those = words.length === 1 ? words : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  return `Unknown field ${JSON.stringify(extra)}: there are ${those}.`;
}

/** `"2h"`, and `"2h working"`. */
export function readFor(value: unknown): Length | null | 'bad' {
  if (value === undefined || value === null) return null;
  return (typeof value === 'string' ? parseLength(value) : null) ?? 'bad';
}

const refusalStatus: Readonly<Record<Refused, number>> = {
  'no-such-alert': 404,
  'not-raised': 409,
  'not-acknowledged': 409,
  'already-cleared': 409,
  'no-such-hours': 400,
  'no-such-silence': 404,
  'silence-ended': 409,
  'bad-match': 400,
  'too-many-silences': 409,
  'no-such-person': 404,
  'no-such-channel': 404,
  'unknown-message': 404,
  'store-unavailable': 503,
};

export const refuseOutcome = (response: Response, outcome: Extract<Outcome, { ok: false }>): void =>
  refuse(response, refusalStatus[outcome.why], outcome.why, outcome.message);
