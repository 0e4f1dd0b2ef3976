/**
 * What is measured, as records: a ping, a trace, a hop. Types only, so that the
 * engines, the judging, the command and later the station share one picture.
 */
import type { Instant } from '../../time.ts';

/** An IPv4 or IPv6 address in its usual, shortest form: what is pinged and traced. */
export type Address = string & { readonly brand: 'Address' };

/** Milliseconds of a round trip, with fractions. */
export type Rtt = number;

/** How probes are sent. The flow of a target is always the same, so that routers that share load by flow show one path. */
export const methods = ['udp', 'icmp', 'tcp'] as const;
export type Method = (typeof methods)[number];

/** One ping that was sent. */
export type PingRecord = {
  readonly address: Address;
  /** When it was sent. */
  readonly at: Instant;
  readonly outcome:
    | { readonly kind: 'reply'; readonly rtt: Rtt }
    | { readonly kind: 'lost' }
    /** A router said so: it counts as an error, not as lost on the way. */
    | { readonly kind: 'error'; readonly from: Address | null; readonly why: string }
    /** It could not be sent: no route from here, no buffer. It says nothing of the target. */
    | { readonly kind: 'unsent'; readonly why: string };
};

/** The answers to the probes with one TTL, in the order in which they were sent. */
export type Hop = {
  readonly ttl: number;
  readonly probes: readonly HopProbe[];
};
export type HopProbe = {
  /** Null: nothing came. */
  readonly address: Address | null;
  readonly rtt: Rtt | null;
};

/** Why a trace ended. */
export const traceEnds = ['reached', 'unreachable', 'loop', 'silent', 'max-hops'] as const;
export type TraceEnd = (typeof traceEnds)[number];

export type TraceRecord = {
  readonly address: Address;
  readonly at: Instant;
  readonly method: Method;
  /** In the order of their TTLs, without gaps from the first one that was probed. */
  readonly hops: readonly Hop[];
  /** `silent`: so many hops in a row said nothing that it was given up. */
  readonly end: TraceEnd;
  /** What a router said that ended it, such as `network unreachable`; empty otherwise. */
  readonly said: string;
};
