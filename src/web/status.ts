/** What machines ask, open to all: is it alive, is it ready, how much does it do. */
import { Router } from 'express';
import { seconds } from '../time.ts';
import type { Web } from './context.ts';
import { healthOf } from './frame.ts';
import { within } from './wait.ts';

/** A scraper gives up after 10 s; the web's own numbers must have come by then. */
const metricsWait = seconds(5);

export function statusRoutes(web: Web): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ alive: true });
  });
  router.get('/readyz', async (_request, response) => {
    const health = await healthOf(web);
    response.set('Cache-Control', 'no-store').status(health.ready ? 200 : 503);
    response.json({ ready: health.ready, problems: health.problems });
  });
  router.get('/metrics', async (_request, response) => {
    const station = await within(
      web.clock,
      metricsWait,
      web.station.metrics().catch(() => null),
      null,
    );
    web.meters.stationAnswers.set(station === null ? 0 : 1);
    const own = await web.meters.registry.metrics();
    response.set('Content-Type', web.meters.registry.contentType).set('Cache-Control', 'no-store');
    response.send(station === null ? own : `${station.trimEnd()}\n${own}`);
  });
  return router;
}
