/** bin/mauvesend as it is typed: the real program, its launcher, and what it prints. Loopback only. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decode } from '../../src/wire/update.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mauvesend = join(root, 'bin/mauvesend');
const folder = mkdtempSync(join(tmpdir(), 'mauve send '));
after(() => rmSync(folder, { recursive: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function run(
  program: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const child = spawn(program, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, stdout, stderr };
}

/** A port on loopback, and the updates that arrive there. */
const socket = createSocket('udp4');
let to = '';
before(async () => {
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  to = `127.0.0.1:${socket.address().port}`;
});
after(() => socket.close());

async function arrives(send: () => Promise<Ended>): Promise<Ended> {
  const datagram = once(socket, 'message');
  const ended = await send();
  assert.equal(ended.code, 0, ended.stderr);
  const [bytes] = await datagram;
  assert.ok(decode(bytes).ok);
  return ended;
}

const oneLine = /^mauvesend: [^\n]+\n$/;

describe('mauvesend', () => {
  test('says nothing when the alert is on its way', async () => {
    const ended = await arrives(() =>
      run(mauvesend, ['-i', 'disk', '-s', 'disk is 97% full', '-u', 'db1', to]),
    );
    assert.deepEqual([ended.stdout, ended.stderr], ['', '']);
  });
  test('sends even where nobody listens: UDP cannot tell', async () => {
    assert.deepEqual(await run(mauvesend, ['-i', 'disk', '127.0.0.1:9']), {
      code: 0,
      stdout: '',
      stderr: '',
    });
  });
  test('without arguments shows how to use it, in one line, and ends with 64', async () => {
    const { code, stdout, stderr } = await run(mauvesend, []);
    assert.deepEqual([code, stdout], [64, '']);
    assert.match(stderr, oneLine);
    assert.match(stderr, /mauvesend -i disk -s "disk is 97% full"/);
  });
  test('suggests the option that was meant', async () => {
    const { code, stderr } = await run(mauvesend, [to, '-i', 'disk', '--sumary', 'full']);
    assert.equal(code, 64);
    assert.match(stderr, /^mauvesend: unknown option --sumary; did you mean --summary\? .*\n$/);
  });
  test('an update too long for a datagram ends with 65, and with the numbers', async () => {
    const { code, stderr } = await run(mauvesend, [to, '-i', 'disk', '-d', 'd'.repeat(70_000)]);
    assert.equal(code, 65);
    assert.match(stderr, /^mauvesend: the update takes 700\d\d bytes, a datagram holds 65507: [^\n]+\n$/);
  });
  test('the longest update that UDP can carry is sent', async () => {
    const argv = (size: number) => [to, '-o', 'src', '-i', 'disk', '-d', 'd'.repeat(size)];
    await arrives(() => run(mauvesend, argv(65_400)));
  });
  test('prints its help, its manual and its version', async () => {
    for (const [option, first] of [
      ['-h', /^Send an alert[\s\S]+ {2}mauvesend -i disk/],
      ['-m', /^MAUVESEND\(1\)/],
      ['-V', /^mauvesend \d+\.\d+\.\d+\n$/],
    ] as const) {
      const { code, stdout, stderr } = await run(mauvesend, [option]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, first);
    }
  });
  test('an output that nobody reads, or that is closed, does not keep the alert back', async () => {
    for (const shell of [
      '"$0" "$@" | true',
      '"$0" "$@" >&-',
      '"$0" "$@" >&- 2>&-',
      '"$0" "$@" > /dev/full',
    ]) {
      const argv = ['-c', shell, mauvesend, '-vv', '-i', 'disk', to];
      assert.equal((await arrives(() => run('sh', argv))).stderr, '', shell);
    }
    assert.deepEqual(await run('sh', ['-c', '"$0" -m | head -n 1', mauvesend]), {
      code: 0,
      stdout: 'MAUVESEND(1)\n',
      stderr: '',
    });
  });
});

/** A copy of what is installed, in a folder of its own, without the project's Node. */
function copyTo(...names: string[]): string {
  const copy = join(folder, ...names);
  cpSync(join(root, 'bin'), join(copy, 'bin'), { recursive: true });
  mkdirSync(join(copy, 'dist'));
  for (const name of readdirSync(join(root, 'dist'))) {
    if (name.startsWith('mauvesend')) cpSync(join(root, 'dist', name), join(copy, 'dist', name));
  }
  return copy;
}

