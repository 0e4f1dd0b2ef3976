/**
 * A path: which addresses answer at which distance. Where routers share load
 * there are several at one place, so a place has a *set* of addresses, and a
 * place that says nothing contradicts nothing. Here is how a path is read from
 * traces, compared, and named; what follows from a difference is follow.ts's.
 *
 * The identity (`id`) is a short name of the content as it was when the path
 * became known: for each place its addresses, or nothing where it was silent.
 * It stays for as long as the path does: neither a hop that answers now and
 * then nor one more address of a shared load makes it another path. After a
 * change it is made of what is the same (as it was named before) and of what is
 * new; so a path that comes back has its old name, and the same path found by
 * several traces has the same one.
 */
import type { Instant } from '../../time.ts';
import { contentName } from './chance.ts';
import { countAnswers, isKnownWell, type KnownHop, unknownHop, withAnswers, withMeasures } from './hop.ts';
import type { Address, TraceRecord } from './record.ts';
import type { PathRules } from './rules.ts';

export type Path = {
  /** Empty until the first trace. */
  readonly id: string;
  /** The first has TTL 1. */
  readonly hops: readonly KnownHop[];
  /** How many it was learnt from. */
  readonly traces: number;
  /** How many in a row brought no address that is new at its place. */
  readonly quiet: number;
  /** The TTLs at which the target answers; empty where it answers no trace. */
  readonly lengths: readonly number[];
};

/** The addresses that answered a trace, for each TTL from 1 on; empty where nothing answered or nothing was asked. */
export type Rows = readonly (readonly Address[])[];

/** What a TTL can be is up to 255; no path is that long. */
export const ttlMax = 64;
const lengthsMax = 8;

export const unknownPath: Path = { id: '', hops: [], traces: 0, quiet: 0, lengths: [] };

/**
 * What a trace tells of the path. One that did not arrive is cut where it goes round in circles, and where
 * a router that was passed already says why it goes no further: that answer does not stand at its own place.
 */
export function rowsOf(trace: TraceRecord, usual: Path): Rows {
  const rows: Address[][] = [];
  for (const { ttl, probes } of trace.hops) {
    if (ttl < 1 || ttl > ttlMax) continue;
    while (rows.length < ttl) rows.push([]);
    const row = rows[ttl - 1] ?? [];
    for (const { address } of probes) if (address !== null && !row.includes(address)) row.push(address);
  }
  if (trace.end === 'reached') return rows;
  const circle = circleOf(rows);
  if (circle !== null) return rows.slice(0, circle.repeated - 1);
  return trace.end === 'unreachable' ? withoutRefusal(rows, usual) : rows;
}

/** Where a path comes back to an address: the TTLs of its first and second time. One address several times in a row is no circle. */
export function circleOf(rows: Rows): { readonly first: number; readonly repeated: number } | null {
  for (const [index, row] of rows.entries()) {
    for (let earlier = 0; earlier < index - 1; earlier++) {
      const [address] = row;
      const isBack = address !== undefined && rows[earlier]?.includes(address) === true;
      if (isBack && !rows[index - 1]?.includes(address)) return { first: earlier + 1, repeated: index + 1 };
    }
  }
  return null;
}

function withoutRefusal(rows: Rows, usual: Path): Rows {
  const last = rows.findLastIndex((row) => row.length > 0);
  const passed = (address: Address): boolean =>
    rows.slice(0, last).some((row) => row.includes(address)) ||
    usual.hops.slice(0, last).some((hop) => hop.addresses.includes(address));
  return rows[last]?.some(passed) === true ? rows.slice(0, last) : rows;
}

/** The TTLs at which none of the usual addresses answered, but others did. */
export function contradictions(path: Path, rows: Rows): readonly number[] {
  const found: number[] = [];
  for (const [index, row] of rows.entries()) {
    const hop = path.hops[index];
    if (hop !== undefined && isKnownWell(hop) && isForeign(hop, row)) found.push(index + 1);
  }
  return found;
}

