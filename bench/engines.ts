/**
 * The engines of the probe on the laboratory, without delay: how many probes a
 * second, CPU seconds for 1,000 probes of the engine and of our side, memory,
 * and by how much a round trip differs from what a packet capture saw. Beside
 * them, in the same run, one `traceroute` process for each target. As root, with
 * scamper, mtr-tiny, traceroute and tcpdump installed. Nothing is asserted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../src/probe/core/record.ts';
import type { Engine } from '../src/probe/engine/engine.ts';
import { openMtrPacket } from '../src/probe/engine/mtr-packet.ts';
import { cpuSecondsOf } from '../src/probe/engine/process.ts';
import { openScamper } from '../src/probe/engine/scamper.ts';
import { seconds, systemClock } from '../src/time.ts';
import { Lab, processesWith } from '../test/lab/lab.ts';

const targets = Number(process.env.BENCH_TARGETS ?? 200);
const rounds = Number(process.env.BENCH_ROUNDS ?? 10);
const processes = 20;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const pad = (value: number | string, width = 10): string => String(value).padStart(width);
const at = (n: number): Address => `10.99.${n >> 8}.${n & 255}` as Address;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ownCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** All processes of an engine, its helpers and keepers too. */
const family = (mark: string): number[] => processesWith(mark).map(({ pid }) => pid);
const cpuOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (cpuSecondsOf(pid) ?? 0), 0);

function residentKb(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return sum + Number(kb ?? 0);
  }, 0);
}

const once = { timeout: seconds(2), count: 1, every: seconds(1) } as const;

/** What is asked in one round for one target; gives the number of probes that it took. */
type Ask = (engine: Engine, address: Address, n: number) => Promise<number>;

const ping: Ask = async (engine, address) => {
  const answer = await engine.ping({ address, ...once });
  return answer.ok && answer.record[0]?.outcome.kind === 'reply' ? 1 : 0;
};

const trace: Ask = async (engine, address, flow) => {
  const task = {
    address,
    method: 'udp',
    firstHop: 1,
    maxHops: 30,
    timeout: seconds(1),
    gapLimit: 5,
    flow,
  } as const;
  const answer = await engine.trace({ ...task, probesPerHop: 3, retries: 0 });
  return answer.ok ? answer.record.hops.reduce((sum, { probes }) => sum + probes.length, 0) : 0;
};

async function measure(name: string, engine: Engine, mark: string, ask: Ask): Promise<void> {
  const pids = family(mark);
  const [cpu, own, begun] = [cpuOf(pids), ownCpu(), performance.now()];
  let probes = 0;
  for (let round = 0; round < rounds; round++) {
    const asked = Array.from({ length: targets }, (_, n) => ask(engine, at(n), n));
    for (const count of await Promise.all(asked)) probes += count;
  }
  const took = (performance.now() - begun) / 1000;
  const each = (used: number): string => ((used / probes) * 1000).toFixed(4);
  console.log(
    `${name.padEnd(18)}${pad(probes)}${pad(Math.round(probes / took))}${pad(each(cpuOf(pids) - cpu))}` +
      `${pad(each(ownCpu() - own))}${pad((residentKb(pids) / 1024).toFixed(1))}`,
  );
}

/** One process for each target, a few at once. */
async function traceroutes(lab: Lab): Promise<void> {
  const program = lab.inside('/usr/sbin/traceroute');
  const before = process.resourceUsage();
  const childrenBefore = childrenCpu();
  const begun = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < targets) {
      const child = spawn(program, ['-n', '-q', '3', '-w', '1', at(next++)], { stdio: 'ignore' });
      await new Promise((resolve) => child.on('exit', resolve));
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  const took = (performance.now() - begun) / 1000;
  const after = process.resourceUsage();
  const probes = targets * 33;
  const own = (after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime) / 1e6;
  const each = (used: number): string => ((used / probes) * 1000).toFixed(4);
  console.log(
    `${'traceroute each'.padEnd(18)}${pad(probes)}${pad(Math.round(probes / took))}${pad(each(childrenCpu() - childrenBefore))}${pad(each(own))}`,
  );
}

