/**
 * The station's side of the web: starts its thread, and answers what it asks.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { FromWeb, WebSettings } from '../web/worker.ts';
import { type Address, formatAddress } from './address.ts';
import type { StationPort } from './door.ts';
import { servePort } from './port.ts';

export type WebThread = { readonly address: Address; close(): Promise<void> };

/** A page that could not be opened: the words say what to do. */
export class WebError extends Error {}

/** Resolves once the page can be reached. @throws WebError when it cannot be. */
export function openWebThread(
  entry: URL,
  settings: Omit<WebSettings, 'station'>,
  station: StationPort,
): Promise<WebThread> {
  const { port1, port2 } = new MessageChannel();
  servePort(port1, station);
  const worker = new Worker(entry, { workerData: { ...settings, station: port2 }, transferList: [port2] });
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  let bound = false;
  return new Promise((resolve, reject) => {
    worker.on('error', (error) => {
      if (!bound) reject(error);
      else throw error;
    });
    worker.on('message', (message: FromWeb) => {
      switch (message.kind) {
        case 'bound':
          bound = true;
          resolve({
            address: { host: message.host, port: message.port },
            close: async () => {
              worker.postMessage('close');
              await closed;
              port1.close();
            },
          });
          return;
        case 'failed':
          reject(new WebError(cannotListen(settings, message.code, message.message)));
          return;
        case 'closed':
          onClosed();
          return;
        default:
          message satisfies never;
      }
    });
  });
}

function cannotListen(address: Address, code: string, message: string): string {
  const where = `the page's address ${formatAddress(address)}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use: another program has it; end that, or choose another with --web`;
    case 'EACCES':
      return `${where} may not be used by this user: choose a port above 1023 with --web`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine: correct --web`;
    default:
      return `${where} cannot be used: ${message}`;
  }
}
