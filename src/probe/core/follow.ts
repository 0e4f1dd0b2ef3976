/**
 * Following a target's path from trace to trace: when it is another one, and
 * when a difference is none. The rule, tried on networks of all kinds:
 *
 * - The usual path is learnt from the first traces, longer where load is shared.
 * - A trace is suspect only where all that answered at a place are strangers to it.
 * - Then two more are asked for at once. It is a change only if at some place
 *   no usual address appears in any of the three, and at least two of them show
 *   the same new one. If the usual ones do appear, the set of the place grows.
 * - Where too few answer to tell, the next traces decide; and if they cannot, nothing was.
 * - A trace that does not arrive, though the target usually answers, is about
 *   the target being unreachable, not about the path: it teaches and changes nothing.
 * - A new path that has stood for a while is the usual one. A change is over when
 *   the old one has been back for some traces: one that comes and goes is told once.
 */
import { type Instant, since } from '../../time.ts';
import { isKnownWell, type KnownHop, unknownHop } from './hop.ts';
import {
  contradictions,
  idOf,
  isForeign,
  named,
  ownNames,
  type Path,
  type Rows,
  rowsOf,
  unknownPath,
  withTrace,
} from './path.ts';
import type { Address, TraceRecord } from './record.ts';
import type { PathRules } from './rules.ts';

export type Other = {
  readonly path: Path;
  readonly since: Instant;
  readonly ttl: number;
  /** Traces in a row that showed the usual path again. */
  readonly back: number;
};

export type Paths = {
  readonly usual: Path;
  readonly learnt: boolean;
  /** The path that is taken instead of the usual one, since when, and from which TTL on. */
  readonly other: Other | null;
  /** Traces that contradict what is known, and those asked for since. */
  readonly suspicion: { readonly since: Instant; readonly traces: readonly TraceRecord[] } | null;
};

export type PathEvent =
  | {
      readonly kind: 'changed';
      /** The first place that is another one. */
      readonly ttl: number;
      readonly from: readonly Address[];
      readonly to: readonly Address[];
      readonly since: Instant;
    }
  | { readonly kind: 'returned' }
  | { readonly kind: 'settled' };

export type Followed = {
  readonly paths: Paths;
  /** Null: the trace shows no path. */
  readonly pathId: string | null;
  readonly event: PathEvent | null;
  /** How many more traces are wanted at once. */
  readonly confirm: number;
};

export const noPaths: Paths = { usual: unknownPath, learnt: false, other: null, suspicion: null };

/** A suspicion needs so many traces, and is dropped after the second number. */
const tracesToTell = 3;
const tracesToTellMax = 6;
/** Load that is shared so widely that each trace brings a new address ends the learning all the same. */
const learnMax = 30;

/** So many traces without a new address make sure that none was a mixture of two paths. */
const quietTraces = 2;

/** What stands around one trace. */
type Round = {
  readonly paths: Paths;
  readonly trace: TraceRecord;
  readonly rows: Rows;
  readonly calm: boolean;
  readonly rules: PathRules;
  readonly now: Instant;
};

/**
 * One more trace.
 * @param calm whether delays and losses are as usual, so that they may teach what is usual.
 * @param alive whether the target answers pings, as far as is known.
 */
export function follow(
  paths: Paths,
  trace: TraceRecord,
  { calm, alive }: { readonly calm: boolean; readonly alive: boolean },
  rules: PathRules,
  now: Instant,
): Followed {
  const rows = rowsOf(trace, paths.usual);
  const base = paths.other?.path ?? paths.usual;
  const pathId = idIn(base, paths, trace, rows);
  const round: Round = { paths, trace, rows, calm, rules, now };
  if (!tellsOfPath(trace, paths.usual, alive)) {
    return alive ? unseen(round, pathId) : { paths, pathId, event: null, confirm: 0 };
  }
  if (!paths.learnt) return learning(round);
  if (paths.other !== null && isBack(paths.usual, paths.other.path, rows))
    return returned(round, paths.other);
  const isOff = contradictions(base, rows).length > 0;
  if (paths.suspicion === null && !isOff) return agreed(round, pathId);
  return suspected(round, pathId);
}

/** Whether a trace may teach or change a path. */
function tellsOfPath(trace: TraceRecord, usual: Path, alive: boolean): boolean {
  if (trace.end === 'reached') return true;
  return trace.end !== 'loop' && usual.lengths.length === 0 && alive;
}

function idIn(base: Path, paths: Paths, trace: TraceRecord, rows: Rows): string | null {
  if (rows.every((row) => row.length === 0)) return null;
  if (paths.other !== null && isBack(paths.usual, base, rows)) return paths.usual.id;
  const isSame = base.id !== '' && trace.end !== 'loop' && contradictions(base, rows).length === 0;
  return isSame ? base.id : idOf(ownNames(paths.usual, rows));
}

