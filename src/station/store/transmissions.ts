/**
 * Which transmissions were taken of late, in memory. One update arrives down
 * many paths, so every datagram asks here, at rates where a Set of texts would
 * cost a gigabyte: it is a flat hash table of the transmission's id, a hash of
 * the source, and when it came.
 *
 * The source counts as 64 hashed bits: for two transmissions to be taken for
 * one, their 64-bit ids must be equal as well.
 */
import {
  type Duration,
  type Instant,
  latest,
  milliseconds,
  minus,
  plus,
  seconds,
  since,
} from '../../time.ts';
import type { TransmissionName } from './store.ts';

/** A copy within this time of the first is known as one (semantics.md: at least 300 s, not renewed by copies). */
export const transmissionMemory: Duration = seconds(300);

/** They are forgotten a slice at a time. */
const sliceTime: Duration = seconds(60);

/**
 * Past this many, the oldest slice is forgotten before its time: 20,000/s for the whole
 * memory. Some 250 MB at most, and in practice as much as the traffic needs.
 */
export const transmissionsMax = 6_000_000;
const slicesMax = 6;

/** A transmission's name in words of 32 bits: its id (low, high), and its source hashed to 64 bits. */
export const nameWords = 4;
/** A slot of the table: the name, and 1 + the milliseconds since the slice began; 0 is free. */
const slotWords = nameWords + 1;
const slotsAtFirst = 1024;

/** Packs names; the database keeps them in this form, so a change of the hash would forget what was taken before. */
export class NamePacker {
  readonly words: Uint32Array;
  readonly #ids: BigUint64Array;
  constructor(count: number) {
    this.words = new Uint32Array(count * nameWords);
    this.#ids = new BigUint64Array(this.words.buffer);
  }

  put(index: number, { id, source }: TransmissionName): void {
    let a = 0x811c9dc5;
    let b = 0x9747b28c;
    for (let i = 0; i < source.length; i++) {
      const unit = source.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b + unit, 0x85ebca6b) ^ (b >>> 13);
    }
    this.#ids[index * 2] = id;
    this.words[index * nameWords + 2] = a;
    this.words[index * nameWords + 3] = b;
  }
}

/** Where to begin to look: ids are random where the sender is ours, counters where it is not. */
function spread(id: number, idHigh: number, source: number): number {
  let mixed = Math.imul(id ^ (source >>> 1), 0x9e3779b1) ^ Math.imul(idHigh + source, 0x85ebca77);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0xc2b2ae3d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

type Visit = (id: number, idHigh: number, source: number, source2: number, at: number) => void;

function forEachEntry(table: Uint32Array, visit: Visit): void {
  for (let place = 0; place < table.length; place += slotWords) {
    const at = table[place + 4] ?? 0;
    if (at === 0) continue;
    visit(table[place] ?? 0, table[place + 1] ?? 0, table[place + 2] ?? 0, table[place + 3] ?? 0, at);
  }
}

/** What was taken within a while: a hash table with open addressing. */
class Slice {
  readonly began: Instant;
  /** When the last was added. */
  ended: Instant;
  count = 0;
  #slots = slotsAtFirst;
  #table: Uint32Array;

  /** @param expected about how many it will hold: with a good guess it never has to grow, which takes a while. */
  constructor(began: Instant, expected: number) {
    this.began = began;
    this.ended = began;
    while (!this.#holds(expected)) this.#slots *= 2;
    this.#table = new Uint32Array(this.#slots * slotWords);
  }

  /** When that transmission was taken; null where it is not here. */
  find(id: number, idHigh: number, source: number, source2: number): Instant | null {
    const at = this.#table[this.#place(id, idHigh, source, source2) + 4] ?? 0;
    return at === 0 ? null : plus(this.began, milliseconds(at - 1));
  }

  add(id: number, idHigh: number, source: number, source2: number, at: Instant): void {
    if (!this.#holds(this.count + 1)) this.#grow();
    this.#put(id, idHigh, source, source2, 1 + Math.max(0, at - this.began));
    this.ended = latest(this.ended, at);
    this.count += 1;
  }

  /** Adds all entries of another slice. */
  take(other: Slice): void {
    forEachEntry(other.#table, (id, idHigh, source, source2, at) => {
      this.add(id, idHigh, source, source2, plus(other.began, milliseconds(at - 1)));
    });
  }

  #holds(count: number): boolean {
    return count * 4 <= this.#slots * 3;
  }

  #put(id: number, idHigh: number, source: number, source2: number, at: number): void {
    const place = this.#place(id, idHigh, source, source2);
    const table = this.#table;
    table[place] = id;
    table[place + 1] = idHigh;
    table[place + 2] = source;
    table[place + 3] = source2;
    table[place + 4] = at;
  }

  /** The entry's place, or the free one where it belongs. */
  #place(id: number, idHigh: number, source: number, source2: number): number {
    const table = this.#table;
    const mask = this.#slots - 1;
    for (let slot = spread(id, idHigh, source) & mask; ; slot = (slot + 1) & mask) {
      const place = slot * slotWords;
      if (table[place + 4] === 0) return place;
      const same =
        table[place] === id &&
        table[place + 1] === idHigh &&
        table[place + 2] === source &&
        table[place + 3] === source2;
      if (same) return place;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(this.#slots * slotWords);
    forEachEntry(old, (id, idHigh, source, source2, at) => this.#put(id, idHigh, source, source2, at));
  }
}

/** What a transaction takes counts at once for itself, and for others when it commits. */
export class TransmissionMemory {
  /** Newest first. */
  #slices: Slice[] = [];
  #draft: Slice | null = null;
  readonly #sliceMax: number;

  constructor(limit: number = transmissionsMax) {
    this.#sliceMax = limit / slicesMax;
  }

  /** How many are known now. */
  get size(): number {
    return this.#slices.reduce((total, slice) => total + slice.count, 0);
  }

  /** Takes the name at that index of packed names. @returns true the first time; false for a copy. */
  take(names: Uint32Array, index: number, at: Instant): boolean {
    const place = index * nameWords;
    const id = names[place] ?? 0;
    const idHigh = names[place + 1] ?? 0;
    const source = names[place + 2] ?? 0;
    const source2 = names[place + 3] ?? 0;
    const oldest = minus(at, transmissionMemory);
    const ahead = plus(at, transmissionMemory);
    this.#draft ??= new Slice(at, 0);
    if (this.#draft.find(id, idHigh, source, source2) !== null) return false;
    for (const slice of this.#slices) {
      const taken = slice.find(id, idHigh, source, source2);
      if (taken !== null && taken >= oldest && taken <= ahead) return false;
    }
    this.#draft.add(id, idHigh, source, source2, at);
    return true;
  }

  commit(): void {
    const draft = this.#draft;
    this.#draft = null;
    if (draft === null || draft.count === 0) return;
    const oldest = minus(draft.began, transmissionMemory);
    this.#slices = this.#slices.filter((slice) => slice.ended >= oldest);
    this.#open(draft.began).take(draft);
  }

  rollback(): void {
    this.#draft = null;
  }

  /** The slice that takes what comes at `at`. */
  #open(at: Instant): Slice {
    const newest = this.#slices[0];
    // A clock set back by much begins anew: the slice would say of all that comes that it came in the future.
    const isNear = newest !== undefined && Math.abs(since(newest.began, at)) < sliceTime;
    if (isNear && newest.count < this.#sliceMax) return newest;
    const slice = new Slice(at, newest?.count ?? 0);
    this.#slices.unshift(slice);
    if (this.#slices.length > slicesMax) this.#slices.pop();
    return slice;
  }
}
