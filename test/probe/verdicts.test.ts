/** Each verdict as a timeline: what happens on the network, what is said of it, and where it begins. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleNetwork } from '../../src/probe/core/network.ts';
import { defaultRules, type Rules } from '../../src/probe/core/rules.ts';
import { milliseconds, minutes, plus, seconds } from '../../src/time.ts';
import { address, known, nodeOf, start, v4, v6, Watch } from './watch.ts';

const lab = exampleNetwork();
const way = (to: string) => ({ to: [to], by: 'flow' }) as const;

for (const target of [v4, v6]) {
  const hop = (name: string) => nodeOf(lab, name, target);

  describe(`a target at ${target}`, () => {
    it('takes another path of the same length: path-changed at the hop, cleared when it is back', () => {
      const watch = known(lab, { target })
        .change({ routes: { r4: way('y1') } })
        .rounds(2);
      const { summary, hop: at } = watch.raised('path-changed');
      assert.equal(at, hop('y1'));
      assert.equal(summary, `path changed at hop 7: ${hop('r5')} -> ${hop('y1')}, since 03:00 UTC`);
      assert.deepEqual(watch.said(), ['raised path-changed']);
      watch.change({ routes: { r4: way('r5') } }).rounds(3);
      assert.match(watch.summaries()[0] ?? '', /path is back: .* at hop 7 again, after 4s/);
      assert.deepEqual(watch.said(), ['cleared path-changed']);
    });

    it('takes a longer path: also more-hops', () => {
      const watch = known(lab, { target })
        .change({ routes: { r4: way('x1') } })
        .rounds(2);
      assert.equal(watch.raised('path-changed').hop, hop('x1'));
      assert.match(watch.raised('more-hops').summary, /^2 hops more from hop 7 on \(.*\): 13, usually 11/);
      assert.deepEqual(watch.said(), ['raised path-changed', 'raised more-hops']);
      watch.change({ routes: { r4: way('r5') } }).rounds(3);
      assert.deepEqual(watch.said(), ['cleared path-changed', 'cleared more-hops']);
    });

    it('takes a shorter path: path-changed only', () => {
      const long = { ...lab, routes: { ...lab.routes, r4: way('x1') } };
      const watch = known(long, { target })
        .change({ routes: { r4: way('r5') } })
        .rounds(2);
      assert.equal(watch.raised('path-changed').hop, hop('r5'));
      assert.deepEqual(watch.said(), ['raised path-changed']);
    });

    it('falls into a black hole: unreachable beyond the last hop that answers, and no change of path', () => {
      const watch = known(lab, { target })
        .change({ nodes: { r6: { passes: 'nothing' } } })
        .rounds(2);
      const { summary, hop: at } = watch.raised('unreachable');
      assert.equal(at, hop('r6'));
      assert.equal(summary, `unreachable: nothing answers beyond hop 8 (${hop('r6')}), since 03:00 UTC`);
      watch
        .rounds(20)
        .change({ nodes: { r6: { passes: 'on' } } })
        .rounds(2);
      assert.deepEqual(watch.said(), ['raised unreachable', 'cleared unreachable']);
      // What was lost meanwhile was an outage: it is not held against the target as loss.
      assert.deepEqual(watch.rounds(60).said(), []);
    });

    it('is refused by a router: unreachable, with what the router says', () => {
      const watch = known(lab, { target })
        .change({ nodes: { r6: { passes: 'refused' } } })
        .rounds(2);
      const { summary, hop: at } = watch.raised('unreachable');
      assert.equal(at, hop('r6'));
      assert.match(summary, /^unreachable: \S+ \(hop 8\) says network unreachable, since/);
      assert.deepEqual(watch.rounds(20).said(), ['raised unreachable']);
    });

    it('is behind a loop: loop, with both routers, and nothing besides', () => {
      const watch = known(lab, { target })
        .change({ routes: { r7: way('r6') } })
        .rounds(2);
      const { summary, hop: at } = watch.raised('loop');
      assert.equal(at, hop('r6'));
      assert.match(
        summary,
        new RegExp(`^loop between hop 8 \\(${hop('r6')}\\) and hop 9 \\(${hop('r7')}\\)`),
      );
      assert.deepEqual(watch.rounds(60).said(), ['raised loop']);
      watch.change({ routes: { r7: way('r8') } }).rounds(3);
      assert.match(watch.summaries()[0] ?? '', /answers again and no loop any more, after 1m/);
      assert.deepEqual(watch.said(), ['cleared loop']);
      // What was lost meanwhile was an outage: it is not held against the target as loss.
      assert.deepEqual(watch.rounds(60).said(), []);
    });

    it('gets 20 ms slower at one link: slow from the hop behind it on', () => {
      const watch = known(lab, { target })
        .change({ links: { 'r4-r5': { delay: 11 } } })
        .rounds(2);
      const { summary, hop: at } = watch.raised('slow');
      assert.equal(at, hop('r5'));
      assert.match(summary, /^\+20 ms from hop 7 on \(\S+\): 43 ms, usually 23 ms, since 03:00 UTC$/);
      assert.deepEqual(watch.said(), ['raised slow']);
      watch.change({ links: { 'r4-r5': { delay: 1 } } }).rounds(6);
      assert.deepEqual(watch.said(), ['cleared slow']);
    });

    it('loses 70 % behind a router: loss from the next hop on', () => {
      const watch = known(lab, { target, seed: 4 })
        .change({ nodes: { r5: { loss: 0.7 } } })
        .rounds(3);
      const { summary, hop: at } = watch.raised('loss');
      assert.equal(at, hop('r6'));
      assert.match(summary, /^\d+ % loss from hop 8 on \(\S+\): \d+ of the last \d+ pings lost$/);
      watch.change({ nodes: { r5: { loss: 0 } } }).rounds(40);
      assert.deepEqual([...new Set(watch.said())], ['raised loss', 'cleared loss']);
      assert.deepEqual(watch.standing(), []);
    });
  });
}

describe('a loop and an outage', () => {
  const loop = { routes: { r7: way('r6') } };
  const hole = { nodes: { r4: { passes: 'nothing' as const } } };
  const noHole = { nodes: { r4: { passes: 'on' as const } } };
  const noLoop = { routes: { r7: way('r8') } };

  it('are one fault: a loop that becomes a black hole is one, and a loop again', () => {
    const watch = known().change(loop).rounds(10);
    assert.deepEqual(watch.said(), ['raised loop']);
    watch.change({ ...hole, ...noLoop }).rounds(4);
    const { hop, summary } = watch.raised('unreachable');
    assert.equal(hop, nodeOf(lab, 'r4'));
    assert.equal(summary, `unreachable: nothing answers beyond hop 6 (${hop}), since 03:00 UTC`);
    assert.match(
      watch.summaries().at(-1) ?? '',
      /cleared loop: still cut off, but no loop any more: now known as unreachable$/,
    );
    assert.deepEqual(watch.said(), ['raised unreachable', 'cleared loop']);
    assert.deepEqual(watch.rounds(20).said(), []);
    watch.change({ ...loop, ...noHole }).rounds(4);
    assert.match(
      watch.summaries().at(-1) ?? '',
      new RegExp(`cleared unreachable: still cut off, now known as a loop at ${nodeOf(lab, 'r6')}$`),
    );
    assert.deepEqual(watch.said(), ['raised loop', 'cleared unreachable']);
    watch.change(noLoop).rounds(4);
    assert.match(watch.summaries()[0] ?? '', /answers again and no loop any more, after 3\ds/);
    assert.deepEqual(watch.said(), ['cleared loop']);
    assert.deepEqual(watch.rounds(60).said(), []);
  });

  it('are told apart before either is said, though pings are lost faster than traces come', () => {
    const watch = known().change(loop);
    const pings = (count: number) => {
      for (let i = 0; i < count; i++) {
        watch.ping();
        watch.wait(milliseconds(200));
      }
    };
    pings(1);
    watch.trace();
    pings(10);
    assert.deepEqual(watch.said(), []);
    watch.trace();
    assert.deepEqual(watch.said(), ['raised loop']);
    const late = known().change(loop);
    late.ping();
    late.trace();
    for (let i = 0; i < 6; i++) late.wait(seconds(1)).ping();
    assert.match(late.raised('unreachable').summary, /^unreachable: it goes in circles from hop 8 on/);
  });

  it('where loops are not judged, one that becomes a black hole is unreachable there, and the other way round', () => {
    const watch = known(lab, { rules: { ...defaultRules, loop: null } })
      .change(loop)
      .rounds(10);
    assert.match(watch.raised('unreachable').summary, /^unreachable: it goes in circles from hop 8 on/);
    assert.deepEqual(watch.said(), ['raised unreachable']);
    watch.change({ ...hole, ...noLoop }).rounds(4);
    assert.match(watch.raised('unreachable').summary, /^unreachable: nothing answers beyond hop 6/);
    assert.deepEqual(watch.said(), ['raised unreachable']);
    watch.change({ ...loop, ...noHole }).rounds(4);
    assert.match(watch.raised('unreachable').summary, /^unreachable: it goes in circles from hop 8 on/);
    assert.deepEqual(watch.said(), ['raised unreachable']);
  });

  it('an outage that begins nearer by now is told once more, by traces that agree', () => {
    const watch = known()
      .change({ nodes: { r6: { passes: 'nothing' } } })
      .rounds(20);
    assert.equal(watch.raised('unreachable').hop, nodeOf(lab, 'r6'));
    assert.deepEqual(watch.said(), ['raised unreachable']);
    watch.change(hole).rounds(20);
    const { hop, summary } = watch.raised('unreachable');
    assert.equal(hop, nodeOf(lab, 'r4'));
    assert.equal(summary, `unreachable: nothing answers beyond hop 6 (${hop}), since 03:00 UTC`);
    assert.deepEqual(watch.said(), ['raised unreachable']);
    assert.deepEqual(watch.rounds(60).said(), []);
    watch.change(noHole).rounds(20);
    assert.equal(watch.raised('unreachable').hop, nodeOf(lab, 'r6'));
    assert.deepEqual(watch.said(), ['raised unreachable']);
  });

  it('the last router before an outage that answers every second time is not told of again and again', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const watch = known(lab, { seed }).change({ nodes: { r6: { passes: 'nothing', answers: 0.5 } } });
      watch.rounds(500);
      assert.ok(watch.said().length <= 4, `seed ${seed}: ${watch.summaries().join('; ')}`);
    }
  });

  it('where only loops are judged, one that becomes a black hole is no loop any more', () => {
    const watch = known(lab, { rules: { ...defaultRules, unreachable: null } })
      .change(loop)
      .rounds(10);
    assert.deepEqual(watch.said(), ['raised loop']);
    watch.change({ ...hole, ...noLoop }).rounds(4);
    assert.deepEqual(watch.said(), ['cleared loop']);
  });
});

describe('a link that comes and goes', () => {
  const cut = { nodes: { r6: { passes: 'nothing' as const } } };
  const whole = { nodes: { r6: { passes: 'on' as const } } };
  const flap = (watch: Watch, times: number, down: number, up: number): Watch => {
    for (let i = 0; i < times; i++) watch.change(cut).rounds(down).change(whole).rounds(up);
    return watch;
  };

  it('every three seconds is told twice, and is over once it has answered for a while', () => {
    const watch = flap(known(), 100, 3, 3);
    assert.deepEqual(watch.said(), ['raised unreachable', 'cleared unreachable', 'raised unreachable']);
    watch.rounds(20);
    assert.match(watch.summaries()[0] ?? '', /answers again, for 1\ds without a break, after 1\dm$/);
    assert.deepEqual(watch.said(), ['cleared unreachable']);
  });

  it('more slowly is told a few times, for the longer it came and went the longer it must answer', () => {
    for (const seconds of [10, 30, 120]) {
      const raised = flap(known(), 20, seconds, seconds)
        .said()
        .filter((one) => one === 'raised unreachable');
      assert.ok(raised.length <= 6, `${seconds} s: ${raised.length}`);
    }
  });

  it('is cleared in the end, at most ten minutes after it came and went, also where some packets are lost', () => {
    const watch = known(exampleNetwork([{ at: start, nodes: { r3: { loss: 0.02 } } }]));
    flap(watch, 20, 120, 120).said();
    watch.rounds(601);
    assert.equal(watch.standing().includes('unreachable'), false);
  });

  it('for a packet now and then is not told anew for each where it is cut off', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const watch = known(lab, { seed })
        .change({ nodes: { r5: { loss: 0.9 } } })
        .rounds(100);
      const said = watch.said().filter((one) => one.endsWith('unreachable'));
      const cleared = said.filter((one) => one.startsWith('cleared')).length;
      assert.ok(said.length <= 2 * cleared + 2, `seed ${seed}: ${said}`);
    }
  });

  it('that breaks again much later is back at once, as the first time', () => {
    const watch = flap(known(), 1, 20, 3);
    assert.deepEqual(watch.said(), ['raised unreachable', 'cleared unreachable']);
    watch.rounds(1800);
    assert.deepEqual(flap(watch, 1, 20, 2).said(), ['raised unreachable', 'cleared unreachable']);
  });

  it('as a loop is told as seldom; and each time, where the rule says so', () => {
    const loop = (rules: Rules): readonly string[] => {
      const watch = known(lab, { rules });
      for (let i = 0; i < 50; i++) {
        watch.change({ routes: { r7: way('r6') } }).rounds(3);
        watch.change({ routes: { r7: way('r8') } }).rounds(3);
      }
      return watch.said();
    };
    assert.deepEqual(loop(defaultRules), ['raised loop', 'cleared loop', 'raised loop']);
    const { unreachable } = defaultRules;
    assert.ok(unreachable);
    assert.equal(loop({ ...defaultRules, unreachable: { ...unreachable, steady: seconds(0) } }).length, 100);
  });
});

describe('paths', () => {
  it('a link that breaks right behind the probe is unreachable, with no hop to name', () => {
    const watch = known()
      .change({ nodes: { r1: { answers: 0, passes: 'nothing' } } })
      .rounds(3);
    const { hop, summary } = watch.raised('unreachable');
    assert.equal(hop, null);
    assert.equal(summary, 'unreachable: no answer, since 03:00 UTC');
  });

  it('a new path that has stood for long enough is the usual one, and says so', () => {
    const rules: Rules = { ...defaultRules, path: { ...defaultRules.path, settle: minutes(1) } };
    const watch = known(lab, { rules })
      .change({ routes: { r4: way('x1') } })
      .rounds(50);
    assert.deepEqual(watch.standing(), ['path-changed', 'more-hops']);
    watch.rounds(15);
    assert.match(watch.changes.at(-1)?.summary ?? '', /has stood for 1m: usual from now on$/);
    assert.deepEqual(watch.standing(), []);
    watch.said();
    watch.change({ routes: { r4: way('r5') } }).rounds(1);
    assert.deepEqual(watch.said(), ['raised path-changed']);
  });

  it('… or after so many traces', () => {
    const rules: Rules = { ...defaultRules, path: { ...defaultRules.path, settleTraces: 10 } };
    const watch = known(lab, { rules })
      .change({ routes: { r4: way('y1') } })
      .rounds(20);
    assert.deepEqual(watch.said(), ['raised path-changed', 'cleared path-changed']);
  });

  it('a third path is said, too', () => {
    const watch = known()
      .change({ routes: { r4: way('y1') } })
      .rounds(3);
    watch.change({ routes: { r4: way('x1') } }).rounds(2);
    assert.deepEqual(watch.said(), ['raised path-changed', 'raised path-changed', 'raised more-hops']);
    watch.change({ routes: { r4: way('r5') } }).rounds(3);
    assert.deepEqual(watch.said(), ['cleared path-changed', 'cleared more-hops']);
  });

  it('a new path is the usual one after as long where traces no longer arrive, though pings are answered', () => {
    const watch = known()
      .change({ routes: { r4: way('x1') } })
      .rounds(3);
    assert.deepEqual(watch.said(), ['raised path-changed', 'raised more-hops']);
    watch.options = { ...watch.options, maxHops: 9 };
    watch.rounds(5).wait(minutes(29)).rounds(5);
    assert.deepEqual(watch.said(), []);
    watch.wait(minutes(1)).rounds(5);
    assert.deepEqual(watch.said(), ['cleared path-changed', 'cleared more-hops']);
    assert.deepEqual(watch.rounds(20).said(), []);
  });

  it('an outage on the new path, and after it the old path: both are said, in turn', () => {
    const watch = known()
      .change({ routes: { r4: way('y1') } })
      .rounds(3);
    watch.change({ nodes: { y1: { passes: 'nothing' } } }).rounds(5);
    watch.change({ routes: { r4: way('r5') } }).rounds(4);
    assert.deepEqual(watch.said(), [
      'raised path-changed',
      'raised unreachable',
      'cleared unreachable',
      'cleared path-changed',
    ]);
  });

  it('a silent hop that begins to answer, or stops, is no change', () => {
    const silent = new Watch(lab).change({ nodes: { r5: { answers: 0 } } }).rounds(10);
    assert.deepEqual(
      silent
        .change({ nodes: { r5: { answers: 1 } } })
        .rounds(50)
        .said(),
      [],
    );
    assert.deepEqual(
      silent
        .change({ nodes: { r5: { answers: 0 } } })
        .rounds(50)
        .said(),
      [],
    );
  });

  it('a change is found on a path with silent and rarely answering hops and shared load', () => {
    const nodes = { r3: { answers: 0 }, r7: { answers: 0.4 }, y1: { answers: 0.7 } };
    const routes = { r2: { to: ['ea1', 'eb1'], by: 'packet' as const } };
    const watch = new Watch(lab).change({ nodes, routes }).rounds(30);
    watch.change({ routes: { r4: way('y1') } }).rounds(3);
    assert.equal(watch.raised('path-changed').hop, nodeOf(lab, 'y1'));
  });

  it('the change that one more router shares the load is one, if the flow moved; to and fro by packet is not', () => {
    const watch = known()
      .change({ routes: { r4: { to: ['r5', 'y1'], by: 'packet' } } })
      .rounds(200);
    assert.deepEqual(watch.said(), []);
  });
});

describe('a short break', () => {
  it('of a second is neither an outage nor a loss, though much is asked in it', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const watch = known(lab, { seed });
      const back = plus(watch.now, seconds(1));
      watch.change({ nodes: { r7: { passes: 'nothing' } } });
      const heals = { at: back, nodes: { r7: { passes: 'on' as const } } };
      watch.network = { ...watch.network, changes: [...watch.network.changes, heals] };
      assert.deepEqual(watch.rounds(60).summaries(), []);
    }
  });
});

describe('the identity of a path', () => {
  const ids = (watch: Watch): readonly (string | null)[] => [...new Set(watch.pathIds.splice(0))];

  it('stays the same while hops are silent now and then and load is shared by packet', () => {
    const nodes = { r3: { answers: 0.5 }, r7: { answers: 0.1 } };
    const routes = { r2: { to: ['ea1', 'eb1'], by: 'packet' as const } };
    const watch = new Watch(lab).change({ nodes, routes }).rounds(200);
    assert.equal(ids(watch).length, 1);
  });

  it('is another one from the first trace of a change on, and the old one when the path is back', () => {
    const watch = known();
    const [old] = ids(watch);
    watch.change({ routes: { r4: way('y1') } }).rounds(5);
    const [next, ...more] = ids(watch);
    assert.notEqual(next, old);
    assert.deepEqual(more, []);
    watch.change({ routes: { r4: way('r5') } }).rounds(2);
    assert.deepEqual(ids(watch), [old]);
    watch.change({ routes: { r4: way('y1') } }).rounds(2);
    assert.deepEqual(ids(watch), [next]);
  });

  it('depends on the path and not on who looks when', () => {
    const [one] = ids(known(lab, { seed: 1 }));
    assert.deepEqual(ids(known(lab, { seed: 2, interval: seconds(60) })), [one]);
    assert.notDeepEqual(ids(known(lab, { target: address('198.51.100.8') })), [one]);
  });

  it('is none where nothing answers', () => {
    const watch = known().change({ nodes: { r1: { answers: 0, passes: 'nothing' } } });
    ids(watch);
    watch.rounds(2);
    assert.deepEqual(ids(watch), [null]);
  });
});

describe('what only some targets do', () => {
  it('one that answers no ping but traces is neither unreachable nor lossy', () => {
    const watch = new Watch(lab);
    for (let i = 0; i < 100; i++) {
      watch.trace();
      const { target, rules } = watch.options;
      const lost = { address: target, at: watch.now, outcome: { kind: 'lost' } } as const;
      watch.judgePing(lost, rules);
      watch.wait(seconds(1));
    }
    assert.deepEqual(watch.summaries(), []);
  });

  it('one that answers no ping is not unreachable for a few lost packets', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const watch = new Watch(exampleNetwork([{ at: start, nodes: { r5: { loss: 0.05 } } }]), { seed });
      const { target, rules } = watch.options;
      for (let i = 1; i <= 3000; i++) {
        watch.judgePing({ address: target, at: watch.now, outcome: { kind: 'lost' } }, rules);
        if (i % 10 === 1) watch.trace();
        watch.wait(seconds(5));
      }
      assert.deepEqual(watch.said(), [], `seed ${seed}`);
    }
  });

  it('one that answers no ping is pinged sooner only as often as could make it an outage', () => {
    const watch = new Watch(lab);
    const { target, rules } = watch.options;
    let wanted = 0;
    for (let i = 0; i < 30; i++) {
      const lost = { address: target, at: watch.now, outcome: { kind: 'lost' } } as const;
      if (watch.judgePing(lost, rules).pings > 0) wanted++;
      if (i === 0) watch.trace();
      watch.wait(seconds(1));
    }
    assert.ok(wanted > 5 && wanted < 12, `${wanted}`);
  });

  it('one that no longer answers pings but traces is lossy; after a break of which as many are lost as are asked, it is not', () => {
    const lose = (count: number): Watch => {
      const watch = known(lab).rounds(50);
      const { target: address } = watch.options;
      for (let i = 1; i <= count; i++) {
        watch.judgePing({ address, at: watch.now, outcome: { kind: 'lost' } });
        watch.wait(milliseconds(100));
        if (i % 5 === 0) watch.trace();
      }
      return watch;
    };
    assert.deepEqual(lose(11).rounds(30).summaries(), []);
    assert.deepEqual(lose(40).said(), ['raised loss']);
  });

  it('one that is back says how long it was away, from the first ping that was lost on', () => {
    const watch = known(lab)
      .change({ nodes: { r6: { passes: 'nothing' } } })
      .rounds(60)
      .change({ nodes: { r6: { passes: 'on' } } })
      .rounds(2);
    assert.match(watch.summaries().at(-1) ?? '', /answers again, after 1m/);
  });

  it('one that never answers anything is unreachable', () => {
    const watch = new Watch(lab).change({ nodes: { r8: { passes: 'nothing' } } }).rounds(4);
    assert.equal(watch.raised('unreachable').hop, nodeOf(lab, 'r8'));
    assert.deepEqual(watch.rounds(50).said(), ['raised unreachable']);
  });

  it('one whose traces end before it, though pings are answered, is watched as far as they go', () => {
    const watch = new Watch(lab, { maxHops: 9 }).rounds(10);
    assert.deepEqual(watch.said(), []);
    watch.change({ routes: { r4: way('y1') } }).rounds(2);
    assert.deepEqual(watch.said(), ['raised path-changed']);
    assert.equal(watch.rounds(20).standing().includes('unreachable'), false);
  });
});

describe('slowness', () => {
  it('over an absolute limit', () => {
    const rules: Rules = { ...defaultRules, slow: { ...slowRule, over: 40, usual: null, step: null } };
    const watch = known(lab, { rules })
      .change({ links: { 'r7-r8': { delay: 10 } } })
      .rounds(2);
    assert.match(watch.raised('slow').summary, /^41 ms, more than 40 ms from hop 10 on/);
  });

  it('a small step that stays is found later, by many delays', () => {
    const watch = known(lab)
      .rounds(20)
      .change({ links: { 'r6-r7': { delay: 5 } } })
      .rounds(3);
    assert.deepEqual(watch.said(), []);
    watch.rounds(6);
    assert.equal(watch.raised('slow').hop, nodeOf(lab, 'r7'));
  });

  it('one that has stood for a day is usual', () => {
    const rules: Rules = { ...defaultRules, slow: { ...slowRule, settle: minutes(1) } };
    const watch = known(lab, { rules })
      .change({ links: { 'r4-r5': { delay: 11 } } })
      .rounds(90);
    assert.deepEqual(watch.said(), ['raised slow', 'cleared slow']);
    assert.deepEqual(watch.rounds(200).said(), []);
  });

  it('one long delay in five is none', () => {
    const watch = known(lab);
    for (let i = 0; i < 60; i++) {
      watch.change({ links: { 'r4-r5': { delay: i % 5 === 0 ? 30 : 1 } } }).rounds(1);
    }
    assert.deepEqual(watch.said(), []);
  });

  it('a trace that took hardly longer does not say where, as one that was under way then', () => {
    const watch = known(lab).change({ links: { 'r4-r5': { delay: 31 } } });
    for (let i = 0; i < 8; i++) watch.ping();
    watch.change({ links: { 'r4-r5': { delay: 1 }, 'r8-t': { delay: 3 } } });
    watch.wait(milliseconds(1)).trace();
    assert.equal(watch.raised('slow').hop, null);
    watch.change({ links: { 'r4-r5': { delay: 31 }, 'r8-t': { delay: 1 } } });
    for (let i = 0; i < 8; i++) watch.ping();
    watch.wait(milliseconds(1)).trace();
    assert.equal(watch.raised('slow').hop, nodeOf(lab, 'r5'));
  });

  it('at a hop that one odd trace has named is told once more, by three of them', () => {
    const watch = known(lab).change({ links: { 'r4-r5': { delay: 11 } } });
    for (let i = 0; i < 8; i++) watch.ping();
    watch.change({ links: { 'r8-t': { delay: 40 } } });
    watch.wait(milliseconds(1)).trace();
    assert.equal(watch.raised('slow').hop, v4);
    watch.change({ links: { 'r8-t': { delay: 1 } } });
    watch.rounds(1);
    assert.equal(watch.raised('slow').hop, v4);
    watch.said();
    watch.rounds(20);
    assert.equal(watch.raised('slow').hop, nodeOf(lab, 'r5'));
    assert.deepEqual(watch.said(), ['raised slow']);
  });

  it('begins where it begins, though a router behind that is so unsteady that by chance it is no slower', () => {
    const everyLink = Object.fromEntries(Object.keys(lab.links).map((name) => [name, { jitter: 0.4 }]));
    const noisy = exampleNetwork([
      { at: start, routes: { r2: { to: ['ea1', 'eb1'], by: 'packet' } }, links: everyLink },
      { at: start, nodes: { r3: { answers: 0.4 }, r8: { answers: 0.5, slow: 30 }, r1: { loss: 0.01 } } },
    ]);
    for (const [seed, target] of [
      [252, v6],
      [385, v4],
      [620, v6],
      [2741, v4],
    ] as const) {
      const watch = new Watch(noisy, { seed, target }).rounds(30);
      watch.change({ links: { 'r5-r6': { delay: 11 } } }).rounds(5);
      assert.equal(watch.raised('slow').hop, nodeOf(lab, 'r6', target), `seed ${seed}`);
    }
  });

  it('with pings only, it is found too, and a trace is asked for to see where', () => {
    const watch = known(lab).change({ links: { 'r4-r5': { delay: 11 } } });
    let confirm = 0;
    for (let i = 0; i < 8; i++) confirm += watch.ping().confirm;
    assert.equal(confirm, 1);
    assert.equal(watch.raised('slow').hop, null);
    watch.wait(milliseconds(1)).trace();
    assert.equal(watch.raised('slow').hop, nodeOf(lab, 'r5'));
  });
});

describe('a loss', () => {
  const lossy = (loss: number) => ({ nodes: { r5: { loss } } });
  const figures = (watch: Watch): readonly number[] =>
    watch.changes
      .splice(0)
      .map(({ state, summary }) => (state === 'raised' ? Number.parseInt(summary, 10) : -1));

  /** Traces until no more is wanted. */
  const tracedOut = (watch: Watch): number => {
    for (let count = 1; ; count++) {
      assert.ok(count < 50, 'there is an end to it');
      if (watch.wait(milliseconds(500)).trace().confirm === 0) return count;
    }
  };

  it('that traces show is traced again until it is seen where it begins, and so pings are enough to say it with its hop', () => {
    let more = 0;
    let right = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const watch = known(lab, { seed }).change(lossy(0.4));
      more += tracedOut(watch) - 1;
      for (let i = 0; i < 100 && watch.changes.length === 0; i++) watch.wait(milliseconds(100)).ping();
      if (watch.raised('loss').hop === nodeOf(lab, 'r6')) right++;
    }
    assert.ok(right > 40, `${right} of 50 with the right hop`);
    assert.ok(more > 50 && more < 300, `${more} more traces for 50 targets`);
  });

  it('that traces show and pings do not is traced again a few times, and then learnt', () => {
    const watch = known(lab).change(lossy(0.4));
    const answers = (): unknown =>
      watch.judgePing({ address: v4, at: watch.now, outcome: { kind: 'reply', rtt: 22 } });
    let traces = 0;
    for (let round = 0; round < 20; round++) {
      answers();
      traces += tracedOut(watch);
    }
    assert.ok(traces <= 28, `${traces} traces in 20 rounds`);
    assert.deepEqual(watch.said(), []);
  });

  it('that lasts, and is too small to be always said, is not taken for a habit of the routers: it is said where it begins', () => {
    let right = 0;
    let wrong = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const watch = known(lab, { seed, pingsPerRound: 10, interval: seconds(10) }).change(lossy(0.16));
      for (const { hop, state } of watch.rounds(300).changes) {
        if (hop === null || state !== 'raised') continue;
        if (hop === nodeOf(lab, 'r6')) right++;
        else wrong++;
      }
    }
    assert.ok(right > 30 && wrong * 8 <= right, `${right} times where it is, ${wrong} times elsewhere`);
  });

  it('that becomes twice as much is said anew, and one that stays is not', () => {
    let retold = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const watch = known(lab, { seed }).change(lossy(0.3)).rounds(100);
      watch.said();
      watch.rounds(200);
      retold += figures(watch).length;
      watch.change(lossy(0.75)).rounds(40);
      const { summary } = watch.state.standing[0] ?? { summary: 'nothing stands' };
      assert.match(summary, /^(unreachable|comes and goes|[4-9]\d % loss)/, `seed ${seed}`);
      assert.ok(figures(watch).length <= 8, `seed ${seed}`);
    }
    assert.ok(retold <= 20, `${retold} in 4,000 rounds`);
  });

  it('of all pings is said to be, where traces still arrive', () => {
    const watch = known(lab).rounds(30).change(lossy(0.6)).rounds(60);
    assert.ok(watch.standing().includes('loss'));
    figures(watch);
    watch.change(lossy(0));
    const { target, rules } = watch.options;
    for (let i = 1; i <= 100; i++) {
      watch.judgePing({ address: target, at: watch.now, outcome: { kind: 'lost' } }, rules);
      watch.wait(seconds(1));
      if (i % 5 === 0) watch.trace();
    }
    assert.deepEqual(figures(watch), [100]);
  });
});

