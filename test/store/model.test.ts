/**
 * Any sequence of what a station does to its store, failures and restarts
 * included, leaves what a plain map would hold.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Alert, AlertKey } from '../../src/station/core/alert.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { nameKey, type SavedAlert, type Store } from '../../src/station/store/store.ts';
import { type Instant, milliseconds, minutes, plus } from '../../src/time.ts';
import { alertOf, dialects, folderOf, heartbeat, noon, person, repeated, rule } from './samples.ts';

const runs = 60;
const names = Array.from({ length: 8 }, (_, i) => ({ source: `db${i % 3}`, id: `check-${i}` }));

const tokens = ['a', 'b', 'c'];

type Step =
  | {
      readonly do: 'transaction';
      readonly edits: readonly Edit[];
      readonly fails: boolean;
      readonly wakes: boolean;
      readonly wakesMuted: boolean;
    }
  | { readonly do: 'fold' | 'reopen' };
type Edit = {
  readonly which: number;
  readonly how:
    | 'repeat'
    | 'plan'
    | 'wake'
    | 'clear'
    | 'raise'
    | 'acknowledge'
    | 'detail'
    | 'told'
    | 'mute'
    | 'inhibit';
  readonly n: number;
};

const edit: fc.Arbitrary<Edit> = fc.record({
  which: fc.nat(names.length - 1),
  how: fc.constantFrom(
    'repeat',
    'repeat',
    'repeat',
    'plan',
    'wake',
    'clear',
    'raise',
    'acknowledge',
    'detail',
    'told',
    'mute',
    'inhibit',
  ),
  n: fc.nat(3),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('transaction' as const),
      edits: fc.array(edit, { maxLength: 6 }),
      fails: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      wakes: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      wakesMuted: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fold' as const, 'reopen' as const) }) },
);

function edited(alert: Alert, { how, n }: Edit, now: Instant): Alert {
  const changed = { ...alert, changedAt: now, heardAt: now };
  switch (how) {
    case 'repeat':
      return repeated(alert, now);
    case 'plan':
      return {
        ...alert,
        willRaiseAt: n === 0 ? null : plus(now, minutes(n)),
        willClearAt: n === 1 ? now : null,
      };
    case 'wake':
      return { ...alert, wakeAt: n === 0 ? null : plus(now, minutes(n)) };
    case 'clear':
      return {
        ...changed,
        phase: { kind: 'cleared', since: now },
        announced: { kind: 'cleared', episode: 1 },
      };
    case 'raise':
      return { ...changed, phase: { kind: 'raised', since: now }, episode: alert.episode + 1, wakeAt: now };
    case 'acknowledge': {
      const until = plus(now, minutes(n));
      return {
        ...changed,
        phase: { kind: 'acknowledged', raisedSince: noon, since: now, by: 'a', until, note: `${n}` },
      };
    }
    case 'detail':
      return { ...changed, detail: 'x'.repeat(n) };
    case 'mute': {
      const why = n === 1 ? 'x' : 'y';
      const muted = { kind: 'silenced' as const, by: `${n % 2}`, why, since: now, until: null };
      return { ...alert, muted: n === 0 ? null : muted, heldSince: n === 2 ? now : alert.heldSince };
    }
    case 'inhibit':
      return { ...alert, inhibits: tokens.slice(n % 3, n) };
    case 'told':
      return {
        ...alert,
        told: [person('alice'), person('bob')].slice(0, n),
        reminders: [
          {
            rule: rule('r'),
            due: n === 0 ? null : now,
            meaning: 'm',
            setAt: now,
            said: 'something' as const,
          },
        ],
      };
  }
}

/** The model: all alerts by name, and the keys given out. */
type Model = { readonly alerts: Map<string, Alert>; lastKey: number };

