/**
 * The agent: takes what is due from the schedule, has the engine measure it,
 * the core judge it, and tells whoever listens. It decides nothing itself about
 * a path, and sends nothing anywhere.
 *
 * One timer for all that is due. What an engine lost is asked again and never
 * counted; a mistake in a judgement costs one record, not the probe. It works
 * in slices, so that ten thousand targets that fall due at once hold up no
 * answer to a control command.
 */
import type { Logger } from '../log.ts';
import {
  type Cancel,
  type Clock,
  hours,
  type Instant,
  milliseconds,
  minutes,
  plus,
  Steady,
  seconds,
  since,
} from '../time.ts';
import { type Judgement, judgePing, judgeTrace, standing, type VerdictChange } from './core/judge.ts';
import type { Address, PingRecord, TraceRecord } from './core/record.ts';
import {
  addTarget,
  firstDueAt,
  type Load,
  loadOf,
  newSchedule,
  nextDue,
  type Pings,
  pingAgain,
  removeTarget,
  type Schedule,
  type Task,
  traceAgain,
  traceEnded,
} from './core/schedule.ts';
import { type Beginning, type CommonHops, commonHops, probesPerHop, shapeOf } from './core/sparing.ts';
import { Counts } from './counts.ts';
import type { Engine } from './engine/engine.ts';
import { Measure, type Tracing } from './measure.ts';
import type { Listener, ProbeRecord } from './records.ts';
import type { Target } from './target.ts';
import type { Standing } from './updates.ts';
import { type Saved, Watched } from './watched.ts';

/** The machine's clock is looked at this often at least, for it may have been set. */
const lookMax = seconds(1);
/** Nor more often than this: what falls due in that time begins together, for waking up costs more than the work. */
const lookMin = milliseconds(10);
/** So many tasks are begun before others get their turn. */
const sliceMax = 200;
/** What all paths begin with is looked at anew so often. */
const commonEvery = minutes(1);

export type AgentOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tracing: Tracing;
  /** Of this probe: two that watch the same targets do not begin together. */
  readonly seed: number;
  /** Probes a second, for all targets. */
  readonly rate: number;
  /** Ends after so many traces of each target; null: goes on. */
  readonly rounds: number | null;
  /** What is known of an address from an earlier life, or from before it was let go. Asked once, when it is watched anew. */
  readonly recall: (address: Address) => Saved | null;
  /** What is to be known of an address that is not watched any more, should it be watched again. */
  readonly keep: (address: Address, saved: Saved) => void;
};

const tracesMax = 500;
const unreachableTracesMax = 100;
/** What a trace is reckoned at before the first one of its target has ended: ten hops. */
const probesPerTrace = 10 * probesPerHop;

