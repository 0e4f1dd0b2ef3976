/** Lists and addresses for tests, as short as they can be written. */
import assert from 'node:assert/strict';
import { foldHost } from '../../src/station/core/host.ts';
import { type HostNames, inList, type SourceList } from '../../src/station/core/sources.ts';
import { parseSourceList } from '../../src/station/policy/source-list.ts';

export type Addresses = Readonly<Record<string, readonly string[]>>;

/** Answers of a name server, and the hosts that were asked for. */
export class KnownNames implements HostNames {
  readonly asked: string[] = [];
  generation = nextGeneration++;
  private readonly known: Map<string, readonly string[]>;

  constructor(known: Addresses = {}) {
    this.known = new Map(Object.entries(known));
  }

  lookup(host: string): readonly string[] | undefined {
    this.asked.push(host);
    return this.known.get(host);
  }

  set(host: string, addresses: readonly string[]): void {
    this.known.set(host, addresses);
    this.generation = nextGeneration++;
  }
}

let nextGeneration = 1;

export function listOf(entries: readonly string[], lookUp = true): SourceList {
  const parsed = parseSourceList('test', entries, lookUp);
  return parsed.ok ? parsed.list : assert.fail(JSON.stringify(parsed.faults));
}

/** Whether an alert with that subject is in the list, as a policy asks it. */
export const contains = (list: SourceList, subject: string, names: HostNames = new KnownNames()): boolean =>
  inList(list, foldHost(subject), names);

/** What is wrong with an entry; null where nothing is. */
export function faultOf(entry: string): string | null {
  const parsed = parseSourceList('test', [entry], true);
  return parsed.ok ? null : (parsed.faults[0]?.why ?? assert.fail('a fault without words'));
}
