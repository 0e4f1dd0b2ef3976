/**
 * Less privilege: once the engine runs and sockets are bound, the agent needs
 * none. Scamper's keeper stays root (see supervisor.ts); mtr-packet is the agent's
 * own child, and always runs as whom the agent is then.
 */
import { execFileSync } from 'node:child_process';

/** A user of this machine, by number. */
export type Owner = { readonly uid: number; readonly gid: number };

export type OwnerFound =
  | { readonly ok: true; readonly owner: Owner }
  | { readonly ok: false; readonly why: string };

/** The names of users that are looked up; never an option of a program. */
const userName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

function idOf(flag: '-u' | '-g', user: string): number {
  const said = execFileSync('id', [flag, user], {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return Number(said.trim());
}

/** Looks a user up, wherever the system keeps its users. */
export function findOwner(user: string): OwnerFound {
  if (!userName.test(user)) return { ok: false, why: 'no name of a user' };
  try {
    const owner = { uid: idOf('-u', user), gid: idOf('-g', user) };
    if (!Number.isInteger(owner.uid) || !Number.isInteger(owner.gid)) throw new Error();
    return { ok: true, owner };
  } catch {
    return { ok: false, why: `there is no user ${user}` };
  }
}

export const isRoot = (): boolean => process.getuid?.() === 0;

export type Dropped =
  | { readonly ok: true; readonly dropped: boolean }
  | { readonly ok: false; readonly why: string };

/**
 * Becomes `owner`, for good: group first, for afterwards it could not. Who is
 * not root has nothing to drop.
 */
export function dropPrivileges(owner: Owner): Dropped {
  if (!isRoot()) return { ok: true, dropped: false };
  if (owner.uid === 0) return { ok: false, why: 'that user is root' };
  try {
    process.setgroups?.([owner.gid]);
    process.setgid?.(owner.gid);
    process.setuid?.(owner.uid);
  } catch (error) {
    return {
      ok: false,
      why: `cannot become user ${owner.uid}: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
    };
  }
  return canReturn() ? { ok: false, why: 'privilege could be had back' } : { ok: true, dropped: true };
}

function canReturn(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}
