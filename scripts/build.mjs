/**
 * The build: generates the wire code from proto/mauve.proto, and bundles each
 * program that exists into dist/.
 *
 * Plain JavaScript that runs on any Node from 20 up, because it runs before
 * anything is built, perhaps on the system's own Node. A program that is
 * running must never meet half a file: every output is written beside its
 * place and renamed into it. One program that does not compile keeps its old
 * output and never holds up the others.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => join(root, ...parts);

const contract = 'proto/mauve.proto';
const wireCode = ['src/wire/generated/mauve.js', 'src/wire/generated/mauve.d.ts'];

/**
 * The protobuf library brings a class for 64-bit values, and WebAssembly for
 * its sums, that src/wire/codec.ts does without; it asks whether it is there.
 */
const withoutLong = {
  name: 'without-long',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^long$/ }, () => ({ path: 'long', namespace: 'without' }));
    esbuild.onLoad({ filter: /^long$/, namespace: 'without' }, () => ({
      contents: 'module.exports = null;',
    }));
  },
};

/** A program that stands alone: one CommonJS file that starts as fast as Node can, on any Node from 18 up. */
const alone = {
  platform: 'node',
  format: 'cjs',
  bundle: true,
  minify: true,
  charset: 'ascii',
  legalComments: 'none',
  target: 'node18',
  // src/send/start.cjs hands over `require`, and nothing to import with.
  supported: { 'dynamic-import': false },
  plugins: [withoutLong],
};

/** A program of the station's host: its packages are installed beside it. */
const beside = {
  platform: 'node',
  format: 'esm',
  bundle: true,
  packages: 'external',
  target: 'node22',
};

/**
 * A program that holds all of its packages, and of them only what it uses: so a probe
 * needs a fifth less memory. Names stay as they are, for whoever reads a stack trace.
 */
