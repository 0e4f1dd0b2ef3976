/** What the agent counts of itself, in plain numbers: metrics.ts puts them into Prometheus' words. */
import type { Duration } from '../time.ts';
import type { Task } from './core/schedule.ts';

type TaskKind = Task['kind'];

/** In seconds: how late rounds began. */
export const latenessBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60] as const;

export class Counts {
  readonly started: Record<TaskKind, number> = { ping: 0, trace: 0 };
  /** For each of `latenessBounds`, how many began no later than that; cumulative, as Prometheus has it. */
  readonly lateness: number[] = latenessBounds.map(() => 0);
  /** In seconds. */
  lateSum = 0;
  lateCount = 0;
  /** Answers that an engine lost, or that could not be true. */
  lost = 0;
  /** Measurements that an engine refused. */
  refused = 0;
  /** Pings that this machine could not send. */
  unsent = 0;
  /** Traces beyond the rounds, to confirm a suspicion. */
  confirming = 0;
  bugs = 0;

  begun(kind: TaskKind, late: Duration): void {
    this.started[kind] += 1;
    const secondsLate = Math.max(0, late) / 1000;
    this.lateSum += secondsLate;
    this.lateCount += 1;
    for (const [index, bound] of latenessBounds.entries()) {
      if (secondsLate <= bound) this.lateness[index] = (this.lateness[index] ?? 0) + 1;
    }
  }
}
