/** What people read: short summaries, and tables in which nothing of the network is markup. Also which hops are spared. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleNetwork } from '../../src/probe/core/network.ts';
import {
  type Beginning,
  beginningOf,
  commonHops,
  gapMost,
  probesPerHop,
  shapeOf,
  sparedMax,
} from '../../src/probe/core/sparing.ts';
import type { Judged } from '../../src/probe/core/state.ts';
import { isListed } from '../../src/probe/core/via.ts';
import { delayWords, escapeHtml, fitted, lengthWords, summaryMax } from '../../src/probe/core/words.ts';
import { safeDetail } from '../../src/station/html.ts';
import { hours, milliseconds, minutes, plus, seconds } from '../../src/time.ts';
import { address, known, nodeOf, start, v4, v6, Watch } from './watch.ts';

const lab = exampleNetwork();
const change = { routes: { r4: { to: ['y1'], by: 'flow' } } } as const;

describe('words', () => {
  it('delays and lengths of time are as exact as anybody needs', () => {
    assert.deepEqual([0.42, 9.96, 44.4, 1234, 12_345].map(delayWords), [
      '0.4 ms',
      '10 ms',
      '44 ms',
      '1.2 s',
      '12 s',
    ]);
    assert.equal(lengthWords(start, plus(start, seconds(12))), '12s');
    assert.equal(lengthWords(start, plus(start, (minutes(125) + 7000) as never)), '2h5m');
    assert.equal(lengthWords(start, plus(start, hours(75))), '3d3h');
    assert.equal(lengthWords(plus(start, hours(1)), start), '0s');
  });

  it('a summary fits a text message, cut at a character', () => {
    const text = fitted('😀'.repeat(200));
    assert.equal([...text].length, summaryMax);
    assert.ok(text.endsWith('😀…'));
  });

  it('a summary with two of the longest addresses fits whole', () => {
    const long = (n: number) => address(`2001:0db8:aaaa:bbbb:cccc:dddd:eeee:fff${n}`);
    const { r5, y1 } = lab.nodes;
    assert.ok(r5 && y1);
    const nodes = { ...lab.nodes, r5: { ...r5, v6: long(1) }, y1: { ...y1, v6: long(2) } };
    const watch = known({ ...lab, nodes }, { target: v6 })
      .change(change)
      .rounds(2);
    assert.equal(
      watch.raised('path-changed').summary,
      `path changed at hop 7: ${long(1)} -> ${long(2)}, since 03:00 UTC`,
    );
  });

  it('the detail shows the hops side by side, and passes the station as it is', () => {
    const { detailHtml } = known().change(change).rounds(2).raised('path-changed');
    const rows = detailHtml.match(/<tr>.*?<\/tr>/g) ?? [];
    assert.equal(rows.length, 12);
    assert.equal(
      rows[0],
      '<tr><th>Hop</th><th>Usual</th><th>Delay</th><th>Loss</th><th>Now</th><th>Delay</th><th>Loss</th></tr>',
    );
    assert.match(
      rows[7] ?? '',
      new RegExp(
        `<b>7</b></td><td>${nodeOf(lab, 'r5')}</td><td>(14|15) ms</td><td>0 %</td><td>${nodeOf(lab, 'y1')}<`,
      ),
    );
    assert.equal(safeDetail(detailHtml), detailHtml);
  });

  it('what a router says is text', () => {
    assert.equal(escapeHtml(`<b a="1">&'`), '&lt;b a=&quot;1&quot;&gt;&amp;&#39;');
    const watch = known();
    const why = '<img src=x onerror=alert(1)>';
    for (let i = 0; i < 8; i++) {
      const outcome = { kind: 'error', from: address('192.0.2.1'), why } as const;
      watch.judgePing({ address: v4, at: watch.now, outcome });
      watch.wait(seconds(1));
    }
    const { summary, detailHtml } = watch.raised('unreachable');
    assert.ok(summary.includes(why));
    assert.ok(!detailHtml.includes('<img') && detailHtml.includes('&lt;img'));
  });
});

describe('listed hops', () => {
  it('are addresses or networks; what cannot be read lists nothing', () => {
    assert.ok(isListed('192.0.2.1', address('192.0.2.1')));
    assert.ok(isListed('192.0.2.0/24', address('192.0.2.200')));
    assert.ok(isListed('2001:db8::/32', address('2001:db8:1::1')));
    for (const [listed, hop] of [
      ['192.0.2.0/24', '198.51.100.1'],
      ['192.0.2.0/24', '2001:db8::1'],
      ['192.0.2.0/99', '192.0.2.1'],
      ['x/8', '10.0.0.1'],
      ['10.0.0.0/8', 'x'],
    ] as const) {
      assert.equal(isListed(listed, address(hop)), false, `${listed} ${hop}`);
    }
  });
});

describe('the first hops', () => {
  const beginnings = (all: readonly Judged[]): Beginning[] =>
    all.flatMap((judged) => {
      const hops = beginningOf(judged);
      return hops === null ? [] : [{ address: judged.address, hops }];
    });
  const targets = (count: number) =>
    Array.from(
      { length: count },
      (_, n) => new Watch(lab, { target: address(`198.51.100.${n}`) }).rounds(3).state,
    );

  it('are spared where they are common to all targets, in seven traces of eight', () => {
    const all = targets(10);
    const common = commonHops(beginnings(all));
    assert.deepEqual(common, { v4: sparedMax, v6: 0 });
    const [one] = all;
    assert.ok(one);
    assert.equal(shapeOf(one, common, false).firstHop, sparedMax + 1);
    const { paths } = one;
    const eighth = { ...one, paths: { ...paths, usual: { ...paths.usual, traces: 16 } } };
    assert.equal(shapeOf(eighth, common, false).firstHop, 1);
  });

  it('are not spared for a few targets, for one that is new, or where something stands', () => {
    assert.deepEqual(commonHops(beginnings(targets(3))), { v4: 0, v6: 0 });
    const common = { v4: 2, v6: 0 };
    assert.equal(shapeOf(new Watch(lab).rounds(1).state, common, false).firstHop, 1);
    assert.equal(shapeOf(known().change(change).rounds(2).state, common, false).firstHop, 1);
  });

  it('whose absence from a trace raises nothing', () => {
    const watch = known();
    watch.options = { ...watch.options, firstHop: 4 };
    assert.deepEqual(watch.rounds(200).said(), []);
    watch.change(change).rounds(2);
    assert.equal(watch.raised('path-changed').hop, nodeOf(lab, 'y1'));
    watch.options = { ...watch.options, firstHop: 1 };
    assert.deepEqual(new Set(watch.pathIds).size, 2);
  });
});

describe('silence', () => {
  const none = { v4: 0, v6: 0 };
  const mute = { answers: 0 };
  const gapOf = (watch: Watch): number => shapeOf(watch.state, none, false).gapLimit;

  it('ends a trace two hops behind those that are usually silent, and five where these are not known', () => {
    assert.equal(gapOf(new Watch().rounds(1)), gapMost);
    assert.equal(gapOf(known()), 2);
    assert.equal(gapOf(known(exampleNetwork([{ at: start, nodes: { r3: mute, r4: mute } }]))), 4);
    assert.equal(gapOf(known(exampleNetwork([{ at: start, nodes: { r5: { answers: 0.4 } } }]))), 3);
  });

  it('of another path that has more silent hops than the usual one hides neither its change nor its length', () => {
    const long = { r4: { to: ['x1'], by: 'flow' } } as const;
    const watch = known().change({ routes: long, nodes: { x1: mute, x2: mute, x3: mute } });
    assert.deepEqual(watch.rounds(2).said(), ['raised path-changed', 'raised more-hops']);
  });

  it('of a target: what is asked then is only how far a trace comes, by one probe a hop', () => {
    const watch = known();
    assert.equal(shapeOf(watch.state, none, false).probesPerHop, probesPerHop);
    watch.change({ nodes: { r6: { passes: 'nothing' } } }).rounds(2);
    assert.equal(shapeOf(watch.state, none, false).probesPerHop, 1);
    assert.equal(watch.raised('unreachable').hop, nodeOf(lab, 'r6'));
  });

  it('of a target that has lost many pings is not asked twice at a hop, and of one that has lost a few it is', () => {
    const retriesOf = (watch: Watch): number | undefined => shapeOf(watch.state, none, false).retries;
    const watch = known().change({ nodes: { r6: { passes: 'nothing' } } });
    for (let i = 0; i < 7; i++) watch.wait(milliseconds(100)).ping();
    assert.equal(shapeOf(watch.state, none, false).probesPerHop, 1);
    assert.equal(retriesOf(watch), undefined);
    watch.wait(milliseconds(100)).ping();
    assert.equal(retriesOf(watch), 0);
    watch.change({ nodes: { r6: { passes: 'on' } } }).rounds(1);
    assert.equal(retriesOf(watch), undefined);
  });
});
