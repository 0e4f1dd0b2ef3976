/**
 * What can go wrong below the store that is nobody's bug: a full disk, a
 * read-only file system, a damaged file. Each has a kind for the program and
 * words for the administrator that say what to do.
 */
import Database from 'better-sqlite3';

export type StoreErrorKind =
  | 'full'
  | 'read-only'
  | 'io'
  | 'busy'
  | 'no-access'
  | 'not-a-database'
  | 'damaged'
  | 'newer'
  | 'locked'
  | 'closed';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}

/** By the primary result code of SQLite; extended codes begin with it. */
const kinds: readonly (readonly [prefix: string, kind: StoreErrorKind, advice: string])[] = [
  ['SQLITE_FULL', 'full', 'the disk is full: make room; what waits is kept meanwhile'],
  [
    'SQLITE_READONLY',
    'read-only',
    'it cannot be written: check the owner of its files and how the disk is mounted',
  ],
  ['SQLITE_IOERR', 'io', 'the disk reports an error: look at the system log, and for space on the disk'],
  ['SQLITE_BUSY', 'busy', 'another program holds it: see which has it open, and end that or wait'],
  ['SQLITE_LOCKED', 'busy', 'another program holds it: see which has it open, and end that or wait'],
  ['SQLITE_CANTOPEN', 'no-access', 'it cannot be opened: check the owner of the folder and its files'],
  ['SQLITE_PERM', 'no-access', 'it cannot be opened: check the owner of the folder and its files'],
  ['SQLITE_NOTADB', 'not-a-database', 'it is not a database: move it away, or set another data folder'],
  ['SQLITE_CORRUPT', 'damaged', 'it is damaged: stop the station and put back a backup'],
];

/** @returns the StoreError that stands for an error of SQLite; any other error as it is, for it is a bug. */
export function storeError(file: string, error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const known = kinds.find(([prefix]) => error.code.startsWith(prefix));
  if (known === undefined) return error;
  const [, kind, advice] = known;
  return new StoreError(kind, `${file}: ${advice} (${error.code}: ${error.message})`, error);
}

/** Does `work`, and turns SQLite's errors into StoreErrors. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeError(file, error);
  }
}
