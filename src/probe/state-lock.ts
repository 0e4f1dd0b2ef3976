/**
 * One probe a state file. Two would write over each other's, and as they bear
 * one name nearly always, each would clear at the stations what the other said.
 */
import type { Logger } from '../log.ts';
import { StoreError } from '../station/store/errors.ts';
import { type FileLock, lockFile } from '../station/store/file-lock.ts';

/** What lies beside the state file. */
export const lockFiles = (state: string) => ({ lockFile: `${state}.lock`, pidFile: `${state}.pid` });

/** A lock that cannot be had for another reason is a warning, as is a state that cannot be saved: the probe goes on. */
export function lockState(state: string, log: Logger): FileLock | { readonly fault: string } {
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
