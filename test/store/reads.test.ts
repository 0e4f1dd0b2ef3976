/** What pages read while the station writes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AlertKey, Change, State } from '../../src/station/core/alert.ts';
import type { Reads } from '../../src/station/store/store.ts';
import { milliseconds, minutes, plus } from '../../src/time.ts';
import { add, alertOf, dialects, heartbeat, noon, only, person, repeated, save } from './samples.ts';

async function walk(reads: Reads, state: State | null, limit: number): Promise<number[]> {
  const seen: number[] = [];
  let cursor: string | null = null;
  do {
    const page = await reads.alerts({ state, limit, cursor });
    assert.ok(page !== null);
    seen.push(...page.alerts.map(({ key }) => key));
    cursor = page.next;
  } while (cursor !== null);
  return seen;
}

const changes: readonly Change[] = [
  { kind: 'first-seen', subject: 'a', summary: '', importance: 50, detail: '<p>' },
  { kind: 'raised', cause: 'update', episode: 1, raisedAt: noon },
  { kind: 'acknowledged', until: plus(noon, minutes(60)), note: '"on it"' },
  { kind: 'suppressed', until: noon },
  { kind: 'planned', willRaiseAt: null, willClearAt: noon },
  { kind: 'told', person: person('alice'), of: 'raised', rule: null, channels: ['email', 'inbox'] },
];

for (const dialect of dialects) {
  describe(dialect.name, () => {
    test('paging through 2,500 alerts meets each once, the newest change first', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      // Many change in the same millisecond, as a batch does.
      const made = await add(
        store,
        ...Array.from({ length: 2_500 }, (_, i) => (key: AlertKey) => {
          const changedAt = plus(noon, milliseconds((i * 7) % 40));
          return i % 3 === 0 ? heartbeat(key, { changedAt }) : alertOf(key, { changedAt });
        }),
      );
      const newest = [...made].sort((a, b) => b.changedAt - a.changedAt || b.key - a.key);
      const reads = place.read();
      assert.deepEqual(
        await walk(reads, null, 700),
        newest.map(({ key }) => key),
      );
      const raised = newest.filter(({ phase }) => phase.kind === 'raised').map(({ key }) => key);
      assert.deepEqual(await walk(reads, 'raised', raised.length), raised);
      assert.deepEqual(await walk(reads, 'raised', 1_000), raised);
      assert.deepEqual(await walk(reads, 'acknowledged', 10), []);
      assert.deepEqual(await reads.counts(), {
        raised: raised.length,
        acknowledged: 0,
        cleared: 2_500 - raised.length,
      });
      await reads.close();
      await store.close();
    });

    test('a cursor that nobody gave out is refused', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const reads = place.read();
      for (const cursor of ['', 'x', '!', 'a'.repeat(1_000), Buffer.from('1.').toString('base64url')]) {
        assert.equal(await reads.alerts({ state: null, limit: 10, cursor }), null, cursor);
      }
      await reads.close();
      await store.close();
    });

    test('pages see what was committed, and nothing else', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const alert = only(await add(store, (key) => alertOf(key)));
      const reads = place.read();
      const cleared = {
        ...alert,
        phase: { kind: 'cleared' as const, since: noon },
        changedAt: plus(noon, minutes(1)),
      };
      await store.transaction(async (tx) => {
        await tx.save([{ before: alert, after: cleared }]);
        assert.deepEqual(await reads.alert(alert.key), alert);
      });
      assert.deepEqual(await reads.alert(alert.key), cleared);
      assert.deepEqual(await reads.counts(), { raised: 0, acknowledged: 0, cleared: 1 });
      await reads.close();
      await store.close();
    });

    test('pages see when an alert was last heard once it is folded', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const alert = only(await add(store, (key) => heartbeat(key)));
      const later = repeated(alert, plus(noon, minutes(1)));
      await save(store, alert, later);
      const reads = place.read();
      assert.equal(await store.fold(plus(noon, minutes(1)), 100), false);
      assert.deepEqual(await reads.alert(alert.key), later);
      const planless = { ...later, willRaiseAt: null };
      await save(store, later, planless);
      assert.deepEqual(await reads.alert(alert.key), planless, 'a plan that comes or goes shows at once');
      await reads.close();
      await store.close();
    });

    test('history is followed by its sequence, which never goes back', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const alert = only(await add(store, (key) => alertOf(key)));
      const reads = place.read();
      assert.equal(await reads.lastSeq(), 0);
      const append = (by: string | null) =>
        store.transaction((tx) =>
          tx.appendHistory(
            changes.map((change) => ({ alert: alert.key, at: noon, quiet: by === null, by, change })),
          ),
        );
      await append(null);
      await append('token:deploy');
      const all = await reads.historyAfter(0, 100);
      assert.deepEqual(
        all.map(({ change }) => change),
        [...changes, ...changes],
      );
      assert.deepEqual(all.map(({ quiet, by }) => [quiet, by])[0], [true, null]);
      assert.deepEqual(all.map(({ quiet, by }) => [quiet, by]).at(-1), [false, 'token:deploy']);
      const last = await reads.lastSeq();
      assert.equal(last, all.at(-1)?.seq);
      assert.deepEqual(await reads.historyAfter(last - 2, 100), all.slice(-2));
      assert.deepEqual(await reads.history(alert.key, 3), all.slice(-3).reverse());

      while (await store.prune(plus(noon, minutes(60 * 24 * 500)), 100));
      assert.deepEqual(await reads.historyAfter(0, 100), []);
      await store.close();
      store = place.open();
      await append(null);
      assert.ok((await reads.historyAfter(0, 100)).every(({ seq }) => seq > last));
      await reads.close();
      await store.close();
    });
  });
}
