/** Turns: a few at a time, whoever asks, and nobody who has gone is worked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTurns } from '../../src/web/turns.ts';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('so many are at work at once, the others in order, and those who left are passed over', async () => {
  const turns = openTurns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const gone = new Set([3]);
  const all = [0, 1, 2, 3, 4].map((n) =>
    turns.run(
      () =>
        new Promise<number>((resolve) => {
          begun.push(n);
          ends.push(() => resolve(n));
        }),
      () => !gone.has(n),
    ),
  );
  assert.deepEqual(begun, [0, 1]);
  ends[0]?.();
  await soon();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[1]?.();
  await soon();
  assert.deepEqual(begun, [0, 1, 2, 4]);
  for (const end of ends) end();
  assert.deepEqual(await Promise.all(all), [0, 1, 2, null, 4]);
});

test('work that fails gives its turn on, and a line that is too long is refused', async () => {
  const turns = openTurns(1);
  const failed = turns.run(
    () => Promise.reject(new Error('busy')),
    () => true,
  );
  await assert.rejects(failed, /busy/);
  const first = Promise.withResolvers<string>();
  const waiting = Array.from({ length: 201 }, () =>
    turns.run(
      () => first.promise,
      () => true,
    ),
  );
  const refused = turns.run(
    () => first.promise,
    () => true,
  );
  assert.equal(await refused, null);
  first.resolve('done');
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['done']));
});
