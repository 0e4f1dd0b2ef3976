/** What is known of addresses and names that are not watched. */
import { type Instant, since } from '../time.ts';

export type LeftLimits = {
  /** What was not watched for so long is forgotten. */
  readonly keptFor: number;
  /** No more than so many are kept; the oldest are forgotten first. */
  readonly keptMax: number;
};

export class Left<Key, Entry extends { readonly at: Instant }> {
  /** The oldest first. */
  readonly #all: Map<Key, Entry>;
  readonly #limits: LeftLimits;
  /** Those that were let go since all were asked for. */
  readonly #late = new Set<Key>();

  /** @param all the oldest first. */
  constructor(all: ReadonlyMap<Key, Entry>, limits: LeftLimits) {
    this.#all = new Map(all);
    this.#limits = limits;
  }

  /** It is kept elsewhere from now on. */
  take(key: Key): Entry | null {
    const entry = this.#all.get(key) ?? null;
    this.#drop(key);
    return entry;
  }

  put(key: Key, entry: Entry): void {
    this.#all.delete(key);
    this.#all.set(key, entry);
    this.#late.add(key);
    this.#trim();
  }

  /** Those that are kept still; the others are forgotten. */
  *since(now: Instant): Generator<readonly [Key, Entry]> {
    this.#trim();
    this.#late.clear();
    for (const [key, entry] of this.#all) {
      if (since(entry.at, now) > this.#limits.keptFor) this.#drop(key);
      else yield [key, entry];
    }
  }

  /** Those that were let go since then: while the others were written, and perhaps before it was their turn. */
  *late(): Generator<readonly [Key, Entry]> {
    for (const key of this.#late) {
      const entry = this.#all.get(key);
      if (entry !== undefined) yield [key, entry];
    }
  }

  #trim(): void {
    for (const key of this.#all.keys()) {
      if (this.#all.size <= this.#limits.keptMax) return;
      this.#drop(key);
    }
  }

  #drop(key: Key): void {
    this.#all.delete(key);
    this.#late.delete(key);
  }
}
