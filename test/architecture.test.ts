/** The rules of ARCHITECTURE.md that a machine can check. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '..');

function sources(...folders: readonly string[]): readonly { readonly name: string; readonly text: string }[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
      .map((name) => join(folder, name))
      .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') })),
  );
}

/** Comments may speak of what code may not do. */
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

function offenders(pattern: RegExp, ...folders: readonly string[]): readonly string[] {
  return sources(...folders)
    .filter(({ text }) => pattern.test(code(text)))
    .map(({ name }) => name);
}

describe('architecture', () => {
  it('nobody imports whom they may not', () => {
    const { status, stdout } = spawnSync(
      join(root, 'node_modules/.bin/node'),
      [join(root, 'node_modules/.bin/depcruise'), '--config', '.dependency-cruiser.cjs', 'src'],
      { cwd: root, encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
  });

  it('only src/time.ts reads the clock and sets timers', () => {
    const clock = /\bDate\.now\b|new Date\(\)|\bset(Timeout|Interval)\s*\(|performance\.now/;
    assert.deepEqual(offenders(clock, 'src'), ['src/time.ts']);
  });

  it('the core has neither I/O nor chance', () => {
    const impure = /from 'node:|Math\.random|\bprocess\.|\bfetch\(|\brequire\(/;
    assert.deepEqual(offenders(impure, 'src/station/core', 'src/probe/core'), []);
  });

  it('SQL stands in the store only', () => {
    const sql = /\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b/;
    const outside = offenders(sql, 'src').filter((name) => !name.startsWith('src/station/store/'));
    assert.deepEqual(outside, []);
  });

  it('no source file is longer than a reader can hold', () => {
    const long = sources('src').filter(({ text }) => text.split('\n').length > 500);
    assert.deepEqual(
      long.map(({ name }) => name),
      [],
    );
  });
});
