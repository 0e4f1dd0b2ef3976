/**
 * What the station knows of the addresses of hosts. Source lists are matched
 * with what is known; what is not, or is getting old, is looked up in the
 * background, and no alert ever waits for a name server.
 *
 * An answer counts only once the station has it in its store: it is handed to
 * `onFound`, and comes back through `take`. So what an alert was matched with
 * is what a restart will find.
 *
 * The system's resolver is asked, because hosts files count. It works in a few
 * threads that the whole process shares, with those who send mail: hence one
 * look-up at a time, and one that hangs keeps its place until it is over.
 */
import { lookup } from 'node:dns/promises';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log.ts';
import { type Cancel, type Clock, type Instant, minutes, plus, seconds } from '../time.ts';
import { canonicalAddress, type HostNames, isHostName } from './core/sources.ts';
import type { FoundName } from './store/store.ts';

/** An answer as old as this is looked up again: semantics, "Groups, rules, reminders". */
export const refreshAfter = minutes(30);
/** Where name servers gave no answer, they are asked again after this. */
export const retryAfter = minutes(1);
/** A look-up that takes longer counts as no answer. */
export const lookupMax = seconds(5);
/** While name servers do not answer, it is logged so often. */
const warnEvery = minutes(10);
/** Each holds a thread that sending mail may need; the system's resolver is given two in all. */
export const lookupsAtOnce = 1;
/** Hosts known besides those that are kept; the one not asked about for longest is forgotten. */
export const hostsMax = 20_000;
/** Hosts waiting to be looked up; more have to be wanted again. */
export const waitingMax = 20_000;
/** Of one host; what is beyond is left out. */
export const addressesMax = 64;
/** Answers are handed over together: so many, or what was found within so long while there is more to ask. */
export const answersAtOnce = 500;
export const answersWait = seconds(1);

/** @returns the addresses in any form. Rejects with code ENOTFOUND where there are none, with any other where nobody knows. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export type NamesOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers to be stored; the station then calls `take`. */
  readonly onFound: (found: readonly FoundName[]) => void;
  /** Without it, the system's resolver. */
  readonly resolve?: Resolve;
};

type Known = {
  readonly addresses: readonly string[];
  readonly at: Instant;
  /** When it is too old. */
  readonly againAt: Instant;
};

export function openNames(options: NamesOptions): Names {
  return new Names(options);
}

export class Names {
  /** Put together anew with every answer taken; always the same object. */
  readonly hostNames: HostNames;

  private readonly options: NamesOptions;
  private readonly resolve: Resolve;
  private generation = 1;
  /** Of the hosts that are kept; undefined where no answer was taken yet. */
  private kept = new Map<string, Known | undefined>();
  private readonly others = new LRUCache<string, Known>({ max: hostsMax });
  /** Two queues that take turns, so that neither strange subjects nor long lists keep the other waiting. */
  private readonly waiting = { wanted: new Set<string>(), kept: new Set<string>() };
  private turn: 'wanted' | 'kept' = 'wanted';
  /** Asked at that instant, and no answer taken since. */
  private readonly asked = new LRUCache<string, Instant>({ max: hostsMax });
  /** Nobody knew an answer when they were asked last. */
  private readonly unanswered = new LRUCache<string, true>({ max: hostsMax });
  private underWay = 0;
  private found: FoundName[] = [];
  private handing: Cancel | null = null;
  private keeping: Cancel | null = null;
  private failures = 0;
  private warnedAt: Instant | null = null;
  private stopped = false;

  constructor(options: NamesOptions) {
    this.options = options;
    this.resolve = options.resolve ?? systemResolve;
    const generation = (): number => this.generation;
    this.hostNames = {
      get generation() {
        return generation();
      },
      lookup: (host) => this.knownOf(host)?.addresses,
    };
  }

  /** Has those looked up that are unknown or too old. Costs little for those that are neither. */
  want(hosts: Iterable<string>): void {
    this.enqueue(hosts, this.waiting.wanted);
    this.pump();
  }

  /** These, the hosts in the policy's lists, are looked up again by themselves and never forgotten; those of before are not. */
  keep(hosts: Iterable<string>): void {
    const before = this.kept;
    this.kept = new Map();
    for (const host of hosts) {
      if (!isHostName(host)) continue;
      this.kept.set(host, before.get(host) ?? this.others.get(host));
      this.others.delete(host);
    }
    for (const [host, known] of before) {
      if (known !== undefined && !this.kept.has(host)) this.others.set(host, known);
    }
    this.waiting.kept.clear();
    this.keeping?.();
    this.refreshKept();
  }

  /** What the store knows, at the start. */
  load(found: readonly FoundName[]): void {
    for (const { host, addresses, at } of found) {
      // Whether that was an answer or the lack of one is not stored.
      const again = addresses.length === 0 ? retryAfter : refreshAfter;
      this.put(host, { addresses, at, againAt: plus(at, again) });
    }
    this.generation++;
  }

