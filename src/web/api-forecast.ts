/** The forecast of an alert, for scripts: who will be told when, who will not, and why. */
import { type Request, type Response, Router } from 'express';
import type { Alert } from '../station/core/alert.ts';
import { type Duration, hours, parseDuration } from '../time.ts';
import { actorOf, noSuchAlert, notAllowed, parametersOnly, refuse, withAlert } from './api-parts.ts';
import { forecastJson } from './api-shapes.ts';
import type { Web } from './context.ts';
import { forecastLengthMax, forecastOf } from './forecast.ts';
import { parameter } from './forms.ts';
import { type Length, parseLength } from './length.ts';

const lengthDefault = hours(24);

export function forecastApi(web: Web): Router {
  const router = Router();
  router
    .route('/alerts/:id/forecast')
    .get(parametersOnly('for', 'acknowledge_for'), (q, r) =>
      withAlert(web, q, r, (alert) => forecast(web, q, r, alert)),
    )
    .all(notAllowed('GET'));
  return router;
}

async function forecast(web: Web, request: Request, response: Response, alert: Alert): Promise<void> {
  const length = readAhead(request);
  if (length === 'bad') {
    return refuse(response, 400, 'bad-for', 'for is a length of time up to 31d, like 24h; left out: 24h.');
  }
  const tried = readTried(request);
  if (tried === 'bad') {
    const what =
      'acknowledge_for is a length of time, like 2h or "2h working"; left out: nobody acknowledges.';
    return refuse(response, 400, 'bad-acknowledge-for', what);
  }
  if (tried !== null && alert.phase.kind === 'cleared') {
    return refuse(response, 409, 'not-raised', 'This alert is cleared: there is nothing to acknowledge.');
  }
  const acknowledge = tried === null ? null : { ...tried, by: actorOf(request) };
  const found = await forecastOf(web, alert.key, length, acknowledge);
  if (found === null) {
    if ((await web.reads.alert(alert.key)) === null) return noSuchAlert(response);
    return refuse(response, 503, 'store-unavailable', 'The station did not say in time: ask again.');
  }
  if (tried !== null && found.entries.every(({ kind }) => kind !== 'acknowledged')) {
    const what = `acknowledge_for: the policy has no hours named ${JSON.stringify(tried.hours ?? '')}.`;
    return refuse(response, 400, 'bad-acknowledge-for', what);
  }
  response.json(forecastJson(alert.key, found));
}

function readAhead(request: Request): Duration | 'bad' {
  if (!('for' in request.query)) return lengthDefault;
  const length = parseDuration(parameter(request, 'for') ?? '');
  return length === null || length <= 0 || length > forecastLengthMax ? 'bad' : length;
}

function readTried(request: Request): Length | null | 'bad' {
  if (!('acknowledge_for' in request.query)) return null;
  return parseLength(parameter(request, 'acknowledge_for') ?? '') ?? 'bad';
}
