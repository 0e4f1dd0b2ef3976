/** The real programs, as a user starts them: bin/mauveserver, bin/mauvesend, bin/mauvectl, on ports of their own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';

export const projectFolder = join(import.meta.dirname, '../..');
const bin = (name: string): string => join(projectFolder, 'bin', name);
const startMax = 60_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is good; fails with the last one when it never is. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  good: (answer: T) => boolean,
  ms = 15_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > end) throw new Error(`not in ${ms} ms; last: ${JSON.stringify(answer)}`);
    await pause(50);
  }
}

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export function run(
  name: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(bin(name), args, {
    encoding: 'utf8',
    timeout: 30_000,
    cwd: tmpdir(),
    ...(options.input === undefined ? {} : { input: options.input }),
    env: { ...process.env, ...options.env },
  });
  return { code: status, stdout, stderr };
}

/** As `run`, while this process goes on: for programs that ask something that is served here. */
export function runAside(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(bin(name), args, { cwd: tmpdir(), timeout: 30_000, env: { ...process.env, ...env } });
  const said = { stdout: '', stderr: '' };
  for (const which of ['stdout', 'stderr'] as const) {
    child[which].on('data', (chunk) => {
      said[which] += String(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
}

export type StartOptions = {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly folder?: string;
};

/** A running station; `page` and `port` are what it printed. */
export class RunningStation {
  readonly data: string;
  page = '';
  port = 0;
  stdout = '';
  stderr = '';
  private child: ChildProcess | null = null;
  private readonly options: StartOptions;
  private tokenText: string | null = null;

  constructor(options: StartOptions = {}) {
    this.options = options;
    this.data = options.folder ?? mkdtempSync(join(tmpdir(), 'mauve-station-'));
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Resolves when it is ready. @throws with its stderr when it ends before. */
  async start(): Promise<this> {
    const { args = [], env = {} } = this.options;
    if (this.page === '') {
      this.port = await freePort();
      this.page = `http://127.0.0.1:${await freePort()}`;
    }
    const ports = ['--udp', `127.0.0.1:${this.port}`, '--web', new URL(this.page).host];
    this.stdout = '';
    this.stderr = '';
    const child = spawn(bin('mauveserver'), ['--data', this.data, ...ports, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      cwd: projectFolder,
    });
    this.child = child;
    child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    await eventually(
      () => this.stdout.includes('Try:') || child.exitCode !== null,
      (ready) => ready,
      startMax,
    );
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${this.stderr}`);
    this.page = /Page: +(\S+)/.exec(this.stdout)?.[1] ?? '';
    this.port = Number(/UDP \S+:(\d+)/.exec(this.stdout)?.[1] ?? 0);
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** @returns the exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const child = this.child;
    if (child === null) return null;
    this.child = null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
    const ended = new Promise<number | string | null>((resolve) =>
      child.on('exit', (code, by) => resolve(code ?? by)),
    );
    child.kill(signal);
    return await ended;
  }

  async close(): Promise<void> {
    await this.end('SIGKILL');
    if (this.options.folder === undefined) rmSync(this.data, { recursive: true, force: true });
  }

  send(...args: readonly string[]): Ran {
    return run('mauvesend', [...args, `127.0.0.1:${this.port}`]);
  }

  private token(): string {
    this.tokenText ??= run('mauvectl', ['token', 'add', 'test', '--data', this.data]).stdout.trim();
    return this.tokenText;
  }

  /** One call of the JSON API. */
  async api<T>(path: string, body?: unknown): Promise<{ status: number; json: T }> {
    const response = await fetch(`${this.page}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${this.token()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as T };
  }

  async alerts(state = 'raised'): Promise<readonly ApiAlert[]> {
    const { json } = await this.api<{ alerts: ApiAlert[] }>(`/alerts?state=${state}&limit=1000`);
    return json.alerts;
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.page}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }
}

export type ApiAlert = {
  readonly id: number;
  readonly alert_id: string;
  readonly source: string;
  readonly subject: string;
  readonly summary: string;
  readonly state: string;
  readonly level: string;
  readonly episode: number;
};

/** Runs a test with a station of its own, and ends it whatever happens. */
export async function withStation(
  options: StartOptions,
  story: (station: RunningStation) => Promise<void>,
): Promise<void> {
  const station = new RunningStation(options);
  try {
    await story(await station.start());
  } finally {
    await station.close();
  }
}
