/**
 * What an engine is: something that sends probes and tells what came back. It
 * judges nothing. The agent has one engine at a time; which one, main.ts says.
 */
import type { Duration } from '../../time.ts';
import type { Address, Method, PingRecord, TraceRecord } from '../core/record.ts';

export type PingTask = {
  readonly address: Address;
  readonly timeout: Duration;
  /** So many, one `every` after the other. */
  readonly count: number;
  readonly every: Duration;
};

export type TraceTask = {
  readonly address: Address;
  readonly method: Method;
  /** The first TTL that is probed: the first hops of all paths are the same and need not be asked each time. */
  readonly firstHop: number;
  readonly maxHops: number;
  /** Probes for each hop. */
  readonly probesPerHop: number;
  /** How often a probe without an answer is repeated. */
  readonly retries: number;
  readonly timeout: Duration;
  /** Ends after so many hops in a row that say nothing. */
  readonly gapLimit: number;
  /** Names the flow: the same number gives the same ports, so the same path under load sharing by flow. */
  readonly flow: number;
};

/** What came of a task. */
export type Answer<T> =
  | { readonly ok: true; readonly record: T }
  /** The engine died, was restarted, or gave nonsense: nothing was measured, and nothing may be counted as loss. */
  | { readonly ok: false; readonly why: 'engine-lost' | 'refused'; readonly detail: string };

export type EngineName = 'scamper' | 'mtr-packet' | 'fake';

export type Abilities = {
  readonly methods: readonly Method[];
  /** Those of them that keep to one flow. By the others, routers that share load show another path each time. */
  readonly fixedFlow: readonly Method[];
};

export interface Engine {
  readonly name: EngineName;
  /** What it can do, for each version of IP. */
  readonly can: (address: Address) => Abilities;
  /** Resolves when the answers or the timeouts have come: a record for each ping, in their order. Never rejects. */
  ping(task: PingTask): Promise<Answer<readonly PingRecord[]>>;
  trace(task: TraceTask): Promise<Answer<TraceRecord>>;
  /** How the engine is, in words; null while it works. It restarts by itself. */
  problem(): string | null;
  /** CPU seconds that the engine's own process has used; null where it has none. */
  cpuSeconds(): number | null;
  close(): Promise<void>;
}
