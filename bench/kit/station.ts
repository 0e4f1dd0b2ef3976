/** The real station, built, as benchmarks start it: with a folder of its own, and `station.yaml` in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export type BenchStation = { readonly server: ChildProcess; readonly page: string; readonly port: number };

/** Resolves when it is ready. With BENCH_PROFILE=DIR it writes CPU profiles there. */
export async function startStation(data: string): Promise<BenchStation> {
  const args = ['--data', data, '--udp', '127.0.0.1:0', '--web', '127.0.0.1:0'];
  const folder = process.env.BENCH_PROFILE;
  const profile = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const server = spawn(process.execPath, [...profile, join(root, 'dist/mauveserver.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MAUVE_CONFIG: join(data, 'station.yaml') },
  });
  let text = '';
  for await (const chunk of server.stdout ?? []) {
    text += chunk;
    if (text.includes('Try:')) break;
  }
  const page = /Page: +(\S+)/.exec(text)?.[1] ?? '';
  const port = Number(/UDP \S+:(\d+)/.exec(text)?.[1] ?? 0);
  return { server, page, port };
}