/** CPU seconds of all children that have ended: the fields after our own in /proc/self/stat. */
function childrenCpu(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

type Captured = { readonly child: ChildProcess; text: string };

async function capture(lab: Lab): Promise<Captured> {
  const args = ['-i', 'to-r1', '-n', '-tt', '-l', '--time-stamp-precision=nano', '-B', '8192', 'icmp'];
  const child = spawn(lab.inside('/usr/bin/tcpdump'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const captured: Captured = { child, text: '' };
  child.stdout?.on('data', (chunk) => {
    captured.text += chunk;
  });
  await new Promise((resolve) => child.stderr?.once('data', resolve));
  await wait(300);
  return captured;
}

/** Round trips of echo requests, by target, in the order in which they were sent. */
function captured(text: string): Map<string, number[]> {
  const sent = new Map<string, number>();
  const times = new Map<string, number[]>();
  for (const line of text.split('\n')) {
    const found = /^(\d+\.\d+) IP (\S+) > (\S+): ICMP echo (request|reply), (id \d+, seq \d+)/.exec(line);
    if (found === null) continue;
    const [, time = '', from = '', to = '', kind, which] = found;
    if (kind === 'request') sent.set(`${to} ${which}`, Number(time));
    const begun = sent.get(`${from} ${which}`);
    if (kind === 'reply' && begun !== undefined) {
      times.set(from, [...(times.get(from) ?? []), (Number(time) - begun) * 1000]);
    }
  }
  return times;
}

async function errors(name: string, engine: Engine, lab: Lab): Promise<void> {
  const cap = await capture(lab);
  const told = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < targets; n++) {
      const answer = await engine.ping({ address: at(n), ...once });
      const outcome = answer.ok ? answer.record[0]?.outcome : undefined;
      if (outcome?.kind !== 'reply') continue;
      told.set(at(n), [...(told.get(at(n)) ?? []), outcome.rtt]);
    }
  }
  await wait(500);
  cap.child.kill();
  const seen = captured(cap.text);
  const off = [...told].flatMap(([address, times]) => {
    const real = seen.get(address) ?? [];
    return real.length === times.length ? times.map((time, n) => time - (real[n] ?? 0)) : [];
  });
  off.sort((a, b) => a - b);
  const part = (share: number): string => (off[Math.floor(share * (off.length - 1))] ?? 0).toFixed(3);
  console.log(
    `${name.padEnd(18)}${pad(off.length)} pings: off by ${part(0.5)} ms (median), ${part(0.99)} (p99), ${part(1)} (most)`,
  );
}

/** Both engines, one after the other. */
async function benchEngines(): Promise<void> {
  const lab = new Lab(0);
  try {
    console.log(`${targets} targets, ${rounds} rounds, 11 hops, no delay`);
    console.log(
      `${''.padEnd(18)}${pad('probes')}${pad('a second')}${pad('CPU s/1k')}${pad('ours/1k')}${pad('MB')}`,
    );
    const options = { clock: systemClock, log: quiet };
    const runBase = lab.folder;
    const scamper = await openScamper({
      ...options,
      program: lab.inside('/usr/bin/scamper'),
      owner: null,
      runBase,
    });
    if (!scamper.ok) throw new Error(scamper.why);
    const mark = join(runBase, 'mauveprobe-');
    await measure('scamper, ping', scamper.engine, mark, ping);
    await measure('scamper, trace', scamper.engine, mark, trace);
    const mtr = await openMtrPacket({ ...options, program: lab.inside('/usr/bin/mtr-packet') });
    if (!mtr.ok) throw new Error(mtr.why);
    await measure('mtr-packet, ping', mtr.engine, '/usr/bin/mtr-packet', ping);
    await measure('mtr-packet, trace', mtr.engine, '/usr/bin/mtr-packet', trace);
    await traceroutes(lab);
    await errors('scamper', scamper.engine, lab);
    await errors('mtr-packet', mtr.engine, lab);
    await scamper.engine.close();
    await mtr.engine.close();
  } finally {
    lab.close();
  }
}

await benchEngines();
