/** The real program as a user starts it, on the made-up network. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readState } from '../../src/probe/state-read.ts';
import { type AlertUpdate, decode } from '../../src/wire/update.ts';
import { freePort } from '../kit/ports.ts';
import { eventually, projectFolder, run, withStation } from '../kit/process.ts';

const off = ['--control', 'off', '--metrics', 'off'];

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'mauve-probe-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A running probe, ended with the test whatever happens. */
function start(t: TestContext, ...args: readonly string[]) {
  const child: ChildProcess = spawn(join(projectFolder, 'bin/mauveprobe'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = { child, stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    running.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    running.stderr += chunk;
  });
  t.after(() => child.kill('SIGKILL'));
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code;
  };
  return Object.assign(running, { end });
}

/** Asks the control socket until it answers. */
async function ask(port: number, command: object): Promise<Record<string, unknown>> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  let answer: Record<string, unknown> | null = null;
  socket.on('message', (message) => {
    answer = JSON.parse(message.toString());
  });
  socket.on('error', () => undefined);
  try {
    return (
      (await eventually(
        () => {
          if (answer === null)
            socket.send(`${JSON.stringify(command)}\n`, port, '127.0.0.1', () => undefined);
          return answer as Record<string, unknown> | null;
        },
        (one) => one !== null,
      )) ?? {}
    );
  } finally {
    socket.close();
  }
}

/** Where updates arrive. */
async function receiver(t: TestContext) {
  const updates: AlertUpdate[] = [];
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  socket.on('message', (bytes) => {
    const decoded = decode(bytes);
    if (decoded.ok) updates.push(decoded.update);
  });
  return { updates, to: `127.0.0.1:${socket.address().port}` };
}

test('no arguments: how it is used, and exit code 64; a typo: the nearest option', () => {
  const bare = run('mauveprobe', []);
  assert.equal(bare.code, 64);
  assert.match(bare.stderr, /^Usage: mauveprobe/);
  const typo = run('mauveprobe', ['--jsno', 'x.example.net']);
  assert.deepEqual([typo.code, typo.stdout], [64, '']);
  assert.match(typo.stderr, /did you mean "--json"/);
  assert.match(run('mauveprobe', ['--version']).stdout, /^mauveprobe \d/);
  assert.match(run('mauveprobe', ['--help']).stdout, /--trace-interval/);
});

test('--rounds N ends after N traces of each target, with plain lines and the table when piped', () => {
  const { code, stdout } = run('mauveprobe', [
    '--fake',
    '--rounds',
    '2',
    '--trace-interval',
    '0.3',
    ...off,
    '192.0.2.1',
    '2001:db8::1',
  ]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/192\.0\.2\.1: \d+ hops/g)?.length, 2);
  assert.equal(stdout.match(/2001:db8::1: \d+ hops/g)?.length, 2);
  assert.match(
    stdout,
    /^Target +Sent +Recv +Errs +Outd +Loss +Err +Outd +Avg +Min +Max +Last +Hops +Verdict$/m,
  );
  assert.ok(!stdout.includes('\u001b'));
});

