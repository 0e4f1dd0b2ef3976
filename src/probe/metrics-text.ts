/**
 * The metrics as text, a piece at a time: with ten thousand targets it is too
 * much to hold, and too long to write in one go.
 *
 * The names that begin with `meshping_` are those of dashboards that exist:
 * milliseconds, labels `name` and `target`, buckets at powers of 2^(1/10).
 * Buckets that nothing fell into are left out: the ones above say the same.
 */
import type { Instant } from '../time.ts';
import type { Agent } from './agent.ts';
import { histogram, type Summary, summaryOf } from './core/statistics.ts';
import { verdictNames } from './core/verdict.ts';
import { latenessBounds } from './counts.ts';
import { boundText } from './histograms.ts';
import type { Target } from './target.ts';
import { unresolved } from './unresolved.ts';
import type { Watched } from './watched.ts';

/** Text as Prometheus takes it between quotes. */
const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const labelsOf = ({ target, address }: Watched): string =>
  `name=${quoted(target.word)},target=${quoted(address)}`;

type Family = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
};

const head = ({ name, type, help }: Family): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

const perTarget: readonly (Family & { readonly of: (summary: Summary) => number | null })[] = [
  { name: 'meshping_sent', type: 'counter', help: 'Pings sent.', of: ({ sent }) => sent },
  { name: 'meshping_recv', type: 'counter', help: 'Answers received.', of: ({ recv }) => recv },
  { name: 'meshping_lost', type: 'counter', help: 'Pings lost.', of: ({ lost }) => lost },
  { name: 'meshping_max', type: 'gauge', help: 'The longest delay, in ms.', of: ({ max }) => max },
  { name: 'meshping_min', type: 'gauge', help: 'The shortest delay, in ms.', of: ({ min }) => min },
];

/**
 * All metrics of the targets, a target or a head at a time.
 * @param lost the names that are said to lead nowhere.
 */
export function* targetLines(agent: Agent, lost: readonly Target[], now: Instant): Generator<string> {
  const all = [...agent.watched()];
  // Each is asked once: its figures are put together anew each time.
  const figures = new Float64Array(all.length * perTarget.length);
  for (const [index, watched] of all.entries()) {
    const summary = watched.summary(now);
    const row = perTarget.map(({ of }) => of(summary) ?? Number.NaN);
    figures.set(row, index * perTarget.length);
    yield '';
  }
  for (const [place, family] of perTarget.entries()) {
    yield head(family);
    for (const [index, watched] of all.entries()) {
      const value = figures[index * perTarget.length + place];
      if (!Number.isNaN(value)) yield `${family.name}{${labelsOf(watched)}} ${value}\n`;
    }
  }
  yield head({ name: 'meshping_pings', type: 'histogram', help: 'Delays of answers, in ms.' });
  for (const watched of all) yield bars(watched, now);
  yield* pathLines(agent);
  yield* verdictLines(agent, lost);
}

function bars(watched: Watched, now: Instant): string {
  const labels = labelsOf(watched);
  const { statistics } = watched;
  const { recv, avg } = summaryOf(statistics, now);
  const buckets = histogram(statistics, null);
  let text = '';
  let within = 0;
  for (const { upTo, count } of buckets) {
    within += count;
    text += `meshping_pings_bucket{${labels},le="${boundText(upTo)}"} ${within}\n`;
  }
  text += `meshping_pings_bucket{${labels},le="+Inf"} ${within}\n`;
  return `${text}meshping_pings_sum{${labels}} ${recv * (avg ?? 0)}\nmeshping_pings_count{${labels}} ${within}\n`;
}

function* pathLines(agent: Agent): Generator<string> {
  yield head({
    name: 'mauve_probe_path_info',
    type: 'gauge',
    help: 'The path of a target, by its identity: always 1.',
  });
  for (const watched of agent.watched()) {
    if (watched.pathId === null) continue;
    yield `mauve_probe_path_info{${labelsOf(watched)},path_id=${quoted(watched.pathId)}} 1\n`;
  }
  yield head({ name: 'mauve_probe_hops', type: 'gauge', help: 'The last hop that was traced.' });
  for (const watched of agent.watched()) {
    const { traced } = watched;
    if (traced !== null) yield `mauve_probe_hops{${labelsOf(watched)},end="${traced.end}"} ${traced.hops}\n`;
  }
}

