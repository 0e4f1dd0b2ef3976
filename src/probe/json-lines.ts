/**
 * `--json`: one object a line on stdout, for programs. A reader that is slower
 * than the probe costs lines, never memory without end; how many is said on
 * stderr.
 */
import type { Logger } from '../log.ts';
import { rfc3339 } from '../time.ts';
import type { Hop, PingRecord } from './core/record.ts';
import type { Names } from './names.ts';
import type { ProbeRecord } from './records.ts';
import { rounded } from './watched.ts';

/** In bytes, waiting for the reader. */
export const waitingMax = 16 * 1024 * 1024;

/** What a stream of lines needs of stdout. */
export type Out = Pick<NodeJS.WritableStream, 'write'> & { readonly writableLength: number };

export class JsonLines {
  readonly #out: Out;
  readonly #names: Names;
  readonly #log: Logger;
  #dropped = 0;

  constructor(out: Out, names: Names, log: Logger) {
    this.#out = out;
    this.#names = names;
    this.#log = log;
  }

  hear(record: ProbeRecord): void {
    const line = jsonOf(record, this.#names);
    if (line === null) return;
    if (this.#out.writableLength > waitingMax) {
      if (this.#dropped === 0) this.#log.warn('the reader of the JSON lines is too slow: lines are left out');
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#log.warn({ lines: this.#dropped }, 'so many JSON lines were left out');
    this.#dropped = 0;
    this.#out.write(`${JSON.stringify(line)}\n`);
  }
}

/** @returns null for what has no line. */
export function jsonOf(record: ProbeRecord, names: Pick<Names, 'of'>): object | null {
  const { kind, target } = record;
  const labels = Object.keys(target.labels).length === 0 ? {} : { labels: target.labels };
  const about = { target: target.word, address: kind === 'name' ? null : record.address };
  switch (kind) {
    case 'ping':
      return { kind, at: rfc3339(record.ping.at), ...about, ...outcomeOf(record.ping), ...labels };
    case 'trace': {
      const { at, method, hops, end, said } = record.trace;
      return {
        kind,
        at: rfc3339(at),
        ...about,
        round: record.round,
        method,
        path_id: record.pathId,
        end,
        ...(said === '' ? {} : { said }),
        hops: hops.map((hop) => hopOf(hop, names)),
        ...labels,
      };
    }
    case 'name':
    case 'verdict': {
      const { at, verdict, state, hop, summary } = record.change;
      return { kind: 'verdict', at: rfc3339(at), ...about, verdict, state, hop, summary, ...labels };
    }
    case 'stats':
      return null;
    default:
      return record satisfies never;
  }
}

function outcomeOf({ outcome }: PingRecord): object {
  switch (outcome.kind) {
    case 'reply':
      return { outcome: 'reply', rtt_ms: rounded(outcome.rtt) };
    case 'lost':
      return { outcome: 'lost', rtt_ms: null };
    case 'error':
      return { outcome: 'error', rtt_ms: null, from: outcome.from, why: outcome.why };
    case 'unsent':
      return { outcome: 'unsent', rtt_ms: null, why: outcome.why };
    default:
      return outcome satisfies never;
  }
}

/** The address that answered first, its shortest delay, and the share of probes that nobody answered. */
function hopOf({ ttl, probes }: Hop, names: Pick<Names, 'of'>): object {
  const address = probes.find((probe) => probe.address !== null)?.address ?? null;
  const delays = probes.flatMap((probe) =>
    probe.address === address && probe.rtt !== null ? [probe.rtt] : [],
  );
  const lost = probes.filter((probe) => probe.address === null).length;
  const others = new Set(probes.flatMap((probe) => probe.address ?? []));
  return {
    ttl,
    address,
    name: address === null ? null : names.of(address),
    rtt_ms: delays.length === 0 ? null : rounded(Math.min(...delays)),
    rtts_ms: probes.map(({ rtt }) => rounded(rtt)),
    loss: probes.length === 0 ? 0 : Math.round((100 * lost) / probes.length),
    // Where load is shared, more than one router answers.
    ...(others.size > 1 ? { addresses: [...others] } : {}),
  };
}