const slowRule = defaultRules.slow as NonNullable<Rules['slow']>;

describe('jitter', () => {
  it('is raised when half the pings jump, and cleared after it', () => {
    const watch = known(lab)
      .rounds(20)
      .change({ links: { 'r4-r5': { jitter: 120 } } })
      .rounds(40);
    assert.match(
      watch.raised('jitter').summary,
      /^jitter: \d+ ms from one ping to the next, usually 0\.\d ms$/,
    );
    watch.change({ links: { 'r4-r5': { jitter: 0.05 } } }).rounds(90);
    assert.equal(watch.standing().includes('jitter'), false);
  });

  it('is not said for ever where pings are answered no more', () => {
    const watch = known(lab)
      .rounds(20)
      .change({ links: { 'r4-r5': { jitter: 120 } } })
      .rounds(40);
    assert.ok(watch.said().includes('raised jitter'));
    for (let n = 0; n < 100; n++) {
      watch.wait(seconds(1)).judgePing({ address: v4, at: watch.now, outcome: { kind: 'lost' } });
      if (n % 5 === 0) watch.trace();
    }
    const over = watch.changes.find((one) => one.verdict === 'jitter');
    assert.equal(over?.summary, 'not known any more: pings are not answered');
    assert.equal(watch.standing().includes('unreachable'), false);
  });
});

