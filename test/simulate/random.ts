/**
 * Chance from a seed: the same seed gives the same run, on every machine. A
 * 32-bit generator (a counter, well mixed) is enough here, and quick.
 */

/** Mixes 32 bits so that neighbours come out unlike each other. */
function mixed(bits: number): number {
  let x = bits | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** A number below 1 that depends on nothing but these parts. */
export function chanceOf(...parts: readonly (string | number)[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    const text = typeof part === 'number' ? String(part) : part;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = mixed(hash + 0x7f4a7c15);
  }
  return hash / 2 ** 32;
}

export class Random {
  private state: number;

  constructor(...seed: readonly (string | number)[]) {
    this.state = Math.floor(chanceOf(...seed) * 2 ** 32);
  }

  private bits(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    return mixed(this.state);
  }

  /** From 0 up to, but without, 1. */
  next(): number {
    return this.bits() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.next() * list.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** As senders draw them: 63 bits, never 0. */
  transmissionId(): bigint {
    return ((BigInt(this.bits()) << 31n) ^ BigInt(this.bits())) + 1n;
  }
}
