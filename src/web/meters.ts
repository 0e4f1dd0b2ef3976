/** The web's own metrics; the station's come beside them from its own thread. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type WebMeters = {
  readonly registry: Registry;
  readonly requests: Counter<'route' | 'method' | 'status'>;
  readonly duration: Histogram<'route'>;
  readonly loginFailures: Counter<'why'>;
  readonly liveClients: Gauge;
  readonly stationAnswers: Gauge;
};

export function openWebMeters(): WebMeters {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'mauve_http_requests_total',
      help: 'Requests answered, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'mauve_http_request_seconds',
      help: 'Time to answer a request; live streams are left out.',
      labelNames: ['route'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    loginFailures: new Counter({
      name: 'mauve_login_failures_total',
      help: 'Refused logins: wrong password, made to wait, or a link that is used or unknown.',
      labelNames: ['why'],
      registers,
    }),
    liveClients: new Gauge({
      name: 'mauve_sse_clients',
      help: 'Pages that follow live.',
      registers,
    }),
    stationAnswers: new Gauge({
      name: 'mauve_station_answers',
      help: 'Whether the station gave its metrics in time: without, only those of the web are here.',
      registers,
    }),
  };
}
