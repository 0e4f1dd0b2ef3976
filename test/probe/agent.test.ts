/** What the agent does with time, engines and answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chanceFrom } from '../../src/probe/core/chance.ts';
import { exampleNetwork, pingThrough, traceThrough } from '../../src/probe/core/network.ts';
import { targetsMax } from '../../src/probe/targets.ts';
import { hours, minutes, seconds } from '../../src/time.ts';
import { address, answered, lostByEngine, noon, pathOf, pinged, pong, rig, targetOf } from './kit.ts';

const one = '198.51.100.7';

test('every target is pinged and traced at its own interval', async () => {
  const probe = rig();
  probe.start(
    targetOf(one, { pingEvery: seconds(1), traceEvery: seconds(10) }),
    targetOf('198.51.100.8', { pingEvery: seconds(5), traceEvery: seconds(20) }),
  );
  await probe.pass(seconds(100));
  const pings = (of: string): number => probe.engine.pings.filter((task) => task.address === of).length;
  const traces = (of: string): number => probe.engine.traces.filter((task) => task.address === of).length;
  const within = (count: number, expected: number): void =>
    assert.ok(Math.abs(count - expected) <= 2, `${count} for ${expected}`);
  within(pings(one), 100);
  within(traces(one), 10);
  within(pings('198.51.100.8'), 20);
  within(traces('198.51.100.8'), 5);
});

test('what a listener hears: each ping, each trace with the identity of its path, and each verdict once', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(20));
  assert.ok(probe.of('ping') >= 18 && probe.of('trace') >= 18);
  assert.deepEqual(probe.verdicts(), []);
  const paths = new Set(probe.records.flatMap((one) => (one.kind === 'trace' ? one.pathId : [])));
  assert.equal(paths.size, 1);
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(seconds(60));
  assert.equal(probe.verdicts().filter((line) => line === `unreachable raised ${one}`).length, 1);
  probe.engine.onPing = (task, at) => pong(task, at);
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', '192.0.2.3', task.address]);
  await probe.pass(minutes(3));
  assert.equal(probe.verdicts().filter((line) => line === `unreachable cleared ${one}`).length, 1);
});

test('traces that confirm belong to the round of the one that made them necessary', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(20));
  const count = probe.of('trace');
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', '203.0.113.9', task.address]);
  await probe.pass(seconds(5));
  assert.deepEqual(probe.verdicts(), [`path-changed raised ${one}`]);
  const rounds = probe.records.flatMap((record) => (record.kind === 'trace' ? [record.round] : []));
  assert.deepEqual(
    rounds.slice(0, count),
    Array.from({ length: count }, (_, n) => n + 1),
  );
  assert.deepEqual(rounds.slice(count, count + 5), [count + 1, count + 1, count + 1, count + 2, count + 3]);
});

test('traces that pings ask for, while one that confirms is under way, are no rounds either', async () => {
  const probe = rig();
  const network = exampleNetwork([{ at: noon, nodes: { r5: { loss: 0.12 } } }]);
  const random = chanceFrom(1);
  probe.engine.takes = seconds(2);
  probe.engine.onPing = (task, at) => answered(pingThrough(network, task, random, at));
  probe.engine.onTrace = (task, at) => answered(traceThrough(network, task, random, at));
  probe.start(targetOf(one, { traceEvery: minutes(1) }));
  await probe.pass(minutes(60));
  const rounds = probe.records.flatMap((record) => (record.kind === 'trace' ? [record.round] : []));
  assert.ok(rounds.length > 80, `${rounds.length} traces`);
  assert.ok(Math.max(...rounds) <= 61, `${Math.max(...rounds)} rounds in an hour`);
});

test('a trace that was under way while a longer path ended is no third one: all that was said of it ends together', async () => {
  const probe = rig();
  const [usual, longer] = [
    ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'],
    ['192.0.2.1', '203.0.113.2', '203.0.113.3', '203.0.113.4', '203.0.113.5', '192.0.2.4'],
  ];
  const takes = (way: readonly string[]): void => {
    probe.engine.onTrace = (task, at) => pathOf(task, at, [...way, task.address]);
  };
  takes(usual);
  probe.start(one);
  await probe.pass(seconds(20));
  takes(longer);
  await probe.pass(seconds(5));
  probe.engine.onTrace = (task, at) => {
    takes(usual);
    // The path ended between one probe of the fifth hop and the next.
    const mixed = pathOf(task, at, longer.slice(0, 5), 'reached');
    const last = mixed.ok ? mixed.record.hops.at(-1) : undefined;
    if (last !== undefined) Object.assign(last.probes.at(-1) ?? {}, { address: task.address });
    return mixed;
  };
  await probe.pass(seconds(10));
  const ends = probe.records.flatMap((record) =>
    record.kind === 'verdict' && record.change.state === 'cleared' ? [record.change] : [],
  );
  assert.deepEqual(ends.map(({ verdict }) => verdict).sort(), ['more-hops', 'path-changed']);
  for (const { summary } of ends) assert.match(summary, /^path is back: 192\.0\.2\.2 at hop 2 again/);
});

for (const [ping, trace] of [
  [30, 60],
  [60, 60],
  [10, 60],
] as const) {
  for (const fault of ['unreachable', 'loop'] as const) {
    test(`a target that answers traces but no pings, each ${ping} and ${trace} s: each ${fault} is told once, and its end`, async () => {
      const probe = rig();
      const well = probe.engine.onTrace;
      probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
      probe.start(targetOf(one, { pingEvery: seconds(ping), traceEvery: seconds(trace) }));
      await probe.pass(minutes(30));
      for (let times = 0; times < 3; times++) {
        probe.engine.onTrace = (task, at) =>
          fault === 'loop'
            ? pathOf(task, at, ['192.0.2.1', '192.0.2.3', '192.0.2.4', '192.0.2.3'], 'loop')
            : pathOf(task, at, ['192.0.2.1', null, null, null]);
        await probe.pass(minutes(10));
        probe.engine.onTrace = well;
        await probe.pass(minutes(10));
        const told = probe.verdicts().filter((line) => !line.startsWith('loss'));
        const once = [`${fault} raised ${one}`, `${fault} cleared ${one}`];
        assert.deepEqual(told, Array.from({ length: times + 1 }, () => once).flat());
        await probe.pass(minutes(100));
      }
    });
  }
}

test('what an engine lost is asked again and never counted as lost', async () => {
  const probe = rig();
  let asked = 0;
  probe.engine.onPing = (task, at) => {
    asked += 1;
    return asked % 3 === 0 ? pong(task, at) : lostByEngine();
  };
  probe.start(targetOf(one, { pingEvery: seconds(10), traceEvery: minutes(10) }));
  await probe.pass(minutes(2));
  const summary = probe.agent.find(address(one))?.summary(probe.clock.now());
  assert.ok(summary !== undefined && summary.recv >= 10);
  assert.equal(summary.lost, 0);
  assert.equal(summary.errs, 0);
  assert.ok(probe.agent.counts.lost >= 20);
});

test('an engine that is gone for an hour costs no loss, no verdict, and nothing that stays under way', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(30));
  const before = probe.agent.find(address(one))?.summary(probe.clock.now());
  probe.engine.onPing = () => lostByEngine();
  probe.engine.onTrace = () => lostByEngine();
  await probe.pass(hours(1));
  probe.engine.onPing = (task, at) => pong(task, at);
  await probe.pass(minutes(1));
  const summary = probe.agent.find(address(one))?.summary(probe.clock.now());
  assert.equal(summary?.lost, 0);
  assert.ok((summary?.recv ?? 0) > (before?.recv ?? 0));
  assert.ok((summary?.outd ?? 9) <= 1);
  assert.deepEqual(probe.verdicts(), []);
});

test('an engine that throws, or says what cannot be true, is asked again', async () => {
  const probe = rig();
  const wrong = [
    () => {
      throw new Error('broken');
    },
    (task: Parameters<typeof pong>[0], at: Parameters<typeof pong>[1]) => pong(task, at, Number.NaN),
    (task: Parameters<typeof pong>[0], at: Parameters<typeof pong>[1]) => pong(task, at, -5),
    (task: Parameters<typeof pong>[0], at: Parameters<typeof pong>[1]) =>
      pong({ ...task, address: address('203.0.113.1') }, at),
  ];
  let asked = 0;
  probe.engine.onPing = (task, at) => {
    const answer = wrong[asked++];
    return answer === undefined ? pong(task, at) : answer(task, at);
  };
  probe.engine.onTrace = (task, at) =>
    pathOf(
      task,
      at,
      Array.from({ length: 300 }, () => '192.0.2.1'),
    );
  probe.start(targetOf(one, { pingEvery: seconds(60), traceEvery: minutes(5) }));
  await probe.pass(minutes(2));
  const summary = probe.agent.find(address(one))?.summary(probe.clock.now());
  assert.equal(summary?.lost, 0);
  assert.ok((summary?.recv ?? 0) >= 1);
  assert.equal(summary?.max, 10.5);
  assert.equal(probe.of('trace'), 0);
  assert.equal(probe.agent.counts.bugs, 0);
});

test('a ping that this machine could not send is none', async () => {
  const probe = rig();
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'unsent', why: 'no route from here' });
  probe.start(one);
  await probe.pass(minutes(1));
  const summary = probe.agent.find(address(one))?.summary(probe.clock.now());
  assert.ok((summary?.sent ?? 9) <= 1);
  assert.equal(summary?.lost, 0);
  assert.ok(probe.agent.counts.unsent > 50);
});

test('there is one trace at a time for a target, however long it takes', async () => {
  const probe = rig();
  probe.engine.takes = seconds(7);
  probe.start(targetOf(one, { pingEvery: seconds(60) }));
  await probe.pass(minutes(2));
  assert.equal(probe.engine.mostInFlight, 1);
  assert.ok(probe.agent.load().missedTraces > 50, 'missed rounds are skipped and counted');
});

test('after N traces of each target the rounds are done', async () => {
  const probe = rig({ rounds: 3 });
  probe.start(one, '198.51.100.8');
  assert.equal(probe.agent.finished(), false);
  await probe.pass(seconds(20));
  assert.equal(probe.agent.finished(), true);
  assert.equal(probe.of('trace'), 6);
});

test('rounds come to an end even with an engine that never answers', async () => {
  const probe = rig({ rounds: 2 });
  probe.engine.onTrace = () => ({ ok: false, why: 'refused', detail: 'no' });
  probe.start(one);
  await probe.pass(seconds(10));
  assert.equal(probe.agent.finished(), true);
  assert.equal(probe.of('trace'), 0);
});

test('a clock that is set back by an hour holds up no ping', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(30));
  probe.clock.set(hours(-1));
  const before = probe.engine.pings.length;
  await probe.pass(seconds(60));
  assert.ok(probe.engine.pings.length - before > 55);
  assert.deepEqual(probe.verdicts(), []);
});

test('a clock that is set forwards by a day skips rounds and does not make up for them', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(30));
  probe.clock.set(hours(24));
  const before = probe.engine.pings.length;
  await probe.pass(seconds(60));
  assert.ok(probe.engine.pings.length - before < 65);
  assert.ok(probe.agent.load().missedPings > 80_000);
});

test('a target that is removed is not measured any more, and what was raised of it is cleared', async () => {
  const probe = rig();
  probe.start(one);
  await probe.pass(seconds(10));
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(minutes(1));
  assert.ok(probe.verdicts().includes(`unreachable raised ${one}`));
  probe.targets.remove(one);
  assert.ok(probe.verdicts().includes(`unreachable cleared ${one}`));
  const before = probe.engine.pings.length;
  await probe.pass(minutes(1));
  assert.equal(probe.engine.pings.length, before);
  assert.equal(probe.agent.size, 0);
});

test('a target that is removed and added again while it is traced is traced once', async () => {
  const probe = rig();
  probe.engine.takes = seconds(5);
  probe.start(one);
  await probe.pass(seconds(2));
  probe.targets.remove(one);
  probe.targets.add(targetOf(one));
  await probe.pass(seconds(30));
  probe.engine.takes = seconds(0.01);
  await probe.pass(seconds(30));
  assert.ok(probe.engine.mostInFlight <= 2, 'the old one may still be under way');
  assert.equal(probe.agent.counts.bugs, 0);
  assert.ok(probe.of('ping') > 20);
});

test('ten thousand targets are added and removed at once', async () => {
  const probe = rig();
  const names = Array.from({ length: 10_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  probe.agent.start();
  for (const name of names)
    probe.targets.add(targetOf(name, { pingEvery: seconds(30), traceEvery: seconds(60) }));
  assert.equal(probe.agent.size, names.length);
  for (const name of names) probe.targets.remove(name);
  assert.equal(probe.agent.size, 0);
  await probe.pass(seconds(1));
  assert.equal(probe.agent.counts.bugs, 0);
  probe.targets.add(targetOf(one));
  await probe.pass(seconds(10));
  assert.ok(probe.of('ping') >= 8);
});

test('there is a bound to the number of targets', () => {
  const probe = rig();
  for (let n = 0; n < targetsMax; n++)
    probe.targets.add(targetOf(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
  const added = probe.targets.add(targetOf(one));
  assert.ok(!added.ok && /more than 20000/.test(added.why));
});

test('where the engine cannot hold a flow, nothing is said of paths', async () => {
  const probe = rig();
  probe.engine.fixedFlow = false;
  probe.start(one);
  await probe.pass(seconds(20));
  probe.engine.onTrace = (task, at) =>
    pathOf(task, at, ['192.0.2.1', '203.0.113.9', '203.0.113.10', task.address]);
  await probe.pass(seconds(60));
  assert.deepEqual(probe.verdicts(), []);
});

test('a target keeps its flow, so that a restart shows the same path', async () => {
  const [first, second] = [rig(), rig()];
  for (const probe of [first, second]) {
    probe.start(one);
    await probe.pass(seconds(5));
  }
  const flows = new Set([...first.engine.traces, ...second.engine.traces].map(({ flow }) => flow));
  assert.equal(flows.size, 1);
});

test('a listener that throws harms no other', async () => {
  const probe = rig();
  let heard = 0;
  probe.agent.listen(() => {
    throw new Error('a bug');
  });
  probe.agent.listen(() => {
    heard += 1;
  });
  probe.start(one);
  await probe.pass(seconds(10));
  assert.ok(heard > 15);
  assert.ok(probe.logged.some(({ level }) => level === 'error'));
});

test('figures are told with each new hour, and before they are set to zero', async () => {
  const probe = rig();
  probe.start(targetOf(one, { pingEvery: seconds(10), traceEvery: minutes(5) }));
  await probe.pass(minutes(90));
  assert.equal(probe.of('stats'), 1);
  const watched = probe.agent.find(address(one));
  assert.ok(watched !== null);
  probe.agent.reset(watched);
  assert.equal(probe.of('stats'), 2);
  assert.ok(watched.summary(probe.clock.now()).sent <= 1);
});
