/**
 * The targets and the addresses they lead to. A name is looked up when it is
 * added and then every few minutes, by the system's resolver (hosts file
 * included); addresses come and go while the probe runs. Several targets may
 * lead to one address: it is watched once, on behalf of the first of them.
 *
 * A name server that fails changes nothing: what is watched stays watched, and
 * what an earlier life watched of a name is watched until a look-up says better.
 * Otherwise a start while no name server answers would clear what still stands.
 * Look-ups are few at a time, because the system's resolver takes a thread
 * each, and files need these threads too.
 */
import { promises as dns } from 'node:dns';
import type { Logger } from '../log.ts';
import {
  type Clock,
  type Duration,
  type Instant,
  instant,
  minutes,
  plus,
  Steady,
  seconds,
  since,
} from '../time.ts';
import type { Address } from './core/record.ts';
import { parseTarget, type Target, usable } from './target.ts';
import { isTimeToTell, leadsAgain, leadsNowhere, type NameChange, notWatched } from './unresolved.ts';

export const refreshEvery = minutes(5);
/** A name that leads nowhere is tried again sooner. */
export const retryEvery = seconds(60);
/** An address is dropped once so many answers in a row lack it: names that take turns would lose their figures. */
export const missingMax = 3;
export const targetsMax = 20_000;
const lookupsAtOnce = 2;
const lookMax = seconds(1);

/** All addresses of a host. Rejects as node:dns does. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) =>
  (await dns.lookup(host, { all: true })).map(({ address }) => address);

/** What an earlier life knew of a name, or this one before the name was removed. */
export type KnownName = {
  readonly addresses: readonly string[];
  /** What was said of it; null: nothing. */
  readonly raised: NameChange | null;
};

export type TargetsOptions = {
  readonly lookup: Lookup;
  /** Asked once, when a name is added. */
  readonly recall: (host: string) => KnownName | null;
  /** What is to be known of a name that was removed, should it be added again. */
  readonly keep: (host: string, known: KnownName) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** An address is watched on behalf of another target from now on; null: not watched any more. */
  readonly onOwner: (address: Address, target: Target | null) => void;
  /** A name is said to lead nowhere, or no longer. */
  readonly onName: (target: Target, change: NameChange) => void;
};

export type Added =
  | { readonly ok: true; readonly settled: Promise<Settled> }
  | { readonly ok: false; readonly why: string };
export type Settled = { readonly addresses: readonly Address[]; readonly why: string | null };

/** A name that leads nowhere, as the stations are to know it: of no address. */
export type NameStanding = { readonly target: Target; readonly address: null; readonly change: NameChange };

type Name = {
  readonly host: string | null;
  target: Target;
  /** Never pushed to: that would keep room for more, and nearly all have one. */
  addresses: readonly Address[];
  /** How many answers in a row those of them lack that the last one lacked. Null: none does, as for nearly all of many. */
  missing: ReadonlyMap<Address, number> | null;
  /** Null: none, as for nearly all of many. */
  banned: Set<Address> | null;
  lookAt: Instant;
  /** Why it leads nowhere, or to less than it could; null: all well. */
  problem: string | null;
  /** Since when each look-up has failed, by the wall and by the steady clock; null: the last one did not. */
  failing: { readonly at: Instant; readonly from: Instant } | null;
  /** What is said of that; null: nothing yet. */
  raised: NameChange | null;
  looking: boolean;
  first: { promise: Promise<Settled>; resolve: (settled: Settled) => void } | null;
};

