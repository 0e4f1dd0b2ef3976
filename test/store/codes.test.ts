/** Short codes: never one for two alerts that stand, kept for as long as possible, and enough of them for all. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert, AlertKey } from '../../src/station/core/alert.ts';
import type { Store } from '../../src/station/store/store.ts';
import { Random } from '../simulate/random.ts';
import { add, alertOf, dialects, noon, owed } from './samples.ts';

/** As many codes as there are while few alerts stand. */
const circle = 999;

const raised = (store: Store, count: number): Promise<readonly Alert[]> =>
  add(store, ...Array.from({ length: count }, () => (key: AlertKey) => alertOf(key)));

/** A message about each is owed, by which it gets a code. */
const tell = (store: Store, alerts: readonly Alert[]): Promise<void> =>
  store.transaction((tx) =>
    tx.enqueue(
      alerts.map((alert) => owed(alert)),
      noon,
    ),
  );

const clear = (store: Store, alerts: readonly Alert[]): Promise<void> =>
  store.transaction((tx) =>
    tx.save(
      alerts.map((before) => ({ before, after: { ...before, phase: { kind: 'cleared', since: noon } } })),
    ),
  );

const codesOf = async (store: Store, alerts: readonly Alert[]): Promise<readonly (number | null)[]> => {
  const codes = await store.transaction((tx) => tx.codesOf(alerts.map(({ key }) => key)));
  return alerts.map(({ key }) => codes.get(key) ?? null);
};

const holderOf = (store: Store, code: number): Promise<AlertKey | null> =>
  store.transaction((tx) => tx.loadCode(code));

for (const dialect of dialects) {
  describe(`${dialect.name}: the code of an alert`, () => {
    test('comes with the first message about it, and stays the same', async (t) => {
      const store = dialect.place(t).open();
      const alerts = await raised(store, 3);
      assert.deepEqual(await codesOf(store, alerts), [null, null, null]);
      await tell(store, alerts.slice(1));
      assert.deepEqual(await codesOf(store, alerts), [null, 1, 2]);
      await tell(store, alerts);
      assert.deepEqual(await codesOf(store, alerts), [3, 1, 2]);
      assert.deepEqual(await holderOf(store, 3), alerts[0]?.key);
      assert.deepEqual(await holderOf(store, 4), null);
      await store.close();
    });

    test('is its own over all its episodes, and goes on over a restart', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const alerts = await raised(store, 2);
      await tell(store, alerts);
      await clear(store, alerts);
      await store.close();
      store = place.open();
      const others = await raised(store, 2);
      await tell(store, others);
      assert.deepEqual(await codesOf(store, [...alerts, ...others]), [1, 2, 3, 4]);
      await store.close();
    });

    test('is given to another once it is cleared and the circle has come round', async (t) => {
      const store = dialect.place(t).open();
      const stands = await raised(store, 2);
      await tell(store, stands);
      const gone: Alert[] = [];
      for (let left = circle - 2; left > 0; ) {
        const some = await raised(store, Math.min(200, left));
        await tell(store, some);
        await clear(store, some);
        gone.push(...some);
        left -= some.length;
      }
      const next = await raised(store, 2);
      await tell(store, next);
      assert.deepEqual(
        await codesOf(store, [...stands, ...next]),
        [1, 2, 3, 4],
        'those that stand keep theirs',
      );
      assert.deepEqual(await codesOf(store, gone.slice(0, 3)), [null, null, 5]);
      assert.deepEqual(await holderOf(store, 3), next[0]?.key);
      await store.close();
    });

    test('is found for each, however many stand', async (t) => {
      const store = dialect.place(t).open();
      const alerts: Alert[] = [];
      for (let i = 0; i < 6; i++) {
        const some = await raised(store, 200);
        await tell(store, some);
        alerts.push(...some);
      }
      const codes = await codesOf(store, alerts);
      assert.equal(new Set(codes).size, alerts.length);
      assert.ok(codes.every((code) => code !== null && code <= 9_999));
      assert.ok(
        codes.some((code) => (code ?? 0) > circle),
        'the circle is wider now',
      );
      await store.close();
    });

    test('is the next one of the circle that no alert has that stands', async (t) => {
      const store = dialect.place(t).open();
      const random = new Random(1, 'codes');
      let standing: Alert[] = [];
      const holders = new Map<number, AlertKey>();
      let last = 0;
      for (let round = 0; round < 60; round++) {
        const some = await raised(store, random.between(1, 60));
        standing.push(...some);
        await tell(store, some);
        const stands = new Set(standing.map(({ key }) => key));
        for (const { key } of some) {
          do last = (last % circle) + 1;
          while (stands.has(holders.get(last) ?? (0 as AlertKey)));
          holders.set(last, key);
        }
        const expected = standing.map(({ key }) => [...holders].find(([, holder]) => holder === key)?.[0]);
        assert.deepEqual(await codesOf(store, standing), expected);
        // At most as many stand as the circle has room for without growing.
        const kept = standing.filter(() => random.chance(0.8)).slice(-400);
        await clear(
          store,
          standing.filter((alert) => !kept.includes(alert)),
        );
        standing = kept;
      }
      await store.close();
    });
  });
}