function learning({ paths, trace, rows, calm, rules, now }: Round): Followed {
  const usual = withTrace(paths.usual, trace, rows, calm, rules, now);
  const isLearnt = usual.traces >= rules.learn && usual.quiet >= Math.min(rules.learn, usual.traces);
  const learnt = isLearnt || usual.traces >= Math.max(learnMax, rules.learn);
  return { paths: { ...paths, usual, learnt }, pathId: usual.id, event: null, confirm: 0 };
}

/** Whether a usual address answers at a place where the other path has none of them, and nothing speaks against the usual path. */
function isBack(usual: Path, other: Path, rows: Rows): boolean {
  return contradictions(usual, rows).length === 0 && showsOnly(usual, other, rows);
}

function showsOnly(usual: Path, other: Path, rows: Rows): boolean {
  return rows.some((row, index) =>
    row.some(
      (address) =>
        usual.hops[index]?.addresses.includes(address) === true &&
        other.hops[index]?.addresses.includes(address) !== true,
    ),
  );
}

function returned({ paths, trace, rows, calm, rules, now }: Round, other: Other): Followed {
  const usual = withTrace(paths.usual, trace, rows, calm, rules, now);
  const back = other.back + 1;
  if (back < rules.back) {
    const waits: Paths = { ...paths, usual, other: { ...other, back }, suspicion: null };
    return { paths: waits, pathId: usual.id, event: null, confirm: 0 };
  }
  const next: Paths = { usual, learnt: true, other: null, suspicion: null };
  return { paths: next, pathId: usual.id, event: { kind: 'returned' }, confirm: 0 };
}

/** The trace shows the path that is taken already. A new one may have stood long enough by now. */
function agreed(round: Round, pathId: string | null): Followed {
  const { paths, trace, rows, calm, rules, now } = round;
  if (paths.other === null) {
    const usual = withTrace(paths.usual, trace, rows, calm, rules, now);
    return { paths: { ...paths, usual, suspicion: null }, pathId, event: null, confirm: 0 };
  }
  const path = withTrace(paths.other.path, trace, rows, calm, rules, now);
  // A clock that was set back makes it begin again, no earlier than now.
  const began = Math.min(paths.other.since, now) as Instant;
  const isSettled =
    path.traces >= rules.learn &&
    (since(began, now) >= rules.settle || path.traces >= (rules.settleTraces ?? Number.POSITIVE_INFINITY));
  if (isSettled) return settled(path, pathId);
  const other = { ...paths.other, path, since: began, back: 0 };
  return { paths: { ...paths, other, suspicion: null }, pathId, event: null, confirm: 0 };
}

const settled = (usual: Path, pathId: string | null): Followed => ({
  paths: { usual, learnt: true, other: null, suspicion: null },
  pathId,
  event: { kind: 'settled' },
  confirm: 0,
});

/** The target answers, but no longer traces: that its path is another one must not be said for ever. */
function unseen({ paths, rules, now }: Round, pathId: string | null): Followed {
  const { other } = paths;
  if (other !== null && since(other.since, now) >= rules.settle) return settled(other.path, pathId);
  return { paths, pathId, event: null, confirm: 0 };
}

function suspected(round: Round, pathId: string | null): Followed {
  const { paths, trace, rules } = round;
  const traces = [...(paths.suspicion?.traces ?? []), trace];
  const began = paths.suspicion?.since ?? trace.at;
  const base = paths.other?.path ?? paths.usual;
  const found = judge(
    base,
    traces.map((one) => rowsOf(one, base)),
  );
  if (found === 'change') return changed(round, traces, began, pathId);
  if (found === 'none') return grown(round, traces, pathId);
  if (found === 'nothing') {
    return { paths: { ...paths, suspicion: null }, pathId, event: null, confirm: 0 };
  }
  const confirm = paths.suspicion === null ? rules.confirm : 0;
  return { paths: { ...paths, suspicion: { since: began, traces } }, pathId, event: null, confirm };
}

/** What the traces of a suspicion say together. `nothing`: it cannot be told, and will not be. */
function judge(base: Path, all: readonly Rows[]): 'change' | 'none' | 'open' | 'nothing' {
  const ttls = new Set(all.flatMap((rows) => contradictions(base, rows)));
  const findings = [...ttls].map((ttl) => judgePlace(base.hops[ttl - 1] ?? unknownHop, placeOf(all, ttl)));
  if (findings.every((finding) => finding === 'usual')) return 'none';
  if (all.length < tracesToTell) return 'open';
  if (findings.includes('new')) return 'change';
  if (!findings.includes('open')) return 'none';
  return all.length < tracesToTellMax ? 'open' : 'nothing';
}

