/**
 * Breadth, by chance: networks on which nothing is wrong raise nothing, whatever
 * the seed, in a thousand rounds each; and what is wrong is found for every seed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exampleNetwork, type Network, type NetworkChange } from '../../src/probe/core/network.ts';
import { defaultRules } from '../../src/probe/core/rules.ts';
import { instant } from '../../src/time.ts';
import { known, nodeOf, v4, v6, Watch } from './watch.ts';

const lab = exampleNetwork();
type Change = Omit<NetworkChange, 'at'>;
const everyLink = (patch: { readonly jitter?: number }): Change => ({
  links: Object.fromEntries(Object.keys(lab.links).map((name) => [name, patch])),
});
const shared = (by: 'flow' | 'packet'): Change => ({
  routes: { r2: { to: ['ea1', 'eb1'], by }, r4: { to: ['r5', 'y1'], by } },
});

const harmless: Readonly<Record<string, readonly Change[]>> = {
  'nothing at all': [],
  'load shared by flow': [shared('flow')],
  'load shared by packet': [shared('packet')],
  'load shared by packet over ways of unequal delay': [
    shared('packet'),
    { links: { 'r2-eb1': { delay: 12 } } },
  ],
  'load shared by packet over ways of unequal length': [
    { routes: { r4: { to: ['r5', 'x1'], by: 'packet' } } },
  ],
  'silent hops': [{ nodes: { r3: { answers: 0 }, r7: { answers: 0 }, r8: { answers: 0 } } }],
  'hops that answer seldom': [
    { nodes: { r3: { answers: 0.3 }, r7: { answers: 0.5 }, r8: { answers: 0.1 } } },
  ],
  'hops that answer seldom, where load is shared by packet': [
    shared('packet'),
    { nodes: { ea1: { answers: 0.3 }, y1: { answers: 0.5 }, r8: { answers: 0.6 } } },
  ],
  'jitter on every link': [everyLink({ jitter: 3 })],
  'much jitter on one link': [{ links: { 'r4-r5': { jitter: 12 } } }],
  'a router that is slow to answer': [{ nodes: { r5: { slow: 80 }, r8: { slow: 20 } } }],
  'three lost packets in a hundred': [{ nodes: { r5: { loss: 0.03 } } }],
  'lost packets, jitter, and hops that answer seldom': [
    everyLink({ jitter: 1 }),
    { nodes: { r2: { loss: 0.01 }, r6: { loss: 0.01, answers: 0.7 }, r3: { slow: 50, answers: 0.4 } } },
  ],
};

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const targets = fc.constantFrom(v4, v6);
const rounds = 1000;

const withAll = (changes: readonly Change[]): Network =>
  exampleNetwork(changes.map((change) => ({ at: instant(0), ...change })));

describe('a harmless network raises nothing in a thousand rounds', () => {
  for (const [name, changes] of Object.entries(harmless)) {
    it(name, () => {
      const network = withAll(changes);
      fc.assert(
        fc.property(seeds, targets, (seed, target) => {
          const watch = new Watch(network, { seed, target }).rounds(rounds);
          assert.deepEqual(watch.summaries(), []);
        }),
        { numRuns: 5 },
      );
    });
  }
});

/** What is found, where, and within how many rounds. */
const faults: Readonly<Record<string, readonly [Change, verdict: string, hop: string, within: number]>> = {
  'another path': [{ routes: { r4: { to: ['y1'], by: 'flow' } } }, 'path-changed', 'y1', 2],
  'a longer path': [{ routes: { r4: { to: ['x1'], by: 'flow' } } }, 'more-hops', 'x1', 2],
  'a black hole': [{ nodes: { r7: { passes: 'nothing' } } }, 'unreachable', 'r7', 2],
  'a refusal': [{ nodes: { r7: { passes: 'refused' } } }, 'unreachable', 'r7', 2],
  'a loop': [{ routes: { r7: { to: ['r6'], by: 'flow' } } }, 'loop', 'r6', 2],
  '20 ms more': [{ links: { 'r5-r6': { delay: 11 } } }, 'slow', 'r6', 3],
  // Fewer pings than these cannot tell 30 % from a run of bad luck.
  '30 % loss': [{ nodes: { r5: { loss: 0.3 } } }, 'loss', 'r6', 20],
};

