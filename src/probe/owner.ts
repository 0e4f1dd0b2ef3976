/**
 * Root is needed to start an engine, and for nothing afterwards: a probe that
 * root starts becomes somebody else once it runs. Whatever it must still be
 * able to do then is seen to before: its state is saved again and again.
 */
import { chownSync, existsSync, lchownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '../log.ts';
import type { ProbeConfig } from './config.ts';
import { dropPrivileges, findOwner, isRoot, type Owner } from './engine/privilege.ts';
import { lockFiles } from './state-lock.ts';

const userDefault = 'nobody';
const root = 'root';

export type Leaving = {
  /** Null: it stays who it is. */
  readonly owner: Owner | null;
  readonly state: string | null;
};

/** Whom the probe is to become. Changes nothing yet. */
export function whoToBecome(
  { user, state, file }: Pick<ProbeConfig, 'user' | 'state' | 'file'>,
  log: Logger,
): Leaving | { readonly fault: string } {
  const stays: Leaving = { owner: null, state };
  if (!isRoot() || user === root) return stays;
  const name = user ?? userDefault;
  const found = findOwner(name);
  // Somebody who names a user does not want root instead.
  if (!found.ok && user !== null) return { fault: found.why };
  const reason = found.ok ? needOfRoot(name, found.owner, state, file) : found.why;
  if (found.ok && reason === null) return { owner: found.owner, state };
  log.warn({ reason }, 'the probe goes on as root');
  return stays;
}

/** What that user could not do; null where nothing stands in the way. */
function needOfRoot(name: string, owner: Owner, state: string | null, file: string | null): string | null {
  const folder = state === null ? null : dirname(state);
  if (folder !== null && !isOwn(folder) && !may(folder, owner, 0o3)) {
    return `${name} may not write in ${folder}, where the state is kept`;
  }
  if (file !== null && !may(file, owner, 0o4))
    return `${name} may not read ${file}, which SIGHUP reads again`;
  return null;
}

/** Nobody else, where the engine needs root; that is said. */
export function unlessNeeded(leaving: Leaving, need: string | null, log: Logger): Leaving {
  if (leaving.owner === null || need === null) return leaving;
  log.warn({ reason: need }, 'the probe goes on as root');
  return { ...leaving, owner: null };
}

/** Becomes whoever it is to be, for good. */
export function leaveRoot({ owner, state }: Leaving, log: Logger): void {
  if (owner === null) return;
  if (state !== null) handOver(state, owner);
  const dropped = dropPrivileges(owner);
  if (!dropped.ok) log.warn({ reason: dropped.why }, 'the probe goes on as root');
}

/** The folder that systemd made for this service, and for nobody else. */
const isOwn = (folder: string): boolean => process.env.STATE_DIRECTORY === folder;

function handOver(state: string, { uid, gid }: Owner): void {
  const folder = dirname(state);
  if (isOwn(folder)) chownSync(folder, uid, gid);
  for (const file of [state, ...Object.values(lockFiles(state))]) {
    // Not what a link leads to: those of other users are not followed.
    if (existsSync(file)) lchownSync(file, uid, gid);
  }
}

/** Whether that user may do this with a file or folder, by its mode and by those of the folders above. */
function may(path: string, owner: Owner, wanted: number): boolean {
  const enter = 0o1;
  if (!allows(path, owner, wanted)) return false;
  for (let above = dirname(path); ; above = dirname(above)) {
    if (!allows(above, owner, enter)) return false;
    if (above === dirname(above)) return true;
  }
}

function allows(path: string, { uid, gid }: Owner, wanted: number): boolean {
  try {
    const stat = statSync(path);
    const shift = stat.uid === uid ? 6 : stat.gid === gid ? 3 : 0;
    return ((stat.mode >> shift) & wanted) === wanted;
  } catch {
    return false;
  }
}
