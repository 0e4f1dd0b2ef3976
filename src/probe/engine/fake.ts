/**
 * The engine without privilege: a made-up network (core/network.ts), which
 * answers when a real one would, by the clock it is given. A simulated clock
 * lives through a day of it in seconds. Faults can be set, as a real engine has
 * them: it dies, comes back, talks nonsense, says nothing.
 */
import { type Clock, type Duration, milliseconds, plus, seconds } from '../../time.ts';
import { type Chance, chanceFrom } from '../core/chance.ts';
import { exampleNetwork, type Network, pingThrough, traceThrough } from '../core/network.ts';
import { methods, type PingRecord, type TraceRecord } from '../core/record.ts';
import type { Answer, Engine, PingTask, TraceTask } from './engine.ts';

/**
 * What is wrong with it. `dead`: it answers `engine-lost`, after a moment;
 * `nonsense`: it answers `refused`; `stuck`: what it is asked is `engine-lost`
 * only after the long time in which a real one is given up.
 */
export type FakeFault = 'none' | 'dead' | 'nonsense' | 'stuck';

export type FakeOptions = {
  readonly clock: Clock;
  /** Of all that happens by chance. */
  readonly seed?: number;
  /** Another network than the example. */
  readonly network?: Network;
};

const lostPause = seconds(1);
const stuckPause = seconds(15);

type Reply<T> = { readonly answer: Answer<T>; readonly after: Duration };

export class FakeEngine implements Engine {
  readonly name = 'fake';
  /** What tasks go through from now on; a test changes it as it likes. */
  network: Network;
  private readonly clock: Clock;
  private readonly random: Chance;
  private readonly waiting = new Set<() => void>();
  private fault: FakeFault = 'none';
  private closed = false;

  constructor({ clock, seed = 1, network = exampleNetwork() }: FakeOptions) {
    this.clock = clock;
    this.network = network;
    this.random = chanceFrom(seed);
  }

  can(): ReturnType<Engine['can']> {
    return { methods, fixedFlow: methods };
  }

  ping(task: PingTask): Promise<Answer<readonly PingRecord[]>> {
    return this.after<readonly PingRecord[]>(() => {
      const now = this.clock.now();
      const record = Array.from({ length: task.count }, (_, n) =>
        pingThrough(this.network, task, this.random, plus(now, milliseconds(n * task.every))),
      );
      const after = Math.max(...record.map((one, n) => n * task.every + pingTakes(one, task)));
      return { answer: { ok: true, record }, after: milliseconds(after) };
    });
  }

  trace(task: TraceTask): Promise<Answer<TraceRecord>> {
    return this.after<TraceRecord>(() => {
      const record = traceThrough(this.network, task, this.random, this.clock.now());
      return { answer: { ok: true, record }, after: traceTakes(record, task) };
    });
  }

  /** Sets what is wrong; when it dies, what is in flight is lost with it. */
  breaks(fault: FakeFault): void {
    this.fault = fault;
    if (fault === 'dead') for (const lose of [...this.waiting]) lose();
  }

  problem(): string | null {
    if (this.closed) return 'the engine is closed';
    return this.fault === 'none' ? null : `the engine: ${this.fault}`;
  }

  cpuSeconds(): null {
    return null;
  }

  private reply<T>(measure: () => Reply<T>): Reply<T> {
    const lost = { ok: false, why: 'engine-lost', detail: this.problem() ?? '' } as const;
    if (this.closed) return { answer: lost, after: milliseconds(0) };
    switch (this.fault) {
      case 'none':
        return measure();
      case 'dead':
        return { answer: lost, after: lostPause };
      case 'stuck':
        return { answer: lost, after: stuckPause };
      case 'nonsense':
        return { answer: { ok: false, why: 'refused', detail: 'nonsense' }, after: milliseconds(1) };
    }
  }

  private after<T>(measure: () => Reply<T>): Promise<Answer<T>> {
    const { answer, after } = this.reply(measure);
    return new Promise((resolve) => {
      const end = (with_: Answer<T>): void => {
        cancel();
        this.waiting.delete(lose);
        resolve(with_);
      };
      const lose = (): void => end({ ok: false, why: 'engine-lost', detail: this.problem() ?? 'it died' });
      const cancel = this.clock.after(after, () => end(answer));
      this.waiting.add(lose);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const lose of [...this.waiting]) lose();
  }
}

const pingTakes = ({ outcome }: PingRecord, { timeout }: PingTask): Duration =>
  milliseconds(outcome.kind === 'reply' ? Math.ceil(outcome.rtt) : timeout);

/** One probe after the other, as scamper does. */
function traceTakes(record: TraceRecord, { timeout }: TraceTask): Duration {
  let took = 0;
  for (const hop of record.hops) for (const probe of hop.probes) took += probe.rtt ?? timeout;
  return milliseconds(Math.ceil(took));
}

export const openFake = (options: FakeOptions): FakeEngine => new FakeEngine(options);
