/** bin/mauvectl as it is typed: what it prints, what it keeps, its exit codes, and its questions on a terminal. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { newPassword } from '../../src/control/new-password.ts';
import { verifyPassword } from '../../src/station/password.ts';
import { openAccounts } from '../../src/station/store/sqlite-accounts.ts';
import type { Accounts } from '../../src/station/store/store.ts';
import { systemClock } from '../../src/time.ts';
import { projectFolder, type Ran } from '../kit/process.ts';

const mauvectl = join(projectFolder, 'bin/mauvectl');
const top = mkdtempSync(join(tmpdir(), 'mauve-control-'));
after(() => rmSync(top, { recursive: true }));
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAUVE_')));

let folders = 0;
/** An empty folder to be in. */
function newFolder(): string {
  folders += 1;
  const folder = join(top, `${folders}`);
  mkdirSync(folder);
  return folder;
}

type Given = { readonly env?: NodeJS.ProcessEnv; readonly input?: string | Uint8Array };

/** As typed in a folder. */
function ctl(cwd: string, args: readonly string[], given: Given = {}): Ran {
  return shell(cwd, '"$0" "$@"', args, given);
}

function shell(cwd: string, line: string, args: readonly string[], given: Given = {}): Ran {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line, mauvectl, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
    input: given.input ?? '',
    env: { ...env, ...given.env },
  });
  return { code: status, stdout, stderr };
}

async function accounts<T>(folder: string, ask: (accounts: Accounts) => Promise<T>): Promise<T> {
  const opened = openAccounts(folder);
  try {
    return await ask(opened.accounts);
  } finally {
    opened.close();
  }
}

const silence: Ran = { code: 0, stdout: '', stderr: '' };
const oneLine = /^mauvectl: [^\n]+\n$/;

describe('mauvectl, beside no station', () => {
  test('a token: made, listed, removed, and kept as its hash only', async () => {
    const folder = newFolder();
    const made = ctl(folder, ['token', 'add', 'deploy']);
    assert.deepEqual(
      [made.code, made.stderr],
      [0, `mauvectl: ${join(folder, 'data')}: made; no station has used it yet\n`],
    );
    assert.match(made.stdout, /^[A-Za-z0-9_-]{32,}\n$/);
    const hash = createHash('sha256').update(made.stdout.trim()).digest('hex');
    assert.equal((await accounts(join(folder, 'data'), (a) => a.findToken(hash)))?.name, 'deploy');

    const again = ctl(folder, ['token', 'add', 'deploy']);
    assert.deepEqual([again.code, again.stdout], [1, '']);
    assert.match(again.stderr, /^mauvectl: there is a token deploy already: remove it first/);
    assert.match(ctl(folder, ['token', 'list']).stdout, /^deploy {2}since \d{4}-\d\d-\d\dT\S+Z\n$/);
    assert.deepEqual(ctl(folder, ['token', 'remove', 'deploy']), silence);
    assert.deepEqual(ctl(folder, ['token', 'list']), silence);
    const gone = ctl(folder, ['token', 'remove', 'deploy']);
    assert.deepEqual(gone, { code: 1, stdout: '', stderr: 'mauvectl: there is no token deploy\n' });
  });

  test('a user: made, given another password, listed, let in by a link, removed', async () => {
    const folder = newFolder();
    const data = join(folder, 'data');
    const hashOf = (): Promise<string | null | undefined> =>
      accounts(data, async (a) => (await a.findUser('ann'))?.passwordHash);
    assert.equal(ctl(folder, ['user', 'add', 'ann'], { input: 'first password\n' }).code, 0);
    assert.ok(await verifyPassword('first password', (await hashOf()) ?? null));
    const again = ctl(folder, ['user', 'add', 'ann'], { input: 'other password\n' });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /there is a user ann already: mauvectl user password ann sets another/);

    writeFileSync(join(folder, 'pw'), 'second password\n');
    const changed = ctl(folder, ['user', 'password', 'ann', '--password-file', 'pw']);
    assert.deepEqual(changed, silence);
    assert.ok(await verifyPassword('second password', (await hashOf()) ?? null));
    assert.match(ctl(folder, ['user', 'list']).stdout, /^ann {2}since \S+\n$/);

    const { code, stdout } = ctl(folder, ['user', 'link', 'ann']);
    const [, secret = ''] =
      /^http:\/\/127\.0\.0\.1:1288\/welcome\/([A-Za-z0-9_-]{32,})\n$/.exec(stdout) ?? [];
    assert.equal(code, 0);
    const link = createHash('sha256').update(secret).digest('hex');
    assert.equal(await accounts(data, (a) => a.useLoginLink(link, systemClock.now())), 'ann');

    assert.deepEqual(ctl(folder, ['user', 'remove', 'ann']), silence);
    for (const verb of ['remove', 'password', 'link']) {
      const none = ctl(folder, ['user', verb, 'ann'], { input: 'third password\n' });
      assert.deepEqual(none, { code: 1, stdout: '', stderr: 'mauvectl: there is no user ann\n' });
    }
  });

  test('who only asks gets no database made, but is told how to name the right one', () => {
    const folder = newFolder();
    for (const words of ['token list', 'user remove x', 'user password x']) {
      const { code, stdout, stderr } = ctl(folder, words.split(' '), { input: 'a password\n' });
      assert.deepEqual([code, stdout], [66, ''], words);
      const where = join(folder, 'data');
      assert.equal(
        stderr,
        `mauvectl: there is no station's database in ${where}: name the data folder with --data, or the station file with --config\n`,
      );
    }
    assert.equal(existsSync(join(folder, 'data')), false);
  });

  test('a folder that is there and empty is not said to be made', () => {
    const folder = newFolder();
    const { stderr } = ctl(folder, ['token', 'add', 'x', '--data', '.']);
    assert.equal(stderr, `mauvectl: ${join(folder, 'mauve.db')}: made; no station has used it yet\n`);
    assert.equal(ctl(folder, ['token', 'add', 'y', '--data', '.']).stderr, '');
  });

  test('a data folder that is a file is told in one line', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'data'), '');
    const { code, stderr } = ctl(folder, ['token', 'add', 'x']);
    assert.equal(code, 74);
    assert.match(stderr, oneLine);
  });
});

