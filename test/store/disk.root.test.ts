/** A full disk and a read-only one, on small file systems of the test's own: needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDataFolder } from '../../src/station/store/lock.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import type { Store } from '../../src/station/store/store.ts';
import { minutes, plus } from '../../src/time.ts';
import { disk, fill } from '../kit/disk.ts';
import { add, alertOf, heartbeat, load, noon, repeated, save } from './samples.ts';

/** Until the disk is full. @returns how many transactions were committed. */
async function writeUntilFull(store: Store): Promise<number> {
  for (let n = 0; n < 1_000; n++) {
    const failure = await store
      .transaction((tx) => tx.setFact(`fact ${n}`, 'x'.repeat(20_000)))
      .then(
        () => null,
        (error: unknown) => error,
      );
    if (failure === null) continue;
    assert.ok(failure instanceof Error);
    assert.equal('kind' in failure && failure.kind, 'full', failure.message);
    assert.match(failure.message, /disk is full: make room/);
    return n;
  }
  throw new Error('the disk was never full');
}

test('a full disk is named; with room again the store goes on, and nothing committed is lost', async (t) => {
  const folder = disk(t, '8m');
  const store = openSqlite({ folder });
  const [alert] = await add(store, (key) => heartbeat(key, { detail: 'kept' }));
  assert.ok(alert !== undefined);
  const heard = repeated(alert, plus(noon, minutes(1)));
  await save(store, alert, heard);
  const filler = fill(folder);
  const written = await writeUntilFull(store);

  const transmission = [{ source: 'db1', id: 1n }];
  const big = 'x'.repeat(60_000);
  const attempt = () =>
    store.transaction(async (tx) => {
      const taken = await tx.takeTransmissions(transmission, noon);
      const [key = heard.key] = await tx.newKeys(1);
      const found = await tx.loadNamed([heard]);
      const before = [...found.values()][0] ?? null;
      await tx.save([
        { before: null, after: alertOf(key, { id: 'new', detail: big }) },
        { before, after: repeated(heard, plus(noon, minutes(2))) },
      ]);
      return taken;
    });
  for (let n = 0; n < 3; n++) await assert.rejects(attempt(), { name: 'StoreError', kind: 'full' });
  assert.deepEqual(await load(store, heard), heard, 'what could not be committed did not happen');
  assert.equal(await load(store, { source: heard.source, id: 'new' }), undefined);

  rmSync(filler);
  assert.deepEqual(await attempt(), [true], 'it was not taken before');
  assert.deepEqual(await load(store, heard), repeated(heard, plus(noon, minutes(2))));
  await store.close();

  const reopened = openSqlite({ folder });
  assert.deepEqual(await load(reopened, heard), repeated(heard, plus(noon, minutes(2))));
  assert.equal((await load(reopened, { source: heard.source, id: 'new' }))?.detail, big);
  for (let n = 0; n < written; n++) {
    assert.notEqual(await reopened.transaction((tx) => tx.getFact(`fact ${n}`)), null);
  }
  await reopened.close();
});

test('a store that is closed on a full disk keeps what it could not fold', async (t) => {
  const folder = disk(t, '8m');
  const store = openSqlite({ folder });
  const alerts = await add(store, ...Array.from({ length: 500 }, () => heartbeat));
  const later = plus(noon, minutes(1));
  await store.transaction((tx) =>
    tx.save(alerts.map((alert) => ({ before: alert, after: repeated(alert, later) }))),
  );
  const filler = fill(folder);
  await writeUntilFull(store);
  await store.close();
  rmSync(filler);
  const reopened = openSqlite({ folder });
  const found = await reopened.transaction((tx) => tx.loadKeyed(alerts.map(({ key }) => key)));
  assert.deepEqual(
    found,
    alerts.map((alert) => repeated(alert, later)),
  );
  await reopened.close();
});

test('a read-only file system is named, with what to do', async (t) => {
  const folder = disk(t, '4m');
  await openSqlite({ folder }).close();
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  const refusal = { name: 'StoreError', kind: 'read-only', message: /read-only: mount it writable/ };
  assert.throws(() => openSqlite({ folder }), refusal);
  assert.throws(() => lockDataFolder(folder), refusal);
  assert.throws(() => openSqlite({ folder: join(folder, 'below') }), refusal);
});

test('a disk that is full from the start is named', (t) => {
  const folder = disk(t, '64k');
  fill(folder);
  assert.throws(() => openSqlite({ folder }), { name: 'StoreError', message: /disk/ });
});
