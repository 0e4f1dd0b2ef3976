/** What the system said of a file that could not be written, in words. */
export function writeWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full: make room';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOENT':
      return 'there is no such folder';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