export class Targets {
  readonly #options: TargetsOptions;
  readonly #steady: Steady;
  readonly #names = new Map<string, Name>();
  /** By address, the targets that lead to it; the first is the one on whose behalf it is watched. */
  readonly #owners = new Map<Address, Name[]>();
  readonly #waiting: Name[] = [];
  #looking = 0;
  #ticking = false;
  #stopped = false;

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.#steady = new Steady(options.clock);
  }

  get size(): number {
    return this.#names.size;
  }

  /** Adds a target, or changes the settings of the one that is written alike. */
  add(target: Target): Added {
    const parsed = parseTarget(target.word);
    if (!parsed.ok) return { ok: false, why: parsed.why };
    const key = parsed.kind === 'host' ? parsed.host : parsed.address;
    const old = this.#names.get(key);
    if (old !== undefined) return { ok: true, settled: this.#change(old, target) };
    if (this.#names.size >= targetsMax) return { ok: false, why: `more than ${targetsMax} targets` };
    const name: Name = {
      host: parsed.kind === 'host' ? parsed.host : null,
      target,
      addresses: [],
      missing: null,
      banned: null,
      lookAt: this.#steady.now(),
      problem: null,
      failing: null,
      raised: null,
      looking: false,
      first: null,
    };
    this.#names.set(key, name);
    if (parsed.kind === 'address') {
      this.#own(name, parsed.address);
      return { ok: true, settled: Promise.resolve({ addresses: [parsed.address], why: null }) };
    }
    this.#remember(name, parsed.host);
    name.first = Promise.withResolvers<Settled>();
    this.#queue(name);
    this.#tick();
    return { ok: true, settled: name.first.promise };
  }

  /** @returns the addresses that are not watched any more on its behalf; null where there is no such target. */
  remove(word: string): readonly Address[] | null {
    const parsed = parseTarget(word);
    if (!parsed.ok) return null;
    const key = parsed.kind === 'host' ? parsed.host : parsed.address;
    const name = this.#names.get(key);
    if (name === undefined) return parsed.kind === 'address' ? this.#ban(parsed.address) : null;
    this.#names.delete(key);
    const { addresses } = name;
    for (const address of addresses) this.#disown(name, address);
    name.first?.resolve({ addresses: [], why: 'it was removed again' });
    if (name.raised !== null) this.#told(name, notWatched(name.target.word, this.#options.clock.now()));
    if (name.host !== null && addresses.length > 0)
      this.#options.keep(name.host, { addresses, raised: null });
    return addresses;
  }

  /** The targets, and why those that lead nowhere do so. */
  *list(): Iterable<{
    readonly target: Target;
    readonly problem: string | null;
    readonly addresses: readonly Address[];
  }> {
    for (const { target, problem, addresses } of this.#names.values()) yield { target, problem, addresses };
  }

  /** What is to be remembered of names. */
  *names(): Iterable<readonly [host: string, known: KnownName]> {
    for (const [host, name] of this.#names) {
      const { raised, addresses } = name;
      if (name.host === null || (addresses.length === 0 && raised === null)) continue;
      yield [host, { addresses, raised }];
    }
  }

  /** The names of which it is said that they lead nowhere. */
  standing(): readonly NameStanding[] {
    return [...this.#names.values()].flatMap(({ target, raised }) =>
      raised === null ? [] : [{ target, address: null, change: raised }],
    );
  }

  find(word: string): { readonly target: Target; readonly addresses: readonly Address[] } | null {
    const parsed = parseTarget(word);
    if (!parsed.ok) return null;
    const name = this.#names.get(parsed.kind === 'host' ? parsed.host : parsed.address);
    return name === undefined ? null : { target: name.target, addresses: name.addresses };
  }

  /** Whether each name has had its first answer, good or bad. */
  settled(): boolean {
    for (const { first } of this.#names.values()) if (first !== null) return false;
    return true;
  }

  stop(): void {
    this.#stopped = true;
  }

  #remember(name: Name, host: string): void {
    const known = this.#options.recall(host);
    if (known === null) return;
    name.raised = known.raised;
    for (const address of usable(host, known.addresses, new Set()).addresses) this.#own(name, address);
  }

  #change(name: Name, target: Target): Promise<Settled> {
    name.target = target;
    name.banned = null;
    for (const address of name.addresses) {
      if (this.#owners.get(address)?.[0] === name) this.#options.onOwner(address, target);
    }
    if (name.host !== null) this.#queue(name);
    return name.first?.promise ?? Promise.resolve({ addresses: name.addresses, why: name.problem });
  }

  /** An address that names lead to, and that is not wanted: until it, or such a name, is added again. */
  #ban(address: Address): readonly Address[] | null {
    const owners = this.#owners.get(address);
    if (owners === undefined) return null;
    for (const name of [...owners]) {
      name.banned ??= new Set();
      name.banned.add(address);
      name.addresses = name.addresses.filter((one) => one !== address);
      this.#disown(name, address);
    }
    return [address];
  }

  #own(name: Name, address: Address): void {
    name.addresses = [...name.addresses, address];
    // Not pushed, as the addresses are not.
    const owners = [...(this.#owners.get(address) ?? []), name];
    this.#owners.set(address, owners);
    if (owners.length === 1) this.#options.onOwner(address, name.target);
  }

  #disown(name: Name, address: Address): void {
    const owners = this.#owners.get(address) ?? [];
    const first = owners[0] === name;
    const rest = owners.filter((one) => one !== name);
    if (rest.length === 0) this.#owners.delete(address);
    else this.#owners.set(address, rest);
    if (first) this.#options.onOwner(address, rest[0]?.target ?? null);
  }

  // ------------------------------------------------------------ look-ups

  #queue(name: Name): void {
    if (name.looking) return;
    name.looking = true;
    this.#waiting.push(name);
    this.#work();
  }

  #work(): void {
    while (this.#looking < lookupsAtOnce && !this.#stopped) {
      const name = this.#waiting.shift();
      if (name === undefined) return;
      this.#looking += 1;
      void this.#look(name).finally(() => {
        this.#looking -= 1;
        this.#work();
      });
    }
  }

  async #look(name: Name): Promise<void> {
    const host = name.host ?? '';
    const found = await this.#options.lookup(host).catch(lookupWords);
    name.looking = false;
    if (this.#stopped || this.#names.get(host) !== name) return;
    if (typeof found === 'string') this.#failed(name, found);
    else this.#found(name, found);
    name.first?.resolve({ addresses: name.addresses, why: name.problem });
    name.first = null;
  }

  #found(name: Name, found: readonly string[]): void {
    const known = new Set(name.addresses);
    const { addresses, refused } = usable(name.host ?? '', found, known);
    if (addresses.length === 0) {
      this.#failed(name, refused[0] ?? 'it has no address');
      return;
    }
    const now = new Set(addresses);
    for (const address of now) {
      if (!name.banned?.has(address) && !known.has(address)) this.#own(name, address);
    }
    this.#miss(name, now);
    this.#note(name, refused.length === 0 ? null : refused.join('; '));
    name.failing = null;
    if (name.raised !== null) this.#told(name, leadsAgain(name.raised, this.#options.clock.now()));
    name.lookAt = plus(this.#steady.now(), refreshEvery);
  }

  /** Drops the addresses that have been missing for long enough. */
  #miss(name: Name, now: ReadonlySet<Address>): void {
    const lacks = name.addresses.filter((address) => !now.has(address));
    const missing = new Map(lacks.map((address) => [address, (name.missing?.get(address) ?? 0) + 1]));
    const dropped = lacks.filter((address) => (missing.get(address) ?? 0) >= missingMax);
    for (const address of dropped) missing.delete(address);
    name.missing = missing.size === 0 ? null : missing;
    if (dropped.length === 0) return;
    name.addresses = name.addresses.filter((address) => !dropped.includes(address));
    for (const address of dropped) this.#disown(name, address);
  }

  #failed(name: Name, why: string): void {
    this.#note(name, why);
    const now = this.#steady.now();
    name.lookAt = plus(now, name.addresses.length === 0 ? retryEvery : refreshEvery);
    name.failing ??= { at: this.#options.clock.now(), from: now };
    const { failing, raised } = name;
    if (raised === null && !isTimeToTell(since(failing.from, now), name.addresses.length)) return;
    const change = leadsNowhere(why, raised?.at ?? failing.at, name.addresses);
    if (change.summary !== raised?.summary) this.#told(name, change);
  }

  #told(name: Name, change: NameChange): void {
    const now = this.#options.clock.now();
    name.raised = change.state === 'raised' ? change : null;
    this.#options.onName(name.target, { ...change, at: now });
  }

  /** A problem is told when it comes and when it goes, not with every look-up. */
  #note(name: Name, problem: string | null): void {
    if (problem === name.problem) return;
    name.problem = problem;
    const { log } = this.#options;
    if (problem === null) log.info({ target: name.target.word }, 'the name leads to good addresses again');
    else
      log.warn({ target: name.target.word, reason: problem }, 'a target cannot be watched as it is written');
  }

  /** One timer for all names: their number is small enough to look through. */
  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    const look = (): void => {
      if (this.#stopped) return;
      const now = this.#steady.now();
      let next: Instant | null = null;
      for (const name of this.#names.values()) {
        if (name.host === null || name.looking) continue;
        if (name.lookAt <= now) this.#queue(name);
        else if (next === null || name.lookAt < next) next = name.lookAt;
      }
      this.#options.clock.after(waitUntil(next, now), look);
    };
    this.#options.clock.after(lookMax, look);
  }
}

/** At least a second, and no more than a minute: another name may be added meanwhile. */
function waitUntil(next: Instant | null, now: Instant): Duration {
  const until = next === null ? plus(now, retryEvery) : next;
  return Math.min(retryEvery, Math.max(lookMax, instant(until) - now)) as Duration;
}

/** What a failed look-up says, in words. */
function lookupWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return 'there is no such host';
    case 'EAI_AGAIN':
    case 'ETIMEOUT':
      return 'the name servers do not answer';
    default:
      return `the look-up failed${typeof code === 'string' ? ` (${code})` : ''}`;
  }
}
