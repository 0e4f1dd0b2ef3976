/**
 * What runs of one seed have in common: the policies, as the station reads them
 * from files and as the naive model knows them. Making them takes a second,
 * which a shortened run does not want to pay each time.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '../../src/station/core/policy.ts';
import { loadPolicy } from '../../src/station/policy/file.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { instant } from '../../src/time.ts';
import type { Fault } from './faults.ts';
import { calendars, icsOf, policies, yamlOf } from './policies.ts';
import { NaivePolicy } from './rules.ts';
import { Minutes } from './wall.ts';

const day = 86_400_000;
/** After the last input, until everything that waits was sent. */
export const drained = 3 * day;
/** Calendars are read some way ahead: then they are read again. */
const readEvery = 200 * day;

/** A folder of its own, in memory where that can be had. */
export const folderFor = (what: string): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `mauve-simulate-${what}-`));

export class Stage {
  private readonly folder = folderFor('policy');
  private readonly from: number;
  private readonly naives: readonly NaivePolicy[];
  private readonly reals = new Map<string, Policy>();

  constructor(seed: number, from: number, until: number, fault: Fault | null) {
    this.from = from;
    const dates = calendars(seed, from - 2 * day, until + 30 * day);
    for (const [name, entries] of Object.entries(dates))
      writeFileSync(join(this.folder, name), icsOf(name, entries));
    for (const [index, spec] of policies.entries()) {
      writeFileSync(this.file(index), yamlOf(fault?.policy?.(spec) ?? spec));
    }
    const minutes = new Minutes(from - 2 * day, until + drained + 20 * day);
    this.naives = policies.map((spec) => new NaivePolicy(spec, dates, minutes));
  }

  private file(index: number): string {
    return join(this.folder, `policy-${index}.yaml`);
  }

  naive(index: number): NaivePolicy {
    const policy = this.naives[index];
    if (policy === undefined) throw new Error(`no policy ${index}`);
    return policy;
  }

  /** As the station would read it at that time. */
  real(index: number, at: number): Policy {
    const turn = Math.floor((at - this.from) / readEvery);
    const key = `${index} ${turn}`;
    const known = this.reals.get(key);
    if (known !== undefined) return known;
    const loaded = loadPolicy(this.file(index), { now: instant(this.from + turn * readEvery) });
    if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
    this.reals.set(key, loaded.policy);
    return loaded.policy;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
