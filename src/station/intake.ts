/**
 * The station's side of the intake: takes the batches of the intake thread
 * through the door. A batch that the store refuses is kept and tried again, and
 * meanwhile the thread goes on receiving into bounded memory.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from '../log.ts';
import { type Clock, type Duration, instant } from '../time.ts';
import { decode } from '../wire/update.ts';
import type { Door, Event } from './door.ts';
import {
  type FromIntake,
  type IntakeSettings,
  type PackedBatch,
  type ToIntake,
  unpack,
} from './intake-batch.ts';
import type { Meters } from './meters.ts';
import { storeRetryWait } from './station.ts';

export type IntakeOptions = {
  /** The thread's entry. */
  readonly worker: URL;
  readonly settings: IntakeSettings;
  readonly door: Door;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
};

export type Intake = {
  readonly address: string;
  readonly port: number;
  /** Hands on what has arrived, waits until it is committed, and ends the thread; at most so long. */
  close(most: Duration): Promise<void>;
};

/** An intake that could not begin: the words say what to do. */
export class IntakeError extends Error {}

/** Resolves once the socket is bound. @throws IntakeError when it cannot be. */
export function openIntake(options: IntakeOptions): Promise<Intake> {
  const { worker: entry, settings, log, meters } = options;
  const worker = new Worker(entry, { workerData: settings });
  const say = (message: ToIntake): void => worker.postMessage(message);
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  let bound = false;
  return new Promise((resolve, reject) => {
    worker.on('error', (error) => {
      if (!bound) reject(error);
      else throw error;
    });
    worker.on('message', (message: FromIntake) => {
      switch (message.kind) {
        case 'bound': {
          bound = true;
          const { address, port, buffer } = message;
          if (buffer < settings.receiveBuffer) {
            log.warn(
              { asked: settings.receiveBuffer, got: buffer },
              'the kernel grants a smaller receive buffer than asked for: raise net.core.rmem_max',
            );
          }
          resolve({
            address,
            port,
            close: async (most) => {
              say({ kind: 'close' });
              // A store that refuses would hold up the end for as long as it does.
              const late = new Promise<void>((resolve) => options.clock.after(most, resolve));
              await Promise.race([closed, late]);
            },
          });
          return;
        }
        case 'failed':
          if (bound) log.error({ code: message.code }, `the intake's socket: ${message.message}`);
          else reject(new IntakeError(cannotBind(settings, message.code, message.message)));
          return;
        case 'batch':
          void takeBatch(options, message.batch).then(() => say({ kind: 'committed' }));
          return;
        case 'refused':
          for (const [reason, count] of message.counts) meters.refused(reason, count);
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

async function takeBatch({ door, clock, meters }: IntakeOptions, batch: PackedBatch): Promise<void> {
  const events: Event[] = [];
  for (const { datagram, reception } of unpack(batch)) {
    const read = decode(datagram);
    if (read.ok) events.push({ kind: 'update', update: read.update, reception: instant(reception) });
  }
  for (;;) {
    const outcomes = await door.handle(events);
    if (outcomes.every((outcome) => outcome.ok)) break;
    await new Promise<void>((resolve) => clock.after(storeRetryWait, resolve));
  }
  meters.arrived(batch.receptions, clock.now());
}

function cannotBind({ host, port }: IntakeSettings, code: string, message: string): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `UDP ${address} is in use: another station or relay has it; end that, or choose another with --udp`;
    case 'EACCES':
      return `UDP ${address} may not be used by this user: choose a port above 1023 with --udp`;
    case 'EADDRNOTAVAIL':
      return `UDP ${address} is no address of this machine: correct --udp`;
    default:
      return `UDP ${address} cannot be used: ${message}`;
  }
}
