/**
 * Waking in a batch: alerts that are to be looked at again because something
 * other than themselves changed (a policy, a silence, a clock, an inhibitor, an
 * address). All that stand are woken in steps, across batches and restarts; how
 * far that has come is a fact in the store.
 */
import type { Instant } from '../time.ts';
import type { AlertKey, MutedKind } from './core/alert.ts';
import type { Transaction } from './store/store.ts';

/** How many due alerts are decided on in one transaction: intake's batches go in between. */
export const dueAtOnce = 200;

/** So many muted alerts are woken in one transaction. */
export const wakenAtOnce = 1000;

/**
 * The name of the fact that says how far those that stand are being looked at again: the last alert woken, while others
 * are to follow; `inhibited` once all were, and what they inhibit can be told from what they no longer do; with a colon
 * and a key while those that are inhibited are looked at once more; else empty.
 */
const wakingFact = 'waking';
const inhibitedLast = 'inhibited';

export class Waking {
  /** Beyond which alert all that stand are to be looked at again, some in each batch; null: there is no need to. */
  private from: AlertKey | 'first' | null = null;
  private fact = '';
  /** Those that are inhibited are to be looked at once more, some in each batch. */
  private inhibitedDue = false;
  /** Who is to be looked at again once all is saved. */
  private readonly wakes: (readonly [kind: MutedKind, by: readonly string[] | null])[] = [];

  async load(tx: Transaction): Promise<void> {
    this.fact = (await tx.getFact(wakingFact)) ?? '';
  }

  /** All that stand are to be looked at again. */
  all(): void {
    this.from = 'first';
  }

  /** Those muted like this are to be looked at again; `by` null: by whatever. */
  muted(kind: MutedKind, by: readonly string[] | null): void {
    this.wakes.push([kind, by]);
  }

  /** Whether not all that stand have been looked at again yet. */
  goesOn(): boolean {
    return this.from !== null || (this.fact !== '' && !this.fact.includes(':'));
  }

  /** A tick: what was begun goes on. @param moreDue whether other alerts are due besides. */
  tick(moreDue: boolean): void {
    if (this.fact.startsWith(inhibitedLast)) this.inhibitedDue = this.fact.includes(':') || !moreDue;
    else if (this.fact !== '') this.from ??= Number(this.fact) as AlertKey;
  }

  /** Once all else is saved. @returns whether there is more to be looked at. */
  async save(tx: Transaction, at: Instant): Promise<boolean> {
    for (const [kind, by] of this.wakes) {
      // So many cannot be woken in one step: then all that stand are, in steps.
      if (!(await tx.wakeMuted(kind, by, at, wakenAtOnce))) this.from = 'first';
    }
    if (this.from !== null) await this.wakeSome(tx, this.from, at);
    else if (this.inhibitedDue) await this.wakeInhibited(tx, at);
    return this.wakes.length > 0 || this.from !== null || this.inhibitedDue;
  }

  private async wakeSome(tx: Transaction, from: AlertKey | 'first', at: Instant): Promise<void> {
    const next = await tx.wakeRaised(at, from === 'first' ? null : from, dueAtOnce);
    await tx.setFact(wakingFact, next === null ? inhibitedLast : String(next));
  }

  /** All others were looked at, or are in this batch: now it is known what inhibits what. */
  private async wakeInhibited(tx: Transaction, at: Instant): Promise<void> {
    const [, after = null] = this.fact.split(':');
    const from = after === null ? null : (Number(after) as AlertKey);
    const next = await tx.wakeRaised(at, from, dueAtOnce, 'inhibited');
    await tx.setFact(wakingFact, next === null ? '' : `${inhibitedLast}:${next}`);
  }
}
