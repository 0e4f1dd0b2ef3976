/**
 * The real `mauveprobe` in the laboratory, with the real engine, at intervals of
 * a second: what it says, line by line, and how long after a change.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { VerdictName } from '../../src/probe/core/verdict.ts';
import { eventually, projectFolder } from '../kit/process.ts';
import type { Lab } from './lab.ts';

export type Verdict = {
  readonly at: number;
  readonly address: string;
  readonly verdict: VerdictName;
  readonly state: 'raised' | 'cleared';
  readonly hop: string | null;
  readonly summary: string;
  /** The last round of its address that had ended before it was said. */
  readonly round: number;
};
export type Trace = {
  readonly at: number;
  readonly address: string;
  readonly round: number;
  readonly path_id: string | null;
  readonly end: string;
  readonly hops: readonly { readonly ttl: number; readonly address: string | null; readonly loss: number }[];
};

/** Rounds in which the usual path is learnt, and some more for the usual delay. */
const learntAfter = 8;
const learnMax = 60_000;

export class Watching {
  readonly verdicts: Verdict[] = [];
  readonly traces: Trace[] = [];
  stderr = '';
  readonly #child: ChildProcess;

  private constructor(lab: Lab, targets: readonly string[], args: readonly string[]) {
    const program = lab.inside(join(projectFolder, 'bin/mauveprobe'));
    const often = ['--ping-interval', '1', '--trace-interval', '1'];
    const quiet = ['--control', 'off', '--metrics', 'off'];
    const child = spawn(program, ['--json', ...often, ...quiet, ...args, ...targets], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  #hear(line: string): void {
    const said = JSON.parse(line);
    const record = { ...said, at: Date.parse(said.at) };
    if (said.kind === 'verdict') {
      const round = this.traces.findLast(({ address }) => address === record.address)?.round ?? 0;
      this.verdicts.push({ ...record, round });
    }
    if (said.kind === 'trace') this.traces.push(record);
  }

  /** Resolves when the usual path of each target is known. */
  static async begin(lab: Lab, targets: readonly string[], args: readonly string[] = []): Promise<Watching> {
    const watching = new Watching(lab, targets, args);
    const traced = (address: string): number =>
      watching.traces.filter((trace) => trace.address === address && trace.path_id !== null).length;
    try {
      await eventually(
        () => targets.map(traced),
        (counts) => counts.every((count) => count >= learntAfter),
        learnMax,
      );
    } catch (error) {
      await watching.end();
      throw new Error(`${error instanceof Error ? error.message : error}; ${watching.stderr}`);
    }
    return watching;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
