/** The schedule on a simulated clock: fair, even, never late without end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Address } from '../../src/probe/core/record.ts';
import {
  addTarget,
  loadOf,
  newSchedule,
  nextDue,
  pingAgain,
  removeTarget,
  type Schedule,
  type ScheduleOptions,
  type Task,
  traceAgain,
  traceEnded,
} from '../../src/probe/core/schedule.ts';
import { type Duration, hours, type Instant, milliseconds, minutes, plus, seconds } from '../../src/time.ts';
import { start } from './watch.ts';

const usually: ScheduleOptions = {
  seed: 1,
  probesPerSecond: 10_000,
  tracesMax: 100,
  unreachableTracesMax: 20,
  probesPerTrace: 30,
};
const target = (n: number): Address => `198.51.${n >> 8}.${n & 255}` as Address;
const often = { ping: seconds(1), trace: seconds(2) };

/** The agent around a schedule: what it started, and traces that end after a while. */
class Agent {
  now: Instant = start;
  readonly schedule: Schedule;
  readonly started: { readonly task: Task; readonly at: Instant }[] = [];
  readonly underWay: { readonly address: Address; readonly ends: Instant; readonly arrived: boolean }[] = [];
  most = 0;
  /** In milliseconds: how late one began at the most. */
  latest = 0;
  takes: (address: Address) => Duration = () => milliseconds(50);
  arrives: (address: Address) => boolean = () => true;

  constructor(options: Partial<ScheduleOptions> = {}) {
    this.schedule = newSchedule({ ...usually, ...options }, start);
  }

  add(count: number, intervals: Parameters<typeof addTarget>[2], from = 0): this {
    for (let n = from; n < from + count; n++) addTarget(this.schedule, target(n), intervals, this.now);
    return this;
  }

  run(length: Duration): this {
    const end = plus(this.now, length);
    while (this.now < end) {
      this.endTraces();
      const due = nextDue(this.schedule, this.now);
      if ('task' in due) {
        this.latest = Math.max(this.latest, due.late);
        this.begin(due.task);
      } else {
        const next = Math.min(due.wait ?? end, end, ...this.underWay.map(({ ends }) => ends));
        this.now = Math.max(next, this.now + 1) as Instant;
      }
    }
    return this;
  }

  private begin(task: Task): void {
    this.started.push({ task, at: this.now });
    if (task.kind === 'ping') return;
    const { address } = task;
    assert.ok(!this.underWay.some((one) => one.address === address), 'one trace a target');
    this.underWay.push({
      address,
      ends: plus(this.now, this.takes(address)),
      arrived: this.arrives(address),
    });
    this.most = Math.max(this.most, this.underWay.length);
  }

  private endTraces(): void {
    for (const one of [...this.underWay]) {
      if (one.ends > this.now) continue;
      this.underWay.splice(this.underWay.indexOf(one), 1);
      traceEnded(this.schedule, one.address, { arrived: one.arrived, probes: null }, this.now);
    }
  }

  count(kind: 'ping' | 'trace', address?: Address): number {
    return this.started.filter(
      ({ task }) => task.kind === kind && (address === undefined || task.address === address),
    ).length;
  }
}