test('--json: one object a line', () => {
  const { code, stdout } = run('mauveprobe', [
    '--fake',
    '--json',
    '--rounds',
    '3',
    '--trace-interval',
    '0.3',
    '--ping-interval',
    '0.2',
    ...off,
    '192.0.2.1',
  ]);
  assert.equal(code, 0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const traces = lines.filter(({ kind }) => kind === 'trace');
  assert.equal(traces.length, 3);
  assert.equal(new Set(traces.map(({ path_id }) => path_id)).size, 1);
  assert.equal(traces[0].hops.at(-1).address, '192.0.2.1');
  assert.ok(lines.some(({ kind }) => kind === 'ping'));
});

test('a target that is unknown: words and exit code 68, when there is no other', () => {
  const { code, stdout, stderr } = run('mauveprobe', ['--fake', '--rounds', '1', ...off, 'nowhere.invalid']);
  assert.equal(code, 68);
  assert.match(stdout + stderr, /nowhere\.invalid: (there is no such host|the name servers do not answer)/);
});

test('a reader that goes away ends it', async (t) => {
  const probe = start(t, '--fake', '--json', '--ping-interval', '0.1', ...off, '192.0.2.1');
  await eventually(
    () => probe.stdout,
    (text) => text.includes('\n'),
  );
  const exited = once(probe.child, 'exit');
  probe.child.stdout?.destroy();
  const [code] = await exited;
  assert.equal(code, 0);
});

test('--check says whether the file is right', (t) => {
  const file = join(folder(t), 'probe.yaml');
  writeFileSync(file, 'targets: [192.0.2.1]\n');
  assert.equal(run('mauveprobe', ['--config', file, '--check']).code, 0);
  writeFileSync(file, 'targets: [224.0.0.1]\n');
  const { code, stderr } = run('mauveprobe', ['--config', file, '--check']);
  assert.equal(code, 78);
  assert.match(stderr, /probe\.yaml:1:11: this is no target: 224\.0\.0\.1 is the address of a group/);
});

test('targets are added, listed and removed while it runs, and the metrics show them', async (t) => {
  const [control, metrics] = [await freePort(), await freePort()];
  const where = ['--control', `127.0.0.1:${control}`, '--metrics', `127.0.0.1:${metrics}`];
  const probe = start(t, '--fake', '--json', '--ping-interval', '0.2', ...where, '192.0.2.1');
  assert.deepEqual(await ask(control, { cmd: 'noop' }), { status: 'ok' });
  assert.deepEqual(await ask(control, { cmd: 'add', name: '192.0.2.2', itv: 0.2 }), {
    status: 'ok',
    addresses: ['192.0.2.2'],
  });
  const listed = await eventually(
    () => ask(control, { cmd: 'list', reset: false }),
    (answer) => Number((answer['192.0.2.2'] as { recv?: number })?.recv) > 1,
  );
  assert.deepEqual(Object.keys(listed).sort(), ['192.0.2.1', '192.0.2.2']);
  const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
  assert.match(text, /^meshping_recv\{name="192\.0\.2\.2",target="192\.0\.2\.2"\} [1-9]/m);
  await ask(control, { cmd: 'remove', addr: '192.0.2.2' });
  assert.deepEqual(Object.keys(await ask(control, { cmd: 'list' })), ['192.0.2.1']);
  assert.equal(await probe.end('SIGINT'), 0);
});

test('an address that is taken: refused where it was asked for, a warning where it was not', async (t) => {
  const control = await freePort();
  const where = ['--control', `127.0.0.1:${control}`, '--metrics', 'off'];
  start(t, '--fake', '--json', ...where, '192.0.2.1');
  await ask(control, { cmd: 'noop' });
  const { code, stderr } = run('mauveprobe', ['--fake', '--rounds', '1', ...where, '192.0.2.1']);
  assert.equal(code, 69);
  assert.match(stderr, /the control socket cannot be at 127\.0\.0\.1:\d+: the address is taken/);
});

test('SIGHUP reads the file again; a broken one is refused in words and the old one stays', async (t) => {
  const [dir, control] = [folder(t), await freePort()];
  const file = join(dir, 'probe.yaml');
  const write = (targets: string): void =>
    writeFileSync(file, `engine: fake\nmetrics: off\ncontrol: 127.0.0.1:${control}\ntargets: [${targets}]\n`);
  write('192.0.2.1');
  const probe = start(t, '--config', file, '--json');
  await ask(control, { cmd: 'noop' });
  const targets = async (): Promise<string> =>
    Object.keys(await ask(control, { cmd: 'list' }))
      .sort()
      .join(' ');
  write('192.0.2.2, 192.0.2.3');
  probe.child.kill('SIGHUP');
  await eventually(targets, (now) => now === '192.0.2.2 192.0.2.3');
  write('192.0.2.2, 224.0.0.1');
  probe.child.kill('SIGHUP');
  await eventually(
    () => probe.stderr,
    (text) => /probe\.yaml:4:\d+: this is no target/.test(text) && text.includes('was refused'),
  );
  assert.equal(await targets(), '192.0.2.2 192.0.2.3');
  assert.equal(await probe.end(), 0);
});

test('the state is saved when it ends, and used when it starts again', async (t) => {
  const state = join(folder(t), 'probe.state');
  const control = await freePort();
  const args = [
    '--fake',
    '--json',
    '--ping-interval',
    '0.1',
    '--state',
    state,
    '--control',
    `127.0.0.1:${control}`,
    '--metrics',
    'off',
  ];
  const received = async (): Promise<number> =>
    Number(((await ask(control, { cmd: 'list' }))['192.0.2.1'] as { recv?: number })?.recv ?? 0);
  const first = start(t, ...args, '192.0.2.1');
  await eventually(received, (count) => count > 5);
  assert.equal(await first.end(), 0);
  assert.ok(existsSync(state));
  assert.equal(readState(state).entries.size, 1);
  const second = start(t, ...args, '192.0.2.1');
  assert.ok((await received()) > 5, second.stderr);
  assert.equal(await second.end(), 0);
});

test('a second probe on the same state file is refused by name; one that was killed leaves no lock behind', async (t) => {
  const state = join(folder(t), 'probe.state');
  const control = await freePort();
  const args = ['--fake', '--json', '--state', state, '--metrics', 'off', '192.0.2.1'];
  const first = start(t, ...args, '--control', `127.0.0.1:${control}`);
  await ask(control, { cmd: 'noop' });
  const second = run('mauveprobe', [...args, '--control', 'off', '--rounds', '1', '--trace-interval', '0.3']);
  assert.equal(second.code, 69);
  assert.match(
    second.stderr,
    /^mauveprobe: another probe \(pid \d+\) keeps its state in \S+probe\.state: stop it first/m,
  );
  const link = join(folder(t), 'link.state');
  symlinkSync(state, link);
  const linked = run('mauveprobe', [...args, '--state', link, '--rounds', '1', ...off]);
  assert.equal(linked.code, 69, 'nor by way of a link');
  await first.end('SIGKILL');
  const third = run('mauveprobe', [...args, '--control', 'off', '--rounds', '1', '--trace-interval', '0.3']);
  assert.equal(third.code, 0, third.stderr);
  const elsewhere = run('mauveprobe', [...args, '--state', '/nowhere/probe.state', '--rounds', '1', ...off]);
  assert.equal(elsewhere.code, 0);
  assert.match(elsewhere.stderr, /the state is not guarded against a second probe/);
});

test('a device or a pipe is no state file: it is left as it is', (t) => {
  const pipe = join(folder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const state of [pipe, '/dev/null']) {
    const { code, stderr } = run('mauveprobe', [
      '--fake',
      '--state',
      state,
      ...off,
      '--rounds',
      '1',
      '192.0.2.1',
    ]);
    assert.equal(code, 69);
    assert.match(stderr, /^mauveprobe: \S+ is no regular file, so no state can be kept there: give --state/m);
  }
  assert.ok(lstatSync(pipe).isFIFO() && lstatSync('/dev/null').isCharacterDevice());
  assert.ok(!existsSync('/dev/null.lock') && !existsSync(`${pipe}.lock`));
});

test('a heartbeat at once, and a verdict within seconds, to every destination', async (t) => {
  const [one, two] = [await receiver(t), await receiver(t)];
  const file = join(folder(t), 'probe.yaml');
  const rules = 'via: [{hop: 203.0.113.0/24, expect: always}]';
  writeFileSync(file, `engine: fake\ntrace_interval: 300ms\nrules: {${rules}}\ntargets: [192.0.2.1]\n`);
  const probe = start(
    t,
    '--config',
    file,
    '--json',
    ...off,
    '--to',
    one.to,
    '--to',
    two.to,
    '--name',
    'probe-t',
  );
  for (const { updates } of [one, two]) {
    const alerts = await eventually(
      () => updates.flatMap((update) => update.alerts),
      (all) => all.some(({ id }) => id === 'via 192.0.2.1'),
    );
    assert.equal(alerts[0]?.id, 'heartbeat');
    const via = alerts.find(({ id }) => id === 'via 192.0.2.1');
    assert.equal(via?.subject, '192.0.2.1');
    assert.ok((via?.raiseTime ?? 0n) > 0n && via?.clearTime === 0n && via?.summary !== '');
    assert.ok(updates.every(({ source }) => source === 'probe-t'));
  }
  const verdict = await eventually(
    () => probe.stdout.split('\n').find((line) => line.includes('"kind":"verdict"')),
    (line) => line !== undefined,
  );
  assert.equal(JSON.parse(verdict ?? '').verdict, 'via');
  await probe.end();
});

test('a station that is taken out of the file is left with nothing raised', async (t) => {
  await withStation({}, async (station) => {
    const file = join(folder(t), 'probe.yaml');
    const write = (to: string): void =>
      writeFileSync(
        file,
        `engine: fake\nto: [${to}]\ntrace_interval: 300ms\ntargets: [192.0.2.1]\nrules: {via: [{hop: 203.0.113.0/24, expect: always}]}\n`,
      );
    write(`127.0.0.1:${station.port}`);
    const probe = start(t, '--config', file, '--json', ...off);
    await eventually(
      () => station.alerts(),
      (alerts) => alerts.length > 0,
    );
    write('');
    probe.child.kill('SIGHUP');
    await eventually(
      () => station.alerts(),
      (alerts) => alerts.length === 0,
    );
    await probe.end();
  });
});

test('from the probe to the page of a real station: raised, and cleared when the target is gone', async (t) => {
  await withStation({}, async (station) => {
    const control = await freePort();
    const file = join(folder(t), 'probe.yaml');
    const rules = 'via: [{hop: 203.0.113.0/24, expect: always}]';
    writeFileSync(file, `engine: fake\ntrace_interval: 300ms\nrules: {${rules}}\ntargets: [192.0.2.1]\n`);
    const where = [
      '--control',
      `127.0.0.1:${control}`,
      '--metrics',
      'off',
      '--to',
      `127.0.0.1:${station.port}`,
    ];
    const probe = start(t, '--config', file, '--json', '--name', 'probe-t', ...where);
    const [raised] = await eventually(
      () => station.alerts(),
      (alerts) => alerts.length > 0,
    );
    assert.deepEqual(
      [raised?.source, raised?.subject, raised?.alert_id],
      ['probe-t', '192.0.2.1', 'via 192.0.2.1'],
    );
    await ask(control, { cmd: 'remove', addr: '192.0.2.1' });
    await eventually(
      () => station.alerts(),
      (alerts) => alerts.length === 0,
    );
    await probe.end();
  });
});

test('a live table on a terminal, which is given back at the end', async (t) => {
  const command = `${join(projectFolder, 'bin/mauveprobe')} --fake --ping-interval 0.2 --control off --metrics off 192.0.2.1`;
  const child = spawn('script', ['-qefc', `stty rows 24 cols 120; exec ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await eventually(
    () => text,
    (all) => /192\.0\.2\.1 .* ok/.test(all),
  );
  assert.ok(text.includes('\u001b[?1049h\u001b[?25l'));
  const exited = once(child, 'exit');
  child.stdin.write('\u0003');
  const [code] = await exited;
  assert.equal(code, 0);
  const end = text.lastIndexOf('\u001b[?25h\u001b[?1049l');
  assert.ok(end > 0);
  assert.match(text.slice(end), /192\.0\.2\.1 .* ok/, 'the table stays');
});

// Beside it one may wait for the main thread to collect garbage, while that waits at the end for the compiler.
test('no compiler of V8 works beside the program', (t) => {
  const place = folder(t);
  for (const name of ['bin', 'dist', 'node_modules/.bin']) mkdirSync(join(place, name), { recursive: true });
  for (const name of ['mauveprobe', 'launch.sh'])
    copyFileSync(join(projectFolder, 'bin', name), join(place, 'bin', name));
  writeFileSync(join(place, 'dist/mauveprobe.cjs'), '');
  writeFileSync(join(place, 'node_modules/.bin/node'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const given = execFileSync(join(place, 'bin/mauveprobe'), ['--fake', '192.0.2.1'], { encoding: 'utf8' });
  assert.match(given, /--no-concurrent-recompilation .*mauveprobe\.cjs --fake 192\.0\.2\.1$/m);
});
