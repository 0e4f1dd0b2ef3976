/**
 * What survives a restart: the usual paths, the figures and what is raised, of
 * each address, and the addresses of each name, in one small file. A restart
 * must neither learn every path anew nor forget what people were told of, also
 * where no name server answers it.
 *
 * The file is a line of JSON for each address or name, with a checksum before it. It is
 * written beside its place, a few lines at a time so that ten thousand targets
 * hold up no ping, made safe on the disk, and renamed. A disk that is full is a
 * warning: the probe goes on, and the old file stays. A line that is damaged,
 * or of which nothing can be made, costs that address, and the file is set aside
 * for whoever wants to look. A file that cannot be read, or not be set aside, is
 * never written over: nothing is saved for as long as it lies there.
 */

import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../log.ts';
import { type Cancel, type Clock, days, minutes } from '../time.ts';
import type { Address } from './core/record.ts';
import { Left } from './left.ts';
import type { Entry, NameEntry } from './saved-shape.ts';
import { format, lineOf } from './state-line.ts';
import type { Kept, StateRead } from './state-read.ts';
import { type KnownName, targetsMax } from './targets.ts';
import type { Saved, Watched } from './watched.ts';
import { writeWords } from './write-words.ts';

export const saveEvery = minutes(5);
/** What was not watched for so long is forgotten. */
export const keptFor = days(7);
/** Of so many addresses that are not watched, and of so many names, is kept what is known; the oldest are forgotten first. */
export const keptMax = targetsMax;
const linesAtOnce = 50;
const leftAlone =
  'what lies there could not be used, and is not written over: make it readable and start the probe again, or move it away';

export type StateOptions = {
  readonly path: string;
  readonly watched: () => Iterable<Watched>;
  readonly names: () => Iterable<readonly [host: string, known: KnownName]>;
  readonly clock: Clock;
  readonly log: Logger;
};

export class State {
  readonly #options: StateOptions;
  /** Of an earlier life and not asked for yet, or let go in this one: a name may lead to it again tomorrow. */
  readonly #left: Left<Address, Kept>;
  readonly #namesLeft: Left<string, NameEntry>;
  #timer: Cancel = () => undefined;
  #saving: Promise<void> | null = null;
  #problem: string | null = null;
  #untouchable: boolean;

  /** @param left what `readState` found. */
  constructor(options: StateOptions, left: Omit<StateRead, 'warning'>) {
    this.#options = options;
    this.#untouchable = left.untouchable;
    this.#left = new Left(left.entries, { keptFor, keptMax });
    this.#namesLeft = new Left(left.names, { keptFor, keptMax });
  }

  /** What was known of an address; it is asked for once. */
  recall(address: Address): Saved | null {
    return this.#left.take(address);
  }

  /** The same of a name. */
  recallName(host: string): KnownName | null {
    return this.#namesLeft.take(host);
  }

  /** An address is not watched any more. */
  keep(address: Address, saved: Saved): void {
    this.#left.put(address, { at: this.#options.clock.now(), ...saved });
  }

  /** The same of a name. */
  keepName(name: string, known: KnownName): void {
    this.#namesLeft.put(name, { name, at: this.#options.clock.now(), ...known });
  }

  start(): void {
    this.#timer = this.#options.clock.after(saveEvery, () => {
      void this.save().finally(() => this.start());
    });
  }

  /** Writes all that is known. Never rejects: what cannot be written is a warning. */
  async save(): Promise<void> {
    // Two at once would write one file.
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null;
    });
    await this.#saving;
  }

  /** The last save; those under way are waited for first, for they began with older figures. */
  async stop(): Promise<void> {
    this.#timer();
    await this.#saving;
    await this.save();
  }

  async #save(): Promise<void> {
    const { path, log } = this.#options;
    const beside = `${path}.new`;
    try {
      await this.#makeSure(path);
      await writeSafely(beside, this.#lines());
      await rename(beside, path);
      await syncFolder(path);
      if (this.#problem !== null) log.info({ file: path }, 'the state is saved again');
      this.#problem = null;
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      const problem = writeWords(error);
      if (problem !== this.#problem) {
        log.warn({ file: path, reason: problem }, 'the state cannot be saved; the probe goes on');
      }
      this.#problem = problem;
    }
  }

  /** Whoever moves the file away says thereby that it may be saved there again. */
  async #makeSure(path: string): Promise<void> {
    if (!this.#untouchable) return;
    if (await isThere(path)) throw new Error(leftAlone);
    this.#untouchable = false;
  }

  *#lines(): Generator<string> {
    const now = this.#options.clock.now();
    yield lineOf({ format, at: now });
    // The oldest first.
    for (const kept of this.#left.since(now)) yield keptLine(kept);
    for (const [, entry] of this.#namesLeft.since(now)) yield lineOf(entry);
    for (const { address, judged, pathId } of this.#options.watched()) {
      yield entryLine({ address, at: now, judged, pathId });
    }
    for (const [name, known] of this.#options.names()) yield lineOf({ name, at: now, ...known });
    for (const kept of this.#left.late()) yield keptLine(kept);
    for (const [, entry] of this.#namesLeft.late()) yield lineOf(entry);
  }
}

const entryLine = (entry: Entry): string => lineOf(entry);
const keptLine = ([address, { at, judged, pathId }]: readonly [Address, Kept]): string =>
  entryLine({ address, at, judged: judged.value, pathId });

/** Itself, not what a link leads to: it is the name that would be written over. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function writeSafely(path: string, lines: Iterable<string>): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    let piece = '';
    let count = 0;
    for (const line of lines) {
      piece += line;
      count += 1;
      if (count % linesAtOnce !== 0) continue;
      await writeAll(file, piece);
      piece = '';
    }
    await writeAll(file, piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at);
    at += bytesWritten;
  }
}

/** Without it, a power cut could bring the old file back, or none. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
