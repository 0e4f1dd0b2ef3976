/** What the system says of an engine's process. Linux only; elsewhere nothing is known. */
import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second for all programs. */
const ticksPerSecond = 100;

/** CPU seconds that a process has used, its threads included; null where it is gone. */
export function cpuSecondsOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system] = [Number(fields[11]), Number(fields[12])];
    return Number.isFinite(user + system) ? (user + system) / ticksPerSecond : null;
  } catch {
    return null;
  }
}

/** Sums up what processes have used, over those that came and went. */
export class CpuMeter {
  private before = 0;
  private readonly now = new Map<string, { pid: number; used: number }>();

  read(processes: Readonly<Record<string, number | null>>): number {
    for (const [name, pid] of Object.entries(processes)) {
      const known = this.now.get(name);
      if (known !== undefined && known.pid !== pid) {
        this.before += known.used;
        this.now.delete(name);
      }
      const used = pid === null ? null : cpuSecondsOf(pid);
      if (pid !== null && used !== null) this.now.set(name, { pid, used });
    }
    return [...this.now.values()].reduce((sum, { used }) => sum + used, this.before);
  }
}
