/**
 * A short name for a long text: the same text always has the same one, and two
 * texts hardly ever share one. Pure arithmetic, for the core has no
 * cryptography; whoever could choose the texts could make two that share a
 * name, so nothing secret may rest on it.
 */

/** Two passes of 53 bits each. */
const seeds = [0x6d617576, 0x2f656e64] as const;
/** What 53 bits take in base 36. */
const partLength = 11;

/** 22 letters and digits. */
export function shortHash(text: string): string {
  return seeds.map((seed) => hash53(text, seed).toString(36).padStart(partLength, '0')).join('');
}

/** Two halves of 32 bits, mixed by multiplications with odd constants after each character and at the end. */
function hash53(text: string, seed: number): number {
  let low = 0xdeadbeef ^ seed;
  let high = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul(high ^ unit, 0x5f356495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
