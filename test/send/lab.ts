/**
 * A small world for mauvesend, inside network, mount and UTS namespaces of its
 * own: loopback only, its own /etc, a name server, and receivers that write
 * down every datagram. Started by `unshare -nmu`; reads runs as JSON from
 * stdin, makes them one after the other, writes what came of each to stdout.
 *
 * Refuses to do anything where there is more network than loopback.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import packet from 'dns-packet';
import type { Run, RunResult } from './lab-types.ts';

const command = new URL('../../bin/mauvesend', import.meta.url).pathname;
const hostName = 'mauve-test-host';
const receivers = [
  ['127.0.0.1', 40001],
  ['127.0.0.1', 40002],
  ['127.0.0.1', 32741],
  ['127.0.0.1', 4464],
  ['127.0.0.2', 40001],
  ['127.0.0.2', 40002],
  ['127.0.0.2', 32741],
  ['::1', 40001],
  ['::1', 40002],
  ['::1', 32741],
] as const;

const addresses: Record<string, string[]> = {
  'plain.test': ['127.0.0.1'],
  'dual.test': ['127.0.0.1', '::1'],
  'six.test': ['::1'],
  'multi.test': ['127.0.0.1', '127.0.0.2'],
  'srv.test': ['127.0.0.2'],
  'srv2.test': [],
  'srvdead.test': ['127.0.0.1'],
  'srvnone.test': ['127.0.0.1'],
  'srvnext.test': ['127.0.0.2'],
  'short.search.test': ['127.0.0.2'],
  localhost: ['127.0.0.1'],
};
const services: Record<string, [priority: number, port: number, target: string][]> = {
  'srv.test': [[10, 40002, 'plain.test']],
  'srv2.test': [
    [20, 40001, 'plain.test'],
    [10, 40002, 'dual.test'],
  ],
  'srvdead.test': [[10, 32741, 'nx.test']],
  'srvnone.test': [[0, 0, '.']],
  'srvnext.test': [
    [10, 40002, 'nx.test'],
    [20, 40001, 'plain.test'],
  ],
  'short.search.test': [[10, 40002, 'plain.test']],
};
/** Its name servers never answer. */
const silent = 'slow.test';

let queries: string[] = [];
let arrived: RunResult['packets'] = [];

function answer(query: Buffer): Buffer | null {
  const { id, questions = [] } = packet.decode(query);
  const question = questions[0];
  if (question === undefined) return null;
  const name = question.name.toLowerCase();
  queries.push(`${name} ${question.type}`);
  if (name.endsWith(silent)) return null;
  const service = services[name.replace(/^_mauvealert\._udp\./, '')];
  const found = addresses[name];
  const answers: packet.Answer[] = [];
  if (question.type === 'SRV' && name.startsWith('_mauvealert.')) {
    for (const [priority, port, target] of service ?? []) {
      answers.push({ type: 'SRV', name, ttl: 1, data: { priority, weight: 1, port, target } });
    }
  }
  for (const data of found ?? []) {
    const type = data.includes(':') ? 'AAAA' : 'A';
    if (question.type === type) answers.push({ type, name, ttl: 1, data });
  }
  const known = found !== undefined || (service !== undefined && name.startsWith('_mauvealert.'));
  const flags = packet.RECURSION_AVAILABLE | packet.RECURSION_DESIRED | (known ? 0 : 3);
  return packet.encode({ type: 'response', id, flags, questions, answers });
}

async function listen(
  host: string,
  port: number,
  heard: (socket: Socket, data: Buffer, from: { port: number; address: string }) => void,
): Promise<void> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: host.includes(':') });
  socket.on('message', (data, from) => heard(socket, data, from));
  await new Promise<void>((resolve) => socket.bind(port, host, resolve));
}

/** A /etc with only what resolving needs, on top of the real one, seen only here. */
function ownEtc(): void {
  const etc = mkdtempSync(join(tmpdir(), 'mauve-lab-'));
  execFileSync('mount', ['-t', 'tmpfs', 'lab', etc]);
  if (existsSync('/etc/ld.so.cache'))
    writeFileSync(join(etc, 'ld.so.cache'), readFileSync('/etc/ld.so.cache'));
  writeFileSync(join(etc, 'hosts'), '127.0.0.1 localhost\n127.0.0.2 byhosts.test\n');
  writeFileSync(join(etc, 'nsswitch.conf'), 'hosts: files dns\n');
  mkdirSync(join(etc, 'mauvealert'));
  execFileSync('mount', ['--bind', etc, '/etc']);
  execFileSync('umount', [etc]);
  rmSync(etc, { recursive: true });
}

/** Bytes that are not UTF-8 can be handed to a program only by way of a shell. */
function shellWord(bytes: Buffer): Buffer {
  const quoted = Buffer.from(bytes.toString('latin1').replaceAll("'", `'\\''`), 'latin1');
  return Buffer.concat([Buffer.from(" '"), quoted, Buffer.from("'")]);
}

async function make(run: Run): Promise<RunResult> {
  const nameServer = run.noNameServer ? '127.0.0.9' : '127.0.0.1';
  writeFileSync('/etc/resolv.conf', `nameserver ${nameServer}\nsearch search.test\n`);
  const file = '/etc/mauvealert/mauvesend.destination';
  if (run.destinationFile === undefined) rmSync(file, { force: true });
  else writeFileSync(file, run.destinationFile);
  queries = [];
  arrived = [];
  const words = run.argvHex?.map((hex) => Buffer.from(hex, 'hex'));
  let program = [command, ...run.argv];
  if (words !== undefined) {
    writeFileSync('/etc/run.sh', Buffer.concat([Buffer.from(`exec '${command}'`), ...words.map(shellWord)]));
    program = ['sh', '/etc/run.sh'];
  }
  const [first = '', ...rest] = program;
  const child = spawn(first, rest, {
    env: { PATH: process.env.PATH, RES_OPTIONS: 'timeout:1 attempts:1', ...run.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = performance.now();
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const milliseconds = performance.now() - started;
  // What a process has sent over loopback waits in the receiver's queue: one turn of the loop reads it.
  for (let turn = 0; turn < 3; turn++) await setImmediate();
  return { exit, stdout, stderr, packets: arrived, queries, milliseconds };
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
if (others.length > 0) throw new Error(`not in a network namespace of its own: ${others.join(', ')}`);
execFileSync('hostname', [hostName]);
ownEtc();
for (const [host, port] of receivers) {
  const to = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  await listen(host, port, (_socket, data) => arrived.push({ to, hex: data.toString('hex') }));
}
await listen('127.0.0.1', 53, (socket, data, from) => {
  const reply = answer(data);
  if (reply !== null) socket.send(reply, from.port, from.address);
});
const runs: Run[] = JSON.parse(await text(process.stdin));
const results: RunResult[] = [];
for (const run of runs) results.push(await make(run));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
