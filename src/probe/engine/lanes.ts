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
  /** The addresses of those that are under way or have their turn next. */
  private readonly taken = new Set<string>();
  /** Those whose address is taken. */
  private readonly behind = new Map<string, T[]>();
  /** Those that wait only for a place. */
  private readonly ready: T[] = [];
  private running = 0;
  private waiting = 0;

  constructor(limits: LaneLimits) {
    this.limits = limits;
  }

  /** @returns whether it has a place in the queue. */
  add(task: T): boolean {
    const line = this.behind.get(task.address);
    if (this.waiting >= this.limits.waiting || (line?.length ?? 0) >= this.limits.waitingEach) return false;
    this.waiting += 1;
    if (!this.taken.has(task.address)) {
      this.taken.add(task.address);
      this.ready.push(task);
    } else if (line === undefined) this.behind.set(task.address, [task]);
    else line.push(task);
    return true;
  }

  /** @returns the next that may start; it is under way from now on. */
  next(): T | null {
    if (this.running >= this.limits.window) return null;
    const task = this.ready.shift();
    if (task === undefined) return null;
    this.waiting -= 1;
    this.running += 1;
    return task;
  }

  /** The one under way for this address has ended. */
  ended(address: string): void {
    this.running -= 1;
    const line = this.behind.get(address);
    const task = line?.shift();
    if (task === undefined) this.taken.delete(address);
    else this.ready.push(task);
    if (line?.length === 0) this.behind.delete(address);
  }

  /** Takes out all that wait. */
  drain(): T[] {
    for (const { address } of this.ready) this.taken.delete(address);
    const all = [...this.ready, ...[...this.behind.values()].flat()];
    this.ready.length = 0;
    this.behind.clear();
    this.waiting = 0;
    return all;
  }
}
