/**
 * Chance and names out of numbers: the same parts give the same result on every
 * machine. Phases and jitter of the schedule, the synthetic network and the
 * identity of a path come from here; nothing here is a secret or withstands an
 * adversary.
 */

/** Mixes 32 bits so that neighbours come out unlike each other. */
function mixed(bits: number): number {
  let x = bits | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** 32 bits that depend on nothing but the text and the seed. */
export function hashOf(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

/** How many hexadecimal digits name a content: 48 bits, so that a million paths hardly share a name. */
export const contentNameLength = 12;

/** A short name of a content: equal contents have equal names. */
export function contentName(text: string): string {
  const hex = (bits: number): string => bits.toString(16).padStart(8, '0');
  return (hex(hashOf(text, 1)) + hex(hashOf(text, 2))).slice(0, contentNameLength);
}

/** Gives numbers from 0 to below 1. */
export type Chance = () => number;

/** An endless row of numbers from a seed. */
export function chanceFrom(seed: number): Chance {
  let state = mixed(seed + 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mixed(state) / 2 ** 32;
  };
}
