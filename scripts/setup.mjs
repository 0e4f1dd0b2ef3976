// Makes a fresh clone ready: installs what package-lock.json names, and builds
// what is older than its sources. Runs on the system's Node, which may be older
// than the one the project brings, so it is plain JavaScript and asks nothing.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node that the project brings with it. */
export const node = join(root, 'node_modules/.bin/node');
const mark = join(root, 'node_modules/.mauve-installed');

/**
 * Runs a command in the project's folder, and resolves with its exit code. Signals go on to it, each once: it has
 * a process group of its own, so that ^C reaches it from here only, and nothing of it is left behind.
 */
export function runThrough(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', detached: true, ...options });
  const forward = (signal) => {
    try {
      process.kill(-child.pid, signal === 'SIGHUP' ? 'SIGTERM' : signal);
    } catch {
      // It has ended already.
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    const end = (code, message) => {
      for (const signal of signals) process.off(signal, forward);
      if (message !== undefined) console.error(`${command}: ${message}`);
      resolve(code);
    };
    child.on('error', (error) => end(127, error.message));
    child.on('exit', (code, signal) => end(code ?? 128 + (signal === 'SIGINT' ? 2 : 15)));
  });
}

/** The same for a step on the way: ends this process where it fails. */
export async function run(command, args, options = {}) {
  const code = await runThrough(command, args, options);
  if (code === 0) return;
  console.error(`\n${command} ${args.join(' ')} failed`);
  process.exit(code);
}

/** What the installed packages were installed from: another lock file, or another machine, means again. */
function wanted() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

async function install() {
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted() && existsSync(node)) return;
  console.error('Installing packages (once, about half a minute) …');
  // No package's own install script is needed, except the one that fetches Node: older npm versions would run
  // all of them, and those want a compiler.
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  await run(
    'npm',
    ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts', '--loglevel=error'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  writeFileSync(mark, wanted());
}

async function build() {
  const { stale } = await import('./build.mjs');
  if (!stale()) return;
  console.error('Building …');
  await run(node, [join(root, 'scripts/build.mjs')]);
}

export async function setup() {
  await install();
  await build();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup();
