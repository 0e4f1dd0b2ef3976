/** The command line of mauveprobe. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Options, parseOptions } from '../../src/probe/options.ts';
import { minutes, seconds } from '../../src/time.ts';

const asked = (...argv: readonly string[]): Options => {
  const parsed = parseOptions(argv, '1.2.3');
  assert.ok(parsed.kind === 'options', parsed.kind === 'options' ? '' : parsed.text);
  return parsed.options;
};
const fault = (...argv: readonly string[]): string => {
  const parsed = parseOptions(argv, '1.2.3');
  assert.ok(parsed.kind === 'usage');
  return parsed.text;
};

test('targets, each with its own interval', () => {
  assert.deepEqual(asked('google.de/60', '192.0.2.1', '2001:db8::1/0.5').targets, [
    { word: 'google.de', every: seconds(60) },
    { word: '192.0.2.1', every: null },
    { word: '2001:db8::1', every: seconds(0.5) },
  ]);
});

test('the same target twice is refused, and both are named: only one of two intervals can be meant', () => {
  const both = fault('192.0.2.1', '192.0.2.1/5');
  assert.match(both, /^mauveprobe: 192\.0\.2\.1 and 192\.0\.2\.1\/5 are the same target: name it once/);
  assert.match(
    fault('www.example.net/5', '192.0.2.1', 'WWW.example.net'),
    /www\S+\/5 and WWW\S+ are the same/,
  );
  assert.match(fault('2001:db8::1', '2001:DB8:0::1'), /are the same target/);
});

test('all options', () => {
  const options = asked(
    '--config=probe.yaml',
    '--ping-interval=10',
    '--trace-interval=2m',
    '--method=icmp',
    '--timeout=500ms',
    '--retries=0',
    '--max-hops=20',
    '--pps=100',
    '--engine=unix:/run/scamper',
    '--rounds=3',
    '--to=a.example.net',
    '--to=[2001:db8::1]:1234',
    '--name=probe-x',
    '--json',
    '--control=off',
    '--metrics=127.0.0.1:9999',
    '--state=probe.state',
    '--user=mauve',
    '--check',
  );
  assert.deepEqual(options, {
    targets: [],
    config: 'probe.yaml',
    pingEvery: seconds(10),
    traceEvery: minutes(2),
    method: 'icmp',
    timeout: seconds(0.5),
    retries: 0,
    maxHops: 20,
    rate: 100,
    engine: { unix: '/run/scamper' },
    rounds: 3,
    to: ['a.example.net', '[2001:db8::1]:1234'],
    name: 'probe-x',
    json: true,
    control: 'off',
    metrics: { host: '127.0.0.1', port: 9999 },
    state: 'probe.state',
    user: 'mauve',
    check: true,
  });
  assert.equal(asked('--fake', 'x').engine, 'fake');
  assert.deepEqual(asked('--metrics', ':9922', 'x').metrics, { host: '::', port: 9922 });
});

test('no arguments: how it is used', () => {
  const text = fault();
  assert.match(text, /^Usage: mauveprobe/);
  assert.match(text, /--fake/);
});

test('--help and --version', () => {
  const help = parseOptions(['--help'], '1.2.3');
  assert.ok(help.kind === 'say' && help.text.includes('--trace-interval'));
  assert.ok(help.kind === 'say' && help.text.split('\n').every((line) => line.length <= 100));
  assert.deepEqual(parseOptions(['--version'], '1.2.3'), { kind: 'say', text: 'mauveprobe 1.2.3\n' });
});

test('what is wrong is said in one line, with the nearest that is right', () => {
  assert.match(fault('--jsno', 'x'), /unknown option --jsno \(did you mean "--json"\?\)/);
  assert.match(fault('--ping-intervall', '3', 'x'), /did you mean "--ping-interval"/);
  assert.match(fault('--engine', 'scmaper', 'x'), /did you mean "scamper"/);
  assert.match(fault('--method', 'upd', 'x'), /did you mean "udp"/);
  assert.match(fault('--json=yes', 'x'), /--json takes no value/);
  assert.match(fault('x', '--to'), /--to needs a value/);
  assert.match(fault('--to', '--json', 'x'), /--to needs a value/);
  assert.match(fault('--to', 'a:99999', 'x'), /port 99999 is not from 1/);
  assert.match(fault('--ping-interval', '0', 'x'), /0\.1 to 86400/);
  assert.match(fault('--timeout', '31', 'x'), /0\.1 to 30/);
  assert.match(fault('--max-hops', '65', 'x'), /from 1 to 64/);
  assert.match(fault('--retries=-1', 'x'), /from 0 to 10/);
  assert.match(fault('--rounds', '1.5', 'x'), /whole number/);
  assert.match(fault('--control', 'here', 'x'), /HOST:PORT.*or off/);
  assert.match(fault('--fake', '--engine', 'scamper', 'x'), /exclude each other/);
  assert.match(fault('--name', 'a\nb', 'x'), /on one line/);
  assert.match(fault('--json'), /name a target/);
  assert.match(fault('224.0.0.1'), /"224\.0\.0\.1" is no target: .*multicast/);
  assert.match(fault('google.de/never'), /interval from 0\.1/);
  for (const argv of [['--wat'], ['\u001b[2J'], ['x'.repeat(9_000)]]) {
    const text = fault(...argv);
    assert.equal(text.trimEnd().split('\n').length, 1);
    assert.ok(!text.includes('\u001b'));
  }
});