describe('which station mauvectl means', () => {
  const station = [
    'data: var',
    'web: "127.0.0.1:1999"',
    // Whose password file mauvectl may not read, and does not need.
    'channels: {email: {smtp: "smtp://u@mail.example.net", from: a@example.net, password_file: none}}',
    '',
  ].join('\n');
  const made = (folder: string): string[] =>
    ['data', 'etc/var', 'env', 'opt'].filter((name) => existsSync(join(folder, name, 'mauve.db')));

  test('it finds the data folder as mauveserver does: option, environment, station file', () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'etc'));
    writeFileSync(join(folder, 'etc/station.yaml'), station);
    const add = ['token', 'add', 'x'];
    const config = ['--config', 'etc/station.yaml'];
    assert.equal(ctl(folder, [...config, ...add]).code, 0);
    assert.deepEqual(made(folder), ['etc/var']);
    const found = ctl(folder, ['token', 'list'], { env: { MAUVE_CONFIG: 'etc/station.yaml' } });
    assert.match(found.stdout, /^x /);
    assert.equal(ctl(folder, [...config, ...add], { env: { MAUVE_DATA: 'env' } }).code, 0);
    assert.deepEqual(made(folder), ['etc/var', 'env']);
    const both = ctl(folder, [...config, ...add, '--data', 'opt'], { env: { MAUVE_DATA: 'env' } });
    assert.equal(both.code, 0);
    assert.deepEqual(made(folder), ['etc/var', 'env', 'opt']);
  });

  test('a link leads to the page that the station file names', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'a.yaml'), station);
    writeFileSync(join(folder, 'b.yaml'), `${station}base_url: https://mauve.example.net\n`);
    ctl(folder, ['--config', 'a.yaml', 'user', 'add', 'ann'], { input: 'a password\n' });
    const link = (args: readonly string[], more: NodeJS.ProcessEnv = {}): string =>
      ctl(folder, ['user', 'link', 'ann', '--data', 'var', ...args], { env: more }).stdout.split(
        '/welcome/',
      )[0] ?? '';
    assert.equal(link(['--config', 'a.yaml']), 'http://127.0.0.1:1999');
    assert.equal(link(['--config', 'b.yaml', '--web', ':80']), 'https://mauve.example.net');
    assert.equal(link(['--web', ':80']), 'http://localhost:80');
    assert.equal(link([], { MAUVE_WEB: '[::1]:80' }), 'http://[::1]:80');
  });

  test('a wrong address, a wrong station file and one that is not there are refused', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'bad.yaml'), 'dta: x\nweb: 5\n');
    const cases: readonly (readonly [readonly string[], NodeJS.ProcessEnv, number, string])[] = [
      [['--web', 'nope'], {}, 64, 'mauvectl: --web: HOST:PORT, [IPv6]:PORT or :PORT is expected\n'],
      [[], { MAUVE_WEB: 'nope' }, 78, 'mauvectl: MAUVE_WEB: HOST:PORT, [IPv6]:PORT or :PORT is expected\n'],
      [['--config', 'no.yaml'], {}, 78, 'mauvectl: no.yaml: cannot be read: there is no such file\n'],
      [
        ['--config', 'bad.yaml'],
        {},
        78,
        'mauvectl: bad.yaml:1:1: unknown key "dta" (did you mean "data"?)\n' +
          'mauvectl: bad.yaml:2:6: a text is expected, not a whole number (put it in quotes)\n',
      ],
    ];
    for (const [args, more, code, stderr] of cases) {
      assert.deepEqual(ctl(folder, [...args, 'token', 'add', 'x'], { env: more }), {
        code,
        stdout: '',
        stderr,
      });
    }
    assert.equal(existsSync(join(folder, 'data')), false);
  });

  test('a name with a newline in it still makes one line', () => {
    const folder = newFolder();
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['user', 'add', 'a\nb'], 'a\\nb'],
      [['--config', 'a\r\nb\u007f', 'token', 'list'], 'a\\r\\nb\\u007f'],
      [['--data', 'a\nb', 'token', 'list'], 'a\\nb'],
      [['user', 'add', 'ann', '--password-file', 'a\u001b[31m\nb'], 'a\\u001b[31m\\nb'],
    ];
    for (const [args, shown] of cases) {
      const { stderr } = ctl(folder, args);
      assert.match(stderr, oneLine);
      assert.ok(stderr.includes(shown), stderr);
    }
  });
});

