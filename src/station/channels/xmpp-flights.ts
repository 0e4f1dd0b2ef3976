/**
 * Messages on their way: sent, but not yet known to have arrived. A message
 * that is sent again while it still is on its way, as after a send that took
 * too long, waits for the first instead of going out twice; so does one whose
 * receipt came when nobody waited for it any more.
 */
import { LRUCache } from 'lru-cache';
import type { Bounce } from './xmpp-trouble.ts';

export type FlightEnd =
  | { readonly kind: 'arrived' }
  | { readonly kind: 'bounced'; readonly bounce: Bounce }
  /** Thrown out of the room. */
  | { readonly kind: 'out'; readonly why: string }
  /** The connection broke, and nobody can say whether it arrived. */
  | { readonly kind: 'lost' };

export type Flight = {
  readonly id: string;
  /** The bare address. */
  readonly to: string;
  /** A room says that it has a message by sending it to all, us included. */
  readonly arrivesBy: 'acknowledgement' | 'reflection';
  readonly end: Promise<FlightEnd>;
  /** The server has it. */
  acknowledged: boolean;
};

/** Of messages that arrived. */
const remembered = 10_000;

export class Flights {
  private readonly underWay = new Map<string, { flight: Flight; settle: (end: FlightEnd) => void }>();
  private readonly arrived = new LRUCache<string, true>({ max: remembered });

  hasArrived(id: string): boolean {
    return this.arrived.has(id);
  }

  /** It was refused after all. */
  forget(id: string): void {
    this.arrived.delete(id);
  }

  get(id: string): Flight | null {
    return this.underWay.get(id)?.flight ?? null;
  }

  begin(id: string, to: string, arrivesBy: Flight['arrivesBy']): Flight {
    let settle: (end: FlightEnd) => void = () => undefined;
    const end = new Promise<FlightEnd>((resolve) => {
      settle = resolve;
    });
    const flight: Flight = { id, to, arrivesBy, end, acknowledged: false };
    this.underWay.set(id, { flight, settle });
    return flight;
  }

  settle(id: string, end: FlightEnd): void {
    const entry = this.underWay.get(id);
    if (entry === undefined) return;
    this.underWay.delete(id);
    if (end.kind === 'arrived') this.arrived.set(id, true);
    entry.settle(end);
  }

  acknowledged(id: string): void {
    const flight = this.get(id);
    if (flight === null) return;
    flight.acknowledged = true;
    if (flight.arrivesBy === 'acknowledgement') this.settle(id, { kind: 'arrived' });
  }

  /** All that are under way to `room`, or anywhere. */
  settleAll(end: FlightEnd, room: string | null = null): void {
    for (const { flight } of [...this.underWay.values()]) {
      if (room === null || flight.to === room) this.settle(flight.id, end);
    }
  }
}
