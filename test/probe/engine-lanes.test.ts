/** Who may be under way at once, and how an engine that dies is started again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Lanes } from '../../src/probe/engine/lanes.ts';
import { Restarts } from '../../src/probe/engine/restarts.ts';
import { instant, milliseconds, minutes, seconds } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';

test('never two for one address, never more than the window, and all have their turn in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 200 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, window) => {
        const lanes = new Lanes<{ address: string; n: number }>({ window, waiting: 1000, waitingEach: 1000 });
        const running: { address: string; n: number }[] = [];
        const begun = new Map<string, number>();
        let count = 0;
        const fill = (): void => {
          for (let next = lanes.next(); next !== null; next = lanes.next()) {
            assert.ok(!running.some(({ address }) => address === next?.address));
            assert.ok((begun.get(next.address) ?? -1) < next.n, 'in order');
            begun.set(next.address, next.n);
            running.push(next);
          }
          assert.ok(running.length <= window);
        };
        const endOne = (): void => {
          const ended = running.shift();
          if (ended !== undefined) lanes.ended(ended.address);
        };
        for (const [address, ends] of steps) {
          assert.ok(lanes.add({ address: `${address}`, n: count++ }));
          fill();
          if (ends) endOne();
          fill();
        }
        for (let turn = 0; turn < count; turn++) {
          endOne();
          fill();
        }
        assert.equal(running.length, 0);
        assert.equal(lanes.drain().length, 0);
      },
    ),
  );
});

test('what waits is bounded, in all and for each address', () => {
  const lanes = new Lanes({ window: 1, waiting: 5, waitingEach: 2 });
  const add = (address: string): boolean => {
    const added = lanes.add({ address });
    lanes.next();
    return added;
  };
  assert.deepEqual([add('a'), add('a'), add('a'), add('a')], [true, true, true, false]);
  assert.equal(lanes.next(), null, 'the window is full');
  assert.deepEqual([add('b'), add('c'), add('d'), add('e')], [true, true, true, false]);
  assert.equal(lanes.drain().length, 5);
  assert.ok(add('a'));
});

test('an engine that dies again and again is started ever more rarely, until it has worked for a while', () => {
  const clock = new SimulatedClock(instant(0));
  const restarts = new Restarts(clock, { first: milliseconds(200), most: minutes(1), good: seconds(30) });
  const waits = Array.from({ length: 12 }, () => restarts.down());
  assert.deepEqual(waits.slice(0, 4), [200, 400, 800, 1600]);
  assert.equal(waits.at(-1), 60_000);
  restarts.up();
  clock.jumpTo(instant(10_000));
  assert.equal(restarts.down(), 60_000);
  restarts.up();
  clock.jumpTo(instant(50_000));
  assert.equal(restarts.down(), 200);
});
