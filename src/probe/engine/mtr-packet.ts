/**
 * The fallback without root: mtr-packet, which has a file capability of its own.
 * It sends one probe at a time; the traces are built here (hop-by-hop.ts). Only
 * UDP over IPv4 keeps one flow with it, so `can` offers just that for IPv4, and
 * says that no path of IPv6 may be judged.
 */
import { type Clock, type Duration, type Instant, milliseconds } from '../../time.ts';
import { type Address, methods, type PingRecord, type TraceRecord } from '../core/record.ts';
import { lost } from './daemon.ts';
import type { Abilities, Answer, Engine, PingTask, TraceTask } from './engine.ts';
import { HopByHop, type ToSend } from './hop-by-hop.ts';
import type { Probe } from './mtr-lines.ts';
import { type MtrOptions, MtrProcess, type Outcome } from './mtr-process.ts';
import { CpuMeter } from './process.ts';
import type { Opened } from './scamper.ts';
import { versionOf } from './scamper-answers.ts';
import { waitSeconds } from './scamper-commands.ts';

/** The farthest that a ping gets. */
const pingTtl = 64;

const abilities4: Abilities = { methods: ['udp'], fixedFlow: ['udp'] };
const abilities6: Abilities = { methods, fixedFlow: [] };

class MtrEngine implements Engine {
  readonly name = 'mtr-packet';
  private readonly clock: Clock;
  private readonly process: MtrProcess;
  private readonly cpu = new CpuMeter();

  constructor(process: MtrProcess, clock: Clock) {
    this.process = process;
    this.clock = clock;
  }

  can(address: Address): Abilities {
    return versionOf(address) === 4 ? abilities4 : abilities6;
  }

  problem(): string | null {
    return this.process.problem();
  }

  cpuSeconds(): number | null {
    return this.cpu.read({ mtr: this.process.pid() });
  }

  async ping(task: PingTask): Promise<Answer<readonly PingRecord[]>> {
    const sent = Array.from({ length: task.count }, (_, n) =>
      this.pingAfter(milliseconds(n * task.every), task),
    );
    const records: PingRecord[] = [];
    for (const answer of await Promise.all(sent)) {
      if (!answer.ok) return answer;
      records.push(answer.record);
    }
    return { ok: true, record: records };
  }

  private pingAfter(wait: Duration, task: PingTask): Promise<Answer<PingRecord>> {
    const { address, timeout } = task;
    const probe: Probe = {
      ...{ address, method: 'icmp', ttl: pingTtl, flow: 0 },
      waitSeconds: waitSeconds(timeout),
    };
    return new Promise((resolve) => {
      const send = (): void =>
        this.process.send(probe, (outcome, at) => resolve(pingAnswer(outcome, task, at)));
      if (wait === 0) send();
      else this.clock.after(wait, send);
    });
  }

  trace(task: TraceTask): Promise<Answer<TraceRecord>> {
    if (this.can(task.address).methods.includes(task.method)) return this.follow(task);
    const detail = `mtr-packet keeps one flow only by UDP, not by ${task.method}`;
    return Promise.resolve({ ok: false, why: 'refused', detail });
  }

  /** Sends what may be sent now; what comes leads on. */
  private follow(task: TraceTask): Promise<Answer<TraceRecord>> {
    const { address, method, flow } = task;
    const trace = new HopByHop(task);
    const at = this.clock.now();
    return new Promise((resolve) => {
      let over = false;
      const answer = (answered: Answer<TraceRecord>): void => {
        over = true;
        resolve(answered);
      };
      const goOn = (): void => {
        const failed = trace.failed();
        const ended = trace.ended();
        if (failed !== null) answer({ ok: false, why: 'refused', detail: failed });
        else if (ended !== null) answer({ ok: true, record: { address, at, method, ...ended } });
        else for (const which of trace.next()) send(which);
      };
      const send = (which: ToSend): void => {
        const probe: Probe = {
          address,
          method,
          ttl: which.ttl,
          flow,
          waitSeconds: waitSeconds(task.timeout),
        };
        this.process.send(probe, (outcome) => {
          if (over) return;
          if (outcome.kind === 'lost') answer(lost(outcome.why));
          else if (outcome.kind === 'too-many') answer(tooMany);
          else {
            trace.came(which, outcome);
            goOn();
          }
        });
      };
      goOn();
    });
  }

  close(): Promise<void> {
    return this.process.close();
  }
}

const tooMany: { ok: false; why: 'refused'; detail: string } = {
  ok: false,
  why: 'refused',
  detail: 'too many probes wait for the engine',
};

function pingAnswer(came: Outcome, { address, timeout }: PingTask, at: Instant): Answer<PingRecord> {
  const record = (outcome: PingRecord['outcome']): Answer<PingRecord> => ({
    ok: true,
    record: { address, at, outcome },
  });
  switch (came.kind) {
    case 'reply':
      // It waits for whole seconds; what came after the task's own timeout came too late.
      return record(came.rtt <= timeout ? { kind: 'reply', rtt: came.rtt } : { kind: 'lost' });
    case 'expired':
      return record({ kind: 'error', from: came.from, why: 'time exceeded' });
    case 'unreachable':
      return record({ kind: 'error', from: came.from, why: 'destination unreachable' });
    case 'unsent':
      return record({ kind: 'unsent', why: came.why });
    case 'nothing':
    case 'full':
      return record({ kind: 'lost' });
    case 'lost':
      return lost(came.why);
    case 'too-many':
      return tooMany;
  }
}

/** Starts it. What does not work at the start is told rather than tried again. */
export async function openMtrPacket(options: MtrOptions): Promise<Opened> {
  const process = new MtrProcess(options);
  const problem = await process.open();
  if (problem === null) return { ok: true, engine: new MtrEngine(process, options.clock) };
  await process.close();
  return { ok: false, why: problem };
}
