/**
 * What providers of channels report: how far a message has come, what somebody
 * answered. Open to strangers, for a provider has no login here; whether a
 * request is genuine, its channel says. So nothing is done here but to carry a
 * small form in, and the channel's answer out, within a time.
 */
import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import type { Pace } from '../station/core/pace.ts';
import type { StationPort } from '../station/door.ts';
import { minutes, seconds } from '../time.ts';
import type { Web } from './context.ts';
import { openPace, retryAfter } from './pace.ts';
import { within } from './wait.ts';

/** Of one network: providers come from few addresses, and report each message several times. */
export const hooksPace: Pace = { count: 6000, per: minutes(1) };
/** In bytes. */
export const hookBodyMax = 64 * 1024;
const hookFieldsMax = 500;
/** In characters, behind `/hooks/`. */
const pathMax = 300;
/** A provider gives up after some 15 s; it must hear from us before. */
const hookWait = seconds(10);
const comeAgainAfter = seconds(5);

type HookRequest = Parameters<StationPort['hook']>[1];

export function hookRoutes(web: Web): Router {
  const router = Router();
  const pace = openPace(web.clock, hooksPace);
  const slowDown: RequestHandler = (request, response, next) => {
    const wait = pace.take(request.ip ?? '');
    if (wait === null) return next();
    response.set('Retry-After', retryAfter(wait));
    say(response, 429, 'Too much at once: please come again.');
  };
  const body = express.urlencoded({ extended: false, limit: hookBodyMax, parameterLimit: hookFieldsMax });
  router
    .route('/hooks/:channel{/*path}')
    .post(slowDown, formsOnly, body, (request, response) => carry(web, request, response))
    .all((_request, response) => {
      response.set('Allow', 'POST');
      say(response, 405, 'This address is for providers of channels, which POST to it.');
    });
  router.use('/hooks', badBody);
  return router;
}

function say(response: Response, status: number, text: string): void {
  response.status(status).type('text').set('Cache-Control', 'no-store').send(`${text}\n`);
}

const formsOnly: RequestHandler = (request, response, next) => {
  if (request.is('application/x-www-form-urlencoded') !== false) return next();
  say(response, 415, 'A form is expected: application/x-www-form-urlencoded.');
};

const badBody: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500;
  if (response.headersSent || !(status >= 400 && status < 500)) return next(error);
  say(response, status, status === 413 ? 'That was too much.' : 'The form could not be read.');
};

async function carry(web: Web, request: Request, response: Response): Promise<void> {
  const asked = readHook(request);
  if (asked === null) return say(response, 400, 'The form could not be read: each field once is expected.');
  const { channel } = request.params;
  const answered = web.station.hook(String(channel), asked).catch((error: unknown) => {
    web.log.error({ channel, error: String(error) }, 'a request of a provider could not be answered');
    return 'late' as const;
  });
  const answer = await within(web.clock, hookWait, answered, 'late' as const);
  if (answer === null) return say(response, 404, 'There is no such channel here, or it takes no reports.');
  if (answer === 'late') {
    response.set('Retry-After', String(comeAgainAfter / 1000));
    return say(response, 503, 'The station did not answer: please come again.');
  }
  response.status(answer.status).set('Content-Type', answer.type).set('Cache-Control', 'no-store');
  response.send(answer.body);
}

/** Null where a field comes twice, or the address is longer than any of ours. */
function readHook(request: Request): HookRequest | null {
  // As it was written: a provider signs the address that it was given.
  const path = request.path.replace(/^\/hooks\/[^/]*\/?/, '');
  const body: unknown = request.body;
  if (request.path.length > pathMax || typeof body !== 'object' || body === null) return null;
  const fields = Object.entries(body);
  if (!fields.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return null;
  return { path, form: Object.fromEntries(fields), headers: headersOf(request) };
}

/** Without cookies: a browser's session is no business of a provider's. */
function headersOf(request: Request): Readonly<Record<string, string>> {
  const all = Object.entries(request.headers);
  return Object.fromEntries(
    all.flatMap(([name, value]) => (typeof value === 'string' && name !== 'cookie' ? [[name, value]] : [])),
  );
}
