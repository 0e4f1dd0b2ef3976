/** No call of the store costs more for all that is kept: SQLite's own plans say so. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { openSqlite } from '../../src/station/store/sqlite.ts';
import { openReads } from '../../src/station/store/sqlite-reads.ts';
import { folderOf } from './samples.ts';

/** What may be passed through from end to end, and why. */
const small: ReadonlyMap<string, string> = new Map([
  ['SCAN repeats', 'read once, at the start: what was not folded'],
  ['SCAN alerts USING INDEX alerts_raised_of', 'a new policy: the raised ones alone'],
  ['SCAN outbox USING INDEX outbox_owed', 'a start, a clock set back: what is owed alone'],
  ['SCAN names', 'read once, at the start: the hosts'],
  ['SCAN users', 'people'],
  ['SCAN tokens', 'scripts of people'],
  ['SCAN sqlite_sequence', 'a row for each table'],
  ['SCAN sqlite_schema', 'the tables'],
  ['SCAN CONSTANT ROW', 'one row'],
]);

/** What is read from its head on, no further than a limit. */
const heads: ReadonlySet<string> = new Set([
  ...['SCAN transmissions', 'SCAN history', 'SCAN outbox', 'SCAN (subquery-1)'],
  'SCAN silences USING INDEX silences_end',
]);

function planOf(db: Database.Database, sql: string): string[] {
  const places = Array.from(sql.matchAll(/\?/g), () => null);
  const names = Object.fromEntries(Array.from(sql.matchAll(/@(\w+)/g), ([, name]) => [name ?? '', null]));
  const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  const rows = Object.keys(names).length > 0 ? plan.all(names) : plan.all(...places);
  return rows.map(({ detail }) => detail);
}

test('nothing passes through a whole table, but for what is small', async (t) => {
  const folder = folderOf(t);
  const { mock } = t.mock.method(Database.prototype, 'prepare');
  const store = openSqlite({ folder });
  const reads = openReads({ folder });
  const statements = mock.calls.map((call) => String(call.arguments[0]));
  mock.restore();
  const queries = statements.filter((sql) => !/^(BEGIN|COMMIT|ROLLBACK)/.test(sql));
  assert.ok(queries.length > 80, `${queries.length} statements were seen`);
  const db = new Database(join(folder, 'mauve.db'), { readonly: true });
  for (const sql of queries) {
    for (const step of planOf(db, sql)) {
      const fine = !step.startsWith('SCAN') || small.has(step) || (heads.has(step) && sql.includes('LIMIT'));
      assert.ok(fine, `${step}\n${sql}`);
    }
  }
  db.close();
  await reads.close();
  await store.close();
});