const placeOf = (all: readonly Rows[], ttl: number): Rows => all.map((rows) => rows[ttl - 1] ?? []);

function judgePlace(hop: KnownHop, answers: Rows): 'usual' | 'new' | 'mixed' | 'open' {
  if (answers.some((row) => row.some((address) => hop.addresses.includes(address)))) return 'usual';
  const answered = answers.filter((row) => row.length > 0);
  if (answered.length < 2) return 'open';
  const isShared = answered.some((row, index) =>
    row.some((address) => answered.some((other, at) => at !== index && other.includes(address))),
  );
  return isShared ? 'new' : 'mixed';
}

/** It was no change: what was seen belongs to the path, too. */
function grown(round: Round, traces: readonly TraceRecord[], pathId: string | null): Followed {
  const { paths, calm, rules, now } = round;
  const grow = (path: Path): Path =>
    traces.reduce((grown, one) => withTrace(grown, one, rowsOf(one, grown), calm, rules, now), path);
  const { other, usual } = paths;
  if (other === null) {
    const next: Paths = { ...paths, usual: grow(usual), suspicion: null };
    return { paths: next, pathId: next.usual.id, event: null, confirm: 0 };
  }
  // Old and new ones in turn: the old path is still taken, and the new one beside it.
  if (traces.some((one) => showsOnly(usual, other.path, rowsOf(one, usual)))) {
    const next: Paths = { usual: grow(usual), learnt: true, other: null, suspicion: null };
    return { paths: next, pathId: next.usual.id, event: { kind: 'returned' }, confirm: 0 };
  }
  const next: Paths = { ...paths, other: { ...other, path: grow(other.path) }, suspicion: null };
  return { paths: next, pathId, event: null, confirm: 0 };
}

function changed(
  { paths, calm, rules, now }: Round,
  traces: readonly TraceRecord[],
  began: Instant,
  pathId: string | null,
): Followed {
  const { usual } = paths;
  const base = paths.other?.path ?? usual;
  const all = traces.map((one) => rowsOf(one, usual));
  const ttl = beginOf(usual, all) ?? beginOf(base, all) ?? 1;
  // The path may have changed while the first trace was under way: only what shows the new one teaches it.
  const isNew = (rows: Rows): boolean => isForeign(base.hops[ttl - 1] ?? unknownHop, rows[ttl - 1] ?? []);
  const shown = traces.filter((one) => isNew(rowsOf(one, usual)));
  const [founding = traces.at(-1)] = shown;
  const names = founding === undefined ? [] : ownNames(usual, rowsOf(founding, usual));
  const kept: Path = { ...unknownPath, hops: usual.hops.slice(0, ttl - 1) };
  const path = shown.reduce(
    (grown, one) => withTrace(grown, one, rowsOf(one, usual), calm, rules, now),
    named(kept, names),
  );
  const to = [...new Set(shown.flatMap((one) => rowsOf(one, usual)[ttl - 1] ?? []))];
  const next: Paths = { ...paths, other: { path, since: began, ttl, back: 0 }, suspicion: null };
  const from = usual.hops[ttl - 1]?.addresses ?? [];
  return {
    paths: next,
    pathId: path.id === '' ? pathId : path.id,
    event: { kind: 'changed', ttl, from, to, since: began },
    confirm: 0,
  };
}

/** The first place at which the last two traces that answered there show strangers. */
function beginOf(path: Path, all: readonly Rows[]): number | null {
  for (const [index, hop] of path.hops.entries()) {
    if (!isKnownWell(hop)) continue;
    const answered = placeOf(all, index + 1).filter((row) => row.length > 0);
    const [first, second] = answered.slice(-2);
    if (first !== undefined && second !== undefined && isForeign(hop, first) && isForeign(hop, second)) {
      return index + 1;
    }
  }
  return null;
}

/** How many hops more the path has than it usually has; 0 where that is not known, or it is no longer. */
export function hopsMore({ usual, other }: Paths): number {
  if (other === null || usual.lengths.length === 0 || other.path.lengths.length === 0) return 0;
  return Math.max(0, Math.min(...other.path.lengths) - Math.max(...usual.lengths));
}

/** A trace that was under way while the path became another one may have found the target at a place of its own. */
export const isLengthSure = ({ other }: Paths): boolean => other === null || other.path.quiet >= quietTraces;

/** The path that is taken now. */
export const pathNow = ({ usual, other }: Paths): Path => other?.path ?? usual;

/** The paths without what was usual of their delays: it is learnt anew. */
export function withoutDelays(paths: Paths): Paths {
  const cleared = (path: Path): Path => ({ ...path, hops: path.hops.map((hop) => ({ ...hop, delays: [] })) });
  const other = paths.other === null ? null : { ...paths.other, path: cleared(paths.other.path) };
  return { ...paths, usual: cleared(paths.usual), other };
}