  /** Applies answers that are in the store. */
  take(found: readonly FoundName[]): void {
    for (const { host, addresses, at } of found) {
      const again = this.unanswered.has(host) ? retryAfter : refreshAfter;
      this.put(host, { addresses, at, againAt: plus(at, again) });
      this.asked.delete(host);
    }
    if (found.length > 0) this.generation++;
  }

  /** Asks no more, and hands over nothing more. */
  stop(): void {
    this.stopped = true;
    this.handing?.();
    this.keeping?.();
    this.waiting.wanted.clear();
    this.waiting.kept.clear();
  }

  private knownOf(host: string): Known | undefined {
    return this.kept.get(host) ?? this.others.get(host);
  }

  private put(host: string, known: Known): void {
    if (this.kept.has(host)) this.kept.set(host, known);
    else this.others.set(host, known);
  }

  private refreshKept(): void {
    this.keeping = null;
    if (this.stopped || this.kept.size === 0) return;
    this.enqueue(this.kept.keys(), this.waiting.kept);
    this.keeping = this.options.clock.after(retryAfter, () => this.refreshKept());
    this.pump();
  }

  private enqueue(hosts: Iterable<string>, queue: Set<string>): void {
    const now = this.options.clock.now();
    for (const host of hosts) {
      if (queue.size >= waitingMax) return;
      if (this.isDue(host, now) && isHostName(host)) queue.add(host);
    }
  }

  private isDue(host: string, now: Instant): boolean {
    const askedAt = this.asked.get(host);
    if (askedAt !== undefined && isFresh(now, askedAt, plus(askedAt, retryAfter))) return false;
    const known = this.knownOf(host);
    return known === undefined || !isFresh(now, known.at, known.againAt);
  }

  private pump(): void {
    while (!this.stopped && this.underWay < lookupsAtOnce) {
      const host = this.next();
      if (host === null) return;
      if (this.isDue(host, this.options.clock.now())) void this.ask(host);
    }
  }

  private next(): string | null {
    const { waiting, turn } = this;
    this.turn = turn === 'wanted' ? 'kept' : 'wanted';
    for (const queue of [waiting[turn], waiting[this.turn]]) {
      for (const host of queue) {
        queue.delete(host);
        return host;
      }
    }
    return null;
  }

  private async ask(host: string): Promise<void> {
    const { clock } = this.options;
    this.underWay++;
    this.asked.set(host, clock.now());
    const cancel = clock.after(lookupMax, () => this.fail(host, 'late'));
    try {
      // An answer that comes late is still the best there is.
      this.answer(host, await this.resolve(host));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOTFOUND') this.answer(host, []);
      else this.fail(host, code);
    } finally {
      cancel();
      this.underWay--;
      this.pump();
      if (this.underWay === 0) this.hand();
    }
  }

  private answer(host: string, addresses: readonly string[]): void {
    this.unanswered.delete(host);
    this.report(host, addresses);
  }

  /** What was known stays, whatever its age; where nothing was, nobody is to wait for it. */
  private fail(host: string, reason: string): void {
    if (this.stopped) return;
    this.noteFailure(host, reason);
    this.unanswered.set(host, true);
    const known = this.knownOf(host);
    if (known === undefined) {
      this.report(host, []);
      return;
    }
    this.put(host, { ...known, againAt: plus(this.options.clock.now(), retryAfter) });
  }

  private report(host: string, addresses: readonly string[]): void {
    if (this.stopped) return;
    const { clock } = this.options;
    const written = addresses.map(canonicalAddress).filter((address) => address !== null);
    const distinct = [...new Set(written)].sort().slice(0, addressesMax);
    this.found.push({ host, addresses: distinct, at: clock.now() });
    if (this.found.length >= answersAtOnce) this.hand();
    else this.handing ??= clock.after(answersWait, () => this.hand());
  }

  private hand(): void {
    this.handing?.();
    this.handing = null;
    if (this.stopped || this.found.length === 0) return;
    const { found } = this;
    this.found = [];
    this.options.onFound(found);
  }

  private noteFailure(host: string, reason: string): void {
    const now = this.options.clock.now();
    this.failures++;
    if (this.warnedAt !== null && isFresh(now, this.warnedAt, plus(this.warnedAt, warnEvery))) return;
    this.warnedAt = now;
    this.options.log.warn({ host, reason, failures: this.failures }, 'name servers do not answer');
    this.failures = 0;
  }
}

/** Whether `now` is in that time; what lies in the future was seen by a clock that has been set back since. */
const isFresh = (now: Instant, from: Instant, until: Instant): boolean => from <= now && now < until;

async function systemResolve(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
}
