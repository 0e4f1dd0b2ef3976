/** What the benchmarks of the probe share: CPU and memory of processes, and a packet capture of echo requests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpuSecondsOf } from '../../src/probe/engine/process.ts';
import type { Lab } from '../../test/lab/lab.ts';

export const pad = (value: number | string, width = 10): string => String(value).padStart(width);
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const cpuOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (cpuSecondsOf(pid) ?? 0), 0);

/** In kilobytes. `own`: without the pages of program files, which all processes of a program share. */
export function memoryOf(pid: number): { readonly resident: number; readonly own: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { resident: kb('VmRSS'), own: kb('RssAnon') };
}

/** CPU seconds of all children that have ended: the fields after our own in /proc/self/stat. */
export function childrenCpu(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** What an agent would be that starts a process for each target and reads what it says. */
const spawner = `
  const { execFile } = require('node:child_process');
  const [atOnce, program, args, targets] = JSON.parse(process.argv[1]);
  const next = () => {
    const target = targets.pop();
    if (target !== undefined) execFile(program, [...args, target], next);
  };
  for (let n = 0; n < atOnce; n++) next();
`;

/**
 * One process of that command for each target, so many at once, on the laboratory.
 * @returns CPU seconds of them all, and of the one that starts them and reads what they say.
 */
export async function processEach(
  lab: Lab,
  command: readonly string[],
  targets: readonly string[],
  atOnce: number,
): Promise<number> {
  const before = childrenCpu();
  const [program, ...args] = command;
  const order = JSON.stringify([atOnce, program, args, targets]);
  const child = spawn(lab.inside(process.execPath), ['-e', spawner, order], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('exit', resolve));
  return childrenCpu() - before;
}

export type Captured = { readonly child: ChildProcess; text: string };

export async function capture(lab: Lab): Promise<Captured> {
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
export function captured(text: string): Map<string, { readonly at: number; readonly rtt: number }[]> {
  const sent = new Map<string, number>();
  const times = new Map<string, { at: number; rtt: number }[]>();
  for (const line of text.split('\n')) {
    const found = /^(\d+\.\d+) IP (\S+) > (\S+): ICMP echo (request|reply), (id \d+, seq \d+)/.exec(line);
    if (found === null) continue;
    const [, time = '', from = '', to = '', kind, which] = found;
    if (kind === 'request') sent.set(`${to} ${which}`, Number(time));
    const begun = sent.get(`${from} ${which}`);
    if (kind !== 'reply' || begun === undefined) continue;
    const known = times.get(from) ?? [];
    known.push({ at: begun * 1000, rtt: (Number(time) - begun) * 1000 });
    times.set(from, known);
  }
  return times;
}

/** `off by 0.003 ms (median), 0.011 (p99), 0.2 (most)`. */
export function offWords(off: readonly number[]): string {
  const sorted = [...off].sort((a, b) => a - b);
  const part = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(3);
  return `${sorted.length} pings: off by ${part(0.5)} ms (median), ${part(0.99)} (p99), ${part(1)} (most)`;
}