describe('listed hops', () => {
  it('one that must not appear', () => {
    const rules: Rules = { ...defaultRules, via: [{ hop: '192.0.2.14/31', expect: 'never' }] };
    const watch = known(lab, { rules })
      .change({ routes: { r4: way('y1') } })
      .rounds(2);
    assert.equal(watch.raised('via').summary, '192.0.2.14 (192.0.2.14/31) appears at hop 7: never expected');
    watch.change({ routes: { r4: way('r5') } }).rounds(4);
    assert.equal(watch.standing().includes('via'), false);
  });

  it('is not said for ever where traces no longer arrive, whether the target answers pings or not', () => {
    const rules: Rules = { ...defaultRules, via: [{ hop: '192.0.2.14/31', expect: 'never' }] };
    for (const isCut of [false, true]) {
      const watch = known(lab, { rules })
        .change({ routes: { r4: way('y1') } })
        .rounds(3);
      assert.ok(watch.said().includes('raised via'));
      if (isCut) watch.change({ nodes: { r6: { passes: 'nothing' } } });
      else watch.options = { ...watch.options, maxHops: 9 };
      watch.rounds(5).wait(minutes(29)).rounds(5);
      assert.ok(watch.standing().includes('via'));
      watch.wait(minutes(1)).rounds(1);
      const over = watch.changes.find((one) => one.verdict === 'via');
      assert.equal(over?.summary, 'not known any more: no trace has arrived for 30m');
      watch.said();
      // Once traces arrive again they tell, and it is said again.
      watch.options = { ...watch.options, maxHops: 30 };
      watch.change({ nodes: { r6: { passes: 'on' } } }).rounds(3);
      assert.ok(watch.said().includes('raised via'));
    }
  });

  it('another one that is missing by now, and no more the one that was told of, is told', () => {
    const [one, other] = [nodeOf(lab, 'r5'), nodeOf(lab, 'ea1')];
    const via = [one, other].map((hop) => ({ hop, expect: 'always' }) as const);
    const watch = known(lab, { rules: { ...defaultRules, via } })
      .change({ routes: { r4: way('y1') } })
      .rounds(3);
    assert.match(watch.raised('via').summary, new RegExp(`^${one} is missing`));
    watch.said();
    watch.change({ routes: { r4: way('r5'), r2: way('eb1') } }).rounds(12);
    assert.match(watch.raised('via').summary, new RegExp(`^${other} is missing`));
    assert.equal(watch.said().filter((said) => said === 'raised via').length, 1);
    watch.change({ routes: { r2: way('ea1') } }).rounds(5);
    assert.equal(watch.standing().includes('via'), false);
  });

  it('one that must not be missing; silent is not missing', () => {
    const hop = nodeOf(lab, 'r5');
    const rules: Rules = { ...defaultRules, via: [{ hop, expect: 'always' }] };
    const watch = known(lab, { rules })
      .change({ nodes: { r5: { answers: 0 } } })
      .rounds(20);
    assert.deepEqual(watch.said(), []);
    watch.change({ nodes: { r5: { answers: 1 } }, routes: { r4: way('y1') } }).rounds(2);
    const { summary } = watch.raised('via');
    assert.equal(summary, `${hop} is missing from the path: hop 7 (192.0.2.14) is there instead`);
  });
});

