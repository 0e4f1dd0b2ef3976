/**
 * The sender: one datagram to every address of every destination, and a report
 * of what became of each. For mauvesend, the probe and the station's own
 * heartbeat.
 *
 * UDP says only that a datagram left this machine; "sent" means no more than
 * that. One bad destination never hinders or delays the others: each is looked
 * up and sent to by itself. Opens its sockets for one call and closes them.
 */
import { createSocket, type Socket } from 'node:dgram';
import { type Clock, systemClock } from '../time.ts';
import { formatAddress, parseDestination } from '../wire/destination.ts';
import { type Address, targets } from '../wire/resolve.ts';
import { datagramMax } from '../wire/update.ts';

export type SendFailure = 'malformed' | 'unknown-host' | 'unreachable' | 'oversized';

export interface Failed {
  /** The word, the host or the address that failed. */
  readonly where: string;
  readonly why: SendFailure;
  readonly detail: string;
}

/** What became of one destination. It worked if `sent` is not empty. */
export interface Delivery {
  /** The word, as it was given. */
  readonly destination: string;
  /** The addresses that a datagram went to, as `127.0.0.1:32741`. */
  readonly sent: readonly string[];
  readonly failed: readonly Failed[];
}

/**
 * Sends one datagram to each destination word.
 * @returns one delivery for each, in their order; never rejects for what the network does.
 */
export async function send(
  datagram: Uint8Array,
  destinations: readonly string[],
  clock: Clock = systemClock,
): Promise<Delivery[]> {
  const sockets = new Sockets();
  try {
    return await Promise.all(destinations.map((word) => deliver(datagram, word, sockets, clock)));
  } finally {
    sockets.close();
  }
}

/** A random id of 63 bits, never 0: what makes copies of one transmission known as such. */
export function newTransmissionId(): bigint {
  // Node seeds Math.random from the system's entropy; node:crypto would be a fifth of mauvesend's time.
  const half = (bits: number): bigint => BigInt(Math.floor(Math.random() * 2 ** bits));
  return (half(31) << 32n) | half(32) || 1n;
}

async function deliver(
  datagram: Uint8Array,
  word: string,
  sockets: Sockets,
  clock: Clock,
): Promise<Delivery> {
  const sent: string[] = [];
  const failed: Failed[] = [];
  const report = { destination: word, sent, failed };
  if (datagram.length > datagramMax) {
    failed.push({
      where: word,
      why: 'oversized',
      detail: `${datagram.length} bytes, where a datagram holds ${datagramMax}`,
    });
    return report;
  }
  if (word === '') {
    failed.push({ where: '""', why: 'malformed', detail: 'an empty word names no host' });
    return report;
  }
  const parsed = parseDestination(word);
  if (!parsed.ok) {
    failed.push({ where: word, why: parsed.why, detail: parsed.detail });
    return report;
  }
  for await (const target of targets(parsed.destination, clock)) {
    if (!target.ok) {
      failed.push({ where: target.host, why: target.why, detail: target.detail });
      continue;
    }
    for (const address of target.addresses) {
      const error = await sockets.send(datagram, address);
      const where = formatAddress(address.address, address.port);
      if (error === null) sent.push(where);
      else failed.push({ where, ...failure(error) });
    }
    if (sent.length > 0) break;
  }
  return report;
}

const words: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EADDRNOTAVAIL: 'this machine has no address to send from',
  EAFNOSUPPORT: 'this machine does not speak this kind of address',
  EHOSTUNREACH: 'no route to the host',
  EINVAL: 'not an address to send to',
  EMSGSIZE: 'too long for a datagram',
  ENETDOWN: 'the network is down',
  ENETUNREACH: 'the network is unreachable',
  EPERM: 'not permitted',
};

function failure(error: Error): { why: SendFailure; detail: string } {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { why: code === 'EMSGSIZE' ? 'oversized' : 'unreachable', detail: words[code] ?? error.message };
}

/** One socket a family, opened when first needed. */
class Sockets {
  readonly #open = new Map<4 | 6, Promise<Socket | Error>>();
  readonly #sockets: Socket[] = [];

  async send(datagram: Uint8Array, { address, family, port }: Address): Promise<Error | null> {
    const socket = await this.#socket(family);
    if (socket instanceof Error) return socket;
    return new Promise((resolve) => socket.send(datagram, port, address, resolve));
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #socket(family: 4 | 6): Promise<Socket | Error> {
    const opening = this.#open.get(family) ?? this.#bind(family);
    this.#open.set(family, opening);
    return opening;
  }

  /** Bound explicitly: where a family is missing, an implicit bind would never call back. */
  #bind(family: 4 | 6): Promise<Socket | Error> {
    return new Promise((resolve) => {
      const socket = createSocket({
        type: family === 4 ? 'udp4' : 'udp6',
        // Only addresses come here; without this, Node would load its resolver for them.
        lookup: (address, _options, callback) => callback(null, address, family),
      });
      this.#sockets.push(socket);
      socket.on('error', resolve);
      socket.bind(0, () => resolve(socket));
    });
  }
}
