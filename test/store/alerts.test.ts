/** Alerts in the store, whichever the dialect: what was committed is there, what was not is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert, AlertKey, MutedKind } from '../../src/station/core/alert.ts';
import { inhibitorsMax } from '../../src/station/store/inhibitors.ts';
import { nameKey } from '../../src/station/store/store.ts';
import { transmissionMemory } from '../../src/station/store/transmissions.ts';
import { milliseconds, minutes, plus } from '../../src/time.ts';
import {
  add,
  alertOf,
  dialects,
  heartbeat,
  load,
  noon,
  only,
  person,
  repeated,
  rule,
  save,
} from './samples.ts';

const shapes: readonly { readonly name: string; readonly make: (key: AlertKey) => Alert }[] = [
  { name: 'raised', make: (key) => alertOf(key) },
  { name: 'cleared with a plan to raise', make: (key) => heartbeat(key) },
  {
    name: 'acknowledged, with everything set',
    make: (key) =>
      alertOf(key, {
        subject: 'a "quoted" \u{1F4BE}\u0000 subject',
        detail: '<p>long</p>'.repeat(1_000),
        importance: 4_294_967_295,
        phase: {
          kind: 'acknowledged',
          raisedSince: noon,
          since: plus(noon, minutes(1)),
          by: 'alice',
          until: plus(noon, minutes(61)),
          note: '',
        },
        willRaiseAt: plus(noon, minutes(5)),
        willClearAt: plus(noon, minutes(6)),
        suppressUntil: plus(noon, minutes(7)),
        muted: {
          kind: 'suppressed',
          by: '',
          why: 'on "purpose"',
          since: noon,
          until: plus(noon, minutes(7)),
        },
        heldSince: noon,
        inhibits: ['core\u0000sw1.example.net', 'power\u0000'],
        episode: 3,
        announced: { kind: 'raised', episode: 3 },
        told: [person('alice'), person('bob')],
        group: 'databases',
        level: 'urgent',
        reminders: [
          {
            rule: rule('databases/on call'),
            due: plus(noon, minutes(15)),
            meaning: 'm',
            setAt: noon,
            said: 'something' as const,
          },
          {
            rule: rule('databases/boss'),
            due: null,
            meaning: 'm',
            setAt: noon,
            said: 'something' as const,
          },
        ],
        wakeAt: plus(noon, milliseconds(1)),
      }),
  },
];

for (const dialect of dialects) {
  describe(dialect.name, () => {
    for (const { name, make } of shapes) {
      test(`an alert that is ${name} comes back as it was saved, after a restart too`, async (t) => {
        const place = dialect.place(t);
        const store = place.open();
        const alert = only(await add(store, make));
        assert.deepEqual(await load(store, alert), alert);
        await store.close();
        const reopened = place.open();
        assert.deepEqual(await load(reopened, alert), alert);
        assert.deepEqual(await reopened.transaction((tx) => tx.loadKeyed([alert.key, 99 as AlertKey])), [
          alert,
        ]);
        await reopened.close();
        const reads = place.read();
        assert.deepEqual(await reads.alert(alert.key), alert);
        await reads.close();
      });

      for (const { name: other, make: makeOther } of shapes.filter((shape) => shape.make !== make)) {
        test(`an alert that was ${name} can become ${other}`, async (t) => {
          const place = dialect.place(t);
          const store = place.open();
          const before = only(await add(store, make));
          const after = { ...makeOther(before.key), changedAt: plus(noon, minutes(1)) };
          await save(store, before, after);
          assert.deepEqual(await load(store, after), after);
          assert.deepEqual(await store.transaction((tx) => tx.loadKeyed([after.key])), [after]);
          await store.close();
          const reopened = place.open();
          assert.deepEqual(await load(reopened, after), after);
          await reopened.close();
        });
      }
    }

    test('what a rejected transaction did leaves no trace', async (t) => {
      const store = dialect.place(t).open();
      const kept = only(await add(store, (key) => heartbeat(key)));
      const later = plus(noon, minutes(1));
      const transmission = { source: 'db1', id: 7n };
      const given: AlertKey[] = [];
      const failed = store.transaction(async (tx) => {
        given.push(...(await tx.newKeys(1)));
        const fresh = alertOf(given[0] ?? kept.key, { id: 'fresh' });
        await tx.save([
          { before: null, after: fresh },
          { before: kept, after: repeated(kept, later) },
        ]);
        await tx.takeTransmissions([transmission], noon);
        await tx.appendHistory([
          { alert: fresh.key, at: noon, quiet: false, by: null, change: { kind: 'note', text: 'x' } },
        ]);
        await tx.wakeRaised(noon, null, 100);
        assert.deepEqual((await tx.loadNamed([fresh, kept])).size, 2, 'it sees what it wrote itself');
        throw new Error('changed my mind');
      });
      await assert.rejects(failed, /changed my mind/);
      assert.equal(await load(store, { source: kept.source, id: 'fresh' }), undefined);
      assert.deepEqual(await load(store, kept), kept);
      await store.transaction(async (tx) => {
        assert.deepEqual(await tx.takeTransmissions([transmission], noon), [true]);
        assert.deepEqual(await tx.newKeys(1), given);
        assert.deepEqual(await tx.loadDue(plus(noon, minutes(10)), 10), [kept]);
      });
      await store.close();
    });

    test('transactions come one after the other, whatever they wait for', async (t) => {
      const store = dialect.place(t).open();
      const order: string[] = [];
      await Promise.all(
        ['first', 'second'].map((name) =>
          store.transaction(async (tx) => {
            order.push(`${name} begins`);
            for (let i = 0; i < 5; i++) await tx.getFact('anything');
            order.push(`${name} ends`);
          }),
        ),
      );
      assert.deepEqual(order, ['first begins', 'first ends', 'second begins', 'second ends']);
      await store.close();
    });

    test('a transmission is taken once, for 300 s, over a restart too', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const a = { source: 'db1', id: 2n ** 64n - 1n };
      const b = { source: 'db2', id: 2n ** 64n - 1n };
      const take = (at: typeof noon) => store.transaction((tx) => tx.takeTransmissions([a, b, a], at));
      assert.deepEqual(await take(noon), [true, true, false]);
      assert.deepEqual(await take(plus(noon, minutes(1))), [false, false, false]);
      await store.close();
      store = place.open();
      const last = plus(noon, transmissionMemory);
      assert.deepEqual(await take(last), [false, false, false], 'remembered to the end of its time');
      assert.deepEqual(
        await take(plus(last, milliseconds(1))),
        [true, true, false],
        'and not renewed by copies',
      );
      while (await store.fold(plus(last, transmissionMemory), 10));
      await store.close();
    });

    test('a clock set back by a year remembers new transmissions no less, and no longer', async (t) => {
      const store = dialect.place(t).open();
      const name = { source: 'db1', id: 1n };
      const take = async (at: typeof noon) =>
        only(await store.transaction((tx) => tx.takeTransmissions([name], at)));
      assert.equal(await take(plus(noon, minutes(525_600))), true);
      assert.equal(await take(noon), true);
      assert.equal(await take(plus(noon, minutes(5))), false);
      assert.equal(await take(plus(noon, minutes(6))), true);
      await store.close();
    });

    test('what is due is found by wakeAt, with the plans that repeats moved', async (t) => {
      const store = dialect.place(t).open();
      const [late, early] = await add(
        store,
        (key) => heartbeat(key),
        (key) => heartbeat(key, { wakeAt: plus(noon, minutes(1)) }),
        (key) => alertOf(key),
      );
      assert.ok(late !== undefined && early !== undefined);
      const moved = repeated(late, plus(noon, minutes(2)));
      await save(store, late, moved);
      assert.equal(await store.nextWake(), early.wakeAt);
      const due = (limit: number) => store.transaction((tx) => tx.loadDue(plus(noon, minutes(5)), limit));
      assert.deepEqual(await due(10), [early, moved]);
      assert.deepEqual(await due(1), [early]);
      await save(store, early, { ...early, wakeAt: null });
      assert.equal(await store.nextWake(), late.wakeAt);
      await store.close();
    });

    test('a source has its raised and acknowledged alerts found, and no others', async (t) => {
      const store = dialect.place(t).open();
      const [raised, acknowledged] = await add(
        store,
        ...shapes.slice(0, 1).map(({ make }) => make),
        ...shapes.slice(2).map(({ make }) => make),
        (key) => heartbeat(key),
        (key) => alertOf(key, { source: 'db2.example.net' }),
      );
      const found = await store.transaction((tx) =>
        tx.loadRaisedOf(['db1.example.net', 'db1.example.net', 'nobody']),
      );
      assert.deepEqual(found, [raised, acknowledged]);
      await store.close();
    });

    test('a new policy wakes the raised ones, also those in memory', async (t) => {
      const store = dialect.place(t).open();
      const [asleep, awake, cleared] = await add(
        store,
        (key) => alertOf(key),
        (key) => alertOf(key, { wakeAt: plus(noon, minutes(-1)) }),
        (key) => heartbeat(key),
      );
      assert.ok(asleep !== undefined && awake !== undefined && cleared !== undefined);
      await save(store, asleep, repeated(asleep, plus(noon, minutes(1))));
      await store.transaction((tx) => tx.wakeRaised(noon, null, 100));
      assert.deepEqual(await load(store, asleep), {
        ...repeated(asleep, plus(noon, minutes(1))),
        wakeAt: noon,
      });
      assert.deepEqual(await load(store, awake), awake);
      assert.deepEqual(await load(store, cleared), cleared);
      await store.close();
    });

    test('all that stand are woken in steps, those that are muted included', async (t) => {
      const store = dialect.place(t).open();
      const muted = { kind: 'silenced', by: '1', why: 'x', since: noon, until: null } as const;
      const cleared = { kind: 'cleared' as const, since: noon };
      const alerts = await add(
        store,
        (key) => alertOf(key),
        (key) => alertOf(key, { id: 'cleared', phase: cleared }),
        (key) => alertOf(key, { id: 'muted', phase: cleared, muted }),
        (key) => alertOf(key, { id: 'last' }),
      );
      const keys = alerts.map(({ key }) => key);
      const step = (after: AlertKey | null) => store.transaction((tx) => tx.wakeRaised(noon, after, 2));
      assert.equal(await step(null), keys[2]);
      assert.equal(await step(keys[2] ?? null), null);
      const woken = await store.transaction((tx) => tx.loadDue(noon, 10));
      assert.deepEqual(
        woken.map(({ key }) => key),
        [keys[0], keys[2], keys[3]],
      );
      await store.close();
    });

    test('those that are muted alike are woken, also those in memory, and no others', async (t) => {
      const store = dialect.place(t).open();
      const muted =
        (kind: MutedKind, by: string, changes: Partial<Alert> = {}) =>
        (key: AlertKey) =>
          alertOf(key, { muted: { kind, by, why: 'x', since: noon, until: null }, ...changes });
      const cleared = { kind: 'cleared' as const, since: noon };
      const alerts = await add(
        store,
        muted('silenced', '1'),
        muted('silenced', '2', { phase: cleared }),
        muted('inhibited', '1'),
        muted('silenced', '1', { wakeAt: plus(noon, minutes(-1)) }),
        muted('silenced', '1', { wakeAt: plus(noon, minutes(9)) }),
        (key) => alertOf(key),
      );
      const wakes = async () => {
        const found = await store.transaction((tx) => tx.loadNamed(alerts));
        return alerts.map((alert) => {
          const wakeAt = found.get(nameKey(alert))?.wakeAt ?? null;
          return wakeAt === null ? null : (wakeAt - noon) / minutes(1);
        });
      };
      assert.deepEqual(await wakes(), [null, null, null, -1, 9, null]);
      await store.transaction((tx) => tx.wakeMuted('silenced', ['1', '1', 'nobody'], noon, 1000));
      assert.deepEqual(await wakes(), [0, null, null, -1, 0, null]);
      const failed = store.transaction(async (tx) => {
        await tx.wakeMuted('inhibited', null, noon, 1000);
        await tx.loadNamed(alerts);
        throw new Error('changed my mind');
      });
      await assert.rejects(failed, /changed my mind/);
      assert.deepEqual(await wakes(), [0, null, null, -1, 0, null]);
      await store.transaction((tx) => tx.wakeMuted('silenced', null, noon, 1000));
      assert.deepEqual(await wakes(), [0, 0, null, -1, 0, null]);
      await store.close();
    });

    test('an alert that is saved and woken in one transaction is found woken', async (t) => {
      const store = dialect.place(t).open();
      const before = only(await add(store, (key) => alertOf(key)));
      const muted = { kind: 'settling' as const, by: '', why: 'g', since: noon, until: null };
      const after = { ...before, muted, wakeAt: plus(noon, minutes(5)) };
      await store.transaction(async (tx) => {
        await tx.save([{ before, after }]);
        await tx.wakeMuted('settling', null, noon, 1000);
      });
      assert.deepEqual(await load(store, before), { ...after, wakeAt: noon });
      assert.deepEqual(await store.transaction((tx) => tx.loadDue(noon, 10)), [{ ...after, wakeAt: noon }]);
      await store.transaction((tx) => tx.wakeMuted('settling', null, plus(noon, minutes(-1)), 1000));
      await save(store, after, { ...after, muted: null });
      await store.transaction((tx) => tx.wakeMuted('settling', null, plus(noon, minutes(-2)), 1000));
      assert.notEqual((await load(store, before))?.wakeAt, plus(noon, minutes(-2)), 'no longer muted');
      await store.close();
    });

    test('what inhibits is found by its token, as long as it does', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const [a, b] = await add(
        store,
        (key) => alertOf(key, { inhibits: ['x\u0000', 'y'], subject: 'sw1' }),
        (key) => alertOf(key, { inhibits: ['x\u0000'] }),
        (key) => alertOf(key),
      );
      assert.ok(a !== undefined && b !== undefined);
      const found = (tokens: readonly string[]) =>
        store.transaction(async (tx) =>
          [...(await tx.loadInhibitors(tokens))].map(([token, list]) => [
            token,
            ...list.map(({ alert }) => alert),
          ]),
        );
      assert.deepEqual(await found(['x\u0000', 'y', 'x\u0000', 'x', 'nobody']), [
        ['x\u0000', a.key, b.key],
        ['y', a.key],
      ]);
      const named = await store.transaction((tx) => tx.loadInhibitors(['y']));
      const inhibitor = { alert: a.key, source: a.source, id: a.id, subject: 'sw1' };
      assert.deepEqual(named.get('y'), [{ ...inhibitor, mutedBy: null }]);
      const muted = { kind: 'inhibited', by: 'w', why: 'x', since: noon, until: null } as const;
      await save(store, a, { ...a, muted, inhibits: ['y', 'z'] });
      const inhibited = await store.transaction((tx) => tx.loadInhibitors(['y']));
      assert.deepEqual(inhibited.get('y'), [{ ...inhibitor, mutedBy: 'w' }]);
      await save(store, b, { ...b, inhibits: [], phase: { kind: 'cleared', since: noon } });
      await store.close();
      store = place.open();
      assert.deepEqual(await found(['x\u0000', 'y', 'z']), [
        ['y', a.key],
        ['z', a.key],
      ]);
      await store.close();
    });

    test('of a token of thousands, no more are read than the limit', async (t) => {
      const store = dialect.place(t).open();
      const many = inhibitorsMax + 10;
      await add(
        store,
        ...Array.from({ length: many }, () => (key: AlertKey) => alertOf(key, { inhibits: ['all'] })),
      );
      const found = await store.transaction((tx) => tx.loadInhibitors(['all']));
      assert.equal(found.get('all')?.length, inhibitorsMax);
      await store.close();
    });

    test('names are told apart whatever they hold', async (t) => {
      const store = dialect.place(t).open();
      const [a, b] = await add(
        store,
        (key) => alertOf(key, { source: 'a\u0000b', id: 'c' }),
        (key) => alertOf(key, { source: 'a', id: 'b\u0000c' }),
      );
      assert.ok(a !== undefined && b !== undefined);
      assert.deepEqual(await load(store, a), a);
      assert.deepEqual(await load(store, b), b);
      await store.close();
    });

    test('facts are kept', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      assert.equal(await store.transaction((tx) => tx.getFact('started_at')), null);
      await store.transaction((tx) => tx.setFact('started_at', '1'));
      await store.transaction((tx) => tx.setFact('started_at', '2'));
      await store.close();
      const reopened = place.open();
      assert.equal(await reopened.transaction((tx) => tx.getFact('started_at')), '2');
      await reopened.close();
    });

    test('a closed store says so', async (t) => {
      const store = dialect.place(t).open();
      await store.close();
      await assert.rejects(store.nextWake(), { name: 'StoreError', kind: 'closed' });
    });
  });
}
