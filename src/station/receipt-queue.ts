/**
 * Receipts on their way through the door: those that come close together share a
 * commit, and one that the store refuses is said again until it is kept. Nothing
 * else may keep a receipt: what is not committed is found again by its lease.
 */
import type { Clock } from '../time.ts';
import type { Door, Event, Receipt } from './door.ts';
import { storeRetryWait } from './station.ts';
import type { MessageId } from './store/store.ts';

/** So many are committed at once: intake's batches go in between. */
export const settledAtOnce = 100;
/** For so many turns of the event loop receipts wait for others: a commit costs more than the turns. */
const settleTurns = 8;

export class ReceiptQueue {
  private readonly door: Door;
  private readonly clock: Clock;
  private readonly waiting: { readonly event: Event; readonly done: () => void }[] = [];
  private settling = false;
  private stopped = false;

  constructor(door: Door, clock: Clock) {
    this.door = door;
    this.clock = clock;
  }

  /** Resolves once it is committed, or the station ends. */
  add(message: MessageId, receipt: Receipt): Promise<void> {
    return new Promise((done) => {
      const event: Event = { kind: 'receipt', at: this.clock.now(), message, receipt };
      this.waiting.push({ event, done });
      if (!this.settling) void this.settle();
    });
  }

  private async settle(): Promise<void> {
    this.settling = true;
    while (this.waiting.length > 0) {
      for (let turn = 0; turn < settleTurns; turn++) await new Promise<void>((next) => setImmediate(next));
      const settled = this.waiting.splice(0, settledAtOnce);
      for (;;) {
        const outcomes = await this.door.handle(settled.map(({ event }) => event));
        if (outcomes.every((outcome) => outcome.ok) || this.stopped) break;
        await new Promise<void>((resolve) => this.clock.after(storeRetryWait, resolve));
      }
      for (const { done } of settled) done();
    }
    this.settling = false;
  }

  /** What the store refuses from now on is not said again. */
  stop(): void {
    this.stopped = true;
  }
}
