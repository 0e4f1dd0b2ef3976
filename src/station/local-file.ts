/**
 * Reading a small file whose name somebody wrote into a setting: its text, or
 * why not, in words; and the names in a folder. Handed to those who read
 * settings and policies, so that tests need no files.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';

export type FileRead =
  | { readonly ok: true; readonly text: string; readonly worldReadable: boolean }
  | { readonly ok: false; readonly why: string };
export type ReadFile = (path: string) => FileRead;

/** In bytes: none of the files that settings name comes near it. */
const fileMax = 4 * 1024 * 1024;
const readByAll = 0o004;

/** A file of this machine. */
export const readLocalFile: ReadFile = (path) => {
  try {
    const stat = statSync(path);
    const { mode, size } = stat;
    // A device or a pipe might never end.
    if (!stat.isFile() && !stat.isDirectory()) return { ok: false, why: 'it is no regular file' };
    if (size > fileMax) return { ok: false, why: `it is larger than ${fileMax} bytes` };
    return { ok: true, text: readFileSync(path, 'utf8'), worldReadable: (mode & readByAll) !== 0 };
  } catch (error) {
    return { ok: false, why: fileWords(error) };
  }
};

/** The names in a folder, or why they cannot be read. */
export type ListFolder = (
  path: string,
) => { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly why: string };

export const listLocalFolder: ListFolder = (path) => {
  try {
    return { ok: true, names: readdirSync(path) };
  } catch (error) {
    return { ok: false, why: fileWords(error) };
  }
};

/** What the system said of a file, in words. A bug is thrown on. */
export function fileWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'ENOTDIR':
      return 'there is no such folder';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it (its owner and mode do not allow it)';
    case 'EISDIR':
      return 'it is a folder, not a file';
    default:
      if (typeof code === 'string') return code;
      throw error;
  }
}
