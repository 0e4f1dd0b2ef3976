/** probe.yaml: what it sets, what is refused, and what a reload changes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Loaded, loadConfig, type ProbeConfig } from '../../src/probe/config.ts';
import { defaultRules } from '../../src/probe/core/rules.ts';
import { Reload } from '../../src/probe/reload.ts';
import { hours, minutes, seconds } from '../../src/time.ts';
import { projectFolder } from '../kit/process.ts';
import { address, pathOf, pinged, rig, targetOf } from './kit.ts';

const load = (
  yaml: string | null,
  argv: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Loaded =>
  loadConfig({
    argv: yaml === null ? argv : ['--config', 'probe.yaml', ...argv],
    env,
    cwd: '/etc/mauve',
    host: 'berlin',
    version: '0',
    readFile: (path) =>
      path === '/etc/mauve/probe.yaml' && yaml !== null
        ? { ok: true, text: yaml, worldReadable: false }
        : { ok: false, why: 'there is no such file' },
  });

function good(yaml: string | null, argv: readonly string[] = [], env = {}): ProbeConfig {
  const loaded = load(yaml, argv, env);
  assert.ok(loaded.ok && loaded.kind !== 'say', loaded.ok ? '' : loaded.text);
  return loaded.config;
}

function faults(yaml: string): string {
  const loaded = load(yaml);
  assert.ok(!loaded.ok);
  assert.equal(loaded.exitCode, 78);
  return loaded.text;
}

test('without a file everything has a sensible value', () => {
  const config = good(null, ['www.example.net/60']);
  assert.equal(config.name, 'probe-berlin');
  assert.deepEqual(config.to, []);
  assert.deepEqual(config.control, { at: { host: '127.0.0.1', port: 55432 }, asked: false });
  assert.deepEqual(config.metrics, { at: { host: '::', port: 9922 }, asked: false });
  assert.equal(config.state, null);
  assert.equal(config.fullEvery, minutes(5));
  assert.deepEqual(config.targets, [
    {
      word: 'www.example.net',
      labels: {},
      pingEvery: seconds(60),
      traceEvery: seconds(60),
      method: 'udp',
      rules: defaultRules,
    },
  ]);
});

test('the file sets all there is, and each target what is its own', () => {
  const config = good(`
name: probe-x
to: [a.example.net, "[2001:db8::1]:99"]
ping_interval: 10s
trace_interval: 2m
method: icmp
timeout: 500ms
retries: 2
max_hops: 20
pps: 100
engine: unix:/run/scamper
control: off
metrics: "127.0.0.1:9999"
state: probe.state
user: mauve
full_update: 1m
heartbeat: false
log_level: debug
rules:
  loss: {percent: 5}
  jitter: off
  path: {forget: 1d}
targets:
  - www.example.net
  - db.example.net/5
  - target: 192.0.2.1
    labels: {site: berlin}
    trace_interval: 10s
    method: tcp
    rules:
      loss: {of: 100}
      jitter: {over: 10}
      via: [{hop: 192.0.2.0/24, expect: always}]
`);
  assert.equal(config.name, 'probe-x');
  assert.deepEqual(config.to, ['a.example.net', '[2001:db8::1]:99']);
  assert.equal(config.control, null);
  assert.deepEqual(config.metrics, { at: { host: '127.0.0.1', port: 9999 }, asked: true });
  assert.equal(config.state, '/etc/mauve/probe.state');
  assert.equal(config.user, 'mauve');
  assert.equal(config.heartbeat, false);
  assert.deepEqual(config.engine, { unix: '/run/scamper' });
  const [www, db, one] = config.targets;
  assert.equal(www?.pingEvery, seconds(10));
  assert.equal(db?.pingEvery, seconds(5));
  assert.deepEqual(www?.rules, {
    ...defaultRules,
    loss: { ...defaultRules.loss, percent: 5 },
    jitter: null,
    path: { ...defaultRules.path, forget: hours(24) },
  });
  assert.deepEqual(one?.labels, { site: 'berlin' });
  assert.equal(one?.method, 'tcp');
  assert.equal(one?.pingEvery, seconds(10));
  assert.equal(one?.traceEvery, seconds(10));
  assert.equal(one?.rules.loss?.percent, 5, 'over the rules of the file');
  assert.equal(one?.rules.loss?.of, 100);
  assert.deepEqual(one?.rules.jitter, { ...defaultRules.jitter, over: 10 });
  assert.deepEqual(one?.rules.via, [{ hop: '192.0.2.0/24', expect: 'always' }]);
});

test('each rule can be turned off, and on again', () => {
  const names = ['unreachable', 'loss', 'slow', 'jitter', 'path_changed', 'more_hops', 'loop', 'via'];
  const off = good(`rules: {${names.map((name) => `${name}: off`).join(', ')}}`).fresh.rules;
  assert.deepEqual(
    [off.unreachable, off.loss, off.slow, off.jitter, off.pathChanged, off.moreHops, off.loop, off.via],
    [null, null, null, null, null, null, null, []],
  );
  const yaml = `
rules: {${names.map((name) => `${name}: off`).join(', ')}}
targets:
  - target: 192.0.2.1
    rules: {unreachable: {}, slow: {over: 200, step: off, usual: {at_least: 3}}, path_changed: on, loop: {count: 3}}
`;
  const on = good(yaml).targets[0]?.rules;
  assert.deepEqual(on?.unreachable, defaultRules.unreachable);
  assert.deepEqual(on?.pathChanged, {});
  assert.deepEqual(on?.loop, { count: 3 });
  assert.equal(on?.slow?.over, 200);
  assert.equal(on?.slow?.step, null);
  assert.equal(on?.slow?.usual?.atLeast, 3);
  assert.equal(on?.loss, null);
});

test('how long a target that comes and goes must answer is a length of time, up to an hour', () => {
  const { unreachable } = good('rules: {unreachable: {steady: 90s}}').fresh.rules;
  assert.deepEqual(unreachable, { ...defaultRules.unreachable, steady: 90_000 });
  assert.equal(good('rules: {unreachable: {steady: 0s}}').fresh.rules.unreachable?.steady, 0);
  assert.match(faults('rules: {unreachable: {steady: 2h}}'), /0s to 1h/);
});

test('the manual has the defaults that are', () => {
  const manual = readFileSync(join(projectFolder, 'docs/mauveprobe.md'), 'utf8');
  const written = [...manual.matchAll(/`((?:\w+): (?:\{.*?\}|on|off))`(?= [|s])/g)]
    .map(([, rule = '']) => rule)
    .filter((rule) => !rule.startsWith('via'));
  assert.equal(written.length, 8, written.join('\n'));
  assert.deepEqual(
    good(`rules:\n${written.map((rule) => `  ${rule}\n`).join('')}`).fresh.rules,
    defaultRules,
  );
});

test('a delay that must be long more often than is looked at is looked at as often', () => {
  const slow = good('rules: {slow: {count: 20}}').fresh.rules.slow;
  assert.deepEqual([slow?.count, slow?.of], [20, 20]);
});

test('options count more than the file', () => {
  const yaml =
    'ping_interval: 10s\nto: a.example.net\ncontrol: off\ntargets: [{target: x.example.net, ping_interval: 5s}]\n';
  const argv = ['--ping-interval', '2', '--to', 'b.example.net', '--control', '127.0.0.1:1', 'y.example.net'];
  const config = good(yaml, argv);
  assert.deepEqual(config.to, ['b.example.net']);
  assert.deepEqual(config.control, { at: { host: '127.0.0.1', port: 1 }, asked: true });
  assert.deepEqual(
    config.targets.map(({ word, pingEvery }) => [word, pingEvery]),
    [
      ['x.example.net', seconds(2)],
      ['y.example.net', seconds(2)],
    ],
  );
});

test('a probe that ends by itself has no heartbeat, for its silence would be an alarm', () => {
  assert.equal(good(null, ['--rounds', '1', 'x.example.net']).heartbeat, false);
  assert.equal(good(null, ['x.example.net']).heartbeat, true);
});

test('a target of the file that is typed, too, has the interval that was typed, and the rest of the file', () => {
  const yaml = 'targets:\n  - {target: 192.0.2.1, labels: {site: a}, ping_interval: 30s}\n  - 2001:db8::1/7';
  const config = good(yaml, ['--ping-interval', '9', '192.0.2.1/5', '2001:DB8:0::1', '192.0.2.3']);
  assert.deepEqual(
    config.targets.map(({ word, labels, pingEvery }) => ({ word, labels, pingEvery })),
    [
      { word: '192.0.2.1', labels: { site: 'a' }, pingEvery: seconds(5) },
      { word: '2001:db8::1', labels: {}, pingEvery: seconds(9) },
      { word: '192.0.2.3', labels: {}, pingEvery: seconds(9) },
    ],
  );
});

test('under systemd the state has a folder', () => {
  const env = { STATE_DIRECTORY: '/var/lib/mauveprobe:/var/lib/other' };
  assert.equal(good('targets: []', [], env).state, '/var/lib/mauveprobe/probe.state');
  assert.equal(good('state: /x/y', [], env).state, '/x/y');
});

test('every mistake has its place and its words', () => {
  assert.match(faults('target: [x]'), /^probe\.yaml:1:1: unknown key "target" \(did you mean "targets"\?\)/);
  assert.match(faults('rules:\n  los: off'), /probe\.yaml:2:3: unknown key "los" \(did you mean "loss"\?\)/);
  assert.match(faults('rules:\n  loss: {percent: 200}'), /probe\.yaml:2:\d+: at most 100 is expected/);
  assert.match(faults('rules:\n  loss: {of: 1000}'), /at most 128 is expected/);
  assert.match(faults('rules:\n  loss: {percent: 0}'), /at least 0\.1 is expected/);
  assert.match(faults('rules: {path_changed: {}}'), /on or true or off or false is expected, not a mapping/);
  assert.match(faults('rules:\n  via: [{hop: x, expect: always}]'), /an address, or a network/);
  assert.match(faults('targets:\n  - 224.0.0.1'), /probe\.yaml:2:5: this is no target: .*multicast/);
  assert.match(
    faults('targets:\n  - {target: x.example.net, lables: {a: b}}'),
    /unknown key "lables" \(did you mean "labels"/,
  );
  assert.match(faults('targets: [x.example.net, y.example.net, X.example.net]'), /this target is here twice/);
  assert.match(
    faults('targets: [192.0.2.1, 192.0.2.1/5]'),
    /:1:\d+: this target is here twice: .* as 192\.0\.2\.1 already/,
  );
  assert.match(faults('to: "a:99999"'), /port 99999/);
  assert.match(faults('engine: scmaper'), /did you mean "scamper"/);
  assert.match(faults('ping_interval: 10'), /a length of time such as/);
  assert.match(faults('control: here'), /HOST:PORT/);
  assert.match(faults('a: [1'), /no valid YAML/);
  const missing = loadConfig({
    argv: ['--config', 'no.yaml'],
    env: {},
    cwd: '/',
    host: 'h',
    version: '0',
    readFile: () => ({ ok: false, why: 'there is no such file' }),
  });
  assert.deepEqual(missing, {
    ok: false,
    exitCode: 78,
    text: 'no.yaml: cannot be read: there is no such file\n',
  });
});

test('the example in the documentation is a good file', () => {
  const config = good(readFileSync(join(projectFolder, 'docs/probe.example.yaml'), 'utf8'));
  assert.ok(config.targets.length > 0 && config.to.length > 0);
});

// ---------------------------------------------------------------- read again

function reloading(first: string) {
  const probe = rig({ lookup: async (host) => (host === 'localhost' ? ['127.0.0.1'] : []) });
  let yaml = first;
  let to: readonly string[] = [];
  const reload = new Reload({
    config: good(first),
    load: () => load(yaml),
    targets: probe.targets,
    sender: () => ({
      destinations: (words) => {
        to = words;
      },
    }),
    log: probe.log,
  });
  reload.start();
  probe.agent.start();
  const again = (text: string): void => {
    yaml = text;
    reload.again();
  };
  const words = (): readonly string[] => [...probe.targets.list()].map(({ target }) => target.word).sort();
  return { ...probe, reload, again, words, to: () => to };
}

test('read again: targets come, go and change, and destinations too', async () => {
  const probe = reloading('targets: [192.0.2.1, 192.0.2.2]');
  await probe.pass(seconds(40));
  const before = probe.agent.find(address('192.0.2.1'))?.summary(probe.clock.now()).sent ?? 0;
  assert.ok(before > 0);
  probe.again('to: a.example.net\ntargets: [192.0.2.1/5, 192.0.2.3]');
  assert.deepEqual(probe.words(), ['192.0.2.1', '192.0.2.3']);
  assert.deepEqual(probe.to(), ['a.example.net']);
  const kept = probe.agent.find(address('192.0.2.1'));
  assert.equal(kept?.target.pingEvery, seconds(5));
  assert.ok((kept?.summary(probe.clock.now()).sent ?? 0) >= before, 'its figures stay');
  await probe.pass(seconds(60));
  assert.ok((kept?.summary(probe.clock.now()).sent ?? 0) >= before + 10);
});

test('read again: a target in another spelling goes on, under its new word', async () => {
  const probe = reloading('targets: ["2001:DB8::9", Localhost]');
  probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['2001:db8::1', null, null, null]);
  await probe.pass(minutes(5));
  assert.deepEqual(probe.verdicts(), ['unreachable raised 2001:db8::9', 'unreachable raised 127.0.0.1']);
  const [address9, host] = [probe.agent.find(address('2001:db8::9')), probe.targets.find('localhost')];
  const sent = address9?.summary(probe.clock.now()).sent;
  probe.again('targets: ["2001:db8::9", localhost]');
  assert.equal(probe.agent.find(address('2001:db8::9')), address9);
  assert.equal(address9?.summary(probe.clock.now()).sent, sent);
  assert.deepEqual(probe.targets.find('localhost')?.addresses, host?.addresses);
  assert.deepEqual(probe.words(), ['2001:db8::9', 'localhost']);
  assert.deepEqual(
    probe.agent.standing().map(({ target }) => target.word),
    ['2001:db8::9', 'localhost'],
  );
  assert.equal(probe.verdicts().length, 2, 'nothing is cleared');
});

test('read again: a broken file is refused in words, and what was in force stays', () => {
  const probe = reloading('targets: [192.0.2.1]');
  probe.again('targets: [192.0.2.1, 192.0.2.1]');
  probe.again('targets: [');
  assert.deepEqual(probe.words(), ['192.0.2.1']);
  const words = probe.logged.map(({ text }) => text).join('\n');
  assert.match(words, /probe\.yaml:1:\d+: this target is here twice/);
  assert.match(words, /the file was refused; what was in force stays/);
  probe.again('targets: [192.0.2.5]');
  assert.deepEqual(probe.words(), ['192.0.2.5']);
});

test('read again: what was added by hand stays, what was removed or changed by hand is as the file has it', () => {
  const probe = reloading('targets: [192.0.2.1, 192.0.2.2]');
  probe.targets.add(targetOf('192.0.2.9'));
  probe.targets.add(targetOf('192.0.2.2', { pingEvery: seconds(7) }));
  probe.targets.remove('192.0.2.1');
  probe.again('targets: [192.0.2.1, 192.0.2.2]');
  assert.deepEqual(probe.words(), ['192.0.2.1', '192.0.2.2', '192.0.2.9']);
  assert.equal(probe.agent.find(address('192.0.2.2'))?.target.pingEvery, seconds(30));
});

test('read again: what takes effect only at the next start is named', () => {
  const probe = reloading('targets: [192.0.2.1]');
  probe.again('pps: 9\nname: other\ntargets: [192.0.2.1]');
  assert.match(
    probe.logged.map(({ text }) => text).join('\n'),
    /name, rate.*take effect at the next start|settings.*name, rate/,
  );
});
