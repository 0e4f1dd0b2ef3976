/**
 * Who may be under way: at most so many at once, and one for each address at a
 * time. Scamper itself would hold back a second task for an address until the
 * first has ended, its timeout running for nobody, and crashes if such a one is
 * halted. Pure.
 */

export type Laned = { readonly address: string };

export type LaneLimits = {
  /** Under way at once. */
  readonly window: number;
  /** Waiting, in all. */
  readonly waiting: number;
  /** Waiting for one address. */
  readonly waitingEach: number;
};

export class Lanes<T extends Laned> {
  private readonly limits: LaneLimits;
  private readonly busy = new Set<string>();
  /** Those whose address is busy. */
  private readonly behind = new Map<string, T[]>();
  /** Those that wait only for a place. */
  private readonly ready: T[] = [];
  private waiting = 0;

  constructor(limits: LaneLimits) {
    this.limits = limits;
  }

  /** @returns whether it has a place in the queue. */
  add(task: T): boolean {
    const line = this.behind.get(task.address);
    if (this.waiting >= this.limits.waiting || (line?.length ?? 0) >= this.limits.waitingEach) return false;
    this.waiting += 1;
    this.put(task);
    return true;
  }

  private put(task: T): void {
    if (!this.busy.has(task.address)) {
      this.ready.push(task);
      return;
    }
    const line = this.behind.get(task.address);
    if (line === undefined) this.behind.set(task.address, [task]);
    else line.push(task);
  }

  /** @returns the next that may start; it is under way from now on. */
  next(): T | null {
    while (this.busy.size < this.limits.window) {
      const task = this.ready.shift();
      if (task === undefined) return null;
      if (this.busy.has(task.address)) {
        this.put(task);
        continue;
      }
      this.waiting -= 1;
      this.busy.add(task.address);
      return task;
    }
    return null;
  }

  /** The one under way for this address has ended. */
  ended(address: string): void {
    if (!this.busy.delete(address)) return;
    const line = this.behind.get(address);
    const task = line?.shift();
    if (task !== undefined) this.ready.push(task);
    if (line?.length === 0) this.behind.delete(address);
  }

  /** Takes out all that wait. */
  drain(): T[] {
    const all = [...this.ready, ...[...this.behind.values()].flat()];
    this.ready.length = 0;
    this.behind.clear();
    this.waiting = 0;
    return all;
  }
}
