/**
 * Which probe of a trace is sent next, for engines that send one at a time: a
 * few in flight, in the order of their TTLs, none behind the target once that
 * has answered, and no more where nothing answers any more. Pure: it is told
 * what came and says what to send.
 */
import { attempts } from '../core/attempts.ts';
import type { Address, Hop, HopProbe, TraceEnd } from '../core/record.ts';
import type { TraceTask } from './engine.ts';
import type { Came } from './mtr-lines.ts';
import { hopRange } from './scamper-commands.ts';

/** More would make routers that limit their answers look lossy. */
export const inFlightMax = 6;

export type ToSend = { readonly ttl: number; readonly probe: number };
export type Ended = { readonly hops: readonly Hop[]; readonly end: TraceEnd; readonly said: string };

type Asked = {
  readonly ttl: number;
  /** Null: it is in flight. */
  readonly probes: (HopProbe | null)[];
  /** Who ended the path here. */
  end: 'target' | 'router' | null;
};

const nothing: HopProbe = { address: null, rtt: null };

export class HopByHop {
  private readonly task: TraceTask;
  private readonly asked: Asked[] = [];
  private readonly often: { readonly count: number; readonly all: boolean };
  private inFlight = 0;
  private last: number;
  /** Why nothing could be sent. */
  private unsent: string | null = null;

  constructor(task: TraceTask) {
    this.task = task;
    this.often = attempts(task);
    this.last = hopRange(task).last;
  }

  /** @returns what may be sent now; it is in flight from now on. */
  next(): ToSend[] {
    const send: ToSend[] = [];
    while (this.inFlight < inFlightMax && this.unsent === null && this.ended() === null) {
      const asked = this.wanting() ?? this.further();
      if (asked === null) break;
      asked.probes.push(null);
      this.inFlight += 1;
      send.push({ ttl: asked.ttl, probe: asked.probes.length - 1 });
    }
    return send;
  }

  /** The first TTL that wants another probe now. */
  private wanting(): Asked | null {
    return this.asked.find((asked) => asked.ttl <= this.last && this.wants(asked)) ?? null;
  }

  private wants({ probes }: Asked): boolean {
    if (probes.length >= this.often.count) return false;
    // A repetition waits until the one before it has come to nothing.
    return this.often.all || probes.every((probe) => probe?.address === null);
  }

  private further(): Asked | null {
    const ttl = (this.asked.at(-1)?.ttl ?? hopRange(this.task).first - 1) + 1;
    if (ttl > this.last) return null;
    const asked: Asked = { ttl, probes: [], end: null };
    this.asked.push(asked);
    return asked;
  }

  came({ ttl, probe }: ToSend, came: Came): void {
    const asked = this.asked.find((one) => one.ttl === ttl);
    if (asked === undefined || asked.probes[probe] !== null) return;
    this.inFlight -= 1;
    if (came.kind === 'unsent') this.unsent = came.why;
    const heard = came.kind === 'reply' || came.kind === 'expired' || came.kind === 'unreachable';
    asked.probes[probe] = heard ? { address: came.from, rtt: came.rtt } : nothing;
    if (!heard || came.kind === 'expired') return;
    // A target that refuses has been reached.
    asked.end = came.kind === 'reply' || came.from === this.task.address ? 'target' : 'router';
    this.last = Math.min(this.last, ttl);
  }

  /** Why it cannot be measured; null while it can. */
  failed(): string | null {
    return this.unsent;
  }

  /** @returns how it ended; null while more is to come. */
  ended(): Ended | null {
    const hops: Hop[] = [];
    let silent = 0;
    for (const asked of this.asked) {
      if (asked.ttl > this.last) break;
      if (this.wants(asked) || asked.probes.some((probe) => probe === null)) return null;
      const probes = asked.probes.map((probe) => probe ?? nothing);
      hops.push({ ttl: asked.ttl, probes });
      const end = (how: TraceEnd, said = ''): Ended => ({ hops, end: how, said });
      if (asked.end === 'target') return end('reached');
      if (asked.end === 'router') return end('unreachable', 'destination unreachable');
      if (loops(hops)) return end('loop');
      silent = probes.every(({ address }) => address === null) ? silent + 1 : 0;
      if (silent >= this.task.gapLimit) return end('silent');
      if (asked.ttl === hopRange(this.task).last) return end('max-hops');
    }
    return null;
  }
}

/** Whether the last hop was passed before; the same one twice in a row is a fault of that router, not a loop. */
function loops(hops: readonly Hop[]): boolean {
  const addresses = (hop: Hop): Address[] =>
    hop.probes.flatMap(({ address }) => (address === null ? [] : [address]));
  const last = hops.at(-1);
  if (last === undefined) return false;
  const now = new Set(addresses(last));
  const between = hops.at(-2);
  if (between !== undefined && addresses(between).some((address) => now.has(address))) return false;
  return hops.slice(0, -2).some((hop) => addresses(hop).some((address) => now.has(address)));
}
