/**
 * Opens the database of a data folder: the checks that give a failure words, the
 * settings that make a commit durable, and the schema brought up to date.
 *
 * Takes no lock: mauvectl opens it beside a running station.
 */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { type Duration, seconds } from '../../time.ts';
import { guarded, StoreError } from './errors.ts';
import { migrate } from './migrations.ts';

export const databaseName = 'mauve.db';

/** How long one program waits for another's transaction; both sides keep theirs in milliseconds. */
const busyTimeout: Duration = seconds(5);

/** The log is cut back to this after a checkpoint, so that one burst does not hold disk for ever. */
const walBytesKept = 64 * 1024 * 1024;
const pageCacheKiB = 64 * 1024;

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** What the system says of a folder that cannot be used, as a StoreError. */
function folderError(folder: string, error: unknown): unknown {
  switch (codeOf(error)) {
    case 'EROFS':
      return new StoreError(
        'read-only',
        `${folder}: the file system is read-only: mount it writable, or set another data folder`,
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return new StoreError(
        'no-access',
        `${folder}: this user may not write here: give the folder to the station's user, or set another data folder`,
        error,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new StoreError(
        'no-access',
        `${folder}: there is a file of that name: a data folder must be a folder`,
        error,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreError('full', `${folder}: the disk is full: make room`, error);
    default:
      return error;
  }
}

/** Creates the folder where it is missing, for its owner alone, and checks that it can be written. */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw folderError(folder, mkdirCause(folder, error));
  }
}

/** Node says that a folder to be made is not there, whatever kept it from being made: the reason is further up. */
function mkdirCause(folder: string, error: unknown): unknown {
  if (codeOf(error) !== 'ENOENT') return error;
  let above = resolve(folder);
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK | constants.X_OK);
    return error;
  } catch (cause) {
    return cause;
  }
}

/**
 * It holds hashes of passwords and what alerts say; SQLite gives its other files the same mode. One that is there
 * is never opened here: closing it again would drop the locks that this process may hold on it.
 */
function createForOwner(folder: string, file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw folderError(folder, error);
  }
}

/** Opens for writing. @throws StoreError with words that say what to do. */
export function openDatabase(folder: string): Database.Database {
  prepareFolder(folder);
  const file = join(folder, databaseName);
  createForOwner(folder, file);
  return guarded(file, () => {
    const db = new Database(file, { timeout: busyTimeout });
    try {
      // Looked at before anything is written: what is not ours stays as it was.
      db.pragma('schema_version');
      migrate(db);
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('foreign_keys = ON');
      db.pragma(`cache_size = -${pageCacheKiB}`);
      db.pragma(`journal_size_limit = ${walBytesKept}`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Opens for reading only; the station has made and migrated it before. */
export function openForReading(folder: string): Database.Database {
  const file = join(folder, databaseName);
  return guarded(file, () => {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeout });
    db.pragma(`cache_size = -${pageCacheKiB}`);
    return db;
  });
}