function* verdictLines(agent: Agent, lost: readonly Target[]): Generator<string> {
  yield head({ name: 'mauve_probe_verdict', type: 'gauge', help: 'Verdicts that are raised: always 1.' });
  const raised = new Map<string, number>(verdictNames.map((name) => [name, 0]));
  for (const watched of agent.watched()) {
    for (const verdict of watched.raised) {
      raised.set(verdict, (raised.get(verdict) ?? 0) + 1);
      yield `mauve_probe_verdict{${labelsOf(watched)},verdict="${verdict}"} 1\n`;
    }
  }
  // A name that leads nowhere has no address to be told by.
  for (const { word } of lost) yield `mauve_probe_verdict{name=${quoted(word)},verdict="${unresolved}"} 1\n`;
  raised.set(unresolved, lost.length);
  yield head({
    name: 'mauve_probe_verdicts',
    type: 'gauge',
    help: 'How many targets a verdict is raised for.',
  });
  for (const [verdict, count] of raised) yield `mauve_probe_verdicts{verdict="${verdict}"} ${count}\n`;
}

export type Engines = {
  readonly name: string;
  readonly problem: string | null;
  /** CPU seconds of the engine's own process; null where it has none. */
  readonly cpu: number | null;
};

/** What the agent's process uses of the machine: CPU seconds, bytes. */
export type Self = {
  readonly cpu: number;
  readonly rss: number;
  readonly heap: number;
  readonly startedAt: Instant;
};

/** What the probe says of itself. */
export function* ownLines(agent: Agent, engine: Engines, self: Self): Generator<string> {
  const { counts } = agent;
  const { missedPings, missedTraces, tracesUnderWay } = agent.load();
  const one = (
    name: string,
    type: Family['type'],
    help: string,
    values: Readonly<Record<string, number>>,
  ): string =>
    head({ name: `mauve_probe_${name}`, type, help }) +
    Object.entries(values)
      .map(([labels, value]) => `mauve_probe_${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`)
      .join('');
  const byKind = ({ ping, trace }: { ping: number; trace: number }): Record<string, number> => ({
    'kind="ping"': ping,
    'kind="trace"': trace,
  });
  yield one('targets', 'gauge', 'Addresses that are watched.', { '': agent.size });
  yield one('rounds_started_total', 'counter', 'Pings and traces begun.', byKind(counts.started));
  yield one(
    'rounds_skipped_total',
    'counter',
    'Rounds that were missed.',
    byKind({ ping: missedPings, trace: missedTraces }),
  );
  yield one('confirming_traces_total', 'counter', 'Traces to confirm a suspicion.', {
    '': counts.confirming,
  });
  yield one('traces_under_way', 'gauge', 'Traces under way.', { '': tracesUnderWay });
  yield one('unsent_total', 'counter', 'Pings that could not be sent.', { '': counts.unsent });
  yield one('refused_total', 'counter', 'Measurements that the engine refused.', { '': counts.refused });
  yield one('engine_lost_total', 'counter', 'Measurements that the engine lost; they were tried again.', {
    '': counts.lost,
  });
  yield one('engine_up', 'gauge', 'Whether the engine works.', {
    [`engine=${quoted(engine.name)}`]: engine.problem === null ? 1 : 0,
  });
  yield one('bugs_total', 'counter', 'Records that could not be judged or passed on: see the log.', {
    '': counts.bugs,
  });
  yield one('cpu_seconds_total', 'counter', 'CPU time used.', {
    'of="agent"': self.cpu,
    ...(engine.cpu === null ? {} : { 'of="engine"': engine.cpu }),
  });
  yield one('resident_memory_bytes', 'gauge', 'Memory of the agent.', { '': self.rss });
  yield one('heap_used_bytes', 'gauge', 'Memory of the agent that holds something.', { '': self.heap });
  yield one('start_time_seconds', 'gauge', 'When the agent started, since 1970.', {
    '': self.startedAt / 1000,
  });
  yield latenessLines(agent);
}

function latenessLines({ counts }: Agent): string {
  const name = 'mauve_probe_lateness_seconds';
  const lines = latenessBounds.map(
    (bound, index) => `${name}_bucket{le="${bound}"} ${counts.lateness[index] ?? 0}\n`,
  );
  const rest = `${name}_bucket{le="+Inf"} ${counts.lateCount}\n${name}_sum ${counts.lateSum}\n${name}_count ${counts.lateCount}\n`;
  return `${head({ name, type: 'histogram', help: 'How late rounds began.' })}${lines.join('')}${rest}`;
}
