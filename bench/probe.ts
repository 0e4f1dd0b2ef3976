/**
 * The probe as a whole, at one trace and two pings a minute for each target:
 * CPU of the agent and of its engine, memory, how late rounds begin, and by how
 * much a round trip differs from what a packet capture saw; on the laboratory
 * without delay, and the agent alone on the made-up network. Beside it, in the
 * same run, one process for each target. Whoever sends a packet there also does
 * the work of its eleven routers: that is in the CPU of the engine, and of the
 * processes. As root; some ten minutes. Nothing is asserted.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectFolder } from '../test/kit/process.ts';
import { Lab, processesWith } from '../test/lab/lab.ts';
import { capture, captured, cpuOf, memoryOf, offWords, pad, processEach, wait } from './kit/probe.ts';

const sizes = (process.env.BENCH_TARGETS ?? '1000,5000').split(',').map(Number);
/** In seconds: until the first two rounds of all are over, and how long is measured. */
const starting = Number(process.env.BENCH_STARTING ?? 125);
const measured = Number(process.env.BENCH_SECONDS ?? 60);
const sample = Number(process.env.BENCH_PROCESSES ?? 500);
const atOnce = 10;
const page = '127.0.0.1:9922';
const at = (n: number): string => `10.99.${n >> 8}.${n & 255}`;

/** Where the probe runs: in the laboratory, or here on the made-up network. */
type Place = {
  readonly name: string;
  readonly engine: 'scamper' | 'fake';
  readonly program: (path: string) => string;
  readonly folder: string;
};

