/** What is known of addresses and names that are not watched: packed, as what is watched is. */
import { type Instant, since } from '../time.ts';
import type { Packed } from './packed.ts';

export type LeftLimits = {
  /** What was not watched for so long is forgotten. */
  readonly keptFor: number;
  /** No more than so many are kept; the oldest are forgotten first. */
  readonly keptMax: number;
};

export class Left<Key, Entry extends { readonly at: Instant }> {
  /** The oldest first. */
  readonly #all: Map<Key, Packed<Entry>>;
  readonly #limits: LeftLimits;

  /** @param all the oldest first. */
  constructor(all: ReadonlyMap<Key, Packed<Entry>>, limits: LeftLimits) {
    this.#all = new Map(all);
    this.#limits = limits;
  }

  /** It is kept elsewhere from now on. */
  take(key: Key): Entry | null {
    const entry = this.#all.get(key)?.value ?? null;
    this.#all.delete(key);
    return entry;
  }

  put(key: Key, entry: Packed<Entry>): void {
    this.#all.delete(key);
    this.#all.set(key, entry);
    this.#trim();
  }

  /** Those that are kept still; the others are forgotten. */
  *since(now: Instant): Generator<Entry> {
    this.#trim();
    for (const [key, { value }] of this.#all) {
      if (since(value.at, now) > this.#limits.keptFor) this.#all.delete(key);
      else yield value;
    }
  }

  #trim(): void {
    for (const key of this.#all.keys()) {
      if (this.#all.size <= this.#limits.keptMax) return;
      this.#all.delete(key);
    }
  }
}
