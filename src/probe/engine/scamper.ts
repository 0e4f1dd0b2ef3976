/**
 * The engine that is used wherever it can be: scamper. Paris traceroute by UDP,
 * ICMP and TCP, and ping, for IPv4 and IPv6, all tasks by two daemons: one
 * pings, one traces. Scamper works on one task for an address at a time, and a
 * trace of a dead target takes many seconds; the pings must go on meanwhile,
 * for they tell that it is dead.
 */
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../log.ts';
import { type Clock, type Duration, milliseconds, minutes, seconds } from '../../time.ts';
import { attempts } from '../core/attempts.ts';
import { type Address, methods, type PingRecord, type TraceRecord } from '../core/record.ts';
import { Daemon, type Work } from './daemon.ts';
import type { Abilities, Answer, Engine, PingTask, TraceTask } from './engine.ts';
import type { Owner } from './privilege.ts';
import { CpuMeter } from './process.ts';
import type { RestartWaits } from './restarts.ts';
import { readPing, readTrace, versionOf } from './scamper-answers.ts';
import { everyOf, hopRange, pingCommand, traceCommand, waitSeconds } from './scamper-commands.ts';
import { elsewhere, Supervisor } from './supervisor.ts';

export type ScamperOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  /** The most that each daemon sends; the agent's own rate is what counts. */
  readonly packetsPerSecond?: number;
  readonly restarts?: RestartWaits;
  readonly pulse?: Duration;
};

export type OwnScamperOptions = ScamperOptions & {
  /** Absolute path of the program. */
  readonly program: string;
  /** Whose sockets they will be, once the agent has dropped its privilege; null where it keeps it. */
  readonly owner: Owner | null;
  /** Where the run folder is made; /run, or where temporary files go. */
  readonly runBase?: string;
};

/** Scamper can do 10,000, but its answers then outrun it on a busy machine, and show as loss. */
export const rateMax = 4000;
/** The longest path of a Unix socket that Linux takes. */
const socketPathMax = 107;
/** What a busy machine may add to an engine's own waits. */
const slack = seconds(5);
const traceMax = minutes(10);

const secondsOf = (n: number): Duration => seconds(n);

function pingWork(task: PingTask): Work<readonly PingRecord[]> {
  const { address, count, every } = task;
  return {
    address,
    command: (user) => pingCommand(task, user),
    most: milliseconds(secondsOf(waitSeconds(task.timeout)) + (count - 1) * everyOf(every) + slack),
    read: (answer, span) => readPing(answer, task, span),
    // Commands are made from checked values, so what it does not take is where it cannot send.
    refused: (why, at) => {
      const outcome = { kind: 'unsent', why: `no route from here (${why})` } as const;
      return { ok: true, record: Array.from({ length: count }, () => ({ address, at, outcome })) };
    },
  };
}

function traceWork(task: TraceTask): Work<TraceRecord> {
  const { first, last } = hopRange(task);
  const longest = (last - first + 1) * attempts(task).count * secondsOf(waitSeconds(task.timeout)) + slack;
  return {
    address: task.address,
    command: (user) => traceCommand(task, user),
    most: milliseconds(Math.min(longest, traceMax)),
    read: (answer, span) => readTrace(answer, task, span),
    refused: (why) => ({ ok: false, why: 'refused', detail: `no route from here (${why})` }),
  };
}

const abilities4: Abilities = { methods, fixedFlow: methods };
/** Over IPv6 its TCP probes bear flow labels of their own, which some routers share load by. */
const abilities6: Abilities = { methods, fixedFlow: ['udp', 'icmp'] };

class ScamperEngine implements Engine {
  readonly name = 'scamper';
  private readonly pings: Daemon;
  private readonly traces: Daemon;
  private readonly cpu = new CpuMeter();
  private readonly own: boolean;
  private readonly after: () => void;

  constructor(pings: Daemon, traces: Daemon, own: boolean, after: () => void) {
    this.pings = pings;
    this.traces = traces;
    this.own = own;
    this.after = after;
  }

  can(address: Address): Abilities {
    return versionOf(address) === 4 ? abilities4 : abilities6;
  }

  ping(task: PingTask): Promise<Answer<readonly PingRecord[]>> {
    return this.pings.run(pingWork(task));
  }

  trace(task: TraceTask): Promise<Answer<TraceRecord>> {
    return this.traces.run(traceWork(task));
  }

  problem(): string | null {
    return this.pings.problem() ?? this.traces.problem();
  }

  cpuSeconds(): number | null {
    return this.own ? this.cpu.read({ pings: this.pings.pid, traces: this.traces.pid }) : null;
  }

  async open(): Promise<string | null> {
    const [pings, traces] = await Promise.all([
      this.pings.open(),
      this.traces === this.pings ? null : this.traces.open(),
    ]);
    return pings ?? traces;
  }

  async close(): Promise<void> {
    await Promise.all([this.pings.close(), this.traces.close()]);
    this.after();
  }
}

export type Opened =
  | { readonly ok: true; readonly engine: Engine }
  | { readonly ok: false; readonly why: string };

/** What does not work at the start is told rather than tried again: somebody is looking. */
async function opened(engine: ScamperEngine): Promise<Opened> {
  const problem = await engine.open();
  if (problem === null) return { ok: true, engine };
  await engine.close();
  return { ok: false, why: problem };
}

/** A folder that only root may change, and only the agent's user may enter. */
function makeRunFolder({ owner, runBase }: OwnScamperOptions): string {
  const folder = mkdtempSync(join(runBase ?? (existsSync('/run') ? '/run' : tmpdir()), 'mauveprobe-'));
  if (owner !== null) {
    chownSync(folder, 0, owner.gid);
    chmodSync(folder, 0o710);
  }
  return folder;
}

/**
 * Starts scampers of our own, as root. They end with this process, whatever
 * ends it.
 */
export async function openScamper(options: OwnScamperOptions): Promise<Opened> {
  const { clock, program, owner, packetsPerSecond = rateMax } = options;
  let folder: string;
  try {
    folder = makeRunFolder(options);
  } catch (error) {
    return { ok: false, why: `no run folder: ${(error as NodeJS.ErrnoException).code ?? 'error'}` };
  }
  const rate = Math.min(rateMax, Math.max(1, Math.trunc(packetsPerSecond)));
  const daemon = (name: string): Daemon => {
    const socket = join(folder, name);
    const command = [program, '-p', `${rate}`, '-w', '0', '-U', socket, '-O', 'json', '-o', '/dev/null'];
    const to = owner === null ? null : `${owner.uid}:${owner.gid}`;
    return new Daemon({ ...options, socket, host: new Supervisor({ clock, socket, owner: to, command }) });
  };
  // Each keeper removes the folder if it is empty; this is for when they could not.
  const after = (): void => {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Without privilege it cannot be removed, and the keepers have done so.
    }
  };
  return await opened(new ScamperEngine(daemon('ping'), daemon('trace'), true, after));
}

/**
 * Uses a scamper that somebody else runs, by its socket. It may belong to
 * another network namespace, so none is ever looked for. Having only the one,
 * pings of an address wait for its traces.
 */
export async function openScamperAt(path: string, options: ScamperOptions): Promise<Opened> {
  if (Buffer.byteLength(path) > socketPathMax) {
    return { ok: false, why: `the path of its socket is longer than ${socketPathMax} bytes` };
  }
  const daemon = new Daemon({ ...options, socket: path, host: elsewhere });
  return await opened(new ScamperEngine(daemon, daemon, false, () => undefined));
}
