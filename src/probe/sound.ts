/**
 * Whether what an engine handed over can be true. An engine talks to another
 * process, whose answers may be cut off or mixed up; whatever gets past it must
 * not reach the figures, where one NaN would stay for a day.
 */
import type { Address, PingRecord, TraceRecord } from './core/record.ts';

const ttlMax = 255;
const probesMax = 100;

const isDelay = (rtt: number): boolean => Number.isFinite(rtt) && rtt >= 0;

/** @returns what is wrong with them; null: nothing. `asked`: so many pings of that address. */
export function pingsFault(
  records: readonly PingRecord[],
  asked: { readonly address: Address; readonly count: number },
): string | null {
  if (records.length !== asked.count) return `${records.length} answers to ${asked.count} pings`;
  for (const record of records) {
    const fault = pingFault(record, asked.address);
    if (fault !== null) return fault;
  }
  return null;
}

function pingFault(record: PingRecord, asked: Address): string | null {
  if (record.address !== asked) return 'the answer is about another address';
  if (!Number.isFinite(record.at)) return 'the ping has no time';
  const { outcome } = record;
  return outcome.kind === 'reply' && !isDelay(outcome.rtt) ? 'the delay is no number' : null;
}

/** @returns what is wrong with it; null: nothing. */
export function traceFault(record: TraceRecord, asked: Address): string | null {
  if (record.address !== asked) return 'the answer is about another address';
  if (!Number.isFinite(record.at)) return 'the trace has no time';
  if (record.hops.length > ttlMax) return `more than ${ttlMax} hops`;
  for (const [index, { ttl, probes }] of record.hops.entries()) {
    const before = record.hops[index - 1]?.ttl;
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > ttlMax) return 'a hop without a TTL';
    if (before !== undefined && ttl !== before + 1) return 'hops out of order';
    if (probes.length > probesMax) return `more than ${probesMax} probes at a hop`;
    if (probes.some(({ rtt }) => rtt !== null && !isDelay(rtt))) return 'the delay of a hop is no number';
  }
  return null;
}
