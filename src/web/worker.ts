/**
 * The web's thread: Express and a read-only connection of its own, so that no
 * page, search or export delays an alert. What people do goes back to the
 * station's thread, through the door.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type LogLevel, openLog } from '../log.ts';
import { connectPort } from '../station/port.ts';
import { openReads } from '../station/store/sqlite-reads.ts';
import { systemClock } from '../time.ts';
import type { TrustProxy } from './context.ts';
import { openWeb } from './server.ts';

export type WebSettings = {
  readonly host: string;
  readonly port: number;
  readonly baseUrl: string | null;
  readonly trustProxy: TrustProxy;
  readonly folder: string;
  readonly logLevel: LogLevel;
  readonly station: MessagePort;
};

export type FromWeb =
  | { readonly kind: 'bound'; readonly host: string; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'closed' };

const port = parentPort;
if (port === null) throw new Error('this is a thread of mauveserver, not a program');
const say = (message: FromWeb): void => port.postMessage(message);
const settings = workerData as WebSettings;
const reads = openReads({ folder: settings.folder });

try {
  const web = await openWeb({
    host: settings.host,
    port: settings.port,
    baseUrl: settings.baseUrl === null ? null : new URL(settings.baseUrl),
    trustProxy: settings.trustProxy,
    station: connectPort(settings.station),
    reads,
    clock: systemClock,
    log: openLog(settings.logLevel, 'web'),
  });
  port.on('message', async () => {
    await web.close();
    await reads.close();
    say({ kind: 'closed' });
    settings.station.close();
    port.close();
  });
  say({ kind: 'bound', ...web.address });
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  say({ kind: 'failed', code, message });
}
