/** The judging's state: it survives a restart at any point, clocks that are set, and long lives, in bounded memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chanceFrom } from '../../src/probe/core/chance.ts';
import {
  type Judged,
  judgePing,
  judgeTrace,
  newJudged,
  pingForgotten,
  pingSent,
  resetCounters,
  resumed,
  standing,
} from '../../src/probe/core/judge.ts';
import {
  exampleNetwork,
  type NetworkChange,
  pingThrough,
  traceThrough,
} from '../../src/probe/core/network.ts';
import type { Address, PingRecord, TraceRecord } from '../../src/probe/core/record.ts';
import { defaultRules, type Rules } from '../../src/probe/core/rules.ts';
import { summaryOf } from '../../src/probe/core/statistics.ts';
import { hours, type Instant, instant, minutes, plus, seconds } from '../../src/time.ts';
import { known, start, v4, v6, Watch } from './watch.ts';

const rules: Rules = {
  ...defaultRules,
  path: { ...defaultRules.path, settle: seconds(20) },
  via: [{ hop: '192.0.2.14', expect: 'never' }],
};

const changes: readonly Omit<NetworkChange, 'at'>[] = [
  { routes: { r4: { to: ['y1'], by: 'flow' } } },
  { routes: { r4: { to: ['x1'], by: 'flow' } } },
  { routes: { r4: { to: ['r5'], by: 'flow' } } },
  { routes: { r4: { to: ['r5', 'y1'], by: 'packet' } } },
  { routes: { r7: { to: ['r6'], by: 'flow' } } },
  { routes: { r7: { to: ['r8'], by: 'flow' } } },
  { nodes: { r6: { passes: 'nothing' } } },
  { nodes: { r6: { passes: 'refused' } } },
  { nodes: { r6: { passes: 'on' } } },
  { nodes: { r2: { loss: 0.4 } } },
  { nodes: { r2: { loss: 0 } } },
  { nodes: { r3: { answers: 0.3 } } },
  { links: { 'r4-r5': { delay: 11 } } },
  { links: { 'r4-r5': { delay: 1 } } },
  { links: { 'r6-r7': { jitter: 100 } } },
  { links: { 'r6-r7': { jitter: 0.05 } } },
];
const lives = fc.array(fc.tuple(fc.constantFrom(...changes), fc.integer({ min: 1, max: 12 })), {
  minLength: 1,
  maxLength: 12,
});

describe('the state', () => {
  it('survives being written and read at any point: the same judgements follow', () => {
    fc.assert(
      fc.property(fc.integer(), lives, fc.integer({ min: 0, max: 60 }), (seed, life, cut) => {
        const plain = new Watch(exampleNetwork(), { seed, rules });
        const saved = new Watch(exampleNetwork(), { seed, rules });
        for (const [change, rounds] of life) {
          plain.change(change);
          saved.change(change);
          for (let i = 0; i < rounds; i++) {
            if (saved.round >= cut) saved.state = JSON.parse(JSON.stringify(saved.state)) as Judged;
            plain.rounds(1);
            saved.rounds(1);
          }
        }
        assert.deepEqual(saved.changes, plain.changes);
        assert.deepEqual(saved.pathIds, plain.pathIds);
        assert.deepEqual(JSON.parse(JSON.stringify(plain.state)), plain.state);
      }),
      { numRuns: 40 },
    );
  });

  it('names what stands, as raised last, and every change is one of what stood', () => {
    fc.assert(
      fc.property(fc.integer(), lives, (seed, life) => {
        const watch = new Watch(exampleNetwork(), { seed, rules });
        const stand = new Map<string, string>();
        for (const [change, rounds] of life) {
          watch.change(change).rounds(rounds);
          for (const { verdict, state, summary } of watch.changes.splice(0)) {
            assert.ok([...summary].length <= 140, summary);
            if (state === 'cleared') assert.ok(stand.delete(verdict), `${verdict} did not stand`);
            else stand.set(verdict, summary);
          }
          const now = standing(watch.state).map(({ verdict, summary }) => [verdict, summary] as const);
          assert.deepEqual(new Map(now), stand);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is judged quietly through a clock that is set back and forth', () => {
    for (const jump of [-hours(1), hours(1), -hours(24 * 30), hours(24 * 30)]) {
      const watch = known(exampleNetwork());
      watch.now = plus(watch.now, jump as never);
      watch.rounds(100);
      assert.deepEqual(watch.summaries(), [], `${jump}`);
      watch.change({ routes: { r4: { to: ['y1'], by: 'flow' } } });
      watch.network = { ...watch.network, changes: [{ ...watch.network.changes.at(-1), at: instant(0) }] };
      assert.deepEqual(watch.rounds(2).said(), ['raised path-changed'], `${jump}`);
    }
  });

  it('a change that stands when the clock is set back settles all the same', () => {
    const watch = known(exampleNetwork(), { rules: { ...rules, via: [] } });
    watch.network = exampleNetwork([{ at: instant(0), routes: { r4: { to: ['y1'], by: 'flow' } } }]);
    assert.deepEqual(watch.rounds(5).said(), ['raised path-changed']);
    watch.now = plus(watch.now, -hours(1) as never);
    assert.deepEqual(watch.rounds(25).said(), ['cleared path-changed']);
  });

  it('an outage found while the clock is set back is found', () => {
    const watch = known(exampleNetwork());
    watch.network = exampleNetwork([{ at: instant(0), nodes: { r6: { passes: 'nothing' } } }]);
    watch.now = plus(watch.now, -hours(1) as never);
    assert.deepEqual(watch.rounds(3).said(), ['raised unreachable']);
  });

  it('an outage that has begun when the clock is set back is found', () => {
    const watch = known(exampleNetwork());
    watch.network = exampleNetwork([{ at: instant(0), nodes: { r6: { passes: 'nothing' } } }]);
    watch.ping();
    watch.now = plus(watch.now, -hours(1) as never);
    assert.deepEqual(watch.rounds(3).said(), ['raised unreachable']);
  });

  it('counts what is sent, and forgets what can no longer be answered', () => {
    let state = newJudged(v4, start);
    const count = () => summaryOf(state.statistics, start);
    state = pingSent(pingSent(pingSent(state)));
    assert.equal(count().outd, 3);
    state = pingForgotten(state);
    assert.deepEqual([count().sent, count().outd], [2, 2]);
    state = resumed(state);
    assert.deepEqual([count().sent, count().outd], [0, 0]);
    state = pingSent(state);
    const unsent = { address: v4, at: start, outcome: { kind: 'unsent', why: 'no route' } } as const;
    state = judgePing(state, unsent, defaultRules, start).state;
    assert.deepEqual([count().sent, count().lost, count().outd], [0, 0, 0]);
    state = judgePing(
      pingSent(state),
      { ...unsent, outcome: { kind: 'reply', rtt: 5 } },
      defaultRules,
      start,
    ).state;
    assert.equal(count().recv, 1);
    assert.equal(summaryOf(resetCounters(state, start).statistics, start).recv, 0);
  });

  it('an engine that cannot send says nothing of the target', () => {
    const watch = known(exampleNetwork());
    for (let i = 0; i < 100; i++) {
      watch.judgePing({ address: v4, at: watch.now, outcome: { kind: 'unsent', why: 'no buffer' } });
      watch.wait(seconds(1));
    }
    assert.deepEqual(watch.said(), []);
  });
});

/** In characters of JSON: what a target may grow to. */
const stateMax = 40_000;
const texts = fc.oneof(
  fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', v4, '<script>', ''),
  fc.ipV4(),
  fc.string({ maxLength: 20 }),
);
const rtts = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constant(0));
const probe = fc.oneof(
  fc.constant({ address: null, rtt: null }),
  fc
    .tuple(texts, fc.oneof(rtts, fc.constant(null)))
    .map(([address, rtt]) => ({ address: address as Address, rtt })),
);
const traces: fc.Arbitrary<TraceRecord> = fc
  .record({
    end: fc.constantFrom('reached', 'unreachable', 'loop', 'silent', 'max-hops'),
    said: fc.string(),
    first: fc.integer({ min: 1, max: 70 }),
    probes: fc.array(fc.array(probe, { maxLength: 5 }), { maxLength: 40 }),
  })
  .map(({ end, said, first, probes }) => ({
    ...{ address: v4, at: start, method: 'udp', end: end as TraceRecord['end'], said },
    hops: probes.map((one, index) => ({ ttl: first + index, probes: one })),
  }));
