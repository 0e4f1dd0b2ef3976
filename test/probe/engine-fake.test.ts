/** The made-up network behind the face of an engine, on a simulated clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/probe/engine/engine.ts';
import { type FakeEngine, openFake } from '../../src/probe/engine/fake.ts';
import { instant, milliseconds, plus, seconds } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { measured, pinged, pingTask, target6, traceTask } from './engine-kit.ts';

const start = instant(Date.UTC(2011, 7, 1));
const fresh = (seed = 1) => {
  const clock = new SimulatedClock(start);
  return { clock, engine: openFake({ clock, seed }) };
};

/** Lets so much time pass, and gives the answer with how long it took. */
async function passed<T>(clock: SimulatedClock, asked: Promise<Answer<T>>, most = 120_000) {
  let took: number | null = null;
  const from = clock.now();
  void asked.then(() => {
    took = clock.now() - from;
  });
  await clock.advanceTo(plus(from, milliseconds(most)));
  assert.ok(took !== null, 'no answer');
  return { answer: await asked, took: took as number };
}

test('one seed gives one world, another another', async () => {
  const world = async (seed: number): Promise<string> => {
    const { clock, engine } = fresh(seed);
    const answers = [
      engine.ping(pingTask()),
      engine.trace(traceTask()),
      engine.trace(traceTask({ address: target6 })),
    ];
    await clock.advanceTo(plus(start, seconds(60)));
    return JSON.stringify(await Promise.all(answers));
  };
  assert.equal(await world(1), await world(1));
  assert.notEqual(await world(1), await world(2));
});

test('an answer takes the time that it tells of', async () => {
  const { clock, engine } = fresh();
  const { answer, took } = await passed(clock, engine.ping(pingTask()));
  const { outcome } = pinged(answer);
  assert.ok(outcome.kind === 'reply');
  assert.equal(took, Math.ceil(outcome.rtt));
  const traced = await passed(clock, engine.trace(traceTask({ probesPerHop: 3 })));
  const record = measured(traced.answer);
  assert.equal(record.end, 'reached');
  assert.ok(traced.took >= 3 * (record.hops.at(-1)?.probes[0]?.rtt ?? 0));
  assert.deepEqual(engine.can().fixedFlow, ['udp', 'icmp', 'tcp']);
});

test('a target that is down costs the whole timeout, and is lost', async () => {
  const { clock, engine } = fresh();
  const dead = { at: start, nodes: { r8: { passes: 'nothing' as const } } };
  engine.network = { ...engine.network, changes: [dead] };
  const { answer, took } = await passed(clock, engine.ping(pingTask()));
  assert.deepEqual([pinged(answer).outcome.kind, took], ['lost', 1000]);
});

test('its faults are those of a real one: nothing is measured, everything is answered', async () => {
  const { clock, engine } = fresh();
  const why = async (with_: FakeEngine) => {
    const { answer, took } = await passed(clock, with_.ping(pingTask()));
    return [answer.ok ? 'measured' : answer.why, took];
  };
  const flying = engine.ping(pingTask());
  engine.breaks('dead');
  const lost = await flying;
  assert.ok(!lost.ok && lost.why === 'engine-lost');
  assert.match(engine.problem() ?? '', /dead/);
  assert.deepEqual(await why(engine), ['engine-lost', 1000]);
  engine.breaks('stuck');
  assert.deepEqual(await why(engine), ['engine-lost', 15_000]);
  engine.breaks('nonsense');
  assert.deepEqual(await why(engine), ['refused', 1]);
  engine.breaks('none');
  assert.equal(engine.problem(), null);
  assert.equal((await why(engine))[0], 'measured');
  const closing = engine.trace(traceTask());
  await engine.close();
  assert.ok(!(await closing).ok);
  assert.equal((await why(engine))[0], 'engine-lost');
});
