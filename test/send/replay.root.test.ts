/**
 * Every recorded command line of the original mauvesend, made again with ours
 * where it can reach nothing but itself: the same datagrams must arrive at the
 * same places. Where we differ on purpose, the test says by which item of the
 * semantics. Then the command lines that are ours alone.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type AlertUpdate, decode, type UpdateAlert } from '../../src/wire/update.ts';
import type { Run, RunResult } from './lab-types.ts';

interface Vector {
  name: string;
  argv: string[];
  argv_hex?: string[];
  env: Record<string, string | number>;
  hex: string | null;
  packets: { to: string }[];
  stdout: string;
  stderr: string;
  exit: number;
}

const recordedAt = 1_700_000_000n;

const vectors: Vector[] = readFileSync(new URL('../vectors/mauvesend.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line));

/** Where the original's exit code 1 is not a mistake in the command line (64). */
const exitCodes: Record<string, number> = {
  'ERR unresolvable host with port': 68,
  'ERR DNS server unreachable': 68,
  'ERR unreachable network, verbose': 69,
  'ERR detail of 70000 bytes': 65,
};

/** Where we differ on purpose: by which rule, and what happens here. */
const differences: Record<
  string,
  { rule: string; exit: number; to: string[]; check?: (alert: UpdateAlert) => void }
> = {
  'invalid utf-8 bytes under C.UTF-8': {
    rule: '11: invalid UTF-8 in arguments is repaired',
    exit: 0,
    to: ['127.0.0.1:40001'],
    check: ({ id, summary }) =>
      assert.deepEqual([id, summary], ['caf\ufffd', 'bad \ufffd\ufffd bytes \ufffd']),
  },
  'ERR -r swallows the destination': {
    rule: '11: -r no longer swallows a destination',
    exit: 0,
    to: ['127.0.0.1:40001'],
    check: ({ raiseTime, clearTime }) => assert.ok(raiseTime > 0n && clearTime === 0n),
  },
  'ERR -c swallows the destination': {
    rule: '11: -c no longer swallows a destination',
    exit: 0,
    to: ['127.0.0.1:32741'],
    check: ({ raiseTime, clearTime }) => assert.ok(raiseTime === 0n && clearTime > 0n),
  },
  'port above 65535 wraps modulo 65536': { rule: '11: ports that cannot be are refused', exit: 64, to: [] },
  'port 70000 goes to 4464 unseen': { rule: '11: ports that cannot be are refused', exit: 64, to: [] },
  'host with two SRV records': {
    rule: '11: SRV with priority and weight',
    exit: 0,
    to: ['127.0.0.1:40002', '[::1]:40002'],
  },
};

