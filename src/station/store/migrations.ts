/**
 * The schema, as the numbered steps that lead to it. A step that has been
 * released is never edited: the next change is a new step at the end. Each runs
 * in a transaction of its own, and `PRAGMA user_version` counts those done.
 */
import type { Database } from 'better-sqlite3';
import { StoreError } from './errors.ts';

/** SQLite's `application_id` of Mauve's databases: "Mauv". */
export const applicationId = 0x4d617576;

/**
 * - `alerts` is the wide row, written when an alert's state or texts change. Its
 *   indexes are what a repeat must never touch.
 * - `heard` is what every repeat moves. Without indexes; repeats are appended to
 *   `repeats`, and folding brings them here in the order of keys.
 * - `repeats` and `transmissions` are append-only, without indexes, one row a
 *   transaction: packed, they cost a sixth of what a row for each would. Their
 *   formats are those of journal.ts and transmissions.ts, little-endian.
 * - `outbox.send_at` is when a message may next be taken (the end of a lease
 *   counts), null once it is settled: the partial indexes hold only what is
 *   owed, so that no lookup of it passes what was sent over the years.
 * - `inhibitors` says again what `alerts.inhibits` says, to be found by the token.
 *   Only raised alerts have any, so none is left when an alert is dropped.
 * - `open_alerts` says again what `alerts.told` says, of raised alerts, to be found by the person. Only raised alerts
 *   have any, so none is left when an alert is dropped.
 * - `outbox.leased_at` is when the lease began (of a sent one: that sent it), `sent_at` when the channel took it,
 *   whatever became of it then; `held_at` is when the person's limit last held the message back, and stays when it is
 *   sent at last. `watch_at` is when something is to be done if it has not arrived by then. `reference` is by what the
 *   provider reports of it.
 * - `outbox.sent_in` says that it went as a part of a digest or summary; `rides`: that another row counts for it there.
 * - `tallies` counts rows by triggers, so that no page counts a million of them.
 */
