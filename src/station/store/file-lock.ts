/**
 * A lock on a file, held by one process. It is SQLite's own exclusive lock on a
 * file that holds nothing, so the kernel drops it with the process, however
 * that ends. The number in the second file is only there for the message.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import Database from 'better-sqlite3';
import { StoreError, storeError } from './errors.ts';

export type FileLock = { release(): void };

export type LockOptions = {
  readonly lockFile: string;
  readonly pidFile: string;
  /** Who holds it, for the refusal: ` (pid 12)`, or nothing where that is not known. */
  readonly refusal: (holder: string) => string;
};

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
 * Takes the lock for this process.
 * @throws StoreError `locked` where another process has it.
 */
export function lockFile({ lockFile: file, pidFile, refusal }: LockOptions): FileLock {
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    const known = storeError(file, error);
    if (!(known instanceof StoreError) || known.kind !== 'busy') throw known;
    const pid = holderOf(pidFile);
    throw new StoreError('locked', refusal(pid === null ? '' : ` (pid ${pid})`), error);
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch {
    // A full disk must not stop the program: without the file the refusal merely names no pid.
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
