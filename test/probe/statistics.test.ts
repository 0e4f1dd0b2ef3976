/** The figures of pings: what people and dashboards are shown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bucketEnd, bucketOf, hoursMax } from '../../src/probe/core/histogram.ts';
import { admit, emptySample, sampleMax } from '../../src/probe/core/sample.ts';
import {
  addError,
  addLost,
  addReply,
  addSent,
  histogram,
  hoursKnown,
  newStatistics,
  resetStatistics,
  type Statistics,
  summaryOf,
} from '../../src/probe/core/statistics.ts';
import { days, hours, type Instant, instant, minutes, plus, seconds } from '../../src/time.ts';
import { start } from './watch.ts';

const replies = (
  rtts: readonly number[],
  every = seconds(30),
  statistics = newStatistics(start),
): Statistics =>
  rtts.reduce(
    (all, rtt, index) => addReply(addSent(all), rtt, plus(start, (index * every) as never)),
    statistics,
  );
const near = (actual: number | null, expected: number): void =>
  assert.ok(
    actual !== null && Math.abs(actual - expected) < 1e-6 * Math.max(1, expected),
    `${actual} ${expected}`,
  );

describe('statistics', () => {
  it('count what became of each ping', () => {
    let statistics = replies([10, 20]);
    for (let i = 0; i < 4; i++) statistics = addSent(statistics);
    statistics = addError(addLost(addLost(statistics)));
    const { sent, recv, lost, errs, outd, last, min, avg, max } = summaryOf(statistics, start);
    assert.deepEqual({ sent, recv, lost, errs, outd }, { sent: 6, recv: 2, lost: 2, errs: 1, outd: 1 });
    assert.deepEqual({ last, min, avg, max }, { last: 20, min: 10, avg: 15, max: 20 });
  });

  it('have no delays before there is a reply', () => {
    const { avg, min, jitter, stdev, averages } = summaryOf(addLost(newStatistics(start)), start);
    assert.deepEqual([avg, min, jitter, stdev, averages.m15], [null, null, null, null, null]);
  });

  it('agree with the plain formulas', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 5000, noNaN: true }), { minLength: 2, maxLength: 50 }),
        (rtts) => {
          const mean = rtts.reduce((a, b) => a + b) / rtts.length;
          const stdev = Math.sqrt(rtts.reduce((sum, rtt) => sum + (rtt - mean) ** 2, 0) / rtts.length);
          const changes = rtts.slice(1).map((rtt, index) => Math.abs(rtt - (rtts[index] ?? 0)));
          const summary = summaryOf(replies(rtts), start);
          near(summary.avg, mean);
          near(summary.stdev, stdev);
          near(summary.jitter, changes.reduce((a, b) => a + b) / changes.length);
        },
      ),
    );
  });

  it('averages move to what is new: the short one soon, the long one late', () => {
    const before = Array.from({ length: 2880 }, () => 10);
    const after = Array.from({ length: 120 }, () => 50);
    const now = plus(start, (3000 * seconds(30)) as never);
    const { m15, h6, h24 } = summaryOf(replies([...before, ...after]), now).averages;
    assert.ok((m15 ?? 0) > 49, `${m15}`);
    assert.ok((h6 ?? 0) > 13 && (h6 ?? 0) < 20, `${h6}`);
    assert.ok((h24 ?? 0) > 10 && (h24 ?? 0) < 13, `${h24}`);
    assert.deepEqual(summaryOf(replies([10]), plus(start, hours(1))).averages, {
      m15: null,
      h6: 10,
      h24: 10,
    });
  });

  it('begin anew at zero, and the hours go on; what is under way then is counted when it comes', () => {
    const statistics = resetStatistics(addSent(replies([10, 20])), start);
    assert.equal(summaryOf(statistics, start).sent, 0);
    assert.deepEqual(histogram(statistics, null), []);
    assert.equal(histogram(statistics, start).length, 2);
    const { sent, recv, outd } = summaryOf(addReply(statistics, 5, start), start);
    assert.deepEqual({ sent, recv, outd }, { sent: 1, recv: 1, outd: 0 });
  });
});

describe('histograms', () => {
  it('a delay is in the bucket whose end is the next power of 2^(1/10)', () => {
    assert.deepEqual([1, 2, 4, 1024].map(bucketOf), [0, 10, 20, 100]);
    assert.equal(bucketOf(1.05), 1);
    assert.equal(bucketOf(0.9), -1);
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100_000, noNaN: true }), (rtt) => {
        const bucket = bucketOf(rtt);
        assert.ok(rtt <= bucketEnd(bucket) * (1 + 1e-9) && rtt > bucketEnd(bucket - 1) * (1 - 1e-9));
      }),
    );
    assert.ok([0, -1, Number.NaN, 1e300].every((rtt) => Number.isInteger(bucketOf(rtt))));
  });

  it('each hour has its own, and two days are kept', () => {
    const rtts = Array.from({ length: 60 }, (_, index) => index + 1);
    const statistics = replies(rtts, hours(1));
    const known = hoursKnown(statistics);
    assert.equal(known.length, hoursMax);
    for (const hour of known) {
      const passed = (hour - start) / hours(1);
      assert.deepEqual(histogram(statistics, hour), [{ upTo: bucketEnd(bucketOf(passed + 1)), count: 1 }]);
      assert.deepEqual(histogram(statistics, plus(hour, minutes(59))), histogram(statistics, hour));
    }
    assert.deepEqual(histogram(statistics, plus(start, -days(9) as never)), []);
    const total = histogram(statistics, null).reduce((sum, { count }) => sum + count, 0);
    assert.equal(total, 60);
  });

  it('an hour to which the clock was set back goes on', () => {
    const at = (hour: number): Instant => plus(start, hours(hour));
    let statistics = newStatistics(start);
    for (const hour of [0, 1, 2, 1, 2, 0]) statistics = addReply(statistics, 8, at(hour));
    for (const hour of [0, 1, 2]) assert.equal(histogram(statistics, at(hour))[0]?.count, 2);
    assert.equal(hoursKnown(statistics).length, 3);
  });

  it('a full one of two days is small', () => {
    let statistics = newStatistics(start);
    for (let i = 0; i < 48 * 120; i++) {
      statistics = addReply(
        statistics,
        20 + ((i * 7919) % 1000) / 50,
        plus(start, (i * seconds(30)) as never),
      );
    }
    assert.ok(JSON.stringify(statistics).length < 4000, `${JSON.stringify(statistics).length}`);
  });
});

describe('the usual value', () => {
  it('is not moved by a fifth of wild ones', () => {
    let sample = emptySample;
    for (let i = 0; i < 1000; i++) sample = admit(sample, i % 5 === 0 ? 5000 : 20 + (i % 3));
    assert.ok(sample.median >= 20 && sample.median <= 22, `${sample.median}`);
    assert.ok(sample.spread < 3, `${sample.spread}`);
    assert.ok(sample.values.length <= sampleMax);
  });

  it('follows what is new in the end', () => {
    let sample = emptySample;
    for (let i = 0; i < 4000; i++) sample = admit(sample, 20);
    for (let i = 0; i < 4000; i++) sample = admit(sample, 40);
    assert.equal(sample.median, 40);
    assert.equal(instant(sample.low), 40);
  });
});