describe('an output that takes nothing', () => {
  for (const where of ['> /dev/full', '| true']) {
    test(`a token that nobody saw is not kept: ${where}`, () => {
      const folder = newFolder();
      // Such that `true` has certainly ended.
      const line =
        where === '| true' ? 'set -o pipefail; (sleep 0.3; exec "$0" "$@") | true' : `"$0" "$@" ${where}`;
      const lost = shell(folder, line, ['token', 'add', 'lost', '--data', '.']);
      assert.equal(lost.code, 74);
      assert.match(
        lost.stderr.split('\n').at(-2) ?? '',
        /^mauvectl: standard output cannot be written \((ENOSPC|EPIPE)\): the token was removed again$/,
      );
      assert.deepEqual(ctl(folder, ['token', 'list', '--data', '.']), silence);
    });
  }
  test('help and lists end with 74 and one line too; a broken stderr changes no exit code', () => {
    const folder = newFolder();
    ctl(folder, ['token', 'add', 'x']);
    for (const args of [['--help'], ['token', 'list']]) {
      const { code, stderr } = shell(folder, '"$0" "$@" > /dev/full', args);
      assert.deepEqual([code, stderr], [74, 'mauvectl: standard output cannot be written (ENOSPC)\n']);
    }
    assert.deepEqual(shell(folder, '"$0" "$@" 2> /dev/full', ['token', 'remove', 'nobody']), {
      code: 1,
      stdout: '',
      stderr: '',
    });
  });
});

