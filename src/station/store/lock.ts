/**
 * One station a data folder. The lock is SQLite's own exclusive lock on a file
 * that holds nothing, so the kernel drops it with the process, however that
 * ends. The number in `station.pid` beside it is only there for the message.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import Database from 'better-sqlite3';
import { prepareFolder } from './database.ts';
import { StoreError, storeError } from './errors.ts';

export type FolderLock = { release(): void };

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Null where the file is not there, or tells of a process long gone. */
function holderOf(pidFile: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 && isRunning(pid) ? pid : null;
  } catch {
    return null;
  }
}

/**
 * Takes the data folder for this process, creating it where it is missing.
 * @throws StoreError `locked` where another station runs on it.
 */
export function lockDataFolder(folder: string): FolderLock {
  prepareFolder(folder);
  const lockFile = join(folder, 'station.lock');
  const pidFile = join(folder, 'station.pid');
  let db: Database.Database | null = null;
  try {
    db = new Database(lockFile, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    const known = storeError(lockFile, error);
    if (!(known instanceof StoreError) || known.kind !== 'busy') throw known;
    const pid = holderOf(pidFile);
    throw new StoreError(
      'locked',
      `${folder}: another station is running on this data folder${pid === null ? '' : ` (pid ${pid})`}: ` +
        'stop it first, or set another data folder',
      error,
    );
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch {
    // A full disk must not stop the station: without the file the refusal merely names no pid.
  }
  const held = db;
  return {
    release() {
      if (!held.open) return;
      try {
        rmSync(pidFile, { force: true });
      } catch {
        // As above: a pid that is gone is not named either.
      }
      held.close();
    },
  };
}
