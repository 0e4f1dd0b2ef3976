/**
 * What the pages and the API are given to work with. The web declares here what
 * it needs; it knows of no thread, no database and no policy file.
 */
import type { Logger } from '../log.ts';
import type { Outcome, StationPort } from '../station/door.ts';
import type { Reads } from '../station/store/store.ts';
import type { Clock } from '../time.ts';
import type { Assets } from './assets.ts';
import type { Flashes } from './flash.ts';
import type { WebMeters } from './meters.ts';
import type { Once } from './once.ts';
import type { Turns } from './turns.ts';

/** Which proxies may say where a request came from: Express's own values, no function. */
export type TrustProxy = boolean | number | readonly string[];

export type WebOptions = {
  readonly host: string;
  readonly port: number;
  /** The address under which people reach the page; null: as the request says. */
  readonly baseUrl: URL | null;
  readonly trustProxy: TrustProxy;
  readonly station: StationPort;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly log: Logger;
};

export type Web = WebOptions & {
  readonly assets: Assets;
  readonly flashes: Flashes;
  /** For forms that make something. */
  readonly once: Once<Outcome>;
  /** For asking the station what will be told of an alert. */
  readonly forecasts: Turns;
  readonly meters: WebMeters;
};
