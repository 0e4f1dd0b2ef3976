/**
 * The engines of the probe on the laboratory, without delay: how many probes a
 * second, CPU seconds for 1,000 probes of the engine and of our side, memory,
 * and by how much a round trip differs from what a packet capture saw. Beside
 * them, in the same run, one `traceroute` process for each target. As root, with
 * scamper, mtr-tiny, traceroute and tcpdump installed. Nothing is asserted.
 */
import { join } from 'node:path';
import type { Address } from '../src/probe/core/record.ts';
import type { Engine } from '../src/probe/engine/engine.ts';
import { openMtrPacket } from '../src/probe/engine/mtr-packet.ts';
import { openScamper } from '../src/probe/engine/scamper.ts';
import { seconds, systemClock } from '../src/time.ts';
import { Lab, processesWith } from '../test/lab/lab.ts';
import { capture, captured, cpuOf, memoryOf, offWords, pad, processEach, wait } from './kit/probe.ts';

const targets = Number(process.env.BENCH_TARGETS ?? 200);
const rounds = Number(process.env.BENCH_ROUNDS ?? 10);
const processes = 20;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const at = (n: number): Address => `10.99.${n >> 8}.${n & 255}` as Address;
const ownCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** All processes of an engine, its helpers and keepers too. */
const family = (mark: string): number[] => processesWith(mark).map(({ pid }) => pid);
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
      `${pad(each(ownCpu() - own))}${pad((pids.reduce((sum, pid) => sum + memoryOf(pid).resident, 0) / 1024).toFixed(1))}`,
  );
}

/** One process for each target, a few at once. */
async function traceroutes(lab: Lab): Promise<void> {
  const own = ownCpu();
  const begun = performance.now();
  const all = Array.from({ length: targets }, (_, n) => at(n));
  const used = await processEach(lab, ['/usr/sbin/traceroute', '-n', '-q', '3', '-w', '1'], all, processes);
  const took = (performance.now() - begun) / 1000;
  const probes = targets * 33;
  const each = (cpu: number): string => ((cpu / probes) * 1000).toFixed(4);
  console.log(
    `${'traceroute each'.padEnd(18)}${pad(probes)}${pad(Math.round(probes / took))}${pad(each(used))}${pad(each(ownCpu() - own))}`,
  );
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
    return real.length === times.length ? times.map((time, n) => time - (real[n]?.rtt ?? 0)) : [];
  });
  console.log(`${name.padEnd(18)}${offWords(off)}`);
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
    const mtr = await openMtrPacket({ ...options, program: lab.inside('/usr/bin/mtr-packet'), owner: null });
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
