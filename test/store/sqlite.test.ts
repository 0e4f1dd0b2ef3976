/** What is SQLite's own: what a repeat may touch, a killed process, the schema, the lock. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { lockDataFolder } from '../../src/station/store/lock.ts';
import { migrate, migrations } from '../../src/station/store/migrations.ts';
import { historyKept, silentAlertsKept } from '../../src/station/store/prune.ts';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import { days, minutes, plus } from '../../src/time.ts';
import { add, alertOf, folderOf, heartbeat, load, noon, only, owed, repeated, save } from './samples.ts';

const child = new URL('child.ts', import.meta.url).pathname;
const start = (folder: string, what: string) =>
  spawn(process.execPath, [child, folder, what], { stdio: ['pipe', 'pipe', 'inherit'] });

/** All rows of a table, through a connection of its own. */
function rowsOf(folder: string, table: string): unknown[] {
  const db = new Database(join(folder, 'mauve.db'), { readonly: true });
  const rows = db.prepare(`SELECT * FROM ${table}`).all();
  db.close();
  return rows;
}

test('a repeat is one appended row: no other table and no index is touched', async (t) => {
  const folder = folderOf(t);
  const store = openSqlite({ folder });
  const alerts = await add(
    store,
    (key) => heartbeat(key),
    (key) => alertOf(key),
  );
  const tables = ['alerts', 'heard', 'alert_details', 'history', 'outbox'];
  const before = tables.map((table) => rowsOf(folder, table));
  const later = plus(noon, minutes(1));
  await store.transaction(async (tx) => {
    await tx.takeTransmissions(
      [
        { source: 'db1', id: 1n },
        { source: 'db2', id: 1n },
      ],
      later,
    );
    await tx.save(alerts.map((alert) => ({ before: alert, after: repeated(alert, later) })));
  });
  assert.deepEqual(
    tables.map((table) => rowsOf(folder, table)),
    before,
  );
  assert.equal(rowsOf(folder, 'repeats').length, 1);
  assert.equal(rowsOf(folder, 'transmissions').length, 1);
  const indexes = rowsOf(
    folder,
    `sqlite_schema WHERE type = 'index' AND tbl_name IN ('repeats', 'transmissions', 'heard')`,
  );
  assert.deepEqual(indexes, []);
  await store.close();
});

test('what was committed before kill -9 is there, and nothing else', async (t) => {
  const folder = folderOf(t);
  const [, signal] = await once(start(folder, 'repeat'), 'exit');
  assert.equal(signal, 'SIGKILL');
  const store = openSqlite({ folder });
  const [first, second] = await store.transaction((tx) => tx.loadKeyed([1, 2].map((key) => key as never)));
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual(first, repeated(heartbeat(first.key), plus(noon, minutes(100))));
  assert.deepEqual(second, { ...heartbeat(second.key), willRaiseAt: null });
  const names = [1n, 2n].map((id) => ({ source: 'db1', id }));
  assert.deepEqual(await store.transaction((tx) => tx.takeTransmissions(names, noon)), [false, true]);
  await store.close();
});

test('many alerts are folded a few at a time, and repeats go on meanwhile', async (t) => {
  const folder = folderOf(t);
  const store = openSqlite({ folder });
  const alerts = await add(store, ...Array.from({ length: 3_000 }, () => heartbeat));
  const at = (n: number) => plus(noon, minutes(n));
  const repeatAll = (n: number) =>
    store.transaction((tx) =>
      tx.save(alerts.map((alert) => ({ before: repeated(alert, at(n - 1)), after: repeated(alert, at(n)) }))),
    );
  await repeatAll(1);
  assert.equal(await store.fold(at(1), 1_000), true);
  await repeatAll(2);
  while (await store.fold(at(1), 1_000));
  await repeatAll(3);
  assert.equal(await store.fold(at(1), 1_000), false, 'many wait for more to share the write');
  assert.equal(await store.fold(at(2), 1_000), true);
  while (await store.fold(at(2), 1_000));
  assert.deepEqual(rowsOf(folder, 'repeats'), []);
  assert.deepEqual(rowsOf(folder, 'heard WHERE key = 3000'), [
    { key: 3_000, heard_at: at(3), will_raise_at: at(8), will_clear_at: null },
  ]);
  await store.close();
});

test('a failure that the work overlooks is not committed', async (t) => {
  const store = openSqlite({ folder: folderOf(t) });
  const alert = only(await add(store, (key) => alertOf(key)));
  const failed = store.transaction(async (tx) => {
    await tx.setFact('half', 'done');
    await assert.rejects(tx.save([{ before: null, after: alert }]), /UNIQUE/);
    await assert.rejects(tx.setFact('other', 'half'), /UNIQUE/);
  });
  await assert.rejects(failed, /UNIQUE/);
  assert.equal(await store.transaction((tx) => tx.getFact('half')), null);
  await store.close();
});

