/** Small file systems that tests can fill: need root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A file system of its own, gone after the test. */
export function disk(t: TestContext, size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'mauve-test', folder]);
  t.after(() => {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  return folder;
}

/** Takes all room that is left. */
export function fill(folder: string): string {
  const file = join(folder, 'filler');
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(file, Buffer.alloc(bavail * bsize));
  return file;
}
