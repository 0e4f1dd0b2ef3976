/**
 * Names of addresses by reverse DNS: for people who read a table, never for a
 * decision. Asked for in the background, a few at a time, remembered for a
 * while; whoever asks gets what is known now, and nobody ever waits for it.
 *
 * What a name server says is what some stranger wrote. Only what can be a
 * host's name is taken, for it ends up on terminals and in pages.
 */
import { promises as dns } from 'node:dns';
import { LRUCache } from 'lru-cache';
import { type Clock, hours, type Instant, minutes, plus, Steady, seconds } from '../time.ts';
import type { Address } from './core/record.ts';

export const namesMax = 20_000;
export const waitingMax = 2_000;
export const askedAtOnce = 4;
export const nameMax = 255;
/** A name that was found is good for so long; that there is none, for less. */
export const knownFor = hours(6);
export const unknownFor = minutes(30);
const answerMax = seconds(2);

/** The names of an address. Rejects as node:dns does. */
export type Reverse = (address: Address) => Promise<readonly string[]>;

/** Asks DNS alone: the system's resolver would hold a thread for each question. */
export function systemReverse(): Reverse {
  const resolver = new dns.Resolver({ timeout: answerMax, tries: 1 });
  return (address) => resolver.reverse(address);
}

type Known = { readonly name: string | null; readonly until: Instant };

export class Names {
  readonly #reverse: Reverse;
  readonly #steady: Steady;
  readonly #known = new LRUCache<Address, Known>({ max: namesMax });
  /** In the order in which they were asked for, those under way included. */
  readonly #waiting = new Set<Address>();
  readonly #underWay = new Set<Address>();

  constructor(reverse: Reverse, clock: Clock) {
    this.#reverse = reverse;
    this.#steady = new Steady(clock);
  }

  /** The name of an address as far as it is known, and asks for it where it is not. */
  of(address: Address): string | null {
    const known = this.#known.get(address);
    if (known === undefined || known.until <= this.#steady.now()) this.#ask(address);
    return known?.name ?? null;
  }

  #ask(address: Address): void {
    // Whoever is turned away asks again with the next trace.
    if (this.#waiting.has(address) || this.#waiting.size >= waitingMax) return;
    this.#waiting.add(address);
    this.#work();
  }

  #work(): void {
    for (const address of this.#waiting) {
      if (this.#underWay.size >= askedAtOnce) return;
      if (this.#underWay.has(address)) continue;
      this.#underWay.add(address);
      void this.#look(address).finally(() => {
        this.#underWay.delete(address);
        this.#waiting.delete(address);
        this.#work();
      });
    }
  }

  async #look(address: Address): Promise<void> {
    const found = await this.#reverse(address).catch(() => []);
    const name = found.map(cleanName).find((one) => one !== null) ?? null;
    const until = plus(this.#steady.now(), name === null ? unknownFor : knownFor);
    this.#known.set(address, { name, until });
  }
}

/** A host's name as it may be shown, without the dot at its end; null where it can be none. */
export function cleanName(written: string): string | null {
  const name = written.endsWith('.') ? written.slice(0, -1) : written;
  if (name.length === 0 || name.length > nameMax) return null;
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name) ? name : null;
}
