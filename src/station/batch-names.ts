/**
 * The addresses of hosts as one batch sees them: those that the station knows,
 * those that an event of the batch has just brought, and a note of which were
 * asked for, so that they are looked up or kept fresh once it is committed.
 */
import type { HostNames } from './core/match.ts';
import type { FoundName } from './store/store.ts';

/** For a station without look-ups, and for trying a policy: no host has an address. */
export const noNames: HostNames = { generation: 0, lookup: () => [] };

/** Below zero, where the station's own never are. */
let lastOwn = 0;

export class BatchNames implements HostNames {
  readonly asked = new Set<string>();
  private readonly known: HostNames;
  private own: number | null = null;
  private readonly taken = new Map<string, readonly string[]>();

  constructor(known: HostNames) {
    this.known = known;
  }

  /** The same generation means the same answers: what is taken here has one that no other batch has. */
  get generation(): number {
    return this.own ?? this.known.generation;
  }

  lookup(host: string): readonly string[] | undefined {
    this.asked.add(host);
    return this.taken.get(host) ?? this.known.lookup(host);
  }

  take(found: readonly FoundName[]): void {
    lastOwn -= 1;
    this.own = lastOwn;
    for (const { host, addresses } of found) this.taken.set(host, addresses);
  }
}
