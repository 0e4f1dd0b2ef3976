import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chanceFrom } from '../../src/probe/core/chance.ts';
import { Packed } from '../../src/probe/packed.ts';
import { known, type Watch } from './watch.ts';

describe('what is kept of a target in bytes', () => {
  it('are the same numbers: those of few digits exactly, others to 15 digits', () => {
    const chance = chanceFrom(1);
    for (let n = 0; n < 5_000; n++) {
      const few = Math.round(chance() * 10 ** (n % 8)) / 1000;
      const many = (chance() - 0.5) * 10 ** ((n % 30) - 10);
      const at = Date.UTC(2026, 0, 1) + Math.floor(chance() * 1e10);
      const read = new Packed({ few, many, at, row: [few, many, -1, 0] }).value;
      assert.equal(read.few, few);
      assert.equal(read.at, at);
      assert.ok(Math.abs(read.many - many) <= Math.abs(many) * 1e-15, `${many} became ${read.many}`);
      assert.deepEqual(read.row, [read.few, read.many, -1, 0]);
    }
  });

  it('may grow, shrink, be larger than the place in which it is packed, and hold names that are data', () => {
    const packed = new Packed<object>({});
    for (const length of [0, 3, 30_000, 100, 200_000, 1, 0]) {
      const value = { row: Array.from({ length }, (_, n) => n / 8), text: 'ä☃'.repeat(length) };
      packed.value = value;
      assert.deepEqual(packed.value, value);
    }
    for (let n = 0; n < 500; n++) {
      const value = { via: { [`never 10.0.${n}.0/24`]: { bad: n, good: 0 } }, nothing: null, all: {} };
      packed.value = value;
      assert.deepEqual(packed.value, value);
    }
  });

  it('are apart from each other, and from what was read before', () => {
    const [one, other] = [new Packed({ row: [1.5], text: 'one' }), new Packed({ row: [2], text: 'other' })];
    const read = one.value;
    one.value = { row: [3], text: 'later' };
    assert.deepEqual(
      [read, one.value, other.value].map(({ text }) => text),
      ['one', 'later', 'other'],
    );
    assert.deepEqual(read, { row: [1.5], text: 'one' });
  });

  it('judge as they would if they had never been packed', () => {
    const faults = [
      { routes: { r4: { to: ['y1'], by: 'flow' } } },
      { links: { 'r1-r2': { delay: 30, jitter: 1 } } },
      { nodes: { r2: { loss: 0.4 } } },
      { nodes: { r2: { passes: 'nothing' } } },
    ] as const;
    const live = (pack: (watch: Watch) => void): readonly string[] => {
      const watch = known();
      for (const fault of faults) {
        watch.change(fault);
        for (let n = 0; n < 20; n++) {
          watch.rounds(1);
          pack(watch);
        }
      }
      return watch.summaries();
    };
    const packed = live((watch) => {
      watch.state = new Packed(watch.state).value;
    });
    assert.ok(packed.length >= 4, packed.join('; '));
    assert.deepEqual(
      packed,
      live(() => undefined),
    );
  });
});
