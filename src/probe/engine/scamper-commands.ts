/**
 * Tasks as scamper's commands. Pure. Source and destination ports are always
 * given: by default they follow the process's id, and each restart would show
 * another path.
 */
import { attempts, whole } from '../core/attempts.ts';
import type { Method } from '../core/record.ts';
import type { PingTask, TraceTask } from './engine.ts';

/**
 * Above the ports that Linux gives out by itself (32768-60999) and that services
 * use. Few, because scamper keeps a socket open for each.
 */
const sourceFirst = 61_000;
export const sourcePorts = 256;
/** In the range that traceroute has always used, which firewalls let pass. */
const udpPort = 33_500;
/** Where a firewall lets TCP pass at all, it does so here. */
const tcpPort = 80;

/** Scamper counts whole seconds, up to ten. */
const secondMs = 1000;
export const waitMax = 10;
export const waitSeconds = (timeout: number): number => whole(Math.ceil(timeout / secondMs), 1, waitMax);

/** Spreads flows, which may follow one another, over all 32 bits. */
const spread = (flow: number): number =>
  Math.imul((Number.isFinite(flow) ? flow : 0) ^ 0x9e3779b9, 0x85ebca6b) >>> 0;

/** The hops that are probed, both ends included. */
export function hopRange(task: TraceTask): { readonly first: number; readonly last: number } {
  const last = whole(task.maxHops, 1, 255);
  return { first: whole(task.firstHop, 1, last), last };
}

function flowOptions(method: Method, flow: number): string {
  const hash = spread(flow);
  const source = sourceFirst + (hash % sourcePorts);
  switch (method) {
    case 'udp':
      return `-P udp-paris -s ${source} -d ${udpPort}`;
    case 'tcp':
      return `-P tcp -s ${source} -d ${tcpPort}`;
    case 'icmp':
      // The id, and the checksum, by which routers tell flows of ICMP: never 0 or 65535.
      return `-P icmp-paris -s ${source} -d ${1 + ((hash >>> 8) % 65_534)}`;
  }
}

/** @param user comes back in the answer: by it an answer finds its task. */
export function traceCommand(task: TraceTask, user: number): string {
  const { count, all } = attempts(task);
  const { first, last } = hopRange(task);
  const gap = whole(task.gapLimit, 1, 255);
  const often = `${all ? '-Q ' : ''}-q ${count} -w ${waitSeconds(task.timeout)}`;
  return `trace -U ${user} ${flowOptions(task.method, task.flow)} -f ${first} -m ${last} -g ${gap} ${often} ${task.address}`;
}

/** What it reads as the seconds between two pings; it takes no zero behind the point: `0.05` means half a second to it. */
const tenth = 100;
export const everyOf = (every: number): number => whole(Math.round(every / tenth), 1, 100) * tenth;
export const pingsMax = 16;

/**
 * Echo requests, of the same flow each time: load sharing must not show as
 * jitter. Their sequence numbers move on, so that a late answer to the one
 * before is not taken for this one's.
 */
export function pingCommand(task: PingTask, user: number): string {
  const flow = `-F ${sourceFirst} -C 4660 -d ${(user * pingsMax) & 0x7fff}`;
  const count = whole(task.count, 1, pingsMax);
  const often = `-c ${count} -o ${count}${count === 1 ? '' : ` -i ${everyOf(task.every) / secondMs}`}`;
  return `ping -U ${user} ${often} ${flow} -W ${waitSeconds(task.timeout)} ${task.address}`;
}