test('old history, settled messages and silent alerts are dropped in their time', async (t) => {
  const folder = folderOf(t);
  const store = openSqlite({ folder });
  const cleared = { kind: 'cleared' as const, since: noon };
  const [silent, spoken, planned, raised] = await add(
    store,
    (key) => alertOf(key, { phase: cleared, episode: 1 }),
    (key) => alertOf(key, { phase: cleared, episode: 1 }),
    (key) => heartbeat(key),
    (key) => alertOf(key),
  );
  assert.ok(silent !== undefined && spoken !== undefined && planned !== undefined && raised !== undefined);
  const much = plus(plus(noon, silentAlertsKept), days(1));
  await store.transaction(async (tx) => {
    await tx.appendHistory(
      [noon, much].map((at) => ({
        alert: raised.key,
        at,
        quiet: false,
        by: null,
        change: { kind: 'note', text: 'x' },
      })),
    );
    await tx.enqueue([owed(silent), owed(raised, { key: 'owed for ever' })], noon);
    const [first] = await tx.waiting(noon, 1, []);
    if (first !== undefined) await tx.settle([{ id: first.id, kind: 'failed', at: noon, why: '' }]);
  });
  await save(store, spoken, repeated(spoken, much));
  await store.accounts.addUser('alice', null, noon);
  await store.accounts.saveSession('s', 'alice', '{}', noon);
  await store.accounts.addLoginLink('l', 'alice', noon);

  while (await store.prune(plus(noon, days(1)), 1));
  assert.equal(rowsOf(folder, 'alerts').length, 4);
  assert.deepEqual([rowsOf(folder, 'sessions'), rowsOf(folder, 'login_links')], [[], []]);
  assert.equal(historyKept, days(400));
  while (await store.prune(much, 1));
  while (await store.prune(much, 1));
  assert.equal(await load(store, silent), undefined);
  for (const kept of [repeated(spoken, much), planned, raised])
    assert.deepEqual(await load(store, kept), kept);
  assert.equal(rowsOf(folder, 'history').length, 1);
  assert.equal(rowsOf(folder, 'outbox').length, 1);
  const reads = openReads({ folder });
  assert.deepEqual(await reads.counts(), { raised: 1, acknowledged: 0, cleared: 2 });
  assert.equal((await reads.outboxCounts()).pending, 1);
  await reads.close();
  await store.close();
});

test('a number of a dropped alert is not given out again', async (t) => {
  const folder = folderOf(t);
  let store = openSqlite({ folder });
  const alert = only(await add(store, (key) => alertOf(key, { phase: { kind: 'cleared', since: noon } })));
  while (await store.prune(plus(noon, days(500)), 100));
  await store.close();
  store = openSqlite({ folder });
  assert.equal(await load(store, alert), undefined);
  assert.ok(only(await add(store, (key) => alertOf(key))).key > alert.key);
  await store.close();
});

// ---------------------------------------------------------------- the schema

test('each step of the schema is done once, in a transaction', (t) => {
  const db = new Database(join(folderOf(t), 'x.db'));
  migrate(db);
  const version = () => Number(db.pragma('user_version', { simple: true }));
  assert.equal(version(), migrations.length);
  const broken = [...migrations, 'CREATE TABLE new (a) STRICT; SELECT nonsense'];
  assert.throws(() => migrate(db, broken));
  assert.equal(version(), migrations.length);
  const next = [...migrations, 'CREATE TABLE new (a TEXT) STRICT'];
  migrate(db, next);
  migrate(db, next);
  assert.equal(version(), next.length);
  db.close();
});

test('what an older Mauve kept is still there under the newest schema', async (t) => {
  const folder = folderOf(t);
  const db = new Database(join(folder, 'mauve.db'));
  migrate(db, migrations.slice(0, 1));
  db.exec(`INSERT INTO users (name, created_at) VALUES ('alice', 1)`);
  db.close();
  const store = openSqlite({ folder });
  assert.equal((await store.accounts.findUser('alice'))?.createdAt, 1);
  await store.close();
});

test('a database that a newer Mauve wrote is refused, and says what to do', async (t) => {
  const folder = folderOf(t);
  await openSqlite({ folder }).close();
  const db = new Database(join(folder, 'mauve.db'));
  db.pragma(`user_version = ${migrations.length + 1}`);
  db.close();
  assert.throws(() => openSqlite({ folder }), {
    kind: 'newer',
    message: /newer Mauve wrote this.*install that version/,
  });
});

test('a file that is no database of Mauve is refused, and left as it was', (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'mauve.db');
  writeFileSync(file, 'minutes of the last meeting\n'.repeat(100));
  assert.throws(() => openSqlite({ folder }), { kind: 'not-a-database', message: /move it away/ });
  assert.match(readFileSync(file, 'utf8'), /^minutes/);
  const other = folderOf(t);
  const db = new Database(join(other, 'mauve.db'));
  db.exec('CREATE TABLE songs (title)');
  db.close();
  assert.throws(() => openSqlite({ folder: other }), { kind: 'not-a-database', message: /another program/ });
});

test('a missing data folder is made, for its owner alone; one that is a file is refused', async (t) => {
  const folder = join(folderOf(t), 'a', 'data');
  await openSqlite({ folder }).close();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'mauve.db')).mode & 0o777, 0o600);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    assert.throws(() => openSqlite({ folder: path }), { kind: 'no-access', message: /must be a folder/ });
  }
});

// ---------------------------------------------------------------- the lock

test("a second station on the same data folder is refused by the first one's number", async (t) => {
  const folder = folderOf(t);
  const holder = start(folder, 'hold');
  await once(holder.stdout, 'data');
  assert.throws(() => lockDataFolder(folder), {
    kind: 'locked',
    message: new RegExp(`another station.*pid ${holder.pid}\\b`),
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = lockDataFolder(folder);
  assert.throws(() => lockDataFolder(folder), { kind: 'locked' });
  lock.release();
  lock.release();
  lockDataFolder(folder).release();
});

test('the lock makes the folder, and needs no number to refuse', (t) => {
  const folder = join(folderOf(t), 'new');
  const lock = lockDataFolder(folder);
  writeFileSync(join(folder, 'station.pid'), 'garbage');
  assert.throws(() => lockDataFolder(folder), {
    kind: 'locked',
    message: /is running on this data folder: stop/,
  });
  lock.release();
  mkdirSync(join(folder, 'station.pid'));
  lockDataFolder(folder).release();
});
