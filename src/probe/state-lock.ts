/**
 * One probe a state file. Two would write over each other's, and as they bear
 * one name nearly always, each would clear at the stations what the other said.
 */
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Logger } from '../log.ts';
import { StoreError } from '../station/store/errors.ts';
import { type FileLock, lockFile } from '../station/store/file-lock.ts';

/** More than anybody sets up; a circle of links ends there. */
const linksMax = 40;

/**
 * The file that links lead to, though it may not be there yet: it is what is guarded and replaced, and not a link to it.
 * The path itself where that cannot be told. Links of other users are not followed: root would set aside for
 * them, as no state, whatever file they name.
 */
export function behindLinks(path: string): string {
  let file = path;
  try {
    for (let n = 0; n < linksMax; n++) {
      const found = lstatSync(file, { throwIfNoEntry: false });
      if (found?.isSymbolicLink() !== true || !isTrusted(found.uid)) return file;
      file = resolve(realpathSync(dirname(file)), readlinkSync(file));
    }
  } catch {
    // What is wrong with it is told when it is read, or saved.
  }
  return path;
}

const isTrusted = (uid: number): boolean => uid === 0 || uid === process.geteuid?.();

function isSpecial(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && !found.isFile() && !found.isDirectory();
  } catch {
    // It cannot be read then, and that is told.
    return false;
  }
}

/** What lies beside the state file. */
export const lockFiles = (state: string) => ({ lockFile: `${state}.lock`, pidFile: `${state}.pid` });

/**
 * A lock that cannot be had for another reason is a warning, as is a state that cannot be saved: the probe goes on.
 * A device or a pipe is none: it might never end, and would be set aside as no state.
 */
export function lockState(state: string, log: Logger): FileLock | { readonly fault: string } {
  if (isSpecial(state))
    return {
      fault: `${state} is no regular file, so no state can be kept there: give --state the name of one, or leave it out`,
    };
  try {
    return lockFile({
      ...lockFiles(state),
      refusal: (holder) =>
        `another probe${holder} keeps its state in ${state}: stop it first, or give this one a --state and a --name of its own`,
    });
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'locked') return { fault: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ file: state, reason }, 'the state is not guarded against a second probe');
    return { release: () => undefined };
  }
}
