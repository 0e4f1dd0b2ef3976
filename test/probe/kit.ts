/** A whole probe in a test: the real agent, targets and core on a simulated clock, with an engine that does as it is told. */
import { Agent, type AgentOptions } from '../../src/probe/agent.ts';
import type { Address, Hop, PingRecord, TraceRecord } from '../../src/probe/core/record.ts';
import { defaultRules } from '../../src/probe/core/rules.ts';
import type { Answer, Engine, PingTask, TraceTask } from '../../src/probe/engine/engine.ts';
import type { ProbeRecord } from '../../src/probe/records.ts';
import type { Target } from '../../src/probe/target.ts';
import { type Lookup, Targets, type TargetsOptions } from '../../src/probe/targets.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  type Instant,
  instant,
  milliseconds,
  plus,
  seconds,
} from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';

/** Monday noon, in UTC. */
export const noon = instant(Date.UTC(2026, 5, 1, 12));

export const address = (text: string): Address => text as Address;

/** A wall clock that somebody may set, while time itself goes on. */
export class SettableClock implements Clock {
  readonly #time: SimulatedClock;
  #off = 0;

  constructor(time: SimulatedClock) {
    this.#time = time;
  }

  /** Sets it by so much, forwards or back. */
  set(by: Duration): void {
    this.#off += by;
  }

  now(): Instant {
    return plus(this.#time.now(), this.#off as Duration);
  }

  wake(at: Instant, run: () => void): Cancel {
    return this.#time.wake(plus(at, -this.#off as Duration), run);
  }

  after(wait: Duration, run: () => void): Cancel {
    return this.#time.after(wait, run);
  }
}

type Outcome = PingRecord['outcome'];

/** Does as it is told; without being told, all is well and takes ten milliseconds. */
export class ScriptedEngine implements Engine {
  readonly name = 'fake';
  readonly pings: PingTask[] = [];
  readonly traces: TraceTask[] = [];
  /** What each answers next. */
  onPing: (task: PingTask, at: Instant) => Answer<PingRecord> | Promise<Answer<PingRecord>>;
  onTrace: (task: TraceTask, at: Instant) => Answer<TraceRecord> | Promise<Answer<TraceRecord>>;
  takes = milliseconds(10);
  fixedFlow = true;
  words: string | null = null;
  inFlight = 0;
  mostInFlight = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.onPing = (task, at) => pong(task, at);
    this.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', '192.0.2.3', task.address]);
  }

  can() {
    return {
      methods: ['udp', 'icmp', 'tcp'] as const,
      fixedFlow: this.fixedFlow ? (['udp', 'icmp', 'tcp'] as const) : [],
    };
  }

  async ping(task: PingTask): Promise<Answer<readonly PingRecord[]>> {
    const at = this.#clock.now();
    for (let n = 0; n < task.count; n++) this.pings.push(task);
    await this.#wait();
    const records: PingRecord[] = [];
    for (let n = 0; n < task.count; n++) {
      const answer = await this.onPing(task, at);
      if (!answer.ok) return answer;
      records.push(answer.record);
    }
    return { ok: true, record: records };
  }

  async trace(task: TraceTask): Promise<Answer<TraceRecord>> {
    this.traces.push(task);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const at = this.#clock.now();
    await this.#wait();
    this.inFlight -= 1;
    return await this.onTrace(task, at);
  }

  problem = () => this.words;
  cpuSeconds = () => 1.5;
  close = async () => undefined;

  #wait(): Promise<void> {
    return new Promise((done) => void this.#clock.after(this.takes, done));
  }
}

export const answered = <T>(record: T): Answer<T> => ({ ok: true, record });
export const lostByEngine = <T>(): Answer<T> => ({ ok: false, why: 'engine-lost', detail: 'it died' });

export const pinged = ({ address }: PingTask, at: Instant, outcome: Outcome): Answer<PingRecord> =>
  answered({ address, at, outcome });
export const pong = (task: PingTask, at: Instant, rtt = 10.5): Answer<PingRecord> =>
  pinged(task, at, { kind: 'reply', rtt });

const hopOf = (name: string | null, ttl: number, probes: number): Hop => ({
  ttl,
  probes: Array.from({ length: probes }, () =>
    name === null ? { address: null, rtt: null } : { address: address(name), rtt: ttl * 2 },
  ),
});

/** A trace over these routers; null: one that says nothing. */
export function pathOf(
  task: Pick<TraceTask, 'address' | 'method' | 'probesPerHop'>,
  at: Instant,
  names: readonly (string | null)[],
  end?: TraceRecord['end'],
): Answer<TraceRecord> {
  const hops = names.map((name, index) => hopOf(name, index + 1, task.probesPerHop));
  const reached = names.at(-1) === task.address;
  return answered({
    address: task.address,
    at,
    method: task.method,
    hops,
    end: end ?? (reached ? 'reached' : 'silent'),
    said: '',
  });
}

export const targetOf = (word: string, more: Partial<Target> = {}): Target => ({
  word,
  labels: {},
  pingEvery: seconds(1),
  traceEvery: seconds(1),
  method: 'udp',
  rules: defaultRules,
  ...more,
});

export type Logged = { readonly level: string; readonly text: string };

/** A log that a test can read. */
export function memoryLog() {
  const logged: Logged[] = [];
  const say =
    (level: string) =>
    (...args: readonly unknown[]): void => {
      logged.push({
        level,
        text: args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg))).join(' '),
      });
    };
  return { logged, log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') } };
}

export type RigOptions = Partial<Omit<AgentOptions, 'engine' | 'clock' | 'log'>> & {
  readonly lookup?: Lookup;
  readonly recallName?: TargetsOptions['recall'];
  readonly keepName?: TargetsOptions['keep'];
};

/** A probe with its clock in hand. */
export function rig(options: RigOptions = {}) {
  const time = new SimulatedClock(noon);
  const clock = new SettableClock(time);
  const engine = new ScriptedEngine(clock);
  const { logged, log } = memoryLog();
  const records: ProbeRecord[] = [];
  const { lookup = async () => [], recallName = () => null, keepName = () => undefined, ...rest } = options;
  const agent = new Agent({
    engine,
    clock,
    log,
    tracing: { retries: 1, maxHops: 30, timeout: seconds(1) },
    rate: 10_000,
    seed: 1,
    rounds: null,
    recall: () => null,
    keep: () => undefined,
    ...rest,
  });
  agent.listen((record) => records.push(record));
  const targets = new Targets({
    lookup,
    recall: recallName,
    keep: keepName,
    clock,
    log,
    onOwner: (one, target) => (target === null ? agent.unwatch(one) : agent.watch(one, target)),
    onName: (target, change) => agent.tell({ kind: 'name', target, change }),
  });
  const start = (...words: readonly (string | Target)[]): void => {
    for (const word of words) targets.add(typeof word === 'string' ? targetOf(word) : word);
    agent.start();
  };
  const pass = (length: Duration): Promise<void> => time.advanceTo(plus(time.now(), length));
  const verdicts = (): readonly string[] =>
    records.flatMap((record) =>
      record.kind === 'verdict' ? `${record.change.verdict} ${record.change.state} ${record.address}` : [],
    );
  const of = (kind: ProbeRecord['kind']): number => records.filter((record) => record.kind === kind).length;
  return { time, clock, engine, log, logged, records, agent, targets, start, pass, verdicts, of };
}