describe('a password from a file', () => {
  const folder = newFolder();
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test('is its first line, whatever ends it and whichever mark begins it', async () => {
    for (const content of ['long enough', 'long enough\nmore\n', '\ufefflong enough\r\n']) {
      assert.deepEqual(await newPassword(file('pw', content)), { ok: true, password: 'long enough' });
    }
    const more = Uint8Array.from([...Buffer.from('long enough\n'), 0xff]);
    assert.deepEqual(await newPassword(file('pw', more)), { ok: true, password: 'long enough' });
  });

  test('may be a pipe that is late, or one that stays open', async () => {
    const line = '(sleep 0.3; echo long enough) | "$0" "$@"';
    assert.equal(shell(folder, line, ['user', 'add', 'late', '--data', '.']).code, 0);
    const open = '"$0" "$@" --password-file <(echo long enough; exec sleep 30 > /dev/null 2>&1)';
    assert.deepEqual(shell(folder, open, ['user', 'add', 'open', '--data', '.']), silence);
    for (const name of ['late', 'open']) {
      const user = await accounts(folder, (a) => a.findUser(name));
      assert.ok(await verifyPassword('long enough', user?.passwordHash ?? null), name);
    }
  });

  test('that can be none is refused, and named', async () => {
    const latin = Buffer.from('pass\u00e9 compos\u00e9', 'latin1');
    const cases: readonly (readonly [file: string, why: string, words: RegExp])[] = [
      [join(folder, 'none'), 'no-input', /none cannot be read: there is no such file$/],
      [folder, 'no-input', /cannot be read: it is a folder, not a file$/],
      [file('empty', ''), 'bad', /empty: the first line is empty, where a password is expected$/],
      [file('second', '\nlong enough\n'), 'bad', /second: the first line is empty/],
      [file('latin', latin), 'bad', /latin is no text in UTF-8$/],
      [file('nul', 'long\0enough\n'), 'bad', /nul is no text in UTF-8$/],
      ['/dev/zero', 'bad', /^\/dev\/zero: the first line is longer than any password$/],
      [file('short', 'short\n'), 'bad', /^a password needs at least 8 characters$/],
      [file('long', 'x'.repeat(1025)), 'bad', /^a password has at most 1024 characters$/],
    ];
    for (const [path, why, words] of cases) {
      const given = await newPassword(path);
      assert.ok(!given.ok, path);
      assert.equal(given.why, why);
      assert.match(given.words, words);
    }
  });

  test('is refused with an exit code that says which mistake it was', () => {
    for (const [input, more, code] of [
      ['short\n', [], 65],
      ['', ['--password-file', 'none'], 66],
    ] as const) {
      const { code: ended, stderr } = ctl(folder, ['user', 'add', 'bob', ...more], { input });
      assert.equal(ended, code);
      assert.match(stderr, oneLine);
    }
    assert.equal(existsSync(join(folder, 'data')), false, 'a data folder was made for nobody');
  });
});

describe('asked on a terminal', () => {
  /** Types each text when its prompt is there. @returns what the terminal showed, and the exit code. */
  async function type(...answers: readonly (readonly [prompt: string, text: string])[]): Promise<Ran> {
    const folder = newFolder();
    const command = `${JSON.stringify(mauvectl)} user add ann --data .`;
    const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env,
      timeout: 15_000,
    });
    let shown = '';
    let next = 0;
    child.stdout.on('data', (chunk) => {
      shown += chunk;
      const [prompt, text] = answers[next] ?? [];
      if (prompt === undefined || !shown.includes(prompt)) return;
      next += 1;
      child.stdin.write(text);
    });
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    const list = ctl(folder, ['user', 'list', '--data', '.']).stdout;
    return { code, stdout: list.split(' ')[0] ?? '', stderr: shown.replaceAll('\r', '') };
  }

  test('the password is asked twice, and not shown', async () => {
    const ended = await type(['Password: ', 'long enough\r'], ['Again: ', 'long enough\r']);
    assert.deepEqual([ended.code, ended.stdout], [0, 'ann']);
    assert.match(ended.stderr, /^Password: \nAgain: \nmauvectl: \S+: made; no station has used it yet\n$/);
  });
  test('both may be pasted at once', async () => {
    assert.equal((await type(['Password: ', 'long enough\rlong enough\r'])).stdout, 'ann');
  });
  test('two that differ are refused', async () => {
    const ended = await type(['Password: ', 'long enough\r'], ['Again: ', 'long enuogh\r']);
    assert.deepEqual([ended.code, ended.stdout], [65, '']);
    assert.match(ended.stderr, /mauvectl: the two passwords differ\n$/);
  });
  test('^C and ^D end it, at either question, with nothing made', async () => {
    for (const [key, code, words] of [
      ['\u0003', 130, 'interrupted'],
      ['\u0004', 66, 'no password was given'],
    ] as const) {
      const [first, second] = await Promise.all([
        type(['Password: ', key]),
        type(['Password: ', 'long enough\r'], ['Again: ', key]),
      ]);
      assert.deepEqual(first, { code, stdout: '', stderr: `Password: \nmauvectl: ${words}\n` });
      assert.deepEqual(second, { code, stdout: '', stderr: `Password: \nAgain: \nmauvectl: ${words}\n` });
    }
  });
});
