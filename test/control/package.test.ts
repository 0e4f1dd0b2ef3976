/** What `npm pack` puts into the package: what runs, and nothing of the workshop. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { projectFolder } from '../kit/process.ts';

type Packed = readonly { readonly files: readonly { readonly path: string }[] }[];

test('the package holds the commands and the assets, but no settings of the type check', () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: projectFolder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const [packed] = JSON.parse(stdout) as Packed;
  const paths = packed?.files.map(({ path }) => path) ?? [];
  for (const path of ['bin/mauvectl', 'dist/mauvectl.mjs', 'dist/assets/mauve.css', 'README.md']) {
    assert.ok(paths.includes(path), path);
  }
  assert.deepEqual(
    paths.filter((path) => path.endsWith('tsconfig.json')),
    [],
  );
});
