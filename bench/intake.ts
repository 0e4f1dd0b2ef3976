/**
 * How many updates a second the station takes, durably: the real station
 * process, driven over loopback by a bounded sender, beside a bare UDP receiver
 * in the same run. Everything is a ratio or a figure of this run; nothing is
 * asserted, for machines are noisy.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SenderTask } from './intake-sender-thread.ts';
import { startStation } from './kit/station.ts';

const alerts = 100_000;
const secondsARate = Number(process.env.BENCH_SECONDS ?? 10);
const ratesDefault = '1000,2000,5000,10000,15000,20000,25000,30000,40000,50000,60000,80000,100000';
const rates = (process.env.BENCH_RATES ?? ratesDefault).split(',').map(Number);
const bareRates = [20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 150_000, 200_000];
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
let seed = 1;

async function sendAll(task: Omit<SenderTask, 'seed' | 'alerts'>): Promise<{ sent: number; took: number }> {
  seed += 1;
  const script = join(import.meta.dirname, 'intake-sender-thread.ts');
  const sender = spawn(process.execPath, [script, JSON.stringify({ ...task, alerts, seed })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of sender.stdout) text += chunk;
  return JSON.parse(text);
}

/** The highest rate at which a receiver that only counts loses nothing, and the rate it was really sent at. */
async function bareReceiver(): Promise<number> {
  let best = 0;
  for (const rate of bareRates) {
    let counted = 0;
    const socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 * 1024 });
    socket.on('message', () => {
      counted += 1;
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { sent, took } = await sendAll({ port: socket.address().port, rate, seconds: 3, kind: 'bare' });
    await wait(300);
    socket.close();
    const real = Math.round(sent / took);
    process.stdout.write(
      `bare receiver  ${pad(rate)}/s asked  ${pad(real)}/s sent  ${pad(sent - counted)} lost\n`,
    );
    if (counted < sent) break;
    best = Math.max(best, real);
    if (real < rate * 0.9) break;
  }
  return best;
}

const pad = (value: number | string, width = 8): string => String(value).padStart(width);

type Metrics = {
  taken: number;
  cpu: number;
  pending: number;
  buckets: readonly (readonly [number, number])[];
};

async function metrics(page: string): Promise<Metrics> {
  let text = '';
  // A station that is very busy answers without its own figures: ask until they are there.
  while (!text.includes('mauve_updates_total')) text = await (await fetch(`${page}/metrics`)).text();
  const value = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const buckets = [...text.matchAll(/^mauve_intake_commit_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)].map(
    ([, le, count]) => [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), Number(count)] as const,
  );
  return {
    taken: value(/^mauve_updates_total (\d+)/m),
    cpu: value(/^mauve_process_cpu_seconds_total ([\d.]+)/m),
    pending:
      value(/^mauve_outbox\{status="pending"\} (\d+)/m) + value(/^mauve_outbox\{status="leased"\} (\d+)/m),
    buckets,
  };
}

/** The bound below which that share of the observations between two readings lies, in ms. */
function percentile(before: Metrics, after: Metrics, share: number): string {
  const counts = after.buckets.map(
    ([le, count], index) => [le, count - (before.buckets[index]?.[1] ?? 0)] as const,
  );
  const total = counts.at(-1)?.[1] ?? 0;
  const bound = counts.find(([, count]) => count >= total * share)?.[0] ?? 0;
  return total === 0 ? '-' : `<=${bound * 1000}`;
}

async function quiet(page: string): Promise<void> {
  for (let turn = 0; turn < 600 && (await metrics(page)).pending > 0; turn++) await wait(500);
}

const data = mkdtempSync(join(tmpdir(), 'mauve-bench-'));
writeFileSync(join(data, 'station.yaml'), 'log_level: warn\n');
const bare = await bareReceiver();
const { server, page, port } = await startStation(data);
let best = 0;
try {
  const primed = await sendAll({ port, rate: 5000, seconds: 0, kind: 'prime' });
  await wait(1000);
  process.stdout.write(
    `\nprimed with ${(await metrics(page)).taken} of ${primed.sent} alerts; waiting for their messages …\n`,
  );
  await quiet(page);
  process.stdout.write('    rate      sent     taken      lost   CPU s  p50 ms  p99 ms\n');
  let failures = 0;
  for (const rate of rates) {
    const before = await metrics(page);
    const { sent, took } = await sendAll({ port, rate, seconds: secondsARate, kind: 'mixed' });
    await wait(1500);
    const after = await metrics(page);
    const taken = after.taken - before.taken;
    const cpu = (after.cpu - before.cpu).toFixed(2);
    const real = Math.round(sent / took);
    process.stdout.write(
      `${pad(real)}${pad(sent, 10)}${pad(taken, 10)}${pad(sent - taken, 10)}${pad(cpu)}` +
        `${pad(percentile(before, after, 0.5))}${pad(percentile(before, after, 0.99))}\n`,
    );
    if (taken >= sent) best = Math.max(best, real);
    else failures += 1;
    if (failures === 2 || real < rate * 0.8) break;
    await quiet(page);
  }
} finally {
  server.kill('SIGTERM');
  await new Promise((resolve) => server.on('exit', resolve));
  const journal = readFileSync(join(data, 'mauve.db')).length;
  process.stdout.write(`\ndatabase ${Math.round(journal / 1024 / 1024)} MiB\n`);
  rmSync(data, { recursive: true, force: true });
}
process.stdout.write(
  `nothing lost for ${secondsARate} s up to ${best}/s; a bare receiver ${bare}/s: ${(best / bare).toFixed(2)} of it\n`,
);