/** A running probe; `pid` is the agent's. */
function start({ program, engine, folder }: Place, targets: number, args: readonly string[]): ChildProcess {
  const file = join(folder, `targets-${targets}.yaml`);
  const list = Array.from({ length: targets }, (_, n) => `  - ${at(n)}\n`).join('');
  // First hops are spared once paths are known: here after one round, for nobody wants to wait for three.
  writeFileSync(file, `engine: ${engine}\nrules: {path: {learn: 1}}\ntargets:\n${list}`);
  const all = ['--config', file, '--control', 'off', ...args];
  return spawn(program(join(projectFolder, 'bin/mauveprobe')), all, { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

type Metrics = (name: string) => number;

/** The page of metrics, asked for where the probe is. */
function metricsOf({ program }: Place): Metrics {
  const ask = `fetch('http://${page}/metrics').then((page) => page.text()).then((text) => console.log(text))`;
  const text = execFileSync(program(process.execPath), ['-e', ask], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  const lines = new Map(text.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), line]));
  return (name) => Number(lines.get(name)?.slice(name.length + 1) ?? 0);
}

/** The least bound, in seconds, below which so much of the rounds in between began. */
function lateness(before: Metrics, after: Metrics, share: number): string {
  const count = (bound: string): number => {
    const name = `mauve_probe_lateness_seconds_bucket{le="${bound}"}`;
    return after(name) - before(name);
  };
  const bounds = ['0.001', '0.005', '0.01', '0.05', '0.1', '0.5', '1', '5', '10', '60', '+Inf'];
  const found = bounds.find((bound) => count(bound) >= share * count('+Inf')) ?? '+Inf';
  return `<= ${Number(found) * 1000} ms`;
}

/** Packets that have left the probe's interface. */
function packets({ engine, program }: Place): number {
  if (engine === 'fake') return 0;
  const file = '/sys/class/net/to-r1/statistics/tx_packets';
  return Number(execFileSync(program('/bin/cat'), [file], { encoding: 'utf8' }));
}

type Figures = { readonly perTarget: number; readonly resident: number };

async function measure(place: Place, targets: number): Promise<Figures> {
  const child = start(place, targets, ['--metrics', page]);
  child.stdout?.resume();
  try {
    await wait(starting * 1000);
    const pid = child.pid ?? 0;
    const family = processesWith('/mauveprobe-').map((one) => one.pid);
    const before = metricsOf(place);
    const [agent, engine, sent] = [cpuOf([pid]), cpuOf(family), packets(place)];
    await wait(measured * 1000);
    const used = { agent: cpuOf([pid]) - agent, engine: cpuOf(family) - engine };
    const probes = packets(place) - sent;
    const after = metricsOf(place);
    const grown = (name: string): number => after(name) - before(name);
    const { resident, own } = memoryOf(pid);
    const perTarget = ((used.agent + used.engine) * 60) / measured / targets;
    const each = (cpu: number): string => (probes === 0 ? '-' : ((cpu / probes) * 1000).toFixed(4));
    const skipped =
      grown('mauve_probe_rounds_skipped_total{kind="ping"}') +
      grown('mauve_probe_rounds_skipped_total{kind="trace"}');
    console.log(
      `${place.name.padEnd(8)}${pad(targets, 8)}${pad(probes, 9)}${pad(used.agent.toFixed(2), 8)}${pad(used.engine.toFixed(2), 8)}` +
        `${pad(each(used.agent), 9)}${pad(each(used.engine), 9)}${pad(Math.round(60 / perTarget / 1), 9)}` +
        `${pad((resident / 1024).toFixed(0), 7)}${pad((own / 1024).toFixed(0), 7)}` +
        `   p50 ${lateness(before, after, 0.5)}, p99 ${lateness(before, after, 0.99)}, ${skipped} skipped`,
    );
    return { perTarget, resident };
  } finally {
    await end(child);
  }
}

async function sizesOf(place: Place, each: readonly number[]): Promise<number> {
  const all: Figures[] = [];
  for (const targets of each) all.push(await measure(place, targets));
  const [first, last] = [all[0], all.at(-1)];
  const more = (each.at(-1) ?? 0) - (each[0] ?? 0);
  if (first !== undefined && last !== undefined && more > 0) {
    const grown = (last.resident - first.resident) / 1024 / (more / 1000);
    console.log(`${place.name.padEnd(8)}${grown.toFixed(1)} MB for each 1,000 targets`);
  }
  return last?.perTarget ?? 0;
}

/** What a trace and two pings of a target cost by processes of their own, beside what they cost here. */
async function processes(lab: Lab, ours: number): Promise<void> {
  const each = async (count: number, command: readonly string[]): Promise<number> => {
    const all = Array.from({ length: count }, (_, n) => at(n));
    return (await processEach(lab, command, all, atOnce)) / count;
  };
  // One echo request that gets there: a ping.
  const ping = await each(sample, ['/usr/sbin/traceroute', ...'-n -I -q 1 -w 1 -f 30 -m 30'.split(' ')]);
  const traces = [
    { count: sample, command: '/usr/sbin/traceroute -n -q 3 -w 1' },
    { count: sample / 5, command: '/usr/bin/mtr --json -n -c 3 -i 0.1' },
  ];
  for (const { count, command } of traces) {
    if (!existsSync(command.split(' ')[0] ?? '')) continue;
    const theirs = (await each(count, command.split(' '))) + 2 * ping;
    console.log(
      `${command}, and two processes that ping: ${(theirs * 1000).toFixed(2)} ms of CPU for a target and minute; ` +
        `ours ${(ours * 1000).toFixed(2)} ms, ratio ${(ours / theirs).toFixed(2)}`,
    );
  }
}

/** Each ping as the agent tells it, beside what left and came. */
async function errors(place: Place, lab: Lab): Promise<void> {
  const cap = await capture(lab);
  const args = ['--json', '--ping-interval', '1', '--metrics', 'off'];
  const child = start(place, 100, args);
  const told = new Map<string, number[]>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const record = JSON.parse(line);
      if (record.kind !== 'ping' || record.outcome !== 'reply') return;
      const known = told.get(record.address) ?? [];
      known.push(record.rtt_ms);
      told.set(record.address, known);
    });
  }
  await wait(20_000);
  await end(child);
  await wait(500);
  cap.child.kill();
  const seen = captured(cap.text);
  // The last of them may have been under way when it ended.
  const off = [...told].flatMap(([address, times]) =>
    times.map((time, n) => time - (seen.get(address)?.[n]?.rtt ?? Number.NaN)).filter(Number.isFinite),
  );
  console.log(`round trips, ${offWords(off)}`);
}

async function benchProbe(): Promise<void> {
  console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}; ${measured} s after ${starting} s`);
  console.log(
    `${''.padEnd(8)}${pad('targets', 8)}${pad('probes', 9)}${pad('agent', 8)}${pad('engine', 8)}` +
      `${pad('agent/1k', 9)}${pad('engine/1k', 10)}${pad('a core', 8)}${pad('MB', 7)}${pad('own', 7)}   lateness`,
  );
  const lab = new Lab(0);
  try {
    const { folder } = lab;
    await sizesOf({ name: 'fake', engine: 'fake', program: (path) => path, folder }, sizes.slice(-1));
    const inside: Place = { name: 'scamper', engine: 'scamper', program: (path) => lab.inside(path), folder };
    const ours = await sizesOf(inside, sizes);
    await processes(lab, ours);
    await errors(inside, lab);
  } finally {
    lab.close();
  }
}

await benchProbe();