/** Whether somebody answered there, and nobody of those who usually do. */
export const isForeign = (hop: KnownHop, row: readonly Address[]): boolean =>
  row.length > 0 && hop.addresses.length > 0 && !row.some((address) => hop.addresses.includes(address));

/** The path with what one more trace tells of it. `calm`: delays and losses are as usual. */
export function withTrace(
  path: Path,
  trace: TraceRecord,
  rows: Rows,
  calm: boolean,
  rules: PathRules,
  now: Instant,
): Path {
  const isFirst = path.id === '';
  const known = isFirst ? named(path, ownNames(path, rows)) : path;
  const size = Math.min(ttlMax, Math.max(known.hops.length, rows.length));
  const hops: KnownHop[] = new Array<KnownHop>(size);
  const offset = (trace.hops[0]?.ttl ?? 1) - 1;
  let isQuiet = true;
  for (let index = 0; index < size; index++) {
    const hop = known.hops[index] ?? unknownHop;
    const measured = trace.hops[index - offset];
    const row = rows[index] ?? [];
    if (hop.addresses.length > 0 && row.some((address) => !hop.addresses.includes(address))) isQuiet = false;
    const answers = measured === undefined ? 0 : countAnswers(measured);
    const answered = withAnswers(hop, row, answers, rules.forget, now);
    hops[index] = withMeasures(answered, measured, path.traces, calm);
  }
  const lengths = withLength(known, arrivalOf(known, trace));
  return { id: known.id, hops, traces: path.traces + 1, quiet: isQuiet ? path.quiet + 1 : 0, lengths };
}

function withLength({ lengths }: Path, ttl: number | null): readonly number[] {
  return ttl === null || lengths.includes(ttl) ? lengths : [...lengths, ttl].slice(-lengthsMax);
}

/**
 * The TTL at which the target answered; null where it did not. Where it usually answers earlier and nobody else
 * answered there this time, that was the place: its answers were lost.
 */
export function arrivalOf(path: Path, { address, hops, end }: TraceRecord): number | null {
  if (end !== 'reached') return null;
  const answers = (ttl: number): boolean =>
    hops.some((hop) => hop.ttl === ttl && hop.probes.some((probe) => probe.address !== null));
  const ttls = hops.map((hop) => hop.ttl);
  const own = hops.find(({ probes }) => probes.some((probe) => probe.address === address));
  const arrived = own?.ttl ?? ttls.at(-1) ?? null;
  if (arrived === null || path.lengths.includes(arrived)) return arrived;
  let earliest = arrived;
  while (earliest > 1 && !answers(earliest - 1)) earliest--;
  return path.lengths.find((length) => length >= earliest && length < arrived) ?? arrived;
}

/** The names of the places, for an identity: as the path has them where the trace agrees or says nothing, else the trace's own. */
export function ownNames(path: Path, rows: Rows): readonly string[] {
  const names: string[] = [];
  let isOff = false;
  const size = Math.max(rows.length, path.hops.length);
  for (let index = 0; index < size; index++) {
    const hop = path.hops[index] ?? unknownHop;
    const row = rows[index] ?? [];
    const foreign = isForeign(hop, row);
    const isSame = hop.addresses.length > 0 && (row.length > 0 ? !foreign : !isOff);
    if (isSame) names.push(hop.name);
    else if (path.id !== '' && hop.addresses.length === 0 && !isOff) names.push(hop.name);
    else names.push([...row].sort().join(','));
    isOff ||= foreign;
  }
  return names;
}

/** The name of a content: places without a name at the end do not count. */
export function idOf(names: readonly string[]): string {
  const last = names.findLastIndex((name) => name !== '');
  return contentName(names.slice(0, last + 1).join('|'));
}

/** The path with these names. */
export function named(path: Path, names: readonly string[]): Path {
  const size = Math.min(ttlMax, Math.max(path.hops.length, names.length));
  const hops = Array.from({ length: size }, (_, index) => ({
    ...(path.hops[index] ?? unknownHop),
    name: names[index] ?? '',
  }));
  return { ...path, id: idOf(names), hops };
}