/** A PATH with the shell's tools but no Node, except a stand-in that runs `script`. */
function pathWith(name: string, script: string | null): NodeJS.ProcessEnv {
  const path = join(folder, name);
  mkdirSync(path);
  symlinkSync('/usr/bin/readlink', join(path, 'readlink'));
  if (script !== null) {
    writeFileSync(join(path, 'node'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, 'node'), 0o755);
  }
  return { PATH: path };
}

describe('the launcher', () => {
  test('is found through links, absolute or not, in folders with a space', async () => {
    symlinkSync(mauvesend, join(folder, 'absolute'));
    symlinkSync('absolute', join(folder, 'relative'));
    mkdirSync(join(folder, 'bin of mine'));
    symlinkSync('../relative', join(folder, 'bin of mine/mauvesend'));
    await arrives(() => run(join(folder, 'bin of mine/mauvesend'), ['-i', 'disk', to]));
  });
  test('is found on the PATH, and beside the one who types it', async () => {
    await arrives(() =>
      run('mauvesend', ['-i', 'disk', to], { PATH: `${join(root, 'bin')}:${process.env.PATH}` }),
    );
    await arrives(() => run('sh', ['-c', `cd '${join(root, 'bin')}' && sh mauvesend -i disk ${to}`]));
  });
  test('where nothing was built yet, says what to type', async () => {
    const copy = copyTo('not built');
    rmSync(join(copy, 'dist'), { recursive: true });
    const { code, stderr } = await run(join(copy, 'bin/mauvesend'), ['-i', 'disk', to]);
    assert.equal(code, 69);
    assert.match(stderr, /^mauvesend: not built yet;[^\n]*npm ci && npm run build\n$/);
  });
  test("takes the system's Node where the project has none of its own, and says where there is none", async () => {
    const copy = copyTo('no node');
    const ours = `exec '${process.execPath}' "$@"`;
    await arrives(() => run(join(copy, 'bin/mauvesend'), ['-i', 'disk', to], pathWith('with node', ours)));
    const { code, stderr } = await run(
      join(copy, 'bin/mauvesend'),
      ['-i', 'disk', to],
      pathWith('without node', null),
    );
    assert.equal(code, 69);
    assert.equal(stderr, 'mauvesend: needs Node, and there is no node on the PATH\n');
  });
  test('takes the Node that was installed beside it as a package', async () => {
    const copy = copyTo('prefix', 'node_modules', 'mauve');
    mkdirSync(join(folder, 'prefix/node_modules/.bin'));
    symlinkSync(process.execPath, join(folder, 'prefix/node_modules/.bin/node'));
    symlinkSync('../mauve/bin/mauvesend', join(folder, 'prefix/node_modules/.bin/mauvesend'));
    const nothing = pathWith('nothing', 'exit 70');
    await arrives(() => run(join(folder, 'prefix/node_modules/.bin/mauvesend'), ['-i', 'disk', to], nothing));
    await arrives(() => run(join(copy, 'bin/mauvesend'), ['-i', 'disk', to], nothing));
  });
  test('a Node too old is named, and nothing is run', async () => {
    const old = `Object.defineProperty(process, 'versions', { value: { node: '16.20.2' } }); require(process.argv[1])`;
    const ended = await run(process.execPath, ['-e', old, join(root, 'dist/mauvesend.start.cjs')]);
    assert.equal(ended.code, 69);
    assert.match(ended.stderr, /^mauvesend: needs Node 18 or newer, and this is v[^\n]+\n$/);
  });
  test('a compiled form that is missing, damaged or of another Node costs only time', async () => {
    const copy = copyTo('damaged');
    const compiled =
      readdirSync(join(copy, 'dist')).find((name) => name.endsWith('.compiled')) ?? assert.fail();
    for (const content of ['', 'nonsense '.repeat(10_000)]) {
      writeFileSync(join(copy, 'dist', compiled), content);
      await arrives(() => run(process.execPath, [join(copy, 'dist/mauvesend.start.cjs'), '-i', 'disk', to]));
    }
    rmSync(join(copy, 'dist', compiled));
    await arrives(() => run(process.execPath, [join(copy, 'dist/mauvesend.start.cjs'), '-i', 'disk', to]));
    await arrives(() => run(process.execPath, [join(copy, 'dist/mauvesend.cjs'), '-i', 'disk', to]));
  });
});