describe('the schedule', () => {
  it('gives each target its rounds, each at its own time', () => {
    const agent = new Agent().add(200, { ping: seconds(10), trace: seconds(20) }).run(minutes(5));
    for (let n = 0; n < 200; n++) {
      const pings = agent.count('ping', target(n));
      const traces = agent.count('trace', target(n));
      assert.ok(pings >= 29 && pings <= 31, `${pings}`);
      assert.ok(traces >= 14 && traces <= 16, `${traces}`);
    }
    assert.deepEqual([loadOf(agent.schedule).missedPings, loadOf(agent.schedule).missedTraces], [0, 0]);
    assert.ok(loadOf(agent.schedule).late.p99 <= 20, `${loadOf(agent.schedule).late.p99}`);
  });

  it('begins at once with a single target', () => {
    const agent = new Agent().add(1, { ping: seconds(30), trace: seconds(60) }).run(milliseconds(50));
    assert.deepEqual([agent.count('ping'), agent.count('trace')], [1, 1]);
  });

  it('begins with thousands of targets without a burst: none is late, and each has its first rounds within an interval', () => {
    const agent = new Agent({ probesPerSecond: 5000 }).add(5000, { ping: seconds(30), trace: seconds(60) });
    agent.run(seconds(66));
    const seen = (kind: 'ping' | 'trace'): number =>
      new Set(agent.started.filter(({ task }) => task.kind === kind).map(({ task }) => task.address)).size;
    assert.deepEqual([seen('ping'), seen('trace')], [5000, 5000]);
    const { late, missedPings, missedTraces } = loadOf(agent.schedule);
    assert.deepEqual([missedPings, missedTraces], [0, 0]);
    assert.ok(agent.latest <= 500, `${agent.latest} ms late; at the end ${late.max}`);
  });

  it('makes no bursts: in no tenth of a second much more than its share', () => {
    const agent = new Agent({ probesPerSecond: 2000 }).add(2000, { ping: seconds(10), trace: null });
    agent.run(minutes(1));
    const tenths = new Map<number, number>();
    for (const { at } of agent.started) {
      const tenth = Math.floor(at / 100);
      tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
    }
    // 20 are due in each; chance makes some of it twice that.
    assert.ok(Math.max(...tenths.values()) <= 45, `${Math.max(...tenths.values())}`);
  });

  it('holds to the rate, whatever is due; then rounds become rarer for all alike, and are counted', () => {
    const agent = new Agent({ probesPerSecond: 100 }).add(500, { ping: seconds(1), trace: null });
    agent.run(minutes(1));
    assert.ok(
      agent.started.length <= 100 * 60 + 10 && agent.started.length >= 100 * 58,
      `${agent.started.length}`,
    );
    const counts = Array.from({ length: 500 }, (_, n) => agent.count('ping', target(n)));
    assert.ok(
      Math.min(...counts) >= 9 && Math.max(...counts) <= 15,
      `${Math.min(...counts)} ${Math.max(...counts)}`,
    );
    const { missedPings, late } = loadOf(agent.schedule);
    assert.ok(missedPings > 20_000, `${missedPings}`);
    assert.ok(late.max < 10_000, `${late.max}`);
  });

  it('reckons a trace at the probes it takes', () => {
    const agent = new Agent({ probesPerSecond: 300 }).add(100, { ping: null, trace: seconds(1) });
    agent.run(seconds(30));
    const traces = agent.count('trace');
    assert.ok(traces <= 302 && traces >= 280, `${traces}`);
  });

  it('has so many traces under way at most, and one a target', () => {
    const agent = new Agent({ tracesMax: 7 }).add(100, { ping: null, trace: seconds(1) });
    agent.takes = () => seconds(3);
    agent.run(seconds(30));
    assert.equal(agent.most, 7);
    assert.ok(loadOf(agent.schedule).missedTraces > 0);
  });

  it('targets that do not answer take their own places, and nobody else is late', () => {
    const agent = new Agent({ tracesMax: 20, unreachableTracesMax: 5 });
    agent.takes = (address) => (address < target(256) ? seconds(10) : milliseconds(50));
    agent.arrives = (address) => address >= target(256);
    // 200 of the first kind, 50 of the second.
    agent.add(200, { ping: null, trace: seconds(5) }, 0).run(minutes(2));
    agent.add(50, { ping: null, trace: seconds(5) }, 256);
    const from = agent.started.length;
    agent.run(minutes(1));
    const later = agent.started.slice(from);
    const healthy = Array.from(
      { length: 50 },
      (_, n) => later.filter(({ task }) => task.address === target(256 + n)).length,
    );
    assert.ok(Math.min(...healthy) >= 11, `${Math.min(...healthy)}`);
    const others = later.filter(({ task }) => task.address < target(256)).length;
    assert.ok(others >= 25 && others <= 35, `${others}`);
  });

  it('one that answers again leaves their place', () => {
    const agent = new Agent({ unreachableTracesMax: 1 }).add(3, { ping: null, trace: seconds(1) });
    let isUp = false;
    agent.arrives = () => isUp;
    agent.takes = () => (isUp ? milliseconds(10) : seconds(2));
    agent.run(seconds(20));
    isUp = true;
    agent.run(seconds(10));
    const from = agent.started.length;
    agent.run(seconds(10));
    assert.ok(agent.started.length - from >= 27, `${agent.started.length - from}`);
  });

  it('traces that are asked for come one after another, a sixtieth of the interval apart, so that routers that answer a few probes a second do not look lossy', () => {
    const agent = new Agent().add(1, { ping: null, trace: minutes(1) }).run(seconds(1));
    agent.started.splice(0);
    const from = agent.now;
    traceAgain(agent.schedule, target(0), 3, agent.now);
    agent.run(seconds(4));
    const begun = agent.started
      .filter(({ task }) => task.extra)
      .map(({ at }) => Math.floor((at - from) / 1000));
    assert.deepEqual(begun, [0, 1, 2]);
    agent.started.splice(0);
    const rounds = agent.run(minutes(10)).count('trace');
    assert.ok(rounds === 10 || rounds === 9, `${rounds}`);
  });

  it('pings that are asked for come a sixteenth of the interval apart', () => {
    const agent = new Agent().add(1, { ping: seconds(16), trace: null }).run(seconds(1));
    agent.started.splice(0);
    pingAgain(agent.schedule, target(0), 4, agent.now);
    pingAgain(agent.schedule, target(0), 4, agent.now);
    const from = agent.now;
    agent.run(seconds(5));
    const times = agent.started.map(({ at }) => (at - from) / 1000);
    assert.deepEqual(times.slice(0, 3).map(Math.round), [1, 2, 3]);
    assert.ok(times.length === 4 || times.length === 5, `${times}`);
  });

  it('a clock that is set back or ahead makes no burst and no silence', () => {
    for (const jump of [-hours(1), hours(1), -hours(24 * 365), hours(24 * 365)]) {
      const agent = new Agent().add(100, { ping: seconds(10), trace: seconds(20) }).run(minutes(1));
      agent.underWay.splice(0).forEach(({ address }) => {
        traceEnded(agent.schedule, address, { arrived: true, probes: null }, agent.now);
      });
      agent.now = plus(agent.now, jump as Duration);
      agent.started.splice(0);
      const from = agent.now;
      agent.run(seconds(40));
      const first = agent.started.filter(({ at }) => at < from + 1000).length;
      assert.ok(first < 45, `${first} in the first second after ${jump}`);
      const pings = agent.count('ping');
      assert.ok(pings >= 380 && pings <= 440, `${pings} after ${jump}`);
      const traces = agent.count('trace');
      assert.ok(traces >= 180 && traces <= 220, `${traces} after ${jump}`);
    }
  });

  it('a trace that was under way when the clock was set goes on when it ends', () => {
    const agent = new Agent().add(1, { ping: null, trace: seconds(10) });
    agent.takes = () => seconds(3);
    agent.run(seconds(1));
    assert.equal(agent.underWay.length, 1);
    agent.now = plus(agent.now, -hours(1) as Duration);
    agent.run(seconds(1));
    agent.underWay.splice(0);
    traceEnded(agent.schedule, target(0), { arrived: true, probes: null }, agent.now);
    agent.started.splice(0);
    assert.ok(agent.run(seconds(40)).count('trace') >= 3);
  });

  it('10,000 targets are added and removed quickly, and nothing of them stays', () => {
    const agent = new Agent();
    const before = process.cpuUsage().user;
    for (let times = 0; times < 3; times++) {
      agent.add(10_000, often);
      for (let n = 0; n < 10_000; n++) assert.ok(removeTarget(agent.schedule, target(n)));
    }
    const spent = (process.cpuUsage().user - before) / 1000;
    assert.ok(spent < 3000, `${spent} ms`);
    assert.equal(agent.schedule.pings.length + agent.schedule.traces.answering.length, 0);
    assert.deepEqual(nextDue(agent.schedule, agent.now), { wait: null });
  });

  it('a target that is removed and added again while its trace is under way has one trace all the same', () => {
    const agent = new Agent().add(1, { ping: null, trace: seconds(1) });
    agent.takes = () => seconds(2);
    agent.run(milliseconds(100));
    assert.equal(agent.underWay.length, 1);
    removeTarget(agent.schedule, target(0));
    agent.add(1, { ping: null, trace: seconds(1) });
    agent.run(seconds(20));
    assert.ok(agent.count('trace') >= 6);
    assert.equal(loadOf(agent.schedule).tracesUnderWay, agent.underWay.length);
  });

  it('whatever is done to it: places and rates are kept, and every target goes on', () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('add'), n: fc.integer({ min: 0, max: 19 }) }),
      fc.record({ what: fc.constant('remove'), n: fc.integer({ min: 0, max: 19 }) }),
      fc.record({ what: fc.constantFrom('trace', 'ping'), n: fc.integer({ min: 0, max: 19 }) }),
      fc.record({ what: fc.constant('run'), n: fc.integer({ min: 1, max: 5000 }) }),
      fc.record({ what: fc.constant('jump'), n: fc.integer({ min: -100_000, max: 100_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const agent = new Agent({ tracesMax: 3, unreachableTracesMax: 2 });
        agent.takes = (address) => milliseconds(address.length * 40);
        agent.arrives = (address) => address !== target(3);
        for (const { what, n } of steps) {
          if (what === 'add') addTarget(agent.schedule, target(n), often, agent.now);
          else if (what === 'remove') removeTarget(agent.schedule, target(n));
          else if (what === 'trace') traceAgain(agent.schedule, target(n), 2, agent.now);
          else if (what === 'ping') pingAgain(agent.schedule, target(n), 5, agent.now);
          else if (what === 'jump') agent.now = plus(agent.now, milliseconds(n));
          else agent.run(milliseconds(n));
          assert.ok(agent.most <= 5);
        }
        // Traces of a clock that was set back end when the clock is there again: end them now.
        for (const { address } of agent.underWay.splice(0)) {
          traceEnded(agent.schedule, address, { arrived: true, probes: null }, agent.now);
        }
        agent.started.splice(0);
        agent.run(seconds(20));
        for (const address of agent.schedule.targets.keys()) {
          assert.ok(agent.count('ping', address) >= 10, `${address} ${agent.count('ping', address)}`);
          assert.ok(agent.count('trace', address) >= 3, `${address} ${agent.count('trace', address)}`);
        }
      }),
      { numRuns: 100 },
    );
  });
});
