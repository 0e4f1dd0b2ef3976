/**
 * Where the station's policy comes from: its files, and the calendars and lists
 * that it names. The files are read when somebody asks (at the start, on
 * SIGHUP), never by themselves, for an administrator may be in the middle of
 * changing them; calendars and lists are looked at regularly.
 */
import type { Logger } from '../../log.ts';
import type { Clock } from '../../time.ts';
import type { Policy } from '../core/policy.ts';
import {
  type FileRead,
  type ListFolder,
  listLocalFolder,
  type ReadFile,
  readLocalFile,
} from '../local-file.ts';
import { type FileFault, formatFault } from '../yaml-file.ts';
import type { FeedRef, Feeds } from './feeds.ts';
import { loadPolicy } from './file.ts';

export type PolicySourceOptions = {
  readonly path: string;
  readonly feeds: Feeds;
  readonly clock: Clock;
  readonly log: Logger;
  readonly readFile?: ReadFile;
};

/** A policy, or the lines that say what is wrong with its files. */
export type PolicyRead =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly faults: readonly string[] };

type Found = {
  readonly texts: Map<string, FileRead>;
  readonly names: Map<string, ReturnType<ListFolder>>;
};

export class PolicySource {
  private readonly options: PolicySourceOptions;
  /** The files and folders as they were when somebody last asked for them. */
  private found: Found = { texts: new Map(), names: new Map() };
  private inForce: readonly FeedRef[] = [];
  private warnings: readonly FileFault[] = [];

  constructor(options: PolicySourceOptions) {
    this.options = options;
  }

  /** What the policy that was read last refers to. */
  feeds(): readonly FeedRef[] {
    return this.inForce;
  }

  /**
   * Reads the files. Of what they name only that is fetched which never was: a server that hangs must not hold up a
   * start, as long as there is older content; whoever calls looks for newer afterwards. A policy with faults leaves the
   * one before as it was.
   */
  async read(): Promise<PolicyRead> {
    const found: Found = { texts: new Map(), names: new Map() };
    const first = this.parse(found);
    if (!first.ok) return { ok: false, faults: first.faults.map(formatFault) };
    await this.options.feeds.refresh(first.feeds, 'unread');
    this.found = found;
    const loaded = this.again();
    for (const warning of this.warnings) this.options.log.warn(formatFault(warning));
    return loaded;
  }

  /** The same files with what their calendars and lists say now, as far ahead as calendars are read from now on. */
  again(): PolicyRead {
    const loaded = this.parse(this.found);
    if (!loaded.ok) return { ok: false, faults: loaded.faults.map(formatFault) };
    this.inForce = loaded.feeds;
    this.warnings = loaded.warnings;
    return { ok: true, policy: loaded.policy };
  }

  private parse({ texts, names }: Found): ReturnType<typeof loadPolicy> {
    const { path, feeds, clock, readFile = readLocalFile } = this.options;
    const read: ReadFile = (file) => {
      const known = texts.get(file) ?? readFile(file);
      texts.set(file, known);
      return known;
    };
    const list: ListFolder = (folder) => {
      const known = names.get(folder) ?? listLocalFolder(folder);
      names.set(folder, known);
      return known;
    };
    return loadPolicy(path, { read, list, feeds, now: clock.now() });
  }
}