const initial = `
CREATE TABLE alerts (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  summary TEXT NOT NULL,
  importance INTEGER NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('raised', 'acknowledged', 'cleared')),
  since INTEGER NOT NULL,
  raised_since INTEGER,
  acknowledged_by TEXT,
  acknowledged_until INTEGER,
  note TEXT,
  suppress_until INTEGER,
  muted_kind TEXT,
  muted_by TEXT,
  muted_why TEXT,
  muted_since INTEGER,
  muted_until INTEGER,
  held_since INTEGER,
  inhibits TEXT NOT NULL,
  concerns TEXT NOT NULL,
  episode INTEGER NOT NULL,
  announced TEXT NOT NULL,
  announced_episode INTEGER NOT NULL,
  told TEXT NOT NULL,
  group_name TEXT,
  level TEXT,
  reminders TEXT NOT NULL,
  first_seen_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  wake_at INTEGER,
  UNIQUE (source, id),
  CHECK ((phase = 'acknowledged') = (raised_since IS NOT NULL AND acknowledged_by IS NOT NULL
    AND acknowledged_until IS NOT NULL AND note IS NOT NULL)),
  CHECK ((muted_kind IS NOT NULL) = (muted_by IS NOT NULL AND muted_why IS NOT NULL AND muted_since IS NOT NULL))
) STRICT;
CREATE INDEX alerts_wake ON alerts (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX alerts_changed ON alerts (phase, changed_at, key);
CREATE INDEX alerts_urgent ON alerts (phase, changed_at, key) WHERE level = 'urgent';
CREATE INDEX alerts_raised_of ON alerts (source) WHERE phase <> 'cleared';
CREATE INDEX alerts_standing ON alerts (key) WHERE phase <> 'cleared' OR muted_kind IS NOT NULL;
CREATE INDEX alerts_muted ON alerts (muted_kind, muted_by) WHERE muted_kind IS NOT NULL;

CREATE TABLE inhibitors (
  token TEXT NOT NULL,
  alert INTEGER NOT NULL,
  PRIMARY KEY (token, alert)
) STRICT, WITHOUT ROWID;

CREATE TABLE open_alerts (
  person TEXT NOT NULL,
  urgency INTEGER NOT NULL,
  alert INTEGER NOT NULL,
  PRIMARY KEY (person, urgency, alert)
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
  code INTEGER PRIMARY KEY,
  alert INTEGER NOT NULL UNIQUE REFERENCES alerts (key) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE alert_details (
  key INTEGER PRIMARY KEY REFERENCES alerts (key) ON DELETE CASCADE,
  detail TEXT NOT NULL
) STRICT;

CREATE TABLE heard (
  key INTEGER PRIMARY KEY REFERENCES alerts (key) ON DELETE CASCADE,
  heard_at INTEGER NOT NULL,
  will_raise_at INTEGER,
  will_clear_at INTEGER
) STRICT;

CREATE TABLE repeats (seq INTEGER PRIMARY KEY, moved BLOB NOT NULL) STRICT;

CREATE TABLE transmissions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, names BLOB NOT NULL) STRICT;

CREATE TABLE history (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  alert INTEGER NOT NULL REFERENCES alerts (key) DEFERRABLE INITIALLY DEFERRED,
  at INTEGER NOT NULL,
  quiet INTEGER NOT NULL,
  by TEXT,
  kind TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX history_of ON history (alert, seq);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  channel TEXT NOT NULL,
  next TEXT,
  alert INTEGER NOT NULL REFERENCES alerts (key) DEFERRABLE INITIALLY DEFERRED,
  episode INTEGER NOT NULL,
  kind TEXT NOT NULL,
  rule TEXT,
  person TEXT NOT NULL,
  level TEXT NOT NULL,
  urgency INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  facts TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'leased', 'accepted', 'delivered', 'failed', 'obsolete')),
  send_at INTEGER,
  overdue_after INTEGER,
  watch_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  leased_at INTEGER,
  sent_in TEXT CHECK (sent_in IN ('digest', 'summary')),
  rides INTEGER NOT NULL DEFAULT 0,
  sent_at INTEGER,
  reference TEXT,
  held_at INTEGER,
  settled_at INTEGER,
  title TEXT NOT NULL DEFAULT '',
  text TEXT NOT NULL DEFAULT '',
  why TEXT NOT NULL DEFAULT '',
  UNIQUE (key, channel),
  CHECK ((send_at IS NOT NULL) = (status IN ('pending', 'leased'))),
  CHECK ((leased_at IS NOT NULL) = (status = 'leased' OR sent_at IS NOT NULL)),
  CHECK (sent_at IS NOT NULL OR status NOT IN ('accepted', 'delivered')),
  CHECK (sent_at IS NULL OR status IN ('accepted', 'delivered', 'failed')),
  CHECK (watch_at IS NULL OR settled_at IS NULL),
  CHECK ((settled_at IS NULL) = (status IN ('pending', 'leased', 'accepted')))
) STRICT;
CREATE INDEX outbox_owed ON outbox (channel, urgency, send_at) WHERE send_at IS NOT NULL;
CREATE INDEX outbox_owed_of ON outbox (alert) WHERE send_at IS NOT NULL;
CREATE INDEX outbox_of ON outbox (alert, id);
CREATE INDEX outbox_person ON outbox (person, id);
CREATE INDEX outbox_owed_to ON outbox (person, channel, send_at) WHERE send_at IS NOT NULL;
CREATE INDEX outbox_moving ON outbox (channel, send_at) WHERE status = 'pending' AND next IS NOT NULL;
CREATE INDEX outbox_watched ON outbox (watch_at) WHERE watch_at IS NOT NULL;
CREATE INDEX outbox_reference ON outbox (channel, reference) WHERE reference IS NOT NULL;
CREATE INDEX outbox_sent ON outbox (person, sent_at) WHERE sent_at IS NOT NULL AND rides = 0 AND channel <> 'inbox';
CREATE INDEX outbox_under_way ON outbox (person) WHERE status = 'leased' AND rides = 0 AND channel <> 'inbox';
CREATE INDEX outbox_held ON outbox (person, held_at, key) WHERE held_at IS NOT NULL;

CREATE TABLE silences (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  match TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  ended_at INTEGER,
  ended_by TEXT,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX silences_standing ON silences (until) WHERE ended_at IS NULL;
CREATE INDEX silences_end ON silences (coalesce(ended_at, until));

CREATE TABLE names (host TEXT PRIMARY KEY, addresses TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX names_at ON names (at);

CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  password_hash TEXT,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE login_links (
  hash TEXT PRIMARY KEY,
  user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_links_user ON login_links (user);
CREATE INDEX login_links_expiry ON login_links (expires_at);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user TEXT REFERENCES users (name) ON DELETE CASCADE,
  data TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tallies (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO tallies VALUES
  ('alerts/raised', 0), ('alerts/acknowledged', 0), ('alerts/cleared', 0),
  ('outbox/pending', 0), ('outbox/leased', 0), ('outbox/accepted', 0), ('outbox/delivered', 0),
  ('outbox/failed', 0), ('outbox/obsolete', 0);
CREATE TRIGGER alerts_added AFTER INSERT ON alerts BEGIN
  UPDATE tallies SET count = count + 1 WHERE name = 'alerts/' || new.phase;
END;
CREATE TRIGGER alerts_moved AFTER UPDATE OF phase ON alerts WHEN old.phase <> new.phase BEGIN
  UPDATE tallies SET count = count - 1 WHERE name = 'alerts/' || old.phase;
  UPDATE tallies SET count = count + 1 WHERE name = 'alerts/' || new.phase;
END;
CREATE TRIGGER alerts_removed AFTER DELETE ON alerts BEGIN
  UPDATE tallies SET count = count - 1 WHERE name = 'alerts/' || old.phase;
END;
CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
  UPDATE tallies SET count = count + 1 WHERE name = 'outbox/' || new.status;
END;
CREATE TRIGGER outbox_moved AFTER UPDATE OF status ON outbox WHEN old.status <> new.status BEGIN
  UPDATE tallies SET count = count - 1 WHERE name = 'outbox/' || old.status;
  UPDATE tallies SET count = count + 1 WHERE name = 'outbox/' || new.status;
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
  UPDATE tallies SET count = count - 1 WHERE name = 'outbox/' || old.status;
END;

PRAGMA application_id = ${applicationId};
`;

/** In order; the first leads from an empty file to version 1. */
export const migrations: readonly string[] = [initial];

function version(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function isForeign(db: Database): boolean {
  if (Number(db.pragma('application_id', { simple: true })) === applicationId) return false;
  return version(db) !== 0 || db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}

/**
 * Brings a database up to date. Safe while another program does the same.
 * @throws StoreError `newer` where a later version of Mauve wrote it, `not-a-database` where something else did.
 */
export function migrate(db: Database, steps: readonly string[] = migrations): void {
  if (isForeign(db)) {
    throw new StoreError(
      'not-a-database',
      `${db.name}: this is a database of another program: move it away, or set another data folder`,
    );
  }
  while (version(db) !== steps.length) {
    db.exec('BEGIN IMMEDIATE');
    try {
      // Read again inside: whoever held the lock until now may have done this step.
      const done = version(db);
      if (done > steps.length) {
        throw new StoreError(
          'newer',
          `${db.name}: a newer Mauve wrote this (schema ${done}; this one knows ${steps.length}): ` +
            'install that version again, or put back a backup from before it',
        );
      }
      const step = steps[done];
      if (step !== undefined) {
        db.exec(step);
        db.pragma(`user_version = ${done + 1}`);
      }
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}
