/**
 * A bounded sender for `bench intake`: a process of its own that sends
 * single-alert updates to one port of this machine at a steady rate, for a given
 * time, and then says how many it sent. Told what to do by one JSON argument.
 */
import { createSocket } from 'node:dgram';
import { encode, type UpdateAlert } from '../src/wire/update.ts';

export type SenderTask = {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  readonly alerts: number;
  /** `mixed`: half heartbeats, half repeats of a raised alert, 1 in 200 a change of state. `prime`: each alert once. */
  readonly kind: 'prime' | 'mixed' | 'bare';
  readonly seed: number;
};

const task = JSON.parse(process.argv[2] ?? '{}') as SenderTask;
const socket = createSocket('udp4');
const changeOneIn = 200;
const source = 'bench';

/** A small generator with a seed, so that two runs send the same. */
let state = task.seed;
function random(below: number): number {
  state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return Math.floor((state / 4_294_967_296) * below);
}

const cleared = new Set<number>();

function alertOf(index: number, now: bigint): UpdateAlert {
  const heartbeat = index % 2 === 0;
  const flips = task.kind === 'mixed' && !heartbeat && random(changeOneIn / 2) === 0;
  if (flips) {
    if (cleared.has(index)) cleared.delete(index);
    else cleared.add(index);
  }
  const clear = heartbeat || cleared.has(index);
  return {
    id: `alert-${index}`,
    subject: `host-${index % 1000}.example.net`,
    summary: heartbeat ? 'heartbeat failed' : 'disk is 97% full',
    detail: '',
    importance: 0,
    raiseTime: heartbeat ? now + 3600n : clear ? 0n : now,
    clearTime: clear ? now : 0n,
    suppressUntil: 0n,
  };
}

// The station may be down for a while: then the kernel says so, and the datagram is lost like any other.
socket.on('error', () => undefined);

let sent = 0;
let transmission = BigInt(task.seed) << 40n;
let bare: Uint8Array | null = null;

function datagram(): Uint8Array {
  if (task.kind === 'bare' && bare !== null) return bare;
  const now = BigInt(Math.floor(Date.now() / 1000));
  const index = task.kind === 'prime' ? sent % task.alerts : random(task.alerts);
  transmission += 1n;
  const bytes = encode({
    transmissionId: transmission,
    source,
    replace: false,
    signature: new Uint8Array(),
    transmissionTime: now,
    alerts: [alertOf(index, now)],
  });
  if (task.kind === 'bare') bare = bytes;
  return bytes;
}

socket.connect(task.port, '127.0.0.1', () => {
  const total = task.kind === 'prime' ? task.alerts : Math.round(task.rate * task.seconds);
  const began = performance.now();
  const step = (): void => {
    const due = Math.min(total, Math.ceil(((performance.now() - began) / 1000) * task.rate));
    // In small bursts, so that the socket's own queue drains in between.
    for (let burst = 0; sent < due && burst < 200; burst++, sent++) socket.send(datagram(), () => undefined);
    if (sent < total) {
      setImmediate(step);
      return;
    }
    const took = (performance.now() - began) / 1000;
    socket.close();
    process.stdout.write(`${JSON.stringify({ sent, took })}\n`);
  };
  step();
});