export class Agent {
  readonly counts = new Counts();
  readonly #options: AgentOptions;
  readonly #steady: Steady;
  readonly #schedule: Schedule;
  readonly #measure: Measure;
  readonly #watched = new Map<Address, Watched>();
  readonly #listeners: Listener[] = [];
  #timer: Cancel = () => undefined;
  /** When the timer wakes, by steady time. */
  #wakes: Instant | null = null;
  #looking = false;
  #running = false;
  #common: CommonHops = { v4: 0, v6: 0 };
  #commonAt: Instant | null = null;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#steady = new Steady(options.clock);
    const { rate: probesPerSecond, seed } = options;
    const wanted = (watched: Watched): boolean =>
      this.#running && this.#watched.get(watched.address) === watched;
    this.#measure = new Measure({ ...options, counts: this.counts, wanted });
    const limits = { tracesMax, unreachableTracesMax, probesPerTrace };
    this.#schedule = newSchedule({ probesPerSecond, seed, ...limits }, this.#steady.now());
  }

  start(): void {
    this.#running = true;
    this.#look();
  }

  /** Nothing is begun any more; what is under way is dropped when its answer comes. */
  stop(): void {
    this.#running = false;
    this.#timer();
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** All that is watched, in the order in which it was added. */
  watched(): Iterable<Watched> {
    return this.#watched.values();
  }

  find(address: Address): Watched | null {
    return this.#watched.get(address) ?? null;
  }

  /** How the schedule keeps up. */
  load(): Load {
    return loadOf(this.#schedule);
  }

  get size(): number {
    return this.#watched.size;
  }

  /** All that is raised now. */
  standing(): readonly Standing[] {
    const raised = [...this.#watched.values()].filter((watched) => watched.raised.length > 0);
    return raised.flatMap(({ judged, target, address }) =>
      standing(judged).map((change) => ({ target, address, change })),
    );
  }

  /** Whether each address has had its rounds; never where there is no end to them. */
  finished(): boolean {
    const { rounds } = this.#options;
    if (rounds === null) return false;
    for (const watched of this.#watched.values()) if (watched.rounds < rounds) return false;
    return true;
  }

  /** Watches an address on behalf of a target, or from now on on behalf of another one. */
  watch(address: Address, target: Target): void {
    const known = this.#watched.get(address);
    const before = known?.target;
    if (known === undefined) {
      const saved = this.#options.recall(address);
      const watched = new Watched(address, target, saved, this.#options.clock.now());
      this.#watched.set(address, watched);
    } else known.target = target;
    const { pingEvery: ping, traceEvery: trace } = target;
    // One that only passes to another target goes on as it was.
    if (before?.pingEvery !== ping || before.traceEvery !== trace) {
      addTarget(this.#schedule, address, { ping, trace }, this.#steady.now());
    }
    this.#again();
  }

  /** What was raised of it is cleared: nobody would ever clear it otherwise. */
  unwatch(address: Address): void {
    const watched = this.#watched.get(address);
    if (watched === undefined) return;
    this.#watched.delete(address);
    removeTarget(this.#schedule, address);
    const at = this.#options.clock.now();
    for (const raised of standing(watched.judged)) {
      const summary = `${watched.target.word} is not watched any more`;
      const change: VerdictChange = { ...raised, state: 'cleared', at, summary, detailHtml: '' };
      this.tell({ kind: 'verdict', target: watched.target, address, change });
    }
    this.#tellStats(watched);
    this.#options.keep(address, watched.learnt(at));
  }

  /** Sets the figures to zero; what is under way stays so. */
  reset(watched: Watched): void {
    this.#tellStats(watched);
    watched.reset(this.#options.clock.now());
  }

  // ------------------------------------------------------------ what is due

  /** Something may be due sooner than the timer knows. Many calls at once cost one look. */
  #again(): void {
    if (!this.#running || this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      this.#look();
    });
  }

  #look(): void {
    if (!this.#running) return;
    this.#timer();
    this.#wakes = null;
    const now = this.#steady.now();
    for (let begun = 0; begun < sliceMax; begun++) {
      const due = nextDue(this.#schedule, now);
      if ('wait' in due) {
        const soon = due.wait === null ? lookMax : Math.min(lookMax, Math.max(lookMin, since(now, due.wait)));
        const wait = milliseconds(soon);
        this.#wakes = plus(now, wait);
        this.#timer = this.#options.clock.after(wait, () => this.#look());
        return;
      }
      this.counts.begun(due.task.kind, due.late);
      void this.#perform(due.task);
    }
    this.#again();
  }

  async #perform(task: Task): Promise<void> {
    const { kind, address } = task;
    const watched = this.#watched.get(address);
    let trace: TraceRecord | null = null;
    try {
      if (watched !== undefined && kind === 'ping') await this.#ping(watched, task.pings);
      if (watched !== undefined && kind === 'trace') trace = await this.#round(watched, task.extra);
    } catch (error) {
      this.counts.bugs += 1;
      this.#options.log.error({ error: String(error), address }, 'a measurement could not be judged');
    }
    if (kind === 'trace') this.#traceEnded(address, trace);
    this.#againIfSooner();
  }

  /** What came of a measurement may make another one due; else the timer is soon enough. */
  #againIfSooner(): void {
    const due = firstDueAt(this.#schedule);
    if (due !== null && this.#wakes !== null && since(due, this.#wakes) > lookMin) this.#again();
  }

  #traceEnded(address: Address, trace: TraceRecord | null): void {
    const arrived = trace === null ? null : trace.end === 'reached';
    const probes = trace === null ? null : trace.hops.reduce((sum, hop) => sum + hop.probes.length, 0);
    traceEnded(this.#schedule, address, { arrived, probes }, this.#steady.now());
  }

  // ------------------------------------------------------------ measuring

  async #ping(watched: Watched, pings: Pings): Promise<void> {
    watched.sent(pings.count);
    const answers = await this.#measure.ping(watched, pings);
    for (const answer of answers ?? []) this.#pinged(watched, answer);
    if (answers === null) watched.forgotten(pings.count);
  }

  #pinged(watched: Watched, ping: PingRecord): void {
    const { address, target } = watched;
    this.#hour(watched, ping);
    if (ping.outcome.kind === 'unsent') this.counts.unsent += 1;
    this.tell({ kind: 'ping', target, address, ping });
    const rules = this.#measure.rulesFor(watched);
    this.#judged(watched, judgePing(watched.judged, ping, rules, this.#options.clock.now()));
  }

  /** One trace; those that confirm what it makes suspicious follow as tasks of their own. */
  async #round(watched: Watched, extra: boolean): Promise<TraceRecord | null> {
    const { rounds } = this.#options;
    if (rounds !== null && watched.rounds >= rounds && watched.confirming === 0) return null;
    const confirms = extra && watched.confirming > 0;
    if (confirms) watched.confirming -= 1;
    const wasSilent = watched.traced?.end === 'silent';
    const shape = shapeOf(watched.judged, this.#commonHops(), wasSilent);
    const trace = await this.#measure.trace(watched, shape);
    // Whoever waits for the end of the rounds is not to wait for an engine that never answers.
    if (!confirms) watched.rounds += 1;
    if (trace === null) return null;
    if (confirms) this.counts.confirming += 1;
    this.#traced(watched, trace);
    if (rounds !== null && watched.rounds >= rounds && watched.confirming === 0) this.#rest(watched);
    return trace;
  }

  /** No more traces: it has had its rounds. */
  #rest({ address, target }: Watched): void {
    addTarget(this.#schedule, address, { ping: target.pingEvery, trace: null }, this.#steady.now());
  }

  #commonHops(): CommonHops {
    const now = this.#steady.now();
    if (this.#commonAt === null || since(this.#commonAt, now) >= commonEvery) {
      this.#common = commonHops(this.#beginnings());
      this.#commonAt = now;
    }
    return this.#common;
  }

  *#beginnings(): Iterable<Beginning> {
    for (const { address, beginning } of this.#watched.values()) {
      if (beginning !== null) yield { address, hops: beginning };
    }
  }

  #traced(watched: Watched, trace: TraceRecord): void {
    const { target, address } = watched;
    const now = this.#options.clock.now();
    watched.noteTrace(trace);
    const judgement = judgeTrace(watched.judged, trace, this.#measure.rulesFor(watched), now);
    const { pathId } = judgement;
    watched.pathId = pathId ?? watched.pathId;
    this.tell({ kind: 'trace', target, address, trace, pathId, round: watched.rounds });
    this.#judged(watched, judgement);
  }

  // ------------------------------------------------------------ what came of it

  #judged(watched: Watched, { state, verdicts, confirm, pings }: Judgement): void {
    watched.judged = state;
    const now = this.#steady.now();
    if (confirm > 0) {
      watched.confirming = Math.max(watched.confirming, confirm);
      traceAgain(this.#schedule, watched.address, confirm, now);
    }
    pingAgain(this.#schedule, watched.address, pings, now);
    for (const change of verdicts) {
      const { target, address } = watched;
      this.tell({ kind: 'verdict', target, address, change });
    }
  }

  /** With the first ping of another hour, how the figures stood. */
  #hour(watched: Watched, { at }: PingRecord): void {
    const hour = Math.floor(at / hours(1));
    if (watched.hour !== null && watched.hour < hour) this.#tellStats(watched);
    watched.hour = hour;
  }

  #tellStats(watched: Watched): void {
    const at = this.#options.clock.now();
    const { target, address } = watched;
    this.tell({ kind: 'stats', target, address, at, summary: watched.summary(at) });
  }

  /** All listeners, also of what others found, such as a name that leads nowhere. */
  tell(record: ProbeRecord): void {
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        this.counts.bugs += 1;
        this.#options.log.error({ error: String(error) }, 'a record could not be passed on');
      }
    }
  }
}