describe('rules', () => {
  it('a verdict that is turned off is cleared, and raised no more', () => {
    const watch = known(lab)
      .change({ nodes: { r6: { passes: 'nothing' } } })
      .rounds(3);
    assert.deepEqual(watch.said(), ['raised unreachable']);
    watch.options = { ...watch.options, rules: { ...defaultRules, unreachable: null } };
    assert.deepEqual(watch.rounds(20).said(), ['cleared unreachable']);
  });

  it('at a minute between rounds, two rounds are enough as well', () => {
    const slowly = { interval: minutes(1), pingsPerRound: 2 };
    const changes = {
      'path-changed': { routes: { r4: way('y1') } },
      slow: { links: { 'r4-r5': { delay: 11 } } },
      unreachable: { nodes: { r6: { passes: 'nothing' as const } } },
    };
    for (const [verdict, change] of Object.entries(changes)) {
      const watch = known(lab, slowly).change(change).rounds(2);
      assert.deepEqual(watch.said(), [`raised ${verdict}`]);
    }
  });
});

it('what was lost once fades to nothing: the path is then judged as one that never lost any', () => {
  const watch = known().change({ nodes: { r5: { loss: 0.5 } } });
  watch.rounds(10).change({ nodes: { r5: { loss: 0 } } });
  watch.rounds(400);
  const { hops, lengths } = watch.state.paths.usual;
  for (const hop of hops.slice(0, Math.min(...lengths))) assert.equal(hop.lost, 0);
});