const outcomes: fc.Arbitrary<PingRecord['outcome']> = fc.oneof(
  rtts.map((rtt) => ({ kind: 'reply' as const, rtt })),
  fc.constant({ kind: 'lost' as const }),
  fc
    .tuple(texts, fc.string())
    .map(([from, why]) => ({ kind: 'error' as const, from: from === '' ? null : (from as Address), why })),
);

describe('whatever an engine says', () => {
  it('nothing throws, nothing grows without end, nothing is markup, and all is JSON', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(traces, outcomes), fc.integer({ min: -5000, max: 100_000 })), {
          minLength: 20,
          maxLength: 200,
        }),
        (events) => {
          let state = newJudged(v4, start);
          let now: Instant = start;
          for (const [event, passed] of events) {
            now = instant(now + passed);
            const { verdicts, ...next } =
              'kind' in event
                ? judgePing(pingSent(state), { address: v4, at: now, outcome: event }, rules, now)
                : judgeTrace(state, { ...event, at: now }, rules, now);
            state = next.state;
            for (const { summary, detailHtml } of verdicts) {
              assert.ok([...summary].length <= 140);
              assert.doesNotMatch(detailHtml, /<script/);
            }
          }
          assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('memory is bounded: hostile paths that are new each time', () => {
    const random = chanceFrom(7);
    const any = (): Address => `2001:db8:${Math.floor(random() * 65_536).toString(16)}::1` as Address;
    let state = newJudged(v6, start);
    let now: Instant = start;
    for (let i = 0; i < 600; i++) {
      now = plus(now, minutes(1));
      const hops = Array.from({ length: 30 }, (_, index) => ({
        ttl: index + 1,
        probes: Array.from({ length: 3 }, () => ({ address: any(), rtt: random() * 500 })),
      }));
      const trace: TraceRecord = { address: v6, at: now, method: 'udp', hops, end: 'reached', said: '' };
      state = judgeTrace(state, trace, rules, now).state;
      const outcome = { kind: 'reply', rtt: 2 ** (random() * 20 - 4) } as const;
      state = judgePing(pingSent(state), { address: v6, at: now, outcome }, rules, now).state;
      if (i % 100 === 0) assert.ok(JSON.stringify(state).length < 8 * stateMax);
    }
  });

  it('an ordinary target stays small through two days', () => {
    const network = exampleNetwork();
    const random = chanceFrom(1);
    let state = newJudged(v4, start);
    let now: Instant = start;
    const order = { address: v4, timeout: seconds(2), method: 'udp', firstHop: 1, maxHops: 30 } as const;
    const more = { probesPerHop: 3, retries: 0, gapLimit: 5, flow: 1 };
    for (let i = 0; i < 50 * 60; i++) {
      now = plus(now, minutes(1));
      state = judgePing(pingSent(state), pingThrough(network, order, random, now), rules, now).state;
      state = judgeTrace(state, traceThrough(network, { ...order, ...more }, random, now), rules, now).state;
    }
    assert.deepEqual(standing(state), []);
    assert.ok(JSON.stringify(state).length < 16_000, `${JSON.stringify(state).length}`);
  });
});