const english = { LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
const own: Record<string, Run> = {
  'a name in the hosts file': { argv: ['byhosts.test:40001', '-i', 't'], env: english },
  'a host with two addresses': { argv: ['multi.test:40001', '-i', 't'], env: english },
  'a host with only IPv6, verbose': { argv: ['six.test', '-i', 't', '-v'], env: english },
  'an SRV record whose target is unknown': { argv: ['srvdead.test', '-i', 't'], env: english },
  'SRV records that say there is no service': { argv: ['srvnone.test', '-i', 't'], env: english },
  'the next SRV record where the first cannot be sent to': {
    argv: ['srvnext.test', '-i', 't', '-v'],
    env: english,
  },
  'a short name of a searched domain with SRV': { argv: ['short', '-i', 't'], env: english },
  'localhost without a port': { argv: ['localhost', '-i', 't'], env: english },
  'a name server that is silent holds up nobody else': {
    argv: ['slow.test:40001', '127.0.0.1:40001', '-i', 't', '-v'],
    env: english,
  },
  'a host without a port and no name server': {
    argv: ['plain.test', '-i', 't'],
    env: english,
    noNameServer: true,
  },
  'nobody known, nobody reachable': {
    argv: ['nx.test', '192.0.2.1', '127.0.0.1:0', '-i', 't'],
    env: english,
  },
  'nobody reachable by IPv6': { argv: ['[2001:db8::1]:40001', '-i', 't'], env: english },
  'good and impossible': { argv: ['127.0.0.1:99999', '127.0.0.1:40001', '-i', 't'], env: english },
  'a destination file with comments and a mistake': {
    argv: ['-i', 't'],
    env: english,
    destinationFile: '# stations\n127.0.0.1:40001  # first\n127.0.0.1:99999 [::1]:40001\n',
  },
  'a time that lies back as its own word': {
    argv: ['127.0.0.1:40001', '-i', 't', '-r', '-10h'],
    env: english,
  },
  'the same destination twice': { argv: ['127.0.0.1:40001', '127.0.0.1:40001', '-i', 't'], env: english },
  'no locale at all, as in cron': { argv: ['127.0.0.1:40001', '-i', 'dísk'], env: {} },
};

function runOf(vector: Vector): Run {
  const {
    hostname: _hostname,
    clock: _clock,
    '/etc/mauvealert/mauvesend.destination': file,
    ...env
  } = vector.env;
  return {
    argv: vector.argv,
    ...(vector.argv_hex === undefined ? {} : { argvHex: vector.argv_hex }),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
    ...(file === undefined ? {} : { destinationFile: String(file) }),
    noNameServer: vector.name === 'ERR DNS server unreachable',
  };
}

/** Makes all runs in one go, in namespaces that end with them. */
function makeAll(runs: readonly Run[]): RunResult[] {
  assert.equal(process.getuid?.(), 0, 'the replay makes network namespaces, which takes root');
  const lab = new URL('lab.ts', import.meta.url).pathname;
  const output = execFileSync('unshare', ['-nmu', process.execPath, lab], {
    input: JSON.stringify(runs),
    maxBuffer: 2 ** 26,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString());
}

const names = Object.keys(own);
const results = makeAll([...vectors.map(runOf), ...Object.values(own)]);
const resultOf = (name: string): RunResult =>
  results[vectors.length + names.indexOf(name)] ?? assert.fail(name);

function read(hex: string | undefined): AlertUpdate {
  const decoded = decode(Buffer.from(hex ?? '', 'hex'));
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.detail);
  return decoded.update;
}

/** What the original sent, as it would have sent it at another time: times on the command line stay as they are. */
function at(recorded: AlertUpdate, time: bigint, argv: readonly string[]): AlertUpdate {
  const moved = (moment: bigint): bigint => {
    const given = argv.some((word) => (/(?:^|=)([0-9]+)$/m.exec(word)?.[1] ?? '') === String(moment));
    return moment === 0n || given ? moment : moment + (time - recordedAt);
  };
  return {
    ...recorded,
    transmissionTime: time,
    alerts: recorded.alerts.map((alert) => ({
      ...alert,
      raiseTime: moved(alert.raiseTime),
      clearTime: moved(alert.clearTime),
      suppressUntil: moved(alert.suppressUntil),
    })),
  };
}

const oneLine = /^mauvesend: [^\n]+\n$/;

describe('the command lines of the original', () => {
  for (const [index, vector] of vectors.entries()) {
    const result = results[index] ?? assert.fail(vector.name);
    const difference = differences[vector.name];
    const to = difference?.to ?? vector.packets.map((packet) => packet.to);
    const name =
      difference === undefined ? vector.name : `${vector.name} (differs by item ${difference.rule})`;
    test(name, () => {
      const exit = difference?.exit ?? (vector.exit === 0 ? 0 : (exitCodes[vector.name] ?? 64));
      assert.equal(result.exit, exit, result.stderr);
      assert.deepEqual(result.packets.map((packet) => packet.to).sort(), [...to].sort());
      if (exit !== 0) assert.match(result.stderr, oneLine);
      else if (!/unreachable/.test(vector.name)) assert.equal(result.stderr, '');
      if (to.length === 0) return;

      const datagrams = new Set(result.packets.map((packet) => packet.hex));
      assert.equal(datagrams.size, 1, 'the same datagram everywhere');
      const sent = read(result.packets[0]?.hex);
      assert.ok(sent.transmissionId > 0n && sent.transmissionId < 2n ** 63n);
      if (difference?.check !== undefined) sent.alerts.forEach(difference.check);
      if (vector.hex === null) return;
      const recorded = { ...read(vector.hex), transmissionId: sent.transmissionId };
      assert.deepEqual(sent, at(recorded, sent.transmissionTime, vector.argv));
      const stdout = vector.stdout
        .replace(/\d{16,19}/, String(sent.transmissionId))
        .replaceAll(String(recordedAt), String(sent.transmissionTime));
      assert.equal(result.stdout, stdout);
    });
  }
  test('-h and -m print something to read', () => {
    for (const name of ['help -h', 'manual -m']) {
      const result = results[vectors.findIndex((vector) => vector.name === name)];
      assert.match(result?.stdout ?? '', /mauvesend -i disk -s "disk is 97% full"/);
    }
  });
});

describe('command lines of our own', () => {
  const outcome = (name: string) => {
    const { exit, packets, stderr } = resultOf(name);
    return { exit, to: packets.map(({ to }) => to).sort(), stderr };
  };
  const sent = (...to: string[]) => ({ exit: 0, to, stderr: '' });

  test('a name is looked up in the hosts file too', () => {
    assert.deepEqual(outcome('a name in the hosts file'), sent('127.0.0.2:40001'));
  });
  test('every address of a host is sent to', () => {
    assert.deepEqual(outcome('a host with two addresses'), sent('127.0.0.1:40001', '127.0.0.2:40001'));
  });
  test('a host with only IPv6 is sent to on the usual port, and -v says where', () => {
    assert.deepEqual(outcome('a host with only IPv6, verbose'), sent('[::1]:32741'));
    assert.match(
      resultOf('a host with only IPv6, verbose').stdout,
      /^Sending \d+ from mauve-test-host to \[::1\]:32741\n$/,
    );
  });
  test('SRV records that lead nowhere make the host unknown, and nothing else is guessed', () => {
    for (const name of [
      'an SRV record whose target is unknown',
      'SRV records that say there is no service',
    ]) {
      const { exit, to, stderr } = outcome(name);
      assert.deepEqual([exit, to], [68, []]);
      assert.match(stderr, oneLine);
    }
  });
  test('a higher SRV priority number is a spare', () => {
    const { exit, to, stderr } = outcome('the next SRV record where the first cannot be sent to');
    assert.deepEqual([exit, to], [0, ['127.0.0.1:40001']]);
    assert.equal(stderr, 'mauvesend: not sent to nx.test (no such host)\n');
  });
  test('a short name is completed for its SRV records as for its addresses', () => {
    assert.deepEqual(outcome('a short name of a searched domain with SRV'), sent('127.0.0.1:40002'));
  });
  test('localhost is this machine, and no name server is asked', () => {
    assert.deepEqual(outcome('localhost without a port'), sent('127.0.0.1:32741'));
    assert.deepEqual(resultOf('localhost without a port').queries, []);
  });
  test('a silent name server delays nobody but its own', () => {
    const { exit, to, stderr } = outcome('a name server that is silent holds up nobody else');
    assert.deepEqual([exit, to], [0, ['127.0.0.1:40001']]);
    assert.match(stderr, /^mauvesend: not sent to slow\.test \(the name servers do not answer\)\n$/);
  });
  test('without a name server a host is unknown, and that is known soon', () => {
    const { exit, to, stderr } = outcome('a host without a port and no name server');
    assert.deepEqual([exit, to], [68, []]);
    assert.equal(stderr, 'mauvesend: not sent to plain.test (the name servers do not answer)\n');
    assert.ok(resultOf('a host without a port and no name server').milliseconds < 8000);
  });
  test('where nobody can be sent to, the line says why of each', () => {
    const { exit, to, stderr } = outcome('nobody known, nobody reachable');
    assert.deepEqual([exit, to], [69, []]);
    assert.equal(
      stderr,
      'mauvesend: not sent to nx.test (no such host); 192.0.2.1:32741 (the network is unreachable); ' +
        '127.0.0.1:0 (port 0 is not from 1 to 65535)\n',
    );
    assert.equal(outcome('nobody reachable by IPv6').exit, 69);
  });
  test('an impossible destination is said even where another worked', () => {
    const { exit, to, stderr } = outcome('good and impossible');
    assert.deepEqual([exit, to], [0, ['127.0.0.1:40001']]);
    assert.match(stderr, /^mauvesend: not sent to 127\.0\.0\.1:99999 \(port 99999/);
  });
  test('a destination file may have comments, and a mistake in it stops nobody else', () => {
    const { exit, to } = outcome('a destination file with comments and a mistake');
    assert.deepEqual([exit, to], [0, ['127.0.0.1:40001', '[::1]:40001']]);
  });
  test('a time that lies back may follow as its own word (item 11)', () => {
    const update = read(resultOf('a time that lies back as its own word').packets[0]?.hex);
    assert.equal(update.alerts[0]?.raiseTime, update.transmissionTime - 36_000n);
  });
  test('a destination given twice gets two copies of one transmission', () => {
    const { packets } = resultOf('the same destination twice');
    assert.equal(packets.length, 2);
    assert.equal(packets[0]?.hex, packets[1]?.hex);
  });
  test('cron sets no locale, and UTF-8 arrives all the same', () => {
    assert.equal(read(resultOf('no locale at all, as in cron').packets[0]?.hex).alerts[0]?.id, 'dísk');
  });
});
