/**
 * The intake's thread: receives datagrams, checks that each is an update, and
 * hands them on in batches. It does nothing else, so that the socket is always
 * being read: a stock kernel holds some 280 datagrams while a thread is busy.
 *
 * One batch is under way at a time; what arrives meanwhile becomes the next, so
 * that a busy station gets larger batches instead of more of them.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { type LogLevel, openLog } from '../log.ts';
import {
  type Cancel,
  type Clock,
  type Instant,
  milliseconds,
  plus,
  seconds,
  since,
  systemClock,
} from '../time.ts';
import { decode } from '../wire/update.ts';
import { type FromIntake, type IntakeSettings, Packing, type ToIntake } from './intake-batch.ts';

/** Batches are at least so far apart, unless one is full: each costs a commit. */
const batchEvery = milliseconds(20);
const batchMax = 2000;
/** An update can name thousands: a batch must not keep the station from everything else for long. */
const batchAlertsMax = 4000;
/** What may wait for the station; beyond it the newest is dropped and counted as `overload`. */
const waitingMax = 200_000;
const waitingBytesMax = 64 * 1024 * 1024;
/** A sender's refusals are logged at most this often, and so many senders are told apart. */
const logEvery = seconds(1);
const sendersMax = 1000;
const countsEvery = seconds(1);

class Intake {
  private readonly packing = new Packing();
  private readonly log: ReturnType<typeof openLog>;
  private readonly loggedAt = new LRUCache<string, number>({ max: sendersMax });
  private readonly socket: Socket;
  private readonly clock: Clock;
  private readonly say: (message: FromIntake, transfer?: ArrayBuffer[]) => void;
  private refused = new Map<string, number>();
  private underWay = false;
  private sentAt = 0 as Instant;
  private timer: Cancel | null = null;
  private counting: Cancel | null = null;
  private closing = false;

  constructor(settings: IntakeSettings, clock: Clock, say: Intake['say']) {
    this.clock = clock;
    this.say = say;
    this.log = openLog(settings.logLevel as LogLevel, 'intake');
    const type = isIPv6(settings.host) ? 'udp6' : 'udp4';
    this.socket = createSocket({ type, recvBufferSize: settings.receiveBuffer });
    this.socket.on('message', (datagram, from) => this.receive(datagram, from));
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.say({ kind: 'failed', code: error.code ?? '', message: error.message });
    });
    this.socket.bind({ address: settings.host, port: settings.port }, () => {
      const { address, port } = this.socket.address();
      this.say({ kind: 'bound', address, port, buffer: this.socket.getRecvBufferSize() });
    });
  }

  private receive(datagram: Uint8Array, from: RemoteInfo): void {
    const read = decode(datagram);
    if (!read.ok) this.refuse(read.why, read.detail, from);
    else if (this.packing.count >= waitingMax || this.packing.bytes >= waitingBytesMax) {
      this.refuse('overload', 'the station cannot keep up, or its store refuses writes', from);
    } else {
      this.packing.add(datagram, this.clock.now(), read.update.alerts.length);
      this.flush();
    }
  }

  private refuse(why: string, detail: string, from: RemoteInfo): void {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
    this.counting ??= this.clock.after(countsEvery, () => this.sayCounts());
    const now = this.clock.now();
    const loggedAt = this.loggedAt.get(from.address);
    if (loggedAt !== undefined && now - loggedAt < logEvery) return;
    this.loggedAt.set(from.address, now);
    this.log.warn({ from: from.address, bytes: from.size, reason: why, detail }, 'refused a datagram');
  }

  private sayCounts(): void {
    this.counting = null;
    if (this.refused.size > 0) this.say({ kind: 'refused', counts: this.refused });
    this.refused = new Map();
  }

  private flush(): void {
    if (this.underWay || this.packing.count === 0) return;
    const now = this.clock.now();
    const next = plus(this.sentAt, batchEvery);
    if (this.packing.count < batchMax && now < next && now >= this.sentAt && !this.closing) {
      this.timer ??= this.clock.after(since(now, next), () => {
        this.timer = null;
        this.flush();
      });
      return;
    }
    this.underWay = true;
    this.sentAt = now;
    const batch = this.packing.take(batchMax, batchAlertsMax);
    const buffers = [batch.bytes.buffer, batch.lengths.buffer, batch.receptions.buffer];
    this.say({ kind: 'batch', batch }, buffers);
  }

  committed(): void {
    this.underWay = false;
    this.flush();
    if (this.closing) this.end();
  }

  /** Reads what the kernel still holds, hands everything on, and ends once it is committed. */
  close(): void {
    setImmediate(() =>
      setImmediate(() => {
        this.closing = true;
        this.socket.close();
        this.flush();
        this.end();
      }),
    );
  }

  private end(): void {
    if (this.underWay || this.packing.count > 0) return;
    this.sayCounts();
    this.say({ kind: 'closed' });
    parentPort?.close();
  }
}

const port = parentPort;
if (port === null) throw new Error('this is a thread of mauveserver, not a program');
const intake = new Intake(workerData as IntakeSettings, systemClock, (message, transfer) =>
  port.postMessage(message, transfer ?? []),
);
port.on('message', (message: ToIntake) => {
  if (message.kind === 'committed') intake.committed();
  else intake.close();
});
