/** Silences that people made, and the addresses of hosts: what is kept over a restart, and for how long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SilenceId, Store, StoredSilence } from '../../src/station/store/store.ts';
import { days, type Instant, minutes, plus } from '../../src/time.ts';
import { dialects, noon } from './samples.ts';

const at = (n: number): Instant => plus(noon, minutes(n));
const silence = (reason: string, from: Instant, until: Instant): Omit<StoredSilence, 'id' | 'ended'> => ({
  match: '{"subject":"db1"}',
  from,
  until,
  author: 'alice',
  reason,
});
const add = (store: Store, one: Omit<StoredSilence, 'id' | 'ended'>) =>
  store.transaction((tx) => tx.addSilence(one));
const standing = (store: Store, now: Instant) => store.transaction((tx) => tx.loadSilences(now));
const end = (store: Store, id: SilenceId, now: Instant) =>
  store.transaction((tx) => tx.endSilence(id, now, 'bob'));

for (const dialect of dialects) {
  describe(dialect.name, () => {
    test('a silence stands until its end, before it begins too, and over a restart', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const id = await add(store, silence('move', at(10), at(20)));
      await store.close();
      store = place.open();
      const expected = { ...silence('move', at(10), at(20)), id, ended: null };
      for (const now of [noon, at(15), plus(at(20), -1 as never)]) {
        assert.deepEqual(await standing(store, now), [expected]);
      }
      assert.deepEqual(await standing(store, at(20)), []);
      assert.deepEqual(await store.transaction((tx) => tx.loadSilence(id)), expected);
      await store.close();
    });

    test('a silence is ended once, by name; not when it has ended, nor where there is none', async (t) => {
      const store = dialect.place(t).open();
      const id = await add(store, silence('move', noon, at(20)));
      const other = await add(store, silence('other', noon, at(20)));
      assert.equal(await end(store, id, at(5)), true);
      assert.equal(await end(store, id, at(6)), false);
      assert.equal(await end(store, other, at(20)), false);
      assert.equal(await end(store, 99 as SilenceId, noon), false);
      assert.deepEqual((await store.transaction((tx) => tx.loadSilence(id)))?.ended, {
        at: at(5),
        by: 'bob',
      });
      assert.deepEqual(
        (await standing(store, at(7))).map((one) => one.id),
        [other],
      );
      assert.equal(await store.transaction((tx) => tx.loadSilence(99 as SilenceId)), null);
      await store.close();
    });

    test('pages show those that stand by their end, then those that ended, newest first', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      for (const [reason, from, until] of [
        ['past', -60, -10],
        ['long', 0, 600],
        ['short', 0, 10],
        ['to come', 60, 90],
        ['long past', -600, -300],
        ['called off', 60, 120],
      ] as const) {
        const id = await add(store, silence(reason, at(from), at(until)));
        if (reason === 'called off') await end(store, id, at(-5));
      }
      const reads = place.read();
      const reasons = async (limit: number) =>
        (await reads.silences(noon, limit)).map(({ reason }) => reason);
      assert.deepEqual(await reasons(10), ['short', 'to come', 'long', 'called off', 'past', 'long past']);
      assert.deepEqual(await reasons(4), ['short', 'to come', 'long', 'called off']);
      assert.deepEqual(await reasons(2), ['short', 'to come']);
      await reads.close();
      await store.close();
    });

    test('a silence is dropped 400 days after its end, and its number is not given out again', async (t) => {
      const store = dialect.place(t).open();
      const old = await add(store, silence('old', noon, at(10)));
      const early = await add(store, silence('called off', noon, plus(noon, days(900))));
      await end(store, early, at(10));
      const long = await add(store, silence('long', noon, plus(noon, days(900))));
      const kept = async () => {
        const found: SilenceId[] = [];
        for (const id of [old, early, long]) {
          if ((await store.transaction((tx) => tx.loadSilence(id))) !== null) found.push(id);
        }
        return found;
      };
      while (await store.prune(plus(at(10), days(400)), 1));
      assert.deepEqual(await kept(), [old, early, long]);
      while (await store.prune(plus(at(11), days(400)), 1));
      assert.deepEqual(await kept(), [long]);
      assert.ok((await add(store, silence('new', noon, at(10)))) > long);
      await store.close();
    });

    test('the addresses of a host are kept as last found, until they are old', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const db1 = { host: 'db1.example.net', addresses: ['192.0.2.1', '2001:db8::1'], at: noon };
      const gone = { host: 'gone.example.net', addresses: [], at: noon };
      const moved = { ...db1, addresses: ['192.0.2.2'], at: at(30) };
      await store.transaction((tx) => tx.saveNames([db1, gone]));
      await store.close();
      store = place.open();
      const names = () => store.transaction((tx) => tx.loadNames());
      assert.deepEqual(await names(), [db1, gone]);
      await store.transaction((tx) => tx.saveNames([moved]));
      assert.deepEqual(await names(), [moved, gone]);
      await store.transaction((tx) => tx.dropNames(noon));
      assert.deepEqual(await names(), [moved, gone]);
      await store.transaction((tx) => tx.dropNames(at(1)));
      assert.deepEqual(await names(), [moved]);
      await store.close();
    });
  });
}
