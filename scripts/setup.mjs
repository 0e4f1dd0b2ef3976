// Makes a fresh clone ready: installs what package-lock.json names, and builds
// what is older than its sources. Runs on the system's Node, which may be older
// than the one the project brings, so it is plain JavaScript and asks nothing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node that the project brings with it. */
export const node = join(root, 'node_modules/.bin/node');
const mark = join(root, 'node_modules/.mauve-installed');

/** Runs a command in the project's folder; ends this process with a sentence where it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error !== undefined || status !== 0) {
    console.error(`\n${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`);
    process.exit(status ?? 1);
  }
}

/** What the installed packages were installed from: another lock file, or another machine, means again. */
function wanted() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

export function install() {
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted() && existsSync(node)) return;
  console.error('Installing packages (once, about half a minute) …');
  // No package's own install script is needed, except the one that fetches Node: older npm versions would run
  // all of them, and those want a compiler.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  run('npm', ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(mark, wanted());
}

export async function build() {
  const { stale } = await import('./build.mjs');
  if (!stale()) return;
  console.error('Building …');
  run(node, [join(root, 'scripts/build.mjs')]);
}

export async function setup() {
  install();
  await build();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup();
