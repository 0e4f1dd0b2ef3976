/** One station a data folder. */
import { join } from 'node:path';
import { prepareFolder } from './database.ts';
import { type FileLock, lockFile } from './file-lock.ts';

/**
 * Takes the data folder for this process, creating it where it is missing.
 * @throws StoreError `locked` where another station runs on it.
 */
export function lockDataFolder(folder: string): FileLock {
  prepareFolder(folder);
  return lockFile({
    lockFile: join(folder, 'station.lock'),
    pidFile: join(folder, 'station.pid'),
    refusal: (holder) =>
      `${folder}: another station is running on this data folder${holder}: ` +
      'stop it first, or set another data folder',
  });
}