const whole = {
  ...beside,
  // As CommonJS it asks Node for less: what is imported by name of node:http brings a browser's fetch.
  format: 'cjs',
  packages: 'bundle',
  external: ['better-sqlite3'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  plugins: [withoutLong],
};

const programs = [
  { from: 'src/send/main.ts', to: 'dist/mauvesend.cjs', how: alone },
  { from: 'src/station/main.ts', to: 'dist/mauveserver.mjs', how: beside },
  { from: 'src/station/intake-worker.ts', to: 'dist/intake-worker.mjs', how: beside },
  { from: 'src/web/worker.ts', to: 'dist/web-worker.mjs', how: beside },
  { from: 'src/probe/main.ts', to: 'dist/mauveprobe.cjs', how: whole },
  { from: 'src/control/main.ts', to: 'dist/mauvectl.mjs', how: beside },
];

const assetsFrom = 'src/web/assets';
const assetsTo = 'dist/assets';
/** What the browser gets; tsconfig.json is for the type check alone. */
const assets = () => files(assetsFrom).filter((path) => !path.endsWith('tsconfig.json'));

/** The programs whose source is there. */
const present = () => programs.filter((program) => existsSync(inRoot(program.from)));

/** mauvesend is started by a file of its own that knows its compiled form. */
const start = { from: 'src/send/start.cjs', to: 'dist/mauvesend.start.cjs' };
const compiledForm = /^mauvesend\.[0-9a-f]{16}\.compiled$/;

/** Puts `content` at `path` in one step, whoever may be reading it meanwhile. */
function put(path, content) {
  const target = inRoot(path);
  mkdirSync(dirname(target), { recursive: true });
  const beside = `${target}.${process.pid}.new`;
  writeFileSync(beside, content);
  renameSync(beside, target);
}

const outputs = () => present().flatMap(({ to, how }) => (how === alone ? [to, start.to] : [to]));

/** All files under `folder`, relative to the root; none where there is no such folder. */
function files(folder) {
  if (!existsSync(inRoot(folder))) return [];
  return readdirSync(inRoot(folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
}

const times = (paths) => paths.map((path) => (existsSync(inRoot(path)) ? statSync(inRoot(path)).mtimeMs : 0));
const newest = (paths) => Math.max(0, ...times(paths));
const oldest = (paths) => Math.min(Number.POSITIVE_INFINITY, ...times(paths));

/** Whether the wire code is missing, or older than what it is made from. */
export function wireStale() {
  return oldest(wireCode) < newest([contract, 'scripts/build.mjs', 'package.json']);
}

/** Whether anything that `build` makes is missing, or older than what it is made from. */
export function stale() {
  if (wireStale()) return true;
  const inputs = files('src').filter((path) => !path.startsWith(assetsFrom));
  return (
    oldest(outputs()) < newest([...inputs, 'scripts/build.mjs', 'package.json']) ||
    assets().some((path) => oldest([join(assetsTo, relative(assetsFrom, path))]) < newest([path]))
  );
}

/** Generates the wire code: static functions and their types, nothing that reads a schema at start. */
export function generateWire() {
  const made = inRoot(`src/wire/generated/mauve.${process.pid}.js`);
  const options = ['create', 'verify', 'delimited', 'service', 'convert', 'typeurl'].map(
    (name) => `--no-${name}`,
  );
  mkdirSync(dirname(made), { recursive: true });
  const command = [
    '-t',
    'static-module',
    '-w',
    'esm',
    '--dts',
    '--force-long',
    ...options,
    '-o',
    made,
    inRoot(contract),
  ];
  execFileSync(process.execPath, [inRoot('node_modules/protobufjs-cli/bin/pbjs'), ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const types = made.replace(/\.js$/, '.d.ts');
  // src/wire/codec.ts reads and writes 64-bit values as bigints.
  const text = readFileSync(types, 'utf8').replace(/^import Long = .*$/m, 'type Long = bigint;');
  writeFileSync(types, text);
  renameSync(types, inRoot('src/wire/generated/mauve.d.ts'));
  renameSync(made, inRoot('src/wire/generated/mauve.js'));
}

async function bundle(program, version) {
  const { build: esbuild } = await import('esbuild');
  const result = await esbuild({
    ...program.how,
    absWorkingDir: root,
    entryPoints: [program.from],
    outfile: program.to,
    write: false,
    logLevel: 'warning',
    define: { 'process.env.MAUVE_VERSION': JSON.stringify(version) },
  });
  if (program.how === alone) return putAlone(program, result.outputFiles[0].text);
  for (const file of result.outputFiles) put(relative(root, file.path), file.contents);
}

/**
 * Puts a program that stands alone, and V8's compiled form of it under a name
 * that is part of the program: the two can never be taken for each other's.
 */
async function putAlone(program, text) {
  const compiled = `mauvesend.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.compiled`;
  const whole = inRoot(`${program.to}.${process.pid}.new`);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, `${text}//${compiled}\n`);
  const made = inRoot('dist', `${compiled}.${process.pid}.new`);
  if (await precompile(whole, made)) renameSync(made, inRoot('dist', compiled));
  renameSync(whole, inRoot(program.to));
  put(start.to, readFileSync(inRoot(start.from)));
  for (const name of readdirSync(inRoot('dist'))) {
    if (compiledForm.test(name) && name !== compiled) rmSync(inRoot('dist', name), { force: true });
  }
}

/** Runs mauvesend once, to a port of its own on loopback. Without a compiled form it is only slower. */
async function precompile(program, made) {
  const ours = inRoot('node_modules/.bin/node');
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const to = `127.0.0.1:${socket.address().port}`;
    const run = ['-o', 'build', '-i', 'build', '-s', 'built', '-u', 'build', '-c', 'now', '-r', '+10m', to];
    const script = inRoot('scripts/precompile.cjs');
    execFileSync(existsSync(ours) ? ours : process.execPath, [script, program, made, ...run], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/**
 * Builds everything that there is.
 * @throws after the others are built, if one of the programs does not compile.
 */
export async function build() {
  const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  if (wireStale()) generateWire();
  const results = await Promise.allSettled(present().map((program) => bundle(program, version)));
  for (const path of assets()) put(join(assetsTo, relative(assetsFrom, path)), readFileSync(inRoot(path)));
  const failed = present().filter((_, index) => results[index]?.status === 'rejected');
  if (failed.length > 0) throw new Error(`not built: ${failed.map((program) => program.to).join(', ')}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