async function transact(
  store: Store,
  model: Model,
  step: Step & { do: 'transaction' },
  now: Instant,
): Promise<void> {
  const draft = new Map(model.alerts);
  let lastKey = model.lastKey;
  const done = store.transaction(async (tx) => {
    const loaded = await tx.loadNamed(names);
    const saved: SavedAlert[] = [];
    for (const one of step.edits) {
      const name = names[one.which] ?? { source: '', id: '' };
      const before = draft.get(nameKey(name)) ?? null;
      assert.deepEqual(loaded.get(nameKey(name)) ?? null, model.alerts.get(nameKey(name)) ?? null);
      if (before === null) {
        const [key] = await tx.newKeys(1);
        lastKey += 1;
        assert.equal(key, lastKey);
      }
      const make = one.n % 2 === 0 ? alertOf : heartbeat;
      const after = before === null ? make(lastKey as AlertKey, name) : edited(before, one, now);
      draft.set(nameKey(name), after);
      saved.push({ before, after });
    }
    await tx.save(saved);
    if (step.wakes) {
      await tx.wakeRaised(now, null, 1000);
      for (const [as, alert] of draft) {
        const stands = alert.phase.kind !== 'cleared' || alert.muted !== null;
        const sleeps = stands && (alert.wakeAt === null || alert.wakeAt > now);
        if (sleeps) draft.set(as, { ...alert, wakeAt: now });
      }
    }
    if (step.wakesMuted) {
      await tx.wakeMuted('silenced', ['1'], now, 1000);
      for (const [as, alert] of draft) {
        const sleeps = alert.muted?.by === '1' && (alert.wakeAt === null || alert.wakeAt > now);
        if (sleeps) draft.set(as, { ...alert, wakeAt: now });
      }
    }
    assert.deepEqual(await tx.loadNamed(names), draft);
    if (step.fails) throw new Error('rolled back');
  });
  if (step.fails) {
    await assert.rejects(done, /rolled back/);
    return;
  }
  await done;
  for (const [as, alert] of draft) model.alerts.set(as, alert);
  model.lastKey = lastKey;
}

async function compare(store: Store, model: Model, now: Instant): Promise<void> {
  const all = [...model.alerts.values()].sort((a, b) => a.key - b.key);
  const awake = all.filter(({ wakeAt }) => wakeAt !== null);
  await store.transaction(async (tx) => {
    assert.deepEqual(await tx.loadNamed(names), model.alerts);
    assert.deepEqual(await tx.loadKeyed(all.map(({ key }) => key)), all);
    const due = awake.filter(({ wakeAt }) => wakeAt !== null && wakeAt <= now);
    const found = await tx.loadDue(now, 100);
    assert.deepEqual(
      [...found].sort((a, b) => a.key - b.key),
      due,
    );
    const raised = all.filter(({ source, phase }) => source === 'db1' && phase.kind !== 'cleared');
    assert.deepEqual(await tx.loadRaisedOf(['db1']), raised);
    const inhibitors = await tx.loadInhibitors(tokens);
    for (const token of tokens) {
      const expected = all.filter(({ inhibits }) => inhibits.includes(token)).map(({ key }) => key);
      assert.deepEqual(
        (inhibitors.get(token) ?? []).map(({ alert }) => alert),
        expected,
      );
    }
  });
  const earliest = awake.map(({ wakeAt }) => Number(wakeAt)).sort((a, b) => a - b)[0] ?? null;
  assert.equal(await store.nextWake(), earliest);
}

for (const dialect of dialects) {
  for (const cache of [250_000, 2]) {
    test(`${dialect.name}: the store holds what a map would, with ${cache} alerts in memory`, async (t) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const folder = folderOf(t);
          const open = () => openSqlite({ folder, cache: { alerts: cache, bytes: 1_000_000 } });
          let store = open();
          const model: Model = { alerts: new Map(), lastKey: 0 };
          let now = noon;
          for (const one of steps) {
            now = plus(now, milliseconds(1_000));
            if (one.do === 'transaction') await transact(store, model, one, now);
            else if (one.do === 'fold') await store.fold(now, 2);
            else {
              await store.close();
              store = open();
            }
            await compare(store, model, now);
          }
          await store.close();
        }),
        { numRuns: runs },
      );
    });
  }
}