const backgrounds: Readonly<Record<string, readonly Change[]>> = {
  'a quiet network': [],
  'shared load, seldom answers, lost packets and jitter': [
    { routes: { r2: { to: ['ea1', 'eb1'], by: 'packet' } } },
    { nodes: { r3: { answers: 0.4 }, r8: { answers: 0.5, slow: 30 }, r1: { loss: 0.01 } } },
    everyLink({ jitter: 0.4 }),
  ],
};

for (const [background, changes] of Object.entries(backgrounds)) {
  describe(`on ${background}, for every seed`, () => {
    for (const [name, [change, verdict, hop, within]] of Object.entries(faults)) {
      it(`${name} is ${verdict} at ${hop}`, () => {
        let right = 0;
        let all = 0;
        fc.assert(
          fc.property(seeds, targets, (seed, target) => {
            const watch = new Watch(withAll(changes), { seed, target }).rounds(30);
            assert.deepEqual(watch.summaries(), []);
            watch.change(change).rounds(background === 'a quiet network' ? within : within + 2);
            const raised = watch.changes.filter((one) => one.verdict === verdict);
            assert.notEqual(raised.length, 0, `not raised, but: ${watch.summaries()}`);
            all++;
            if (raised.at(-1)?.hop === nodeOf(lab, hop, target)) right++;
          }),
          { numRuns: 40 },
        );
        // Where a loss begins is a matter of likelihood; all else is seen.
        assert.ok(right >= (verdict === 'loss' ? all * 0.8 : all), `${right} of ${all} at the right hop`);
      });
    }
  });
}

describe('a loss of 30 %', () => {
  it('is mostly said within two rounds, and hardly ever at a wrong hop, for two that cannot be told apart are waited for', () => {
    let soon = 0;
    let wrong = 0;
    let named = 0;
    const all = 300;
    for (let seed = 1; seed <= all; seed++) {
      const watch = new Watch(lab, { seed }).rounds(30).change({ nodes: { r5: { loss: 0.3 } } });
      const said = watch.rounds(12).changes.filter(({ verdict }) => verdict === 'loss');
      const first = said.find(({ hop }) => hop !== null) ?? null;
      if (first !== null && first.hop !== nodeOf(lab, 'r6')) wrong++;
      if (first !== null && first.round <= 32) soon++;
      if (said.at(-1)?.hop === nodeOf(lab, 'r6')) named++;
    }
    assert.ok(soon >= all * 0.8, `${soon} with a hop within two rounds`);
    assert.ok(wrong <= all * 0.04, `${wrong} wrong`);
    assert.ok(named >= all * 0.99, `${named} right within twelve rounds`);
  });
});

describe('a path', () => {
  const flapping = (watch: Watch, pauses: readonly number[]): Watch => {
    let isOld = true;
    for (const pause of pauses) {
      isOld = !isOld;
      watch.change({ routes: { r4: { to: [isOld ? 'r5' : 'y1'], by: 'flow' } } }).rounds(pause);
    }
    return watch;
  };

  it('that flaps is never blamed on anything else, and said and taken back in turn', () => {
    const pauses = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(seeds, pauses, (seed, lengths) => {
        const said = flapping(known(lab, { seed }), lengths).said();
        const back = lengths.filter((length, n) => n % 2 === 1 && length >= defaultRules.path.back).length;
        assert.equal(said.filter((one) => one === 'cleared path-changed').length, back, said.join());
        assert.ok(said.length > 0);
        for (const [n, one] of said.entries())
          assert.equal(one, `${n % 2 === 0 ? 'raised' : 'cleared'} path-changed`);
      }),
      { numRuns: 30 },
    );
  });

  it('that comes and goes all the time is said once', () => {
    const often = Array.from({ length: 40 }, (_, n) => 1 + (n % 2));
    const watch = flapping(known(), often);
    assert.deepEqual(watch.said(), ['raised path-changed']);
    assert.deepEqual(flapping(watch, [1, 4]).said(), ['cleared path-changed']);
  });
});
